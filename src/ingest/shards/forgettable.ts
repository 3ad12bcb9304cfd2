import { type Position, type Positions, readUntil, SHARD_END, TRIM_HORIZON } from '../../position.ts'
import type { Listing } from './lineage.ts'

/**
 * The shards whose positions are not needed any more. Such a shard
 *
 * - is read to its end, and that is stored;
 * - is not listed any more: nothing of it can be read again, and without a position it is no gap;
 * - is no parent of a listed shard that has no position yet: its parents' ends show whether there is a gap in front of it;
 * - was closed longer ago than the stream keeps records, as far as its times tell: a listing that leaves a younger shard
 *   out is not complete, or older than the shard.
 *
 * Should one be listed again all the same, a child that has a position says that it is finished.
 *
 * @param heldSince the service still holds what arrived after this, epoch ms
 */
export function forgettable(listing: Listing, positions: Positions, heldSince: number): string[] {
  // A stream has at least one open shard.
  if (listing.size === 0) return []
  const unbegun = [...listing.values()].filter(({ id }) => isUnbegun(positions.get(id)))
  const needed = new Set(unbegun.flatMap(({ parents }) => parents))
  return [...positions]
    .filter(([shard, { sequence }]) => sequence === SHARD_END && !listing.has(shard) && !needed.has(shard))
    .filter(([, position]) => (readUntil(position) ?? 0) < heldSince)
    .map(([shard]) => shard)
}

/** An empty page from the start of a shard is acknowledged, but says nothing that is stored. */
const isUnbegun = (position: Position | undefined): boolean =>
  position === undefined || (position.sequence === TRIM_HORIZON && position.caughtUpAt === null)
