/**
 * How far a shard is done, and whose stream it is. Shared by the modules that read, remember and write.
 */

/** The shard is closed and everything in it is durable. */
export const SHARD_END = 'SHARD_END'
/** Nothing is durable yet: begin at the oldest record that the stream still holds. */
export const TRIM_HORIZON = 'TRIM_HORIZON'

export interface Position {
  /**
   * Everything up to and including this sequence number is durable; or `SHARD_END`, `TRIM_HORIZON`,
   * or `AT_TIMESTAMP <epoch ms>` for a shard that was open when a relay with `--start latest` or a time first ran.
   */
  readonly sequence: string
  /** When the stream took that record, epoch ms; null before the first one. */
  readonly arrivedAt: number | null
  /** When the shard was last seen with nothing left to read, epoch ms of the service's clock; null if never. */
  readonly caughtUpAt: number | null
}

/** Shard id → position. */
export type Positions = ReadonlyMap<string, Position>

/** Where reading a shard begins. */
export type ReadFrom =
  | { readonly kind: 'start' }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'after'; readonly sequence: string }
  | { readonly kind: 'end' }

const AT_TIMESTAMP = 'AT_TIMESTAMP '

export function atTimestamp(ms: number): Position {
  return { sequence: `${AT_TIMESTAMP}${ms}`, arrivedAt: null, caughtUpAt: null }
}

/** Where reading goes on from a position; an absent one means the start. */
export function readFrom(position: Position | undefined): ReadFrom {
  if (position === undefined || position.sequence === TRIM_HORIZON) return { kind: 'start' }
  if (position.sequence === SHARD_END) return { kind: 'end' }
  if (position.sequence.startsWith(AT_TIMESTAMP)) {
    return { kind: 'time', ms: Number(position.sequence.slice(AT_TIMESTAMP.length)) }
  }
  return { kind: 'after', sequence: position.sequence }
}

/** Until when a shard is known to be read: its last record, the last time nothing was left, or where it was to begin. */
export function readUntil(position: Position): number | null {
  const place = readFrom(position)
  const known = [position.arrivedAt, position.caughtUpAt, place.kind === 'time' ? place.ms : null]
  const times = known.filter((ms) => ms !== null)
  return times.length === 0 ? null : Math.max(...times)
}

/** What tells a stream from another of the same name. */
export interface StreamIdentity {
  /** The stream's ARN (its name where a service gives none), or a file's absolute path. */
  readonly id: string
  /** Creation time of the stream (ISO), or the hash of a file's head. A re-created stream keeps its ARN but not this. */
  readonly created: string
  /** Whether a `created` that was remembered means this stream too, where that is not plain equality: a file may have grown. */
  isSameAs?(remembered: string): boolean
  /** How long the stream keeps a record, milliseconds; null where that is not a question (a file). */
  readonly retentionMs: number | null
}
