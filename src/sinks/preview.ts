import type { Batch, ClaimedSettings, SetAsideColumns } from '../batch.ts'
import type { DeadLetter } from '../change.ts'
import type { RelayError } from '../errors.ts'
import type { Claimed } from '../state/identity.ts'
import type { Seen } from '../state/seen.ts'
import type { SinkTraits } from './sink.ts'

/** What a run would do to a target, found by looking alone: it claims no name, takes no lock, and writes nothing. */
export interface Preview extends SinkTraits {
  /**
   * Connects, and looks at what lies there.
   * @throws RelayError STATE_DIFFERS, STATE_NEWER, SINK_LOGIN, SINK_UNREACHABLE …; CONFIGURATION for a name that an engine has, without `takeOver`
   */
  open(claimed: Claimed): Promise<PreviewedState>
  /** What the batch would come to, by table. After `open`. @throws RelayError SINK_… */
  plan(batch: Batch): Promise<readonly PreviewedTable[]>
  /** Twice is fine. */
  close(): Promise<void>
}

export interface PreviewedState {
  /** As its users call it: `PostgreSQL`. */
  readonly title: string
  /** What is stored of the relay; null if nothing is. */
  readonly seen: Seen | null
  /** What a claim would make of the stored settings; null if nothing is stored. */
  readonly claimed: ClaimedSettings | null
  /** Statements that the relay's own tables lack. */
  readonly ownTables: readonly string[]
}

export interface PreviewedTable {
  /** The source table, as `tableLabel` prints it. */
  readonly source: string
  readonly changes: number
  /** Statements that make or alter tables and views. */
  readonly definitions: readonly string[]
  readonly writes: readonly PreviewedWrite[]
  /** Changes that would become dead letters. */
  readonly refused: readonly DeadLetter[]
  readonly setAside: SetAsideColumns
  /** Schema changes that would not be followed. */
  readonly notFollowed: number
  /** Why nothing can be written to the table; null if it can. */
  readonly trouble: RelayError | null
}

export interface PreviewedWrite {
  /** Of the batch, folded by key; null where only the target knows. */
  readonly rows: number | null
  /** With placeholders in the place of values. */
  readonly statements: readonly string[]
}
