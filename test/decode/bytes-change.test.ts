import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  afterJson,
  type Change,
  plainChange,
  type RawRecord,
  recordToJson,
  tableLabel,
  toJson,
  traitsOfItem,
} from '../../src/change.ts'
import { recordDecoder } from '../../src/decode/decoder.ts'

const asObjects = recordDecoder({ stream: 'orders' })
const asBytes = recordDecoder({ stream: 'orders', takesJson: () => true })

function record(eventName: string, images: string): RawRecord {
  const dynamodb = `"ApproximateCreationDateTime":1754300000112233,"Keys":{"id":{"N":"7"}},${images}`
  const data = Buffer.from(
    `{"eventID":"e1","eventName":"${eventName}","userIdentity":null,"tableName":"orders","dynamodb":{${dynamodb}},"eventSource":"aws:dynamodb"}`,
  )
  return { shard: 'shardId-000000000000', sequence: '42', subSequence: 3, arrivedAt: 1_754_300_000_500, data }
}

const IMAGE = '{"id":{"N":"7"},"__proto__":{"S":"a\\"b"},"tags":{"SS":["b","a"]},"n":{"N":"12345678901234567890"}}'
const MODIFY = record('MODIFY', `"NewImage":${IMAGE},"OldImage":{"id":{"N":"7"}}`)
const REMOVE = record('REMOVE', `"OldImage":${IMAGE}`)

const only = (decode: typeof asBytes, raw: RawRecord): Change => {
  const [change, ...more] = decode(raw)
  assert.equal(more.length, 0)
  assert.equal(change?.kind, 'change')
  return change as Change
}

for (const [what, raw] of Object.entries({ MODIFY, REMOVE })) {
  test(`${what}: a change of which only the bytes were read says what the objects say`, () => {
    const change = only(asBytes, raw)
    assert.notEqual(change.afterJson, undefined)
    assert.equal(traitsOfItem(change), traitsOfItem(only(asObjects, raw)))
    assert.equal(recordToJson(change), recordToJson(only(asObjects, raw)))
    assert.equal(afterJson(change), toJson(change.after))
  })

  test(`${what}: a copy has all its members, and no JSON of an image that may be another`, () => {
    const copy: Change = { ...plainChange(only(asBytes, raw)), after: null }
    assert.equal(copy.afterJson, undefined)
    assert.equal(afterJson(copy), 'null')
    assert.equal(recordToJson(copy), recordToJson({ ...only(asObjects, raw), after: null }))
  })

  test(`${what}: what is copied as if it were a plain object cannot be taken for a change`, () => {
    const copy: Change = { ...only(asBytes, raw) }
    assert.deepEqual(Object.keys(copy), ['kind'])
    assert.throws(() => tableLabel(copy.table), TypeError)
  })
}

test('an old image that cannot be decoded fails when it is asked for, as with objects', () => {
  const raw = record('REMOVE', '"OldImage":{"id":{"X":"7"}}')
  assert.notEqual(only(asBytes, raw).afterJson, undefined)
  assert.throws(() => only(asBytes, raw).before, { code: 'DECODE_VALUE' })
  assert.throws(() => only(asObjects, raw).before, { code: 'DECODE_VALUE' })
})

test('what is read as objects is named by its reason', () => {
  const reasons: string[] = []
  const decode = recordDecoder({ stream: 'orders', takesJson: () => true, onReadAsObjects: (why) => reasons.push(why) })
  const image = (attribute: string): RawRecord => record('INSERT', `"NewImage":{"id":{"N":"7"},${attribute}}`)
  decode(image('"a":{"NS":["1E5"]}'))
  decode(image('"a\\u0000":{"S":"x"}'))
  decode(image('"a":{"N":"1.0"}'))
  decode(image('"a" :{"N":"1"}'))
  decode(image('"a":{"S":"\\ud83d"}'))
  decode(image('"a":{"M":{"b":{"N":"1"},"b":{"N":"2"}}}'))
  assert.deepEqual(reasons, ['set', 'escape', 'number', 'layout', 'escape', 'layout'])
})

test('no bytes are read where values are needed', () => {
  assert.equal(only(asObjects, MODIFY).afterJson, undefined)
  assert.equal(
    only(recordDecoder({ stream: 'orders', format: 'dynamodb', takesJson: () => false }), MODIFY).afterJson,
    undefined,
  )
})
