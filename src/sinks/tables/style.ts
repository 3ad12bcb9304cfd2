import type { Change, ColumnType, Format } from '../../change.ts'
import type { Codec } from './codecs/codec.ts'
import type { ColumnsTable } from './columns-table.ts'
import type { Statement } from './database.ts'
import type { Beside, Misfit, Plan } from './layout.ts'
import type { OwnColumn } from './own-columns.ts'
import type { Refuses } from './refused-values.ts'
import type { Column, Relation } from './relation.ts'
import type { BoundTable, KeyColumn, KeyFamily, Mapping, Target, WantedKey } from './target.ts'

/** How a database names, types and makes tables. */
export interface TableStyle {
  readonly deletes: 'hard' | 'soft'
  readonly names: ColumnNames
  /** The columns that the relay adds to those of the source. */
  readonly own: {
    readonly data: OwnColumn
    readonly version: OwnColumn
    readonly deleted: OwnColumn
    readonly extra: OwnColumn
  }
  /** A table may get no more columns by itself: what is beyond lies in `cdc_extra`. */
  readonly mostColumns: number

  /** The type of a new key column in the layout `document`, as SQL. */
  newKeyType(family: KeyFamily): string
  /** The type of a new column in the layout `columns`, as SQL. */
  newColumnType(type: ColumnType, isKey: boolean): string
  /** An existing key column in the layout `document`; or in words why it cannot be one. */
  keyColumn(key: WantedKey & { readonly family: KeyFamily }, column: Column): KeyColumn | string
  /** How the values of an existing column travel. @param type what the source says that they are; null if it does not */
  codecFor(column: Column, feed: Format, type: ColumnType | null): Codec

  /** @param columns definitions, those of the key NOT NULL */
  create(target: Target, columns: readonly Statement[], keys: readonly Mapping[]): readonly Statement[]
  /** Cures of a column that does not fit; null where there is none. */
  retype(target: Target, column: string, type: Statement): Statement | null
  /** Of a column of the key, where that takes more than of another one. */
  retypeKey?(
    target: Target,
    column: string,
    type: Statement,
    keys: readonly Mapping[],
    relation: Relation,
  ): Statement | null
  dropNotNull(target: Target, column: string): Statement | null
  dropGenerated(target: Target, column: Column): Statement | null
  /** What is wrong about the uniqueness of an existing table's rows, given what the relay writes and in which order. */
  uniqueness(
    target: Target,
    keys: readonly Mapping[],
    written: ReadonlySet<string>,
    relation: Relation,
  ): readonly Misfit[]
  /** What stands beside a table that fits: tombstones, a view, or nothing. @param shown what a view shows */
  beside(table: BoundTable, shown: readonly string[]): Beside | null
}

/** And how it writes mirrored ones. @typeParam To what a plan is written to */
export interface TableDialect<To> extends TableStyle {
  /** A function that plans the changes of a table in the layout `columns`. */
  columns(table: ColumnsTable, relation: Relation): Planner<To>
  /** The same for the layout `document`. */
  document(table: BoundTable, relation: Relation): Planner<To>
}

/** Folds and encodes. Null if the changes have columns that the table could have and lacks. */
export type Planner<To> = (changes: readonly Change[], refuses?: Refuses) => Promise<Plan<To> | null>

/** Names of the source → names in the target. No two become one. */
export interface TargetNames {
  schema(name: string): string
  /** Whether the target keeps the name of a schema for itself. */
  isReserved(schema: string): boolean
  table(name: string): string
}

export interface ColumnNames {
  /** Of a key column in the layout `document`. */
  key(attribute: string): string
  /** Of a column in the layout `columns`. */
  column(attribute: string): string
}
