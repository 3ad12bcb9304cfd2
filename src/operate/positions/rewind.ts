import { RelayError } from '../../errors.ts'
import { atTimestamp, type Position, type Positions, readFrom, TRIM_HORIZON } from '../../position.ts'
import type { Moves } from './plan.ts'

/** Where shards are read again from: their oldest record, or what arrived at a time (epoch ms) and later. */
export type Back = { readonly kind: 'earliest' } | { readonly kind: 'time'; readonly ms: number }

/** The shards that a stream lists, and those that each came from. */
export type Lineage = ReadonlyMap<string, readonly string[]>

export interface Rewinding {
  readonly to: Back
  /** The shards to rewind; null: all of them. */
  readonly shards: ReadonlySet<string> | null
  /** Or why the stream was not asked, in words. */
  readonly lineage: Lineage | string
}

/** Nothing of the shard is written. */
export const AT_EARLIEST: Position = { sequence: TRIM_HORIZON, arrivedAt: null, caughtUpAt: null }

/**
 * The moves that make shards be read again from `to` on, each record of them that is still held. Never skips a record: a shard that
 * stands in front of `to` stays where it is.
 *
 * A shard counts as finished as long as a shard that came from it has a position. So where a shard was split or merged since `to`,
 * those that came from it are forgotten: they begin again at their oldest record, behind the end of that one.
 *
 * @throws RelayError CONFIGURATION if that is to be known, and is not
 */
export function rewind(positions: Positions, { to, shards, lineage }: Rewinding): Moves {
  const isChosen = (shard: string): boolean => shards === null || shards.has(shard)
  const later = [...positions].flatMap(([shard, at]) => (isChosen(shard) && isLater(at, to) ? [shard] : []))
  if (typeof lineage !== 'string') return alongLineage(positions, later, { to, shards, lineage })
  if (to.kind === 'earliest' && shards === null) return new Map([...positions.keys()].map((shard) => [shard, null]))
  const finished = later.filter((shard) => readFrom(positions.get(shard)).kind === 'end')
  if (finished.length > 0) throw needsLineage(finished, lineage)
  return new Map(later.map((shard) => [shard, positionAt(to)]))
}

function alongLineage(
  positions: Positions,
  later: readonly string[],
  { to, shards, lineage }: Rewinding & { readonly lineage: Lineage },
): Moves {
  // Of a shard without position that counts as finished nobody knows when it ended.
  const untold = shards === null ? ancestorsOf(later, lineage).filter((shard) => !positions.has(shard)) : []
  // What is not listed any more has expired.
  const again = new Set([...later, ...untold].filter((shard) => lineage.has(shard)))
  const tops = [...again].filter((shard) => !ancestorsOf([shard], lineage).some((above) => again.has(above)))
  const below = [...positions.keys()].filter((shard) =>
    ancestorsOf([shard], lineage).some((above) => tops.includes(above)),
  )
  return new Map([
    ...tops.map((shard) => [shard, positionAt(to)] as const),
    ...below.map((shard) => [shard, null] as const),
  ])
}

/** All listed shards that these came from, however long ago. */
function ancestorsOf(shards: readonly string[], lineage: Lineage): string[] {
  const found = new Set<string>()
  const upward = shards.flatMap((shard) => lineage.get(shard) ?? [])
  for (let shard = upward.pop(); shard !== undefined; shard = upward.pop()) {
    if (found.has(shard) || !lineage.has(shard)) continue
    found.add(shard)
    upward.push(...lineage.get(shard)!)
  }
  return [...found]
}

/** Whether something is written of the shard that came at `to` or later, as far as its position tells. */
function isLater(position: Position, to: Back): boolean {
  const place = readFrom(position)
  if (place.kind === 'start') return false
  if (to.kind === 'earliest') return true
  if (place.kind === 'time') return place.ms > to.ms
  return position.arrivedAt === null || position.arrivedAt >= to.ms
}

const positionAt = (to: Back): Position => (to.kind === 'earliest' ? AT_EARLIEST : atTimestamp(to.ms))

function needsLineage(finished: readonly string[], whyNot: string): RelayError {
  const some = finished.length === 1 ? `${finished[0]} ended` : `${finished[0]} and ${finished.length - 1} more ended`
  const detail = `The stream was resharded since then (${some}), and the state does not tell which shards came from which: ${whyNot}`
  return new RelayError('CONFIGURATION', detail)
}
