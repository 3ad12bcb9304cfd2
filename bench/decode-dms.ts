import { isUtf8 } from 'node:buffer'
import type { RawRecord } from '../src/change.ts'
import { recordDecoder } from '../src/decode/decoder.ts'

/** CPU time of one core for each record, and what of it `JSON.parse` alone needs. */
export interface DecodeDmsResult {
  readonly recordBytes: number
  readonly changesPerSecond: number
  readonly ratioToJsonParse: number
  /** The same where every record has an integer that a double cannot hold. */
  readonly exactChangesPerSecond: number
}

const RECORDS = 5_000
const PASSES = 20
const ROUNDS = 5

/** Decodes updates of a table of ten columns, check of UTF-8 and `JSON.parse` included, again and again; best of five. */
export function benchDecodeDms(): DecodeDmsResult {
  const records = Array.from({ length: RECORDS }, (_, i) => orderUpdate(String(4_000_000 + i)))
  const exactRecords = Array.from({ length: RECORDS }, (_, i) => orderUpdate(`184467440737095${10_000 + i}`))
  let decodeUs = Number.POSITIVE_INFINITY
  let parseUs = Number.POSITIVE_INFINITY
  let exactUs = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    parseUs = Math.min(parseUs, cpuUsPerRecord(records, parse))
    decodeUs = Math.min(decodeUs, cpuUsPerRecord(records, decode))
    exactUs = Math.min(exactUs, cpuUsPerRecord(exactRecords, decode))
  }
  const bytes = records.reduce((sum, { data }) => sum + data.byteLength, 0)
  return {
    recordBytes: Math.round(bytes / RECORDS),
    changesPerSecond: Math.round(1e6 / decodeUs),
    ratioToJsonParse: decodeUs / parseUs,
    exactChangesPerSecond: Math.round(1e6 / exactUs),
  }
}

function textOf({ data }: RawRecord): string {
  if (!isUtf8(data)) throw new Error('not UTF-8')
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString()
}

const parse = (record: RawRecord): unknown => JSON.parse(textOf(record))

const decode = recordDecoder({
  format: 'auto',
  stream: 'orders',
  binary: 'double',
  beforeImageField: 'before-image',
})

function cpuUsPerRecord(records: readonly RawRecord[], work: (record: RawRecord) => unknown): number {
  const before = process.cpuUsage()
  for (let pass = 0; pass < PASSES; pass++) {
    for (const record of records) last = work(record)
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / (records.length * PASSES)
}

/** Keeps the engine from leaving out work whose result nobody reads. */
export let last: unknown

function orderUpdate(id: string): RawRecord {
  const data = new Uint8Array(
    Buffer.from(
      `{"data":{"id":${id},"customer_id":100017,"status":"shipped","total":149.95,"paid":true,"weight":12.5,` +
        `"placed_at":"2026-03-04T09:20:11.250000Z","tags":"{\\"gift\\": true}","note":null,"lines":3},"before-image":{},` +
        `"metadata":{"timestamp":"2026-03-04T09:21:40.010993Z","record-type":"data","operation":"update",` +
        `"partition-key-type":"schema-table","schema-name":"shop","table-name":"orders","transaction-id":88219,` +
        `"transaction-record-id":1,"prev-transaction-id":88214,"prev-transaction-record-id":1,` +
        `"commit-timestamp":"2026-03-04T09:21:39.998120Z","stream-position":"0000000A/1C004330.2.0000000A/1C004330"}}`,
    ),
  )
  return { shard: 'shardId-000000000000', sequence: id, arrivedAt: null, data }
}

if (import.meta.main) {
  const { recordBytes, changesPerSecond, ratioToJsonParse, exactChangesPerSecond } = benchDecodeDms()
  console.log(
    `decode DMS: ${changesPerSecond.toLocaleString('en')} changes/s on one core, records of ${recordBytes} bytes, ` +
      `${ratioToJsonParse.toFixed(2)} times the CPU of JSON.parse alone; ` +
      `${exactChangesPerSecond.toLocaleString('en')}/s where each holds a number that a double cannot`,
  )
}
