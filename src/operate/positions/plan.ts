import type { Progress, Stored } from '../../batch.ts'
import { type Position, type Positions, readFrom } from '../../position.ts'

/** What is to become of the positions of a relay; null for a shard whose position is forgotten. */
export type Moves = ReadonlyMap<string, Position | null>

/** What a move means for the records of its shard. */
export type Effect =
  /** Records are read that were read before. */
  | 'reads again'
  /** Records are never read. */
  | 'skips'
  /** Not known which of the two, for the positions cannot be compared. */
  | 'reads again or skips'
  /** The shard begins at its oldest record, once the shards that it came from are finished. */
  | 'begins again'

export interface PlannedMove {
  readonly shard: string
  readonly from: Position | null
  readonly to: Position | null
  readonly effect: Effect
}

/** The moves that change something, by shard. */
export function planOf(positions: Positions, moves: Moves): readonly PlannedMove[] {
  return [...moves]
    .map(([shard, to]) => ({ shard, from: positions.get(shard) ?? null, to }))
    .filter(({ from, to }) => from?.sequence !== to?.sequence)
    .map((move) => ({ ...move, effect: effectOf(move.from, move.to) }))
}

function effectOf(from: Position | null, to: Position | null): Effect {
  if (to === null) return 'begins again'
  const order = compare(from, to)
  if (order === null) return 'reads again or skips'
  return order > 0 ? 'reads again' : 'skips'
}

/** Above 0 if `from` stands behind `to` in the shard; null if nobody can tell. */
function compare(from: Position | null, to: Position): number | null {
  const [one, other] = [readFrom(from ?? undefined), readFrom(to)]
  if (one.kind === 'end' || other.kind === 'start') return 1
  if (one.kind === 'start' || other.kind === 'end') return -1
  if (one.kind === 'after' && other.kind === 'after') return compareSequences(one.sequence, other.sequence)
  const [time, otherTime] = [timeOf(from), timeOf(to)]
  return time === null || otherTime === null ? null : time - otherTime
}

/** Both are whole numbers wherever a source has sequence numbers that can be compared. */
function compareSequences(one: string, other: string): number | null {
  if (!/^\d+$/.test(one) || !/^\d+$/.test(other)) return null
  return BigInt(one) > BigInt(other) ? 1 : -1
}

function timeOf(position: Position | null): number | null {
  const place = readFrom(position ?? undefined)
  return place.kind === 'time' ? place.ms : (position?.arrivedAt ?? null)
}

/** What makes the plan durable, in one step. */
export const progressOf = (plan: readonly PlannedMove[]): Progress => ({
  positions: new Map(plan.flatMap(({ shard, to }) => (to === null ? [] : [[shard, to] as const]))),
  forgotten: plan.flatMap(({ shard, from, to }) => (to === null && from !== null ? [shard] : [])),
  facts: new Map() satisfies Stored['facts'],
})
