import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RawRecord } from '../../src/change.ts'
import { recordDecoder } from '../../src/decode/decoder.ts'
import { type ExamineOptions, examiner } from '../../src/deliver/examine.ts'
import { route } from '../../src/deliver/route.ts'
import { RelayError } from '../../src/errors.ts'

test('what cannot be decoded is kept with its bytes and its place', () => {
  const data = Buffer.from('not JSON')
  const [letter] = examiner(OPTIONS)({ ...AT, data })
  assert.deepEqual(letter, {
    kind: 'dead-letter',
    code: 'DECODE_NOT_JSON',
    detail: 'The 8 characters of the record are not JSON',
    raw: data,
    source: { format: 'unknown', stream: 'orders', shard: 'shard-1', sequence: '17', subSequence: 2 },
  })
})

test('under stop the place is in the error', () => {
  const examine = examiner({ ...OPTIONS, onError: 'stop' })
  assert.throws(
    () => examine({ ...AT, data: Buffer.from('not JSON') }),
    (error) => {
      assert.ok(error instanceof RelayError)
      assert.deepEqual(error.place, { stream: 'orders', shard: 'shard-1', sequence: '17' })
      return true
    },
  )
})

test('a file names the record as its dump does', () => {
  const [letter] = examiner(OPTIONS)({ ...AT, data: Buffer.from('?'), origin: { shard: 'shard-9', sequence: '99' } })
  assert.equal(letter?.source.shard, 'shard-9')
  assert.equal(letter?.source.sequence, '99')
})

test('an old image that cannot be decoded is met only where it is read', () => {
  const record = modify({ a: { S: 'new' } }, { a: { WHAT: 1 } })
  assert.equal(examiner(OPTIONS)(record)[0]?.kind, 'change')
  const [letter] = examiner({ ...OPTIONS, readsBefore: true })(record)
  assert.equal(letter?.kind === 'dead-letter' && letter.code, 'DECODE_VALUE')
})

test('text is screened for the targets that refuse it, and counted', () => {
  const record = modify({ a: { S: 'x\0' } }, {})
  let altered = 0
  const count = (): void => void altered++
  const [kept] = examiner(OPTIONS)(record)
  assert.equal(kept?.kind === 'change' && kept.after?.a, 'x\0')
  const [replaced] = examiner({ ...OPTIONS, nul: 'replace', onTextReplaced: count })(record)
  assert.equal(replaced?.kind === 'change' && replaced.after?.a, 'x\uFFFD')
  const [letter] = examiner({ ...OPTIONS, nul: 'dead-letter', onTextReplaced: count })(record)
  assert.equal(letter?.kind === 'dead-letter' && letter.code, 'TEXT_NUL')
  assert.equal(altered, 1)
})

test('a bug is not made a dead letter', () => {
  const decode = (): never => {
    throw new TypeError('a bug')
  }
  assert.throws(() => examiner({ ...OPTIONS, decode })({ ...AT, data: Buffer.from('{}') }), TypeError)
})

const AT = { shard: 'shard-1', sequence: '17', subSequence: 2, arrivedAt: null }

const OPTIONS: ExamineOptions = {
  decode: recordDecoder({ format: 'auto', stream: 'orders', binary: 'double' }),
  route: route({ include: [], exclude: [], deletes: 'hard', expired: 'delete' }),
  stream: 'orders',
  onError: 'dead-letter',
  readsBefore: false,
  nul: null,
  onTextReplaced: () => assert.fail('nothing is to be replaced'),
}

function modify(NewImage: object, OldImage: object): RawRecord {
  const dynamodb = { ApproximateCreationDateTime: 1754300000112233, Keys: { id: { S: '1' } }, NewImage, OldImage }
  const record = { eventName: 'MODIFY', tableName: 'orders', eventSource: 'aws:dynamodb', dynamodb }
  return { ...AT, data: Buffer.from(JSON.stringify(record)) }
}
