import type { Kinesalite, Put, Stored } from '../kinesis/kinesalite.ts'
import type { StreamRecord } from './life.ts'

/** A stream of four shards that was resharded while it was written. */
export interface ReshardedStream {
  /** Where each record lies, in the order in which they came. */
  readonly stored: readonly Stored[]
  /** Child → the shards that must be read out before it. */
  readonly parents: ReadonlyMap<string, readonly string[]>
}

export interface Cuts {
  /** So many records come before the split. */
  readonly splitAfter: number
  /** So many come before the merge. */
  readonly mergeAfter: number
}

const SHARDS = 4
/** As many as one request takes. */
const AT_A_TIME = 500

/**
 * Writes the records into a new stream. On the way the first shard is split, and later the upper of its halves is
 * merged with the second shard:
 *
 *     0 ─┬─ 4 ──────────
 *        └─ 5 ─┬─ 6 ────
 *     1 ───────┘
 *     2 ────────────────
 *     3 ────────────────
 */
export async function writeReshardedStream(
  kinesis: Kinesalite,
  stream: string,
  records: Iterable<StreamRecord>,
  { splitAfter, mergeAfter }: Cuts,
): Promise<ReshardedStream> {
  await kinesis.createStream(stream, SHARDS)
  const [first, second] = (await kinesis.openShards(stream)) as [string, string]
  const stored: Stored[] = []
  const parents = new Map<string, readonly string[]>()
  let upper: string | undefined

  for (const part of parts(records)) {
    if (upper === undefined && stored.length >= splitAfter) {
      const halves = await kinesis.split(stream, first)
      for (const half of halves) parents.set(half, [first])
      upper = halves[1]!
    } else if (upper !== undefined && parents.size === 2 && stored.length >= mergeAfter) {
      parents.set(await kinesis.merge(stream, upper, second), [upper, second])
    }
    for (const one of await kinesis.put(stream, part)) stored.push(one)
  }
  return { stored, parents }
}

function* parts(records: Iterable<StreamRecord>): Generator<Put[]> {
  let part: Put[] = []
  for (const { partitionKey, data } of records) {
    part.push({ data, key: partitionKey })
    if (part.length === AT_A_TIME) {
      yield part
      part = []
    }
  }
  if (part.length > 0) yield part
}
