import type { Change, ColumnType, ValueKind } from '../../change.ts'
import type { Codec } from './codecs/codec.ts'
import type { ColumnsTable } from './columns-table.ts'
import type { Statement } from './database.ts'
import type { TypedKey } from './keys.ts'
import type { AddedColumn, Companion, Mismatch, NewTable, Plan } from './layout.ts'
import type { OwnColumn } from './own-columns.ts'
import type { Refuses } from './refused-values.ts'
import type { Column, Relation } from './relation.ts'
import type { BoundTable, DesiredKey, KeyColumn, KeyFamily, Mapping, Target } from './target.ts'

/**
 * How a database names, types and makes tables.
 * @typeParam R what its catalogue knows of a table, and
 * @typeParam C of a column
 */
export interface TableStyle<R extends Relation = Relation, C extends Column = R['columns'][number]> {
  readonly deletes: 'hard' | 'soft'
  readonly names: ColumnNames
  /** The columns that the relay adds to those of the source. */
  readonly own: {
    readonly data: OwnColumn
    readonly version: OwnColumn
    readonly deleted: OwnColumn
    readonly extra: OwnColumn
  }
  /** The relay gives a table no more columns: values beyond them are kept in `cdc_extra`. */
  readonly mostColumns: number

  /** The type of a new column in the layout `columns`, as SQL. */
  newColumnType(type: ColumnType, isKey: boolean): string
  /** How the values of an existing column travel. @param type as the source declares it; null if it does not */
  codecFor(column: C, given: ValueKind, type: ColumnType | null): Codec

  /** @param columns those of the key NOT NULL */
  create(target: Target, columns: readonly AddedColumn[], keys: readonly Mapping[]): NewTable
  /** Statements that make a column fit; null where a database has none. */
  retype(target: Target, column: string, type: Statement): Statement | null
  /** Of a column of the key, where that takes more than of another one. */
  retypeKey?(target: Target, column: string, type: Statement, keys: readonly Mapping[], relation: R): Statement | null
  /** Makes a column of a wider type; null where a database has none. @param type as `newColumnType` spells it */
  widen(target: Target, column: C, type: string, relation: R): Statement | null
  /** Adds a label to an enum; absent where a database does not, within a transaction. @param type as SQL */
  addLabel?(type: string, label: string): Statement
  dropNotNull(target: Target, column: string): Statement | null
  dropGenerated(target: Target, column: C): Statement | null
  /** Statements that make a table with soft deletes one with hard deletes; absent where a database has one kind alone. */
  harden?(target: Target, keys: readonly Mapping[], relation: R): Statement | null
  /** What does not fit about the unique constraints of an existing table, given what the relay writes and in which order. */
  uniqueness(target: Target, keys: readonly Mapping[], written: ReadonlySet<string>, relation: R): readonly Mismatch[]
  /** The companion of a table that fits: tombstones, a view, or null. @param shown the columns that a view shows */
  companion(table: BoundTable, shown: readonly string[]): Companion | null
}

/** The key columns of the layout `document`, whose types are those of the values. @typeParam K an existing one */
export interface KeyStyle<K extends KeyColumn = KeyColumn, C extends Column = Column> {
  /** The type of a new key column, as SQL. */
  newKeyType(family: KeyFamily): string
  /** An existing key column; or in words why it cannot be one. */
  keyColumn(key: DesiredKey & { readonly family: KeyFamily }, column: C): K | string
}

/** How a database writes tables in the layout `columns`. @typeParam To what a plan is written to */
export interface ColumnsDialect<To, R extends Relation = Relation, C extends Column = R['columns'][number]>
  extends TableStyle<R, C> {
  /** A function that plans the changes of a table. */
  columns(table: ColumnsTable, relation: R): Planner<To>
}

/** The same of both layouts. */
export interface TableDialect<To> extends ColumnsDialect<To>, KeyStyle<TypedKey> {
  /** As `columns`. */
  document(table: DocumentTable, relation: Relation): Planner<To>
}

/** A table in the layout `document`, which exists and fits. */
export interface DocumentTable extends BoundTable {
  readonly keys: readonly TypedKey[]
}

/** Folds and encodes. Null if the changes have columns that the table could have and lacks. */
export type Planner<To> = (changes: readonly Change[], refuses?: Refuses) => Promise<Plan<To> | null>

/** Names of the source → names in the target. Different names stay different. */
export interface TargetNames {
  schema(name: string): string
  /** Whether the target keeps the name of a schema for itself. */
  isReserved(schema: string): boolean
  /** Statements that take a table to another place, rows and all; null where the database has none. */
  takeAlong(from: Target, to: Target): readonly Statement[] | null
  table(name: string): string
}

export interface ColumnNames {
  /** Of a key column in the layout `document`. */
  key(attribute: string): string
  /** Of a column in the layout `columns`. */
  column(attribute: string): string
}
