import type { Statement } from './database.ts'
import type { AddedColumn } from './layout.ts'
import type { Relation } from './relation.ts'
import type { DesiredKey, Mapping, Target } from './target.ts'

/** What a target says about its tables, and how they are created. @typeParam R what it knows of a table */
export interface Catalogue<R extends Relation = Relation> {
  /** What earlier runs of the relay remembered. */
  load(relay: string): Promise<readonly RememberedTable[]>
  /** A table, or what else bears the name; undefined if nothing does. */
  look(schema: string, name: string): Promise<R | undefined>
  /** Works on a table: all of it or nothing, where the target can do that. */
  work<T>(work: (table: TableWork<R>) => Promise<T>): Promise<T>
  /** The columns that the source may have had before, each taken for an attribute of its name; absent where what was learned is remembered. */
  columnsBefore?(target: Target): Promise<readonly Mapping[]>
  /** A statement as the operator could run it. */
  textOf(statement: Statement): string
  /**
   * Why the target does not do what was asked of a table, in words without values; null for what passes by itself.
   * Absent where the types of columns are not altered.
   */
  refusal?(error: unknown): string | null
  /** What gives the rights on a view again that others than its owner have; absent where that is not known. */
  grantsOn?(schema: string, name: string): Promise<readonly Statement[]>
  /** True if nothing is done with it, and all that would be is shown. */
  readonly isPreview?: true
  /** True if the schema must be made before a table in it. */
  lacksSchema(schema: string): Promise<boolean>
  /** What `look` would say of a table once `made` is, which `there` is part of; makes nothing. Absent where it cannot tell. */
  imagine?(there: R | undefined, made: MadeTable): Promise<R>
}

export interface TableWork<R extends Relation = Relation> {
  look: Catalogue<R>['look']
  lacksSchema: Catalogue<R>['lacksSchema']
  grantsOn?: Catalogue<R>['grantsOn']
  /** @param made what these statements make of a table: for who only wants to know what they are */
  run(statements: readonly Statement[], made?: MadeTable): Promise<void>
  /** Adds columns where that is better done in another way than by one statement for each. */
  addColumns?(target: Target, columns: readonly AddedColumn[]): Promise<void>
  remember(table: RememberedTable): Promise<void>
}

/** Columns that a table gets. */
export interface MadeTable {
  readonly target: Target
  readonly columns: readonly AddedColumn[]
  /** Of a new table, the columns of its primary key; empty for columns that are added to one. */
  readonly keys: readonly string[]
}

/** What a relay knows of a target of its own for as long as it lives. */
export interface RememberedTable extends Target {
  readonly keys: readonly DesiredKey[]
  /** The columns that the source ever had. */
  readonly columns: readonly Mapping[]
}

/** The columns of both. */
export function allColumns(before: readonly Mapping[], now: readonly Mapping[]): readonly Mapping[] {
  const isKnown = new Set(before.map(({ attribute }) => attribute))
  return [...before, ...now.filter(({ attribute }) => !isKnown.has(attribute))]
}
