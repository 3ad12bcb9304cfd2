import { type FileHandle, open } from 'node:fs/promises'
import type { StreamRecord } from '../test/support/life.ts'

/** What GetRecords gives at most. */
const PAGE_RECORDS = 10_000

/** Ready-made answers to GetRecords in one file: so that replaying them costs a read and nothing else. */
export interface Pages {
  readonly shards: readonly string[]
  /** The body of page `index` of a shard; past the last page that of an empty one at the tip. */
  body(shard: number, index: number): Promise<Buffer>
}

interface Extent {
  readonly offset: number
  readonly length: number
}

/** Writes the pages of a stream to `path`: each record on the shard of its partition key, in the order given. */
export async function writePages(path: string, shardCount: number, records: Iterable<StreamRecord>): Promise<Pages> {
  const file = await open(path, 'w+')
  const extents: Extent[][] = Array.from({ length: shardCount }, () => [])
  const waiting: string[][] = Array.from({ length: shardCount }, () => [])
  const arrivedAt = Date.now() / 1000
  let sequence = 0
  let offset = 0

  async function flush(shard: number): Promise<void> {
    const body = pageBody(iterator(shard, extents[shard]!.length + 1), waiting[shard]!.splice(0), 60_000)
    await file.write(body, 0, body.length, offset)
    extents[shard]!.push({ offset, length: body.length })
    offset += body.length
  }

  for (const record of records) {
    const shard = Number.parseInt(record.partitionKey.slice(0, 4), 16) % shardCount
    waiting[shard]!.push(recordJson(record, SEQUENCE_BASE + BigInt(++sequence), arrivedAt))
    if (waiting[shard]!.length === PAGE_RECORDS) await flush(shard)
  }
  for (const [shard, rest] of waiting.entries()) if (rest.length > 0) await flush(shard)

  return { shards: waiting.map((_, shard) => shardId(shard)), body: reader(file, extents) }
}

const reader =
  (file: FileHandle, extents: readonly (readonly Extent[])[]): Pages['body'] =>
  async (shard, index) => {
    const extent = extents[shard]![index]
    if (extent === undefined) return pageBody(iterator(shard, index), [], 0)
    const body = Buffer.allocUnsafe(extent.length)
    await file.read(body, 0, extent.length, extent.offset)
    return body
  }

/** As long as real ones: 56 digits. */
const SEQUENCE_BASE = 49_600_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000n

const shardId = (shard: number): string => `shardId-${String(shard).padStart(12, '0')}`

export const iterator = (shard: number, page: number): string => `${shard}/${page}`

const recordJson = ({ partitionKey, data }: StreamRecord, sequence: bigint, arrivedAt: number): string =>
  `{"SequenceNumber":"${sequence}","ApproximateArrivalTimestamp":${arrivedAt},` +
  `"Data":"${Buffer.from(data).toString('base64')}","PartitionKey":"${partitionKey}"}`

const pageBody = (next: string, records: readonly string[], behindMs: number): Buffer =>
  Buffer.from(`{"MillisBehindLatest":${behindMs},"NextShardIterator":"${next}","Records":[${records.join(',')}]}`)
