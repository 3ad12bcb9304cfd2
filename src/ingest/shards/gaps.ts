import { RelayError } from '../../errors.ts'
import { type Positions, readUntil, SHARD_END } from '../../position.ts'
import { finishedShards, type Listing, lineage, type Shard } from './lineage.ts'

/** A span in which records of a shard may have expired before they were read. Epoch ms. */
export interface Gap {
  readonly shard: string
  /** Everything that arrived up to here was read; null if that is not known. */
  readonly from: number | null
  /** What arrived from here on is still held. */
  readonly to: number
}

/**
 * The gaps that the stored positions have by now: a shard read up to a time whose records have expired; a shard that is
 * not listed any more, so that the rest of it has expired; a child that was not begun in time after its parents.
 *
 * @param heldSince the service still holds what arrived after this: its time less the stream's retention, epoch ms
 */
export function findGaps(listing: Listing, positions: Positions, heldSince: number): Gap[] {
  const finished = finishedShards(listing, positions)
  const gaps: Gap[] = []
  for (const [shard, position] of positions) {
    if (finished.has(shard)) continue
    const from = readUntil(position)
    if (!listing.has(shard) || isBefore(from, heldSince)) gaps.push({ shard, from, to: heldSince })
  }
  for (const [id, standing] of lineage(listing, positions)) {
    if (standing === 'ready') gaps.push(...gapOfChild(listing.get(id)!, positions, heldSince))
  }
  return gaps
}

/**
 * The gap of a shard that is to begin at its oldest record, if it has one: it holds records since its last parent was
 * closed, which was not before that parent's last record, and not before the parent was last seen with nothing left.
 */
export function gapOfChild(shard: Shard, positions: Positions, heldSince: number): Gap[] {
  if (positions.has(shard.id)) return []
  const ends = shard.parents.flatMap((parent) => positions.get(parent) ?? [])
  const known = ends.filter((end) => end.sequence === SHARD_END).flatMap((end) => readUntil(end) ?? [])
  if (known.length === 0) return []
  const from = Math.max(...known)
  return isBefore(from, heldSince) ? [{ shard: shard.id, from, to: heldSince }] : []
}

const isBefore = (ms: number | null, heldSince: number): boolean => ms !== null && ms < heldSince

/** "shardId-000000000001 from 2026-11-17T09:00:00.000Z to 2026-11-19T11:30:00.000Z", the first few of many. */
export function gapFailure(gaps: readonly Gap[], stream: string, cause?: unknown): RelayError {
  return new RelayError(
    'SOURCE_GAP',
    `Records may have expired before they were read: ${spansOf(gaps)}`,
    { stream },
    cause,
  )
}

const NAMED_GAPS = 5

export function spansOf(gaps: readonly Gap[]): string {
  const spans = gaps.slice(0, NAMED_GAPS).map(({ shard, from, to }) => {
    const since = from === null ? 'from an unknown time' : `from ${iso(from)}`
    return `${shard} ${since} to ${iso(to)}`
  })
  if (gaps.length > NAMED_GAPS) spans.push(`and ${gaps.length - NAMED_GAPS} more shards`)
  return spans.join('; ')
}

const iso = (ms: number): string => new Date(ms).toISOString()
