import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { RawRecord } from '../../../src/change.ts'
import { openAggregated } from '../../../src/ingest/kinesis/aggregated.ts'

const MAGIC = 'f3899ac2'

/** The whole record around a body given in hexadecimal, checksum included. */
function framed(bodyHex: string, magic = MAGIC): Buffer {
  const body = Buffer.from(bodyHex, 'hex')
  return Buffer.concat([Buffer.from(magic, 'hex'), body, createHash('md5').update(body).digest()])
}

const outer = (data: Uint8Array): RawRecord => ({
  shard: 'shardId-000000000000',
  sequence: '17',
  arrivedAt: 1000,
  data,
})

/** Field 3 of AggregatedRecord: key index 0, and data. */
const inner = (text: string): string => {
  const data = Buffer.from(text, 'utf8')
  const record = Buffer.concat([Buffer.from([0x08, 0x00, 0x1a, data.length]), data])
  return Buffer.concat([Buffer.from([0x1a, record.length]), record]).toString('hex')
}
/** Field 1: a partition key table with the key "k". */
const KEYS = '0a016b'

const textsOf = (record: RawRecord): string[] =>
  openAggregated(record).map(({ data }) => Buffer.from(data).toString('utf8'))

test('the records inside, with what they have of the outer one', () => {
  const opened = openAggregated(outer(framed(KEYS + inner('one') + inner('two'))))
  assert.deepEqual(
    opened.map((record) => ({ ...record, data: Buffer.from(record.data).toString('utf8') })),
    [
      { shard: 'shardId-000000000000', sequence: '17', subSequence: 0, arrivedAt: 1000, data: 'one' },
      { shard: 'shardId-000000000000', sequence: '17', subSequence: 1, arrivedAt: 1000, data: 'two' },
    ],
  )
})

test('all fields of the format: hash key table, hash key index, tags, data longer than one length byte', () => {
  const long = 'x'.repeat(300)
  const record = Buffer.concat([
    Buffer.from('0800' + '1000' + '1aac02', 'hex'),
    Buffer.from(long),
    Buffer.from('22060a0174120176', 'hex'),
  ])
  assert.equal(record.length, 315)
  const body = `${KEYS}120130${Buffer.from([0x1a, 0xbb, 0x02]).toString('hex')}${record.toString('hex')}`
  assert.deepEqual(textsOf(outer(framed(body))), [long])
})

test('fields that are not known are passed over, whatever their kind', () => {
  const unknown = '7801' + '790102030405060708' + '7a0161' + '7d01020304'
  assert.deepEqual(textsOf(outer(framed(unknown + KEYS + inner('one')))), ['one'])
})

test('an aggregated record may hold nothing', () => {
  assert.deepEqual(openAggregated(outer(framed(KEYS))), [])
})

test('an empty payload is a record', () => {
  assert.deepEqual(textsOf(outer(framed(KEYS + inner('')))), [''])
})

test('a record inside a larger buffer', () => {
  const padded = Buffer.concat([Buffer.from('zz'), framed(KEYS + inner('one')), Buffer.from('zz')])
  assert.deepEqual(textsOf(outer(new Uint8Array(padded.buffer, padded.byteOffset + 2, padded.length - 4))), ['one'])
})

const wrongChecksum = framed(KEYS + inner('one'))
wrongChecksum[wrongChecksum.length - 1]! ^= 1

const unchanged: Readonly<Record<string, Uint8Array>> = {
  'an ordinary record': Buffer.from('{"a":1}'),
  'an empty record': new Uint8Array(),
  'only the magic bytes': Buffer.from(MAGIC, 'hex'),
  'another magic': framed(KEYS + inner('one'), 'f3899ac3'),
  'a wrong checksum': wrongChecksum,
  'a truncated record': framed(KEYS + inner('one')).subarray(0, -1),
  'a field that ends after the body': framed(`${KEYS}1a7f08001a0161`),
  'a length that never ends': framed(`${KEYS}1affffffffffffffffffff`),
  'a tag without its value': framed(`${KEYS}1a`),
  'a fixed field that ends after the body': framed(`${KEYS}7d0102`),
  'a kind that protobuf has no more': framed(`${KEYS}1b`),
  'a record that is a number': framed(`${KEYS}1801`),
  'a record without data': framed(`${KEYS}1a020800`),
  'a record without a key index': framed(`${KEYS}1a031a0161`),
  'a record whose data is a number': framed(`${KEYS}1a0408001801`),
  'a record that is malformed inside': framed(`${KEYS}1a0508001a7f61`),
}

for (const [title, data] of Object.entries(unchanged)) {
  test(`comes back as it is: ${title}`, () => {
    const record = outer(data)
    assert.deepEqual(openAggregated(record), [record])
    assert.equal(openAggregated(record)[0], record)
  })
}
