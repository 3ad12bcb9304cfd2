import { isAbsolute } from 'node:path'
import { PARKED } from '../errors.ts'
import { factsFromJson, labelOf } from '../feeds/dms/source-facts.ts'
import { type Position, type Positions, readFrom, readUntil, type StreamIdentity } from '../position.ts'
import { keeperOf } from '../state/keeper.ts'
import type { Seen, SeenLetters } from '../state/seen.ts'

/** What is known of a relay from outside, whether it runs or not: as `cdc-relay status` prints it as JSON. Times are ISO 8601. */
export interface Status {
  readonly name: string
  /** Where that was looked up, as a URL. */
  readonly state: string
  /** True if a process has the name, as far as the store can tell; null if an engine keeps the positions, and nobody has it. */
  readonly isRunning: boolean | null
  /** Who claimed the name last. */
  readonly holder: Holder | null
  readonly stream: { readonly id: string; readonly created: string; readonly retentionMs: number | null }
  /** `--start` of its first run; null if it had none. */
  readonly start: string | null
  /** What it was run with, as far as that must not change. */
  readonly settings: Readonly<Record<string, string>>
  readonly shards: readonly ShardStatus[]
  readonly tables: readonly TableStatus[]
  readonly deadLetters: LettersStatus
  /** What an operator should look after. */
  readonly warnings: readonly string[]
  /** What could not be told, and what would tell it. */
  readonly notKnown: readonly string[]
}

export interface Holder {
  readonly host: string
  readonly process: number
  readonly since: string
  /** Its last sign of life, where the store has such. */
  readonly heardOf: string | null
}

export interface ShardStatus {
  readonly shard: string
  /**
   * `finished`: closed, and read to its end. `caught up`: nothing was left when it was last read. `begun`: something was, as far as the
   * state tells. `not begun`: nothing of it is written.
   */
  readonly standing: 'finished' | 'caught up' | 'begun' | 'not begun'
  /** As it is stored: a sequence number, `SHARD_END`, `TRIM_HORIZON`, `AT_TIMESTAMP` and epoch ms. */
  readonly sequence: string
  /** When the stream took the record of that sequence number. */
  readonly arrivedAt: string | null
  readonly caughtUpAt: string | null
  /** All that arrived up to here is written. */
  readonly upTo: string | null
  /** How long ago that was: the target is not further behind. Null for a finished shard, and where it is not known. */
  readonly behindMs: number | null
}

export interface TableStatus {
  /** Of the source. */
  readonly table: string
  readonly target: { readonly schema: string; readonly name: string } | null
  /** Empty: it has none. Null: not known. */
  readonly key: readonly string[] | null
  /** When the table was last made again at the source: older changes count as superseded. */
  readonly floor: string | null
}

export interface LettersStatus {
  /** `cdc_relay.dead_letters` of the target, a file, or standard error; null if not known. */
  readonly keptIn: string | null
  /** Null where they cannot be counted. */
  readonly count: number | null
  readonly kinds: readonly SeenLetters[]
}

export interface Surroundings {
  readonly state: string
  /** Epoch ms. */
  readonly now: number
  /** What the stream says of itself; or why it was not asked, in words. */
  readonly stream: StreamIdentity | string
  readonly deadLetters: LettersStatus
}

/** @throws RelayError STATE_BROKEN if what was learned of a table cannot be read */
export function statusOf(seen: Seen, { state, now, stream, deadLetters }: Surroundings): Status {
  const { relay, holder, stored } = seen
  const asked = typeof stream === 'string' ? null : stream
  const retentionMs = asked?.retentionMs ?? relay.stream.retentionMs
  const isEngine = keeperOf(relay) === 'engine'
  const shards = shardsOf(stored.positions, now)
  return {
    name: relay.name,
    state,
    isRunning: isEngine ? null : (holder?.isAlive ?? false),
    holder: holder === null ? null : { ...holderOf(holder), heardOf: isoOrNull(holder.heardOf) },
    stream: { id: relay.stream.id, created: relay.stream.created, retentionMs },
    start: relay.start,
    settings: relay.settings,
    shards,
    tables: tablesOf(seen),
    deadLetters,
    warnings: [
      ...(isOtherStream(relay.stream, asked) ? [otherStream(relay.stream, asked!)] : []),
      ...(retentionMs === null ? [] : ageWarnings(shards, retentionMs)),
      ...deadLetters.kinds.filter(({ code }) => code === PARKED).map(parkedWarning),
      ...((deadLetters.count ?? 0) === 0 ? [] : [`${letters(deadLetters.count!)} in ${deadLetters.keptIn}`]),
    ],
    notKnown: [
      ...(typeof stream === 'string' && retentionMs === null && !isAbsolute(relay.stream.id)
        ? [`How long the stream keeps a record: ${stream}`]
        : []),
      ...(isEngine ? ['How far the relay is: an engine (Lambda, KCL) keeps its positions'] : []),
      ...(deadLetters.keptIn === null ? ['Where dead letters are: name the sink'] : []),
    ],
  }
}

/** How the shards stand, by their ids. @param now epoch ms */
export const shardsOf = (positions: Positions, now: number): ShardStatus[] =>
  Array.from(positions, ([shard, position]) => shardStatus(shard, position, now)).sort((a, b) =>
    a.shard < b.shard ? -1 : 1,
  )

function shardStatus(shard: string, position: Position, now: number): ShardStatus {
  const { sequence, arrivedAt, caughtUpAt } = position
  const until = readUntil(position)
  const isFinished = readFrom(position).kind === 'end'
  return {
    shard,
    standing: standingOf(position),
    sequence,
    arrivedAt: isoOrNull(arrivedAt),
    caughtUpAt: isoOrNull(caughtUpAt),
    upTo: isoOrNull(until),
    behindMs: isFinished || until === null ? null : Math.max(0, now - until),
  }
}

function standingOf(position: Position): ShardStatus['standing'] {
  const { arrivedAt, caughtUpAt } = position
  const { kind } = readFrom(position)
  if (kind === 'end') return 'finished'
  if (caughtUpAt !== null && caughtUpAt >= (arrivedAt ?? 0)) return 'caught up'
  return kind === 'after' ? 'begun' : 'not begun'
}

function tablesOf({ stored, target }: Seen): TableStatus[] {
  const facts = new Map(
    Array.from(stored.facts).flatMap(([subject, json]) => {
      const label = labelOf(subject)
      return label === null ? [] : [[label, factsFromJson(subject, json)] as const]
    }),
  )
  const targets = new Map((target?.tables ?? []).map((table) => [table.source, table]))
  return [...new Set([...targets.keys(), ...facts.keys()])].sort().map((table) => {
    const learned = facts.get(table)
    const made = targets.get(table)
    const floor = learned?.floor ?? null
    return {
      table,
      target: made === undefined ? null : { schema: made.schema, name: made.name },
      key: learned?.key ?? made?.key ?? null,
      floor: floor === null ? null : new Date(Number(BigInt(floor) / 1000n)).toISOString(),
    }
  })
}

const isOtherStream = (stored: StreamIdentity, asked: StreamIdentity | null): boolean =>
  asked !== null && (asked.id !== stored.id || !(asked.isSameAs?.(stored.created) ?? asked.created === stored.created))

function otherStream(stored: StreamIdentity, asked: StreamIdentity): string {
  if (asked.id !== stored.id) return `The positions are of ${stored.id}, and --source is ${asked.id}`
  return `${asked.id} is not what it was: created ${stored.created} then, ${asked.created} now`
}

/** One line for shards that lost records, perhaps, and one for those that soon may. */
function ageWarnings(shards: readonly ShardStatus[], retentionMs: number): string[] {
  const old = shards.filter(({ behindMs }) => behindMs !== null && behindMs > retentionMs / 2)
  const lost = old.filter(({ behindMs }) => behindMs! > retentionMs)
  const soon = old.filter(({ behindMs }) => behindMs! <= retentionMs)
  const hours = `the ${Math.round(retentionMs / 3_600_000)} hours that the stream keeps a record`
  return [
    ...(lost.length === 0 ? [] : [`${worst(lost)}: longer ago than ${hours}, so records may have expired unread`]),
    ...(soon.length === 0 ? [] : [`${worst(soon)}: longer ago than half of ${hours}`]),
  ]
}

/** The shard that is furthest behind, and how many others there are. */
function worst(shards: readonly ShardStatus[]): string {
  const first = shards.reduce((a, b) => (a.behindMs! >= b.behindMs! ? a : b))
  const others = shards.length - 1
  const more = others === 0 ? '' : ` (and ${others} more ${others === 1 ? 'shard' : 'shards'})`
  return `${first.shard}${more} is read up to ${first.upTo}`
}

const parkedWarning = ({ source, count }: SeenLetters): string =>
  `Table ${source} is parked: ${count} of its changes are dead letters, and none of what comes is written until it is mended`

const letters = (count: number): string => (count === 1 ? '1 dead letter lies' : `${count} dead letters lie`)

const holderOf = ({ host, process, since }: Omit<Holder, 'heardOf'>) => ({ host, process, since })

const isoOrNull = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
