import { type FileHandle, open } from 'node:fs/promises'
import { shardOf } from '../test/support/dms-life/delivery.ts'
import type { StreamRecord } from '../test/support/life/life.ts'

/** Pages are made of pieces of this many records, which lie in a file as ready-made JSON. */
const PIECE_RECORDS = 500

/** A stream that GetRecords reads at the cost of a read of a file, and nothing else. */
export interface Pages {
  readonly shards: readonly string[]
  readonly records: number
  /** The answer to GetRecords from a piece on, with at most `limit` records; past the last piece an empty one. */
  body(shard: number, piece: number, limit: number): Promise<Buffer>
}

interface Extent {
  readonly offset: number
  readonly length: number
}

/** Writes a stream to `path`: each record to the shard of its partition key, in the order given. */
export async function writePages(path: string, shardCount: number, records: Iterable<StreamRecord>): Promise<Pages> {
  const file = await open(path, 'w+')
  const extents: Extent[][] = Array.from({ length: shardCount }, () => [])
  const waiting: string[][] = Array.from({ length: shardCount }, () => [])
  const arrivedAt = Date.now() / 1000
  let sequence = FIRST_SEQUENCE
  let offset = 0

  async function flush(shard: number): Promise<void> {
    const piece = Buffer.from(waiting[shard]!.splice(0).join(','))
    await file.write(piece, 0, piece.length, offset)
    extents[shard]!.push({ offset, length: piece.length })
    offset += piece.length
  }

  for (const record of records) {
    const shard = shardOf(record.partitionKey, shardCount)
    waiting[shard]!.push(recordJson(record, sequence++, arrivedAt))
    if (waiting[shard]!.length === PIECE_RECORDS) await flush(shard)
  }
  for (const [shard, rest] of waiting.entries()) if (rest.length > 0) await flush(shard)

  const shards = waiting.map((_, shard) => shardId(shard))
  return { shards, records: Number(sequence - FIRST_SEQUENCE), body: reader(file, extents) }
}

const reader =
  (file: FileHandle, extents: readonly (readonly Extent[])[]): Pages['body'] =>
  async (shard, piece, limit) => {
    const pieces = extents[shard]!.slice(piece, piece + Math.max(1, Math.floor(limit / PIECE_RECORDS)))
    const next = piece + pieces.length
    const behindMs = next < extents[shard]!.length ? 60_000 : 0
    const parts = [
      Buffer.from(`{"MillisBehindLatest":${behindMs},"NextShardIterator":"${iterator(shard, next)}","Records":[`),
    ]
    for (const [index, { offset, length }] of pieces.entries()) {
      const comma = index < pieces.length - 1 ? 1 : 0
      const part = Buffer.allocUnsafe(length + comma)
      await file.read(part, 0, length, offset)
      part.fill(',', length)
      parts.push(part)
    }
    parts.push(Buffer.from(']}'))
    return Buffer.concat(parts)
  }

/** As long as real ones: 56 digits. */
const FIRST_SEQUENCE = 496n * 10n ** 53n

const shardId = (shard: number): string => `shardId-${String(shard).padStart(12, '0')}`

export const iterator = (shard: number, piece: number): string => `${shard}/${piece}`

const recordJson = ({ partitionKey, data }: StreamRecord, sequence: bigint, arrivedAt: number): string =>
  `{"SequenceNumber":"${sequence}","ApproximateArrivalTimestamp":${arrivedAt},` +
  `"Data":"${Buffer.from(data).toString('base64')}","PartitionKey":"${partitionKey}"}`
