import type { Change, ColumnType, DeadLetter, Format } from '../../change.ts'
import type { Log } from '../../observe/log.ts'
import type { Column, Relation } from './catalogue.ts'
import type { Codec } from '../tables/codecs/codec.ts'
import type { DeclaredTypes } from '../tables/columns.ts'
import type { ColumnsTable } from '../tables/columns-shape.ts'
import type { Connection, Database } from './connection.ts'
import type { ErrorMeanings } from './failures.ts'
import type {
  Beside,
  BoundTable,
  KeyColumn,
  KeyFamily,
  Layout,
  Mapping,
  Misfit,
  Plan,
  Statement,
  Target,
  TargetTable,
  WantedKey,
} from '../tables/layout.ts'
import type { OwnColumn } from '../tables/own-columns.ts'
import type { Refuses, UnsureColumn } from '../tables/refused-values.ts'
import type { SqlState } from './state-store.ts'
import type { Catalogue } from '../tables/tables.ts'

/**
 * What one database wants otherwise than the others. The sink, the planning and the layouts ask it, and know no database.
 * Which one it is, the server says after connecting.
 */
export interface Dialect {
  /** As its users call it: `PostgreSQL`, `Greenplum 6`. */
  readonly title: string
  /** What becomes of deleted rows by default, and all that it can do. */
  readonly deletes: readonly ['hard', 'soft'] | readonly ['soft']
  /** Where tables go that name no schema. */
  readonly defaultSchema: string
  /** True if its texts hold U+0000; absent if it refuses them. */
  readonly keepsNul?: true

  /** What each new session begins with; absent if nothing. */
  readonly session?: Statement
  /**
   * Warns of a version of the server in which something is broken that the relay rests on.
   * @param version what `version()` says
   * @throws RelayError CONFIGURATION if it would damage rows
   */
  requireVersion?(version: string, log: Log | null): void

  /** What a relay remembers in the target. */
  state(connection: Connection, log: Log | null): SqlState
  catalogue(connection: Connection): Catalogue

  readonly names: TargetNames
  /**
   * The layouts of mirrored tables.
   * @param declaredTypes what the operator says that columns hold
   * @param objects what becomes of the members of documents, where the database knows more than one way
   */
  mirrors(deletes: 'hard' | 'soft', declaredTypes: DeclaredTypes, objects: 'ignored' | 'dynamic'): Mirrors
  /** The log of changes. */
  append(): Layout

  readonly writing: Writing
  /** Takes away what remains of deleted rows for longer than `ageMs`, a part at a time. Resolves to true if there is more. */
  prune(db: Database, relay: string, table: TargetTable, ageMs: number): Promise<boolean>
  /** Keeps dead letters beside the rows; the same ones again do no harm. */
  keepDeadLetters(to: Database, relay: string, letters: readonly DeadLetter[]): Promise<void>

  readonly failures: ErrorMeanings
}

export interface Mirrors {
  readonly columns: Layout
  readonly document: Layout
}

/** How a batch gets into a database. */
export interface Writing {
  /** One transaction where there are such; else the work alone, whose steps are then in an order that a crash does no harm to. */
  batch<T>(db: Database, work: (to: Database) => Promise<T>): Promise<T>
  /** First of a batch: waits for other writers of the tables, so that what they deleted is seen. */
  takeTurns(to: Database, tables: readonly Target[]): Promise<void>
  /** A part of a batch that leaves nothing behind if it fails, or nothing that hurts when it is written again. */
  part<T>(to: Database, depth: number, work: () => Promise<T>): Promise<T>
  /** True if nothing is left of a part that failed. */
  readonly undoesParts: boolean
  /** Checks now what is otherwise checked when the batch is whole; absent where there is no such thing. */
  checkConstraints?(to: Database): Promise<void>
  /** Which of some texts the column does not take, by their places; absent where the database cannot be asked. */
  refusedTexts?(to: Database, column: UnsureColumn, texts: readonly string[]): Promise<readonly number[]>
  /** Removes the rows from before a reload; resolves to how many. */
  sweep(to: Database, table: TargetTable, floor: string): Promise<number>
}

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
