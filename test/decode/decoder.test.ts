import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RawRecord } from '../../src/change.ts'
import { recordDecoder } from '../../src/decode/decoder.ts'

const raw = (text: string): RawRecord => ({ shard: '0', sequence: '1', arrivedAt: null, data: Buffer.from(text) })
const decoder = (format: 'auto' | 'dynamodb' | 'dms', beforeImageField = 'before-image') =>
  recordDecoder({ format, stream: 'both', binary: 'double', beforeImageField })

const OF_DYNAMODB = raw(
  '{"eventSource":"aws:dynamodb","eventName":"INSERT","tableName":"boats","dynamodb":{"Keys":{"id":{"N":"1"}},' +
    '"NewImage":{"id":{"N":"1"}},"ApproximateCreationDateTime":1754300000112233}}',
)
const dms = (rest: string): RawRecord =>
  raw(
    `{${rest}"metadata":{"timestamp":"2026-01-01T20:40:00.123456Z","record-type":"data","operation":"update",` +
      '"schema-name":"harbour","table-name":"berths"}}',
  )
const OF_DMS = dms('"data":{"id":9007199254740993},"was":{"id":7},')

test('auto: one stream may hold both formats, by what each record says; a number of DMS keeps its digits', () => {
  const decode = decoder('auto', 'was')
  const items = [OF_DYNAMODB, OF_DMS, OF_DYNAMODB].flatMap(decode)
  assert.deepEqual(
    items.map(({ source }) => source.format),
    ['dynamodb', 'dms', 'dynamodb'],
  )
  assert.equal(
    JSON.stringify(items[1]),
    '{"kind":"change","op":"update","table":{"schema":"harbour","name":"berths"},"key":null,"before":{"id":7},' +
      '"after":{"id":9007199254740993},"complete":false,"version":"1767300000123456","time":"2026-01-01T20:40:00.123456Z",' +
      '"source":{"format":"dms","stream":"both","shard":"0","sequence":"1"}}',
  )
})

test('auto: a record that could be either is of DynamoDB, for only that says so by name', () => {
  const both = raw(
    Buffer.from(OF_DYNAMODB.data).toString().replace('{', '{"data":{},"metadata":{"operation":"insert"},'),
  )
  assert.equal(decoder('auto')(both)[0]?.source.format, 'dynamodb')
})

const refused: readonly {
  readonly format: 'auto' | 'dynamodb' | 'dms'
  readonly record: RawRecord
  readonly detail: string
}[] = [
  {
    format: 'dynamodb',
    record: OF_DMS,
    detail: 'The record is a DMS record: `--format dynamodb` was asked for',
  },
  {
    format: 'dms',
    record: OF_DYNAMODB,
    detail: 'The record is a DynamoDB record: `--format dms` was asked for',
  },
  {
    format: 'auto',
    record: raw('{"data":{"secret":1},"metadata":{"name":"secret"}}'),
    detail:
      'The record is an object with the members "data", "metadata": eventSource is not "aws:dynamodb", as in a DynamoDB record, ' +
      'and metadata with an operation, as in a DMS record, is missing',
  },
  {
    format: 'dms',
    record: raw('{}'),
    detail: 'The record is an object with no members: metadata with an operation, as in a DMS record, is missing',
  },
  {
    format: 'dynamodb',
    record: raw('{"eventSource":"aws:s3"}'),
    detail:
      'The record is an object with the members "eventSource": eventSource is not "aws:dynamodb", as in a DynamoDB record',
  },
]

for (const { format, record, detail } of refused) {
  test(`--format ${format} refuses ${Buffer.from(record.data).toString().slice(0, 40)}`, () => {
    assert.throws(() => decoder(format)(record), { code: 'DECODE_FOREIGN', detail })
  })
}
