import { type ColumnType, type Format, type TableName, traitsOf } from '../../change.ts'
import { type Log, SILENT } from '../../observe/log.ts'

/** What the operator wants of the target tables: the same of every sink that writes to tables. */
export interface TargetRules {
  /** Tables that are kept equal to the source's, or logs with one row for each change. */
  readonly mode: 'mirror' | 'append'
  /** Null: `columns` for tables of DMS, `document` for those of DynamoDB. */
  readonly layout: 'columns' | 'document' | null
  /** Whether the relay creates what is missing. */
  readonly createTables: 'auto' | 'never'
  readonly onSchemaChange: 'add-only' | 'widen' | 'stop' | 'ignore'
  /** What happens to the older rows when a source table is dropped and loaded again. */
  readonly onReload: 'keep' | 'sweep'
  /** What happens to a row that the target refuses. */
  readonly onError: 'dead-letter' | 'stop'
  /** The target that the operator names for a table, where a null schema is the default one; null: the table's own name. */
  readonly routes: (table: TableName) => TableName | null
  readonly declaredTypes: DeclaredTypes
  readonly log: Log
}

/** What the options of the command line are by default. */
export const DEFAULT_RULES: TargetRules = {
  mode: 'mirror',
  layout: null,
  createTables: 'auto',
  onSchemaChange: 'add-only',
  onReload: 'keep',
  onError: 'dead-letter',
  routes: () => null,
  declaredTypes: () => new Map(),
  log: SILENT,
}

/** What `--type` says that the columns of a source table hold. */
export type DeclaredTypes = (table: TableName) => ReadonlyMap<string, ColumnType>

/** The layout of a table, by whether the source defines it: its columns, or else a document. */
export const layoutFor = ({ layout }: Pick<TargetRules, 'layout'>, hasDefinition: boolean): 'columns' | 'document' =>
  layout ?? (hasDefinition ? 'columns' : 'document')

/**
 * Whether rows of this feed are made of JSON: documents of that of the whole row, where a target takes it (`documents`), columns of
 * tokens, which only a feed has that defines its tables.
 */
export function takesJson(
  { mode, layout }: Pick<TargetRules, 'mode' | 'layout'>,
  format: Format,
  documents: boolean,
): boolean {
  const { definesTables } = traitsOf({ format })
  if (mode !== 'mirror') return false
  return layoutFor({ layout }, definesTables) === 'columns' ? definesTables : documents
}
