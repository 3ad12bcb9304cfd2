import type { DeadLetter, Lessons, SourceTable, StreamChange, TableName } from '../change.ts'
import type { Position, Positions } from '../position.ts'
import type { Claim, RelayIdentity, Stored } from '../state/store.ts'

/** What is written together. Skips are counted before and are not here. */
export interface Batch {
  /** In order of arrival within each shard. */
  readonly changes: readonly StreamChange[]
  /** By source table as `tableLabel` prints it: what is known of the tables of a DMS feed, this batch included. */
  readonly tables: ReadonlyMap<string, SourceTable>
  /** What was learned since the batch before: it becomes durable together with the positions. */
  readonly lessons: Lessons
  readonly deadLetters: readonly DeadLetter[]
  /** The position that each shard of the batch reaches. */
  readonly moves: Positions
}

/** How the changes of a batch ended. All numbers together are `changes.length`. */
export interface Written {
  readonly kind: 'written'
  /** By source table as `tableLabel` prints it. */
  readonly tables: ReadonlyMap<string, { readonly applied: number; readonly superseded: number }>
  /** Reason → changes that this target leaves out; absent if none. */
  readonly skips?: ReadonlyMap<string, number>
  /** Changes that the target refused and that it, or the file beside it, keeps with the reason; absent if none. */
  readonly deadLettered?: number
  /** The dead letters of those changes, for the log; absent if none, or if the target does not tell. */
  readonly refused?: readonly DeadLetter[]
  /** By source table, values that their columns cannot hold and that are kept in `cdc_extra`; absent if none. */
  readonly setAside?: ReadonlyMap<string, SetAsideColumns>
}

/** Column or attribute of the source → how many of its values lie in `cdc_extra`, and why. */
export type SetAsideColumns = ReadonlyMap<string, SetAsideColumn>

export interface SetAsideColumn {
  readonly count: number
  /** Of the target's column, as its catalogue prints it; null where the table has none for it. */
  readonly type: string | null
  /** In words without values: why the column does not hold them. */
  readonly reason: string
  /** What the operator can do, in words or as a statement. */
  readonly cure: string
}

/** The target held older positions than those last written (restored, failed over): nothing was written, read again from here. */
export interface Rewound extends Stored {
  readonly kind: 'rewound'
}

/**
 * Writes the prepared batch and moves the positions so that both are durable when it resolves, the positions never
 * before the changes. May be called again after it threw: it then does everything anew, once. The signal, which may
 * have aborted already, ends waits for others; a batch in hand is written all the same.
 *
 * @throws RelayError SINK_…, STATE_HELD when another process has claimed the relay's name
 */
export type Write = (signal: AbortSignal) => Promise<Written | Rewound>

/** Where changes go. */
export interface Sink {
  /** True if text with U+0000 is refused. Known once the sink is open. */
  readonly refusesNul: boolean
  /** True if text with half a surrogate pair is refused, or cannot be sent. */
  readonly refusesHalves: boolean
  /** True if `prepare` looks at `before`, whose decoding may fail: it is then decoded where such a failure becomes a dead letter. */
  readonly readsBefore: boolean
  /** True if a row needs its key to be written: a change whose key is not known then waits. */
  readonly needsKeys: boolean

  /**
   * Connects, checks what can be checked, claims the relay's name and tells where its shards stand and what it had learned.
   * @throws RelayError STATE_DIFFERS, STATE_HELD, SINK_LOGIN, SINK_UNREACHABLE …
   */
  open(claim: Claim, signal: AbortSignal): Promise<Stored>

  /**
   * The columns of the source that make the key of its table, told by the target's own table; null if that has no
   * primary key or is not there. Only asked where `needsKeys`, after `open`.
   */
  keyColumns(table: TableName): Promise<readonly string[] | null>

  /**
   * Thinks ahead while the batch before is still being written: folds and encodes, and never waits.
   * Writes are called one at a time, in the order in which they were prepared.
   */
  prepare(batch: Batch): Write

  /** Waits for a write in progress, then lets go of connections and of the claim. Twice is fine. */
  close(): Promise<void>
}

export type { Claim, Position, RelayIdentity, Stored }
