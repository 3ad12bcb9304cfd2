import type { DeadLetter, TableName } from '../../../src/change.ts'
import { SILENT } from '../../../src/observe/log.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { sqlSink } from '../../../src/sinks/sql/sink.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink-options.ts'
import { targetName } from '../../../src/sinks/tables/names.ts'
import type { Mapping } from '../../../src/sinks/tables/target.ts'
import type { MirrorRow, SinkTarget } from '../../sinks/conformance/target.ts'
import { type GreenplumKind, greenplumDatabase } from '../greenplum/greenplum.ts'
import { pgliteFolder } from '../postgres/pglite.ts'
import { testDatabase } from '../postgres/postgres.ts'

/** Runs one statement; its columns are text. */
export type Query = (text: string) => Promise<Record<string, string | null>[]>

/** A sink for a test: with the options that it does not care about. */
export function sqlSinkOf(options: Partial<SqlSinkOptions> & { readonly url: string }): Sink {
  return sqlSink({
    mode: 'mirror',
    layout: 'document',
    deletes: 'hard',
    createTables: 'auto',
    onSchemaChange: 'add-only',
    onReload: 'keep',
    onError: 'stop',
    tombstoneTtlMs: undefined,
    retentionMs: 86_400_000,
    routes: () => null,
    declaredTypes: () => new Map(),
    log: SILENT,
    ...options,
  })
}

export interface TestLayout {
  readonly layout: 'columns' | 'document'
  readonly deletes: 'hard' | 'soft'
}

export async function postgresTarget(how: TestLayout): Promise<SinkTarget> {
  const database = await testDatabase()
  const query: Query = (text) => database.query(text)
  return { ...sqlTarget(database.url, how, query), backup: () => backup(query), close: database.drop }
}

/** A stand-in for a Greenplum. What it would have refused makes `close` reject. */
export async function greenplumTarget(kind: GreenplumKind, how: TestLayout): Promise<SinkTarget> {
  const database = await greenplumDatabase(undefined, kind)
  const query: Query = (text) => database.query(text)
  return { ...sqlTarget(database.url, how, query), backup: () => backup(query), close: database.drop }
}

export async function pgliteTarget(how: TestLayout): Promise<SinkTarget> {
  const folder = await pgliteFolder()
  return { ...sqlTarget(folder.url, how, folder.query), release: folder.release, close: folder.empty }
}

function sqlTarget(url: string, how: TestLayout, query: Query): Omit<SinkTarget, 'close'> {
  const { layout, deletes } = how
  return {
    sink: (mode) => sqlSinkOf({ url, mode, ...how }),
    rows: (table) => (layout === 'columns' ? columnsRows(query, table, deletes) : mirrorRows(query, table, deletes)),
    log: (table) => logRows(query, table),
    deadLetters: () => deadLetterRows(query),
  }
}

/** Reads what users see of a table. */
export type ReadRows = (table: TableName, how: TestLayout) => Promise<MirrorRow[]>

export const rowsBy =
  (query: Query): ReadRows =>
  (table, { layout, deletes }) =>
    (layout === 'columns' ? columnsRows : mirrorRows)(query, table, deletes)

/** What users see: the table, or with soft deletes its view. Of the layout `document`. */
export async function mirrorRows(query: Query, table: TableName, deletes: 'hard' | 'soft'): Promise<MirrorRow[]> {
  const schema = table.schema ?? 'public'
  const name = targetName(deletes === 'soft' ? `${targetName(table.name)}_live` : table.name)
  const columns = await query(
    `SELECT column_name::text AS name FROM information_schema.columns
     WHERE table_schema = ${literal(schema)} AND table_name = ${literal(name)} ORDER BY ordinal_position`,
  )
  const keys = columns.map((column) => column.name!).filter((column) => column !== 'data' && column !== 'cdc_version')
  const texts = keys.map((key, i) => `${identifier(key)}::text AS k${i}`)
  const rows = await query(
    `SELECT ${texts.join(', ')}, data::text AS data, cdc_version::text AS version FROM ${identifier(schema)}.${identifier(name)}`,
  )
  return rows.map((row) => ({
    key: Object.fromEntries(keys.map((key, i) => [key, row[`k${i}`]!])),
    data: row.data!,
    version: row.version!,
  }))
}

/** As `mirrorRows`, of the layout `columns`: by attribute what is not NULL, and what lies in `cdc_extra`. */
export async function columnsRows(query: Query, table: TableName, deletes: 'hard' | 'soft'): Promise<MirrorRow[]> {
  const schema = table.schema ?? 'public'
  const name = targetName(deletes === 'soft' ? `${targetName(table.name)}_live` : table.name)
  const [remembered] = await query(
    `SELECT keys::text AS keys, (
       SELECT json_agg(c) FROM jsonb_array_elements(columns) c JOIN information_schema.columns i
         ON i.table_schema = target_schema AND i.table_name = target_table AND i.column_name = c->>'column'
     )::text AS columns FROM cdc_relay.tables
     WHERE target_schema = ${literal(schema)} AND target_table = ${literal(targetName(table.name))}`,
  )
  const keys = JSON.parse(remembered!.keys!) as Mapping[]
  const columns = JSON.parse(remembered!.columns!) as Mapping[]
  return await typedRows(query, `${identifier(schema)}.${identifier(name)}`, keys, columns)
}

/** Rows of the layout `columns` in a table or view, whose columns are known. */
export async function typedRows(
  query: Query,
  from: string,
  keys: readonly Mapping[],
  columns: readonly Mapping[],
): Promise<MirrorRow[]> {
  const rows = await query(
    `SELECT ${[
      ...keys.map(({ column }, i) => `${identifier(column)}::text AS k${i}`),
      ...columns.map(({ column }, i) => `to_json(${identifier(column)})::text AS c${i}`),
    ].join(', ')}, cdc_extra::text AS extra, cdc_version::text AS version FROM ${from}`,
  )
  return rows.map((row) => ({
    key: Object.fromEntries(keys.map(({ column }, i) => [column, row[`k${i}`]!])),
    data: rowJson(columns, row),
    version: row.version!,
  }))
}

function rowJson(columns: readonly Mapping[], row: Record<string, string | null>): string {
  const members = columns.flatMap(({ attribute }, i) => {
    const json = row[`c${i}`]
    return json == null ? [] : [`${JSON.stringify(attribute)}:${BYTES.test(json) ? base64(json) : json}`]
  })
  const extra = row.extra == null ? '' : row.extra.slice(1, -1)
  return `{${[...members, ...(extra === '' ? [] : [extra])].join(',')}}`
}

/** How `to_json` prints bytes; the change record has them in base64. */
const BYTES = /^"\\\\x([0-9a-f]*)"$/

const base64 = (json: string): string => JSON.stringify(Buffer.from(BYTES.exec(json)![1]!, 'hex').toString('base64'))

/** With what every kernel has: Greenplum 6 is PostgreSQL 9.4. */
async function logRows(query: Query, { schema, name }: TableName): Promise<string[]> {
  const member = (name: string, json: string): string => `'"${name}":' || ${json}`
  const text = (name: string, column = name): string => member(name, `to_json(${column})`)
  const rows = await query(`
    SELECT '{' || concat_ws(',', '"kind":"change"', ${text('op')},
        ${member('table', `json_build_object('schema', table_schema, 'name', table_name)`)},
        ${['key', 'before', 'after'].map((name) => member(name, `coalesce(${name}::text, 'null')`)).join(', ')},
        ${text('complete')}, ${text('version', 'version::text')},
        ${text('time', `to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`)},
        ${member('transaction', 'transaction::text')}, ${text('expired')},
        '"source":{' || concat_ws(',', ${text('format')}, ${text('stream')}, ${text('shard')}, ${text('sequence')},
          ${text('subSequence', 'sub_sequence')}, ${text('eventId', 'event_id')}) || '}') || '}' AS json
    FROM ${identifier(schema ?? 'public')}.${identifier(targetName(name))} ORDER BY ctid`)
  return rows.map(({ json }) => json!)
}

async function deadLetterRows(query: Query): Promise<Pick<DeadLetter, 'code' | 'detail' | 'raw'>[]> {
  const rows = await query(`SELECT code, detail, encode(raw, 'hex') AS raw FROM cdc_relay.dead_letters ORDER BY id`)
  return rows.map(({ code, detail, raw }) => ({
    code: code!,
    detail: detail!,
    ...(raw == null ? {} : { raw: Buffer.from(raw, 'hex') }),
  }))
}

/** Copies every table of the target and of the relay; the function puts the rows back. */
export async function backup(query: Query): Promise<() => Promise<void>> {
  const tables = await query(
    `SELECT format('%I.%I', schemaname, tablename) AS id FROM pg_tables WHERE schemaname IN ('public', 'cdc_relay')`,
  )
  const ids = tables.map(({ id }) => id!)
  const [version] = await query(`SELECT current_setting('server_version_num') AS number`)
  // Before PostgreSQL 10 no column is generated always.
  const overriding = Number(version!.number) < 100_000 ? '' : 'OVERRIDING SYSTEM VALUE'
  await query('CREATE SCHEMA backup')
  for (const [i, id] of ids.entries()) await query(`CREATE TABLE backup.t${i} AS TABLE ${id}`)
  return async () => {
    await query(`TRUNCATE ${ids.join(', ')}`)
    for (const id of inOrderOfReferences(ids)) {
      await query(`INSERT INTO ${id} ${overriding} TABLE backup.t${ids.indexOf(id)}`)
    }
  }
}

/** Positions, tables and facts refer to relays. */
const inOrderOfReferences = (ids: readonly string[]): string[] => [
  ...ids.filter((id) => id.endsWith('.relays')),
  ...ids.filter((id) => !id.endsWith('.relays')),
]

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
