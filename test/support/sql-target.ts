import type { DeadLetter, TableName } from '../../src/change.ts'
import { SILENT } from '../../src/observe/log.ts'
import type { Sink } from '../../src/sinks/sink.ts'
import { targetName } from '../../src/sinks/sql/names.ts'
import { type SqlSinkOptions, sqlSink } from '../../src/sinks/sql/sink.ts'
import type { MirrorRow, SinkTarget } from '../sinks/conformance.ts'
import { pgliteFolder } from './pglite.ts'
import { testDatabase } from './postgres.ts'

/** Runs one statement; its columns are text. */
export type Query = (text: string) => Promise<Record<string, string | null>[]>

/** A sink for a test: with the options that it does not care about. */
export function sqlSinkOf(options: Partial<SqlSinkOptions> & { readonly url: string }): Sink {
  return sqlSink({
    mode: 'mirror',
    layout: 'document',
    deletes: 'hard',
    createTables: 'auto',
    tombstoneTtlMs: undefined,
    retentionMs: 86_400_000,
    routes: () => null,
    log: SILENT,
    ...options,
  })
}

export async function postgresTarget(deletes: 'hard' | 'soft'): Promise<SinkTarget> {
  const database = await testDatabase()
  const query: Query = (text) => database.query(text)
  return { ...sqlTarget(database.url, deletes, query), backup: () => backup(query), close: database.drop }
}

export async function pgliteTarget(deletes: 'hard' | 'soft'): Promise<SinkTarget> {
  const folder = await pgliteFolder()
  return { ...sqlTarget(folder.url, deletes, folder.query), release: folder.release, close: folder.empty }
}

function sqlTarget(url: string, deletes: 'hard' | 'soft', query: Query): Omit<SinkTarget, 'close'> {
  return {
    sink: (mode) => sqlSinkOf({ url, mode, deletes }),
    rows: (table) => mirrorRows(query, table, deletes),
    log: (table) => logRows(query, table),
    deadLetters: () => deadLetterRows(query),
  }
}

/** What users see: the table, or with soft deletes its view. */
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

async function logRows(query: Query, { schema, name }: TableName): Promise<string[]> {
  const rows = await query(`
    SELECT (jsonb_build_object('kind', 'change', 'op', op,
        'table', jsonb_build_object('schema', table_schema, 'name', table_name),
        'key', key, 'before', before, 'after', after, 'complete', complete, 'version', version::text,
        'time', to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
      || CASE WHEN transaction IS NULL THEN '{}' ELSE jsonb_build_object('transaction', transaction) END
      || CASE WHEN expired IS NULL THEN '{}' ELSE jsonb_build_object('expired', expired) END
      || jsonb_build_object('source', jsonb_strip_nulls(jsonb_build_object('format', format, 'stream', stream,
        'shard', shard, 'sequence', sequence, 'subSequence', sub_sequence, 'eventId', event_id))))::text AS json
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
  await query('CREATE SCHEMA backup')
  for (const [i, id] of ids.entries()) await query(`CREATE TABLE backup.t${i} AS TABLE ${id}`)
  return async () => {
    await query(`TRUNCATE ${ids.join(', ')}`)
    for (const id of inOrderOfReferences(ids)) {
      await query(`INSERT INTO ${id} OVERRIDING SYSTEM VALUE TABLE backup.t${ids.indexOf(id)}`)
    }
  }
}

/** Positions and tables refer to relays. */
const inOrderOfReferences = (ids: readonly string[]): string[] => [
  ...ids.filter((id) => id.endsWith('.relays')),
  ...ids.filter((id) => !id.endsWith('.relays')),
]

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
