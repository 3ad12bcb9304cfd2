import type { SourceTable } from '../../batch.ts'
import type { Change, DeadLetter } from '../../change.ts'
import type { Database, Statement } from './database.ts'
import type { Refuses, UnsureColumn } from './refused-values.ts'
import type { Relation } from './relation.ts'
import type { ValuesAside } from './set-aside.ts'
import type { BoundTable, DesiredTable, Mapping, Target } from './target.ts'

/** @typeParam To what a plan is written to: a transaction, a load */
export interface TargetTable<To = Database> extends BoundTable {
  /** Columns whose accepted values only the server knows; absent if there are none. */
  readonly unsure?: readonly UnsureColumn[]
  /**
   * Folds and encodes, in slices, so that a write in progress is not delayed.
   * Null if the changes have columns that the table could have and lacks.
   * @param refuses values that columns are known to refuse, in addition to what their types tell
   * @throws RelayError SINK_TABLE if the changes have another key than the table
   */
  plan(changes: readonly Change[], refuses?: Refuses): Promise<Plan<To> | null>
  /** The columns whose values of the change may go to `cdc_extra`, those with the longest values first; absent where none may. */
  longestFirst?(change: Change): readonly string[]
  /** True after values that the table may accept by now: then it is read again. Absent if that cannot happen. */
  isOutdated?(): boolean
}

export interface Plan<To = Database> {
  /** Changes that the table cannot hold at all, each with its reason. */
  readonly refused: readonly DeadLetter[]
  /** Values of the others that go to `cdc_extra`. */
  readonly aside: ValuesAside
  /**
   * Writes the others, one statement for each kind. Resolves to how many were applied.
   * @param onRejected called for a row that the target refused while it kept the others. Absent, or where a target keeps
   * nothing of a statement that fails, such a row makes the write fail
   */
  write(to: To, onRejected?: OnRejected): Promise<number>
  /** What `write` does, in its order, for who wants to know what that is. */
  readonly steps: readonly PlanStep<To>[]
  /** The same statements without rows: they fail as those with rows do, unless a row is the reason. Absent where that proves nothing. */
  writeNothing?(to: To): Promise<void>
  /** True once a row showed that the table accepts other values than assumed: then it is read again. */
  isOutdated?(): boolean
}

/** One kind of statement, for all of the rows that it is for. */
export interface PlanStep<To = Database> {
  readonly rows: number
  readonly write: Plan<To>['write']
}

/** @throws `error` itself, where that is about something else than the row */
export type OnRejected = (change: Change, error: unknown) => void

/** Something about an existing table that does not fit what the relay writes, and the statement that fixes it. */
export interface Mismatch {
  readonly what: string
  readonly fix: Statement | null
}

/** A table of tombstones or a view that belongs to a target table. */
export interface Companion {
  readonly schema: string
  readonly name: string
  /** False if the relay works without it. */
  readonly needed: boolean
  readonly create: Statement
  /** What does not fit about an existing one. */
  mismatches(relation: Relation): readonly Mismatch[]
  /** True if an existing one must be replaced, by `create`. */
  isOutdated(relation: Relation): boolean
  /**
   * What is to be taken over once, where the table was written to another place until now, or with the other kind of deletes; absent where
   * there is no such thing. @param movedFrom the other place; null if it is the same
   */
  inheritance?(movedFrom: Target | null): Inheritance | null
  /** What must go, and what comes back, when columns of the table get wider types; absent where an existing one does not care. */
  widening?(there: Relation, columns: readonly Widening[]): Surroundings
}

/** Tombstones in another table. */
export interface Inheritance {
  /** Where they are, if there are any. */
  readonly schema: string
  readonly name: string
  readonly take: readonly Statement[]
}

/** Statements in front of others, and behind them. */
export interface Surroundings {
  readonly before: readonly Statement[]
  readonly behind: readonly Statement[]
}

/** A column that is to hold more. */
export interface Widening {
  /** In the target. */
  readonly column: string
  /** Its type now, as SQL. */
  readonly from: string
  /** And then; null for one that gets a label more. */
  readonly to: string | null
  /** Null where the target cannot. A label in it is a value of a row. */
  readonly statement: Statement | null
  /** What an operator can do where the target refuses that, without values; null: nothing. */
  readonly cure: Statement | null
}

/** What is known of a source table when its target is created or checked. */
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
  /** What a table needs; null while that is unknown. @throws RelayError SINK_TABLE if it has no usable key */
  desired(evidence: Evidence): DesiredTable | null

  /** The table to be made; null while the type of its key is unknown. */
  create(target: Target, desired: DesiredTable): NewTable | null

  /** What an existing table lacks and the layout may add. */
  additions(target: Target, desired: DesiredTable, relation: R): Additions

  mismatches(target: Target, desired: DesiredTable, relation: R): readonly Mismatch[]

  /** The columns of a table without mismatches that are narrower than those of the source, which `known` tells; absent where none can be. */
  widenings?(target: Target, desired: DesiredTable, relation: R, known: SourceTable | null): readonly Widening[]

  /** A table without mismatches. */
  bind(target: Target, desired: DesiredTable, relation: R, known: SourceTable | null): TargetTable<To>

  /** The companion of a table that fits; null if it has none. */
  companion(table: BoundTable, relation: R): Companion | null
}

export interface Additions {
  /** Columns of the relay's own. */
  readonly own: readonly AddedColumn[]
  /** More of them, without which it works, too. */
  readonly optional: readonly AddedColumn[]
  /** Columns that the source has and the target lacks. */
  readonly columns: readonly AddedColumn[]
}

export interface AddedColumn {
  readonly name: string
  /** Its type, and whatever else its declaration has. */
  readonly definition: Statement
}

/** A table that is not there yet. */
export interface NewTable {
  readonly columns: readonly AddedColumn[]
  /** The names of the columns of its primary key; empty if it has none. */
  readonly keys: readonly string[]
  /** What makes it. */
  readonly statements: readonly Statement[]
}
