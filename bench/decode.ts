import { isUtf8 } from 'node:buffer'
import type { RawRecord } from '../src/change.ts'
import { recordDecoder } from '../src/decode/decoder.ts'

/** CPU time of one core for each record, and what of it `JSON.parse` alone needs. */
export interface DecodeResult {
  readonly recordBytes: number
  readonly changesPerSecond: number
  readonly ratioToJsonParse: number
}

const RECORDS = 5_000
const PASSES = 20
const ROUNDS = 5

/** Decodes updates of an orders table, made as a Kinesis destination writes them, again and again; best of five. */
export function benchDecode(): DecodeResult {
  const records = Array.from({ length: RECORDS }, (_, i) => orderUpdate(i))
  const decode = recordDecoder({
    format: 'auto',
    stream: 'orders-changes',
    binary: 'double',
    beforeImageField: 'before-image',
  })
  const parse = ({ data }: RawRecord): unknown => {
    if (!isUtf8(data)) throw new Error('not UTF-8')
    return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString())
  }

  let decodeUs = Number.POSITIVE_INFINITY
  let parseUs = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    parseUs = Math.min(parseUs, cpuUsPerRecord(records, parse))
    decodeUs = Math.min(decodeUs, cpuUsPerRecord(records, decode))
  }
  const bytes = records.reduce((sum, { data }) => sum + data.byteLength, 0)
  return {
    recordBytes: Math.round(bytes / RECORDS),
    changesPerSecond: Math.round(1e6 / decodeUs),
    ratioToJsonParse: decodeUs / parseUs,
  }
}

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

function orderUpdate(i: number): RawRecord {
  const keys = { customer: { S: `c-${100_000 + (i % 700)}` }, order: { N: String(4_000_000 + i) } }
  const line = (sku: string, price: string) => ({ M: { sku: { S: sku }, quantity: { N: '2' }, price: { N: price } } })
  const image = (status: string, lines: readonly unknown[]) => ({
    ...keys,
    status: { S: status },
    total: { N: `${100 + (i % 50)}.95` },
    lines: { L: lines },
  })
  const record = {
    awsRegion: 'eu-north-1',
    eventID: `5c1d4b0e-7a44-4e3e-9c57-${String(i).padStart(12, '0')}`,
    eventName: 'MODIFY',
    userIdentity: null,
    recordFormat: 'application/json',
    tableName: 'orders',
    dynamodb: {
      ApproximateCreationDateTime: 1_754_300_000_112_233 + i,
      Keys: keys,
      NewImage: image('shipped', [line(`A-${i % 97}`, '49.5')]),
      OldImage: image('open', []),
      SizeBytes: 231,
      ApproximateCreationDateTimePrecision: 'MICROSECOND',
    },
    eventSource: 'aws:dynamodb',
  }
  const data = new Uint8Array(Buffer.from(JSON.stringify(record)))
  return { shard: 'shardId-000000000000', sequence: String(i), arrivedAt: null, data }
}

if (import.meta.main) {
  const { recordBytes, changesPerSecond, ratioToJsonParse } = benchDecode()
  console.log(
    `decode: ${changesPerSecond.toLocaleString('en')} changes/s on one core, records of ${recordBytes} bytes, ` +
      `${ratioToJsonParse.toFixed(2)} times the CPU of JSON.parse alone`,
  )
}
