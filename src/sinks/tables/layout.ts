import type { SourceTable } from '../../batch.ts'
import type { Change, DeadLetter } from '../../change.ts'
import type { Database, Statement } from './database.ts'
import type { Refuses, UnsureColumn } from './refused-values.ts'
import type { Relation } from './relation.ts'
import type { ValuesAside } from './set-aside.ts'
import type { BoundTable, DesiredTable, Mapping, Target } from './target.ts'

/** @typeParam To what a plan is written to: a transaction, a load */
export interface TargetTable<To = Database> extends BoundTable {
  /** Columns of which only the server knows what they take; absent if there are none. */
  readonly unsure?: readonly UnsureColumn[]
  /**
   * Folds and encodes, in slices, so that a write that is going on is not held up.
   * Null if the changes have columns that the table could have and lacks.
   * @param refuses what columns are known not to take, beside what their types tell
   * @throws RelayError SINK_TABLE if the changes have another key than the table
   */
  plan(changes: readonly Change[], refuses?: Refuses): Promise<Plan<To> | null>
  /** The columns of which the change has values that may lie aside, those with the longest first; absent where none may. */
  longestFirst?(change: Change): readonly string[]
  /** True if values were met that the table may know by now: it is to be looked at again. Absent if that cannot be. */
  isOutdated?(): boolean
}

export interface Plan<To = Database> {
  /** Changes that the table cannot hold at all, each with its reason. */
  readonly refused: readonly DeadLetter[]
  /** Values of the others that go to `cdc_extra`. */
  readonly aside: ValuesAside
  /**
   * Writes the others, in one statement for each kind. Resolves to how many were applied.
   * @param refuse told of a row that the target refused while it kept its neighbours, of which nothing can be undone or
   * told from a repetition; where that cannot be, or without it, such a row makes the write fail
   */
  write(to: To, onRejected?: OnRejected): Promise<number>
  /** The same statements without rows: they fail as those with rows if it is not for a row; absent where that tells nothing. */
  writeNothing?(to: To): Promise<void>
  /** True once a row showed that the table takes other values than it was taken to: then it is looked at again. */
  isOutdated?(): boolean
}

/** @throws `error` itself, where that is about something else than the row */
export type OnRejected = (change: Change, error: unknown) => void

/** Something about an existing table that does not fit what the relay writes, and the statement that helps. */
export interface Mismatch {
  readonly what: string
  readonly fix: Statement | null
}

/** Tombstones, or a view. */
export interface Companion {
  readonly schema: string
  readonly name: string
  /** False if the relay can do without it. */
  readonly needed: boolean
  readonly create: Statement
  /** What does not fit about one that is there. */
  mismatches(relation: Relation): readonly Mismatch[]
  /** True if one that is there must be made anew, by `create`. */
  isOutdated(relation: Relation): boolean
}

/** For what a table is made or looked at. */
export interface Evidence {
  /** Null where the source defines no tables, and its changes name their key themselves. */
  readonly known: SourceTable | null
  /** May be empty where the table is known. */
  readonly changes: readonly Change[]
  /** The columns that the source had before, also those that the target lacks. */
  readonly remembered: readonly Mapping[]
}

/**
 * How changes lie in a table: one implementation for each mode and layout. Pure up to the `write` of a plan.
 * @typeParam To what a plan is written to
 * @typeParam R what the target's catalogue knows of a table
 */
export interface Layout<To = Database, R extends Relation = Relation> {
  readonly name: 'append' | 'columns' | 'document'

  /** What a table needs; null if that cannot be told yet. @throws RelayError SINK_TABLE if it has no usable key */
  desired(evidence: Evidence): DesiredTable | null

  /** Makes a new table; null if it cannot be told yet what its key holds. */
  create(target: Target, desired: DesiredTable): readonly Statement[] | null

  /** Adds what an existing table lacks, and the layout may add. */
  additions(target: Target, desired: DesiredTable, relation: R): Additions

  mismatches(target: Target, desired: DesiredTable, relation: R): readonly Mismatch[]

  /** A table without misfits. */
  bind(target: Target, desired: DesiredTable, relation: R, known: SourceTable | null): TargetTable<To>

  /** What stands beside a table that fits: null if nothing does. */
  companion(table: BoundTable, relation: R): Companion | null
}

export interface Additions {
  /** Columns of the relay's own. */
  readonly own: readonly AddedColumn[]
  /** More of them, which it can do without. */
  readonly optional: readonly AddedColumn[]
  /** Columns that the source has and the target lacks. */
  readonly columns: readonly AddedColumn[]
}

export interface AddedColumn {
  readonly name: string
  /** Its type, and what else is declared of it. */
  readonly definition: Statement
}
