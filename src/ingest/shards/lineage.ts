import { type Positions, SHARD_END } from '../../position.ts'

/** A shard as the service lists it. */
export interface Shard {
  readonly id: string
  /** The shard that was split, or the two that were merged; none for a shard as old as the stream. They may be unlisted by now. */
  readonly parents: readonly string[]
  /** False once it takes no more records. It can still be read. */
  readonly isOpen: boolean
}

/** Shard id → shard. */
export type Listing = ReadonlyMap<string, Shard>

export type Standing = 'finished' | 'waiting' | 'ready'

export const listingOf = (shards: readonly Shard[]): Listing => new Map(shards.map((shard) => [shard.id, shard]))

/**
 * What each listed shard may do now: finished shards nothing; one whose parents are all finished is ready; the others
 * wait. A parent that is not listed any more counts as finished: all that it held has expired.
 */
export function lineage(listing: Listing, positions: Positions): Map<string, Standing> {
  const finished = finishedShards(listing, positions)

  const isDone = (parent: string): boolean => finished.has(parent) || !listing.has(parent)
  return new Map(
    [...listing.values()].map((shard) => {
      if (finished.has(shard.id)) return [shard.id, 'finished']
      return [shard.id, shard.parents.every(isDone) ? 'ready' : 'waiting']
    }),
  )
}

/** Shards whose end is durable, and those that a shard with a position descends from: it could not have one otherwise. */
export function finishedShards(listing: Listing, positions: Positions): Set<string> {
  const parentsOf = (id: string): readonly string[] => listing.get(id)?.parents ?? []
  const finished = new Set<string>()
  const upward = [...positions.keys()].flatMap(parentsOf)
  for (let id = upward.pop(); id !== undefined; id = upward.pop()) {
    if (finished.has(id)) continue
    finished.add(id)
    upward.push(...parentsOf(id))
  }
  for (const [id, position] of positions) if (position.sequence === SHARD_END) finished.add(id)
  return finished
}

/** The listed shards that no listed shard stands above. */
export const rootsOf = (listing: Listing): Shard[] =>
  [...listing.values()].filter((shard) => !shard.parents.some((parent) => listing.has(parent)))
