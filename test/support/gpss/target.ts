import type { Database } from './database.ts'
import { GpssFailure, pqFailure } from './failure.ts'
import { type RejectLimit, rejectLimit } from './reject-limit.ts'
import type { GpssSettings } from './settings.ts'
import type { LoadColumn } from './values.ts'
import type { OpenRequest } from './wire-messages.ts'

/** What a load does, checked and with its names as they are in the database. */
export interface Target {
  readonly mode: 'insert' | 'update' | 'merge'
  readonly schema: string
  readonly table: string
  /** One for each value of a row, in their order. */
  readonly columns: readonly LoadColumn[]
  readonly matchColumns: readonly string[]
  readonly updateColumns: readonly string[]
  /** SQL of the client's, or empty. */
  readonly condition: string
  readonly truncate: boolean
  readonly limit: RejectLimit
}

/** @throws GpssFailure what cannot be loaded: with PostgreSQL's words where it has some */
export async function resolveTarget(db: Database, request: OpenRequest, settings: GpssSettings): Promise<Target> {
  if (request.Formats !== null) throw new GpssFailure(`raw format ${request.Formats.case} is not supported`)
  if (request.Option === null) throw new GpssFailure('one of InsertOption, UpdateOption and MergeOption must be set')

  const asIs = namesOf(request)
  const names = settings.foldNames === true ? await fold(db, asIs) : asIs
  if (names.stagingSchema !== '') await requireSchema(db, names.stagingSchema)
  const all = await tableColumns(db, names.schema, names.table)
  if (all === null) throw pqFailure(`relation "${names.schema}.${names.table}" does not exist`)

  const { case: kind, value: option } = request.Option
  const mode = kind === 'InsertOption' ? 'insert' : kind === 'UpdateOption' ? 'update' : 'merge'
  const loaded = valueColumns(mode, names, all, settings)
  const target: Target = {
    mode,
    schema: names.schema,
    table: names.table,
    columns: loaded.map((name) => known(all, name, names.table)),
    matchColumns: names.match.map((name) => known(all, name, names.table).name),
    updateColumns: names.update.map((name) => known(all, name, names.table).name),
    condition: 'Condition' in option ? option.Condition : '',
    truncate: 'TruncateTable' in option && option.TruncateTable,
    limit: rejectLimit(option, settings.bothLimits ?? 'count'),
  }
  checkColumns(target)
  if (settings.greenplum !== undefined) await checkDistribution(db, target, settings.greenplum.distributionKeys)
  return target
}

/** The columns of a table in their order; null when there is no such table. */
async function tableColumns(db: Database, schema: string, table: string): Promise<readonly LoadColumn[] | null> {
  const { rows } = await db.query<LoadColumn & { name: string | null }>(
    `SELECT a.attname AS name, format_type(a.atttypid, -1) AS "castType", format_type(a.atttypid, NULL) AS spelled,
            coalesce(b.typname, t.typname) AS "baseType"
       FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
       LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       LEFT JOIN pg_type t ON t.oid = a.atttypid
       LEFT JOIN pg_type b ON b.oid = nullif(t.typbasetype, 0)
      WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'f') ORDER BY a.attnum`,
    [schema, table],
  )
  return rows.length === 0 ? null : rows.filter(({ name }) => name !== null)
}

interface Names {
  readonly schema: string
  readonly table: string
  readonly stagingSchema: string
  readonly insert: readonly string[]
  readonly match: readonly string[]
  readonly update: readonly string[]
}

function namesOf({ SchemaName, TableName, StagingSchema, Option }: OpenRequest): Names {
  const option = Option!.value
  return {
    schema: SchemaName,
    table: TableName,
    stagingSchema: StagingSchema,
    insert: 'InsertColumns' in option ? option.InsertColumns : [],
    match: 'MatchColumns' in option ? option.MatchColumns : [],
    update: 'UpdateColumns' in option ? option.UpdateColumns : [],
  }
}

async function fold(db: Database, names: Names): Promise<Names> {
  const [schema, table, stagingSchema] = await foldNames(db, [names.schema, names.table, names.stagingSchema])
  return {
    schema: schema!,
    table: table!,
    stagingSchema: stagingSchema!,
    insert: await foldNames(db, names.insert),
    match: await foldNames(db, names.match),
    update: await foldNames(db, names.update),
  }
}

/** Names as PostgreSQL takes them without quotes. @throws GpssFailure where it would not take them at all */
export async function foldNames(db: Database, names: readonly string[]): Promise<readonly string[]> {
  const { rows } = await db.query<{ name: string; folded: string; id: string }>(
    `SELECT name, lower(name) AS folded, quote_ident(lower(name)) AS id
       FROM unnest($1::text[]) WITH ORDINALITY AS given (name, nth) ORDER BY nth`,
    [names],
  )
  const odd = rows.find(({ folded, id }) => folded !== '' && id !== folded)
  if (odd !== undefined) throw pqFailure(`syntax error at or near "${odd.name}"`)
  return rows.map(({ folded }) => folded)
}

async function requireSchema(db: Database, schema: string): Promise<void> {
  const { rows } = await db.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema])
  if (rows.length === 0) throw pqFailure(`schema "${schema}" does not exist`)
}

function valueColumns(
  mode: Target['mode'],
  names: Names,
  all: readonly LoadColumn[],
  { emptyInsertColumns = 'refuse', updateValues = 'match first' }: GpssSettings,
): readonly string[] {
  const everything = all.map(({ name }) => name)
  if (mode === 'update') return updateValues === 'all columns' ? everything : [...names.match, ...names.update]
  if (names.insert.length > 0) return names.insert
  if (emptyInsertColumns === 'refuse') throw new GpssFailure('InsertColumns must not be empty')
  return everything
}

function known(all: readonly LoadColumn[], name: string, table: string): LoadColumn {
  const column = all.find((candidate) => candidate.name === name)
  if (column === undefined) throw pqFailure(`column "${name}" of relation "${table}" does not exist`)
  return column
}

function checkColumns({ mode, columns, matchColumns, updateColumns }: Target): void {
  const names = columns.map(({ name }) => name)
  for (const list of [names, matchColumns, updateColumns]) {
    const twice = list.find((name, at) => list.indexOf(name) !== at)
    if (twice !== undefined) throw pqFailure(`column "${twice}" specified more than once`)
  }
  if (mode === 'insert') return
  if (matchColumns.length === 0) throw new GpssFailure('MatchColumns must not be empty')
  if (updateColumns.length === 0) throw new GpssFailure('UpdateColumns must not be empty')
  const unloaded = [...matchColumns, ...updateColumns].find((name) => !names.includes(name))
  if (unloaded !== undefined) throw pqFailure(`column from_table.${unloaded} does not exist`)
}

async function checkDistribution(
  db: Database,
  { schema, table, updateColumns }: Target,
  keys: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const distributedBy = keys.get(`${schema}.${table}`) ?? []
  if (distributedBy.some((name) => updateColumns.includes(name))) {
    throw pqFailure('Cannot parallelize an UPDATE statement that updates the distribution columns')
  }
  const { rows } = await db.query<{ name: string }>(
    `SELECT a.attname AS name
       FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
      WHERE i.indisprimary AND n.nspname = $1 AND c.relname = $2`,
    [schema, table],
  )
  const primaryKey = rows.map(({ name }) => name)
  if (primaryKey.length > 0 && !distributedBy.every((name) => primaryKey.includes(name))) {
    throw pqFailure('PRIMARY KEY and DISTRIBUTED BY definitions are incompatible')
  }
}
