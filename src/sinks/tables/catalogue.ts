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
}

export interface TableWork<R extends Relation = Relation> {
  look: Catalogue<R>['look']
  lacksSchema(schema: string): Promise<boolean>
  run(statements: readonly Statement[]): Promise<void>
  /** Adds columns where that is better done in another way than by one statement for each. */
  addColumns?(target: Target, columns: readonly AddedColumn[]): Promise<void>
  remember(table: RememberedTable): Promise<void>
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
