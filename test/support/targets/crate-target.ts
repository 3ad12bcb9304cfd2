import type { DeadLetter, Row, TableName, Value } from '../../../src/change.ts'
import { FAILURES, RelayError } from '../../../src/errors.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { withoutExponent } from '../../../src/sinks/sql/cratedb/documents/json-text.ts'
import { liveViewName, schemaName, sourceName, tableName } from '../../../src/sinks/sql/cratedb/tables/names.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink-options.ts'
import { plainDecimal } from '../../../src/sinks/tables/keys.ts'
import type { MirrorRow, SinkTarget } from '../../sinks/conformance/target.ts'
import { documentOf, taken } from '../../sinks/sql/cratedb/documents/stored-objects.ts'
import { copyTables } from '../crate/copy-tables.ts'
import { type Crate, startCrate } from '../crate/crate.ts'
import { testCrate } from '../crate/real-crate.ts'
import { identifier, literal, sqlSinkOf } from './sql-target.ts'

export type CrateLayout = 'columns' | 'document'

/** CrateDB as a place for tests. With a seed, the stand-in, and a third of all writes is in trouble, and tried again. */
export async function crateTarget(layout: CrateLayout, seed: number | null = null): Promise<SinkTarget> {
  const crate = seed === null ? await testCrate() : await startCrate()
  if (seed !== null) crate.faults.random({ seed, share: 0.3, matching: WRITES_ROWS })
  return {
    sink: (mode) => crateSinkOf({ url: crate.url, mode, layout }),
    rows: async (table) => liveRows(crate, table),
    log: async (table) => logRows(crate, table),
    deadLetters: async () => deadLetterRows(crate),
    backup: async () => {
      const schemas = ['doc', 'cdc_relay'].map((schema) => copyTables(crate, schema))
      return async () => {
        for (const putBack of schemas) await putBack()
      }
    },
    close: crate.stop,
  }
}

/** The same for tests that open their sinks themselves. Of their batches, which have many statements, few would else get through. */
export async function cratePlace(seed: number | null) {
  const crate = seed === null ? await testCrate() : await startCrate()
  if (seed !== null) crate.faults.random({ seed, share: 0.02, matching: WRITES_ROWS })
  const rows = async (table: TableName): Promise<MirrorRow[]> => liveRows(crate, table)
  const query = async (text: string) => crate.query(text)
  return { url: crate.url, rows, query, sink: crateSinkOf, close: crate.stop }
}

/** Not of what the relay remembers: the tests of the state see to that. */
export const WRITES_ROWS = /^\s*INSERT INTO "(?!cdc_relay")/

/** A sink that goes on where trying again can help, as the relay does. */
export function crateSinkOf(options: Partial<SqlSinkOptions> & { readonly url: string }): Sink {
  const sink = sqlSinkOf({ deletes: 'soft', ...options })
  let writing: Promise<unknown> = Promise.resolve()
  return {
    ...sink,
    get refusesNul() {
      return sink.refusesNul
    },
    open(claim, signal) {
      if (claim.positions === 'engine') return persistent(() => sink.open(claim, signal))
      let first: ReturnType<typeof claim.firstPositions> | undefined
      const once = { ...claim, firstPositions: () => (first ??= claim.firstPositions()) }
      return persistent(() => sink.open(once, signal))
    },
    prepare(batch) {
      const write = sink.prepare(batch)
      return (signal) => {
        const result = persistent(() => write(signal))
        writing = result.catch(() => {})
        return result
      }
    },
    close: () => writing.then(() => sink.close()),
  }
}

async function persistent<T>(work: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof RelayError) || FAILURES[error.code].retry !== 'always' || attempts === 100) throw error
    }
  }
}

/** What users see. */
export function liveRows(crate: Pick<Crate, 'query'>, { schema, name }: TableName): MirrorRow[] {
  const [inSchema, view] = [schemaName(schema ?? 'doc'), liveViewName(tableName(name))]
  const types = new Map(
    crate
      .query(
        `SELECT column_name, data_type FROM information_schema.columns
         WHERE table_schema = ${literal(inSchema)} AND table_name = ${literal(tableName(name))}`,
      )
      .map((row) => [row.column_name as string, row.data_type as string]),
  )
  const shown = crate
    .query(
      `SELECT column_name FROM information_schema.columns
       WHERE table_schema = ${literal(inSchema)} AND table_name = ${literal(view)} ORDER BY ordinal_position`,
    )
    .map((row) => row.column_name as string)
    .filter((column) => !column.includes('['))
  const asked = shown.map(
    (column, i) => `${identifier(column)}${types.get(column) === 'object' ? '::text' : ''} AS c${i}`,
  )
  const keys = keyColumnsOf(crate, inSchema, tableName(name))
  return crate.query(`SELECT ${asked.join(', ')} FROM ${identifier(inSchema)}.${identifier(view)}`).map((row) => {
    const cells = new Map(shown.map((column, i) => [column, row[`c${i}`]]))
    return {
      key: Object.fromEntries(keys.map((column) => [column, String(cells.get(column))])),
      data: cells.has('data') && types.get('data') === 'object' ? documentJson(cells) : rowJson(cells, types, keys),
      version: String(cells.get('cdc_version')),
    }
  })
}

const keyColumnsOf = (crate: Pick<Crate, 'query'>, schema: string, table: string): string[] =>
  crate
    .query(
      `SELECT column_name FROM information_schema.key_column_usage
       WHERE table_schema = ${literal(schema)} AND table_name = ${literal(table)} ORDER BY ordinal_position`,
    )
    .map((row) => row.column_name as string)

const documentJson = (cells: ReadonlyMap<string, unknown>): string => {
  const parts = ['data', 'aux'].flatMap((column) => {
    const json = cells.get(column)
    return json == null ? [] : [documentOf(taken(json as string))]
  })
  return plainJson(Object.assign(Object.create(null), ...parts) as Row)
}

/** Numbers without exponents. */
const plainJson = (value: Value): string =>
  JSON.stringify(value, (_, member: unknown) => (typeof member === 'number' ? rawJson(plainDecimal(member)) : member))
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

/** By attribute what is not NULL, and what lies in `cdc_extra`. */
function rowJson(
  cells: ReadonlyMap<string, unknown>,
  types: ReadonlyMap<string, string>,
  keys: readonly string[],
): string {
  const members = [...cells].flatMap(([column, value]) => {
    if (value === null || column === 'cdc_version' || column === 'cdc_extra') return []
    return [`${JSON.stringify(sourceName(column))}:${cellJson(value, types.get(column)!, keys.includes(column))}`]
  })
  const extra = cells.get('cdc_extra')
  const rest = extra == null ? '' : plainJson(documentOf(taken(extra as string))).slice(1, -1)
  return `{${[...members, ...(rest === '' ? [] : [rest])].join(',')}}`
}

/** A number as key lies in TEXT. */
function cellJson(value: unknown, type: string, isKey: boolean): string {
  if (type === 'object') return plainJson(documentOf(taken(value as string)))
  if (type === 'numeric') return withoutExponent(value as string)!
  if (isKey && typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)) return value
  return typeof value === 'bigint' ? String(value) : plainJson(value as Value)
}

function logRows(crate: Crate, { schema, name }: TableName): string[] {
  const objects = ['key', 'before', 'after', 'transaction']
  const rows = crate.query(
    `SELECT *, ${objects.map((column) => `${identifier(column)}::text AS ${column}_text`).join(', ')}
     FROM ${identifier(schemaName(schema ?? 'doc'))}.${identifier(tableName(name))}`,
  )
  return rows.map((row) => {
    const objectIn = (column: string): Row | null => {
      const json = row[`${column}_text`]
      return json === null ? null : documentOf(taken(json as string))
    }
    const source = {
      format: row.format,
      stream: row.stream,
      shard: row.shard,
      sequence: row.sequence,
      ...(row.sub_sequence === -1n ? {} : { subSequence: Number(row.sub_sequence) }),
      ...(row.event_id === null ? {} : { eventId: row.event_id }),
    }
    return JSON.stringify({
      kind: 'change',
      op: row.op,
      table: { schema: row.table_schema, name: row.table_name },
      key: objectIn('key'),
      before: objectIn('before'),
      after: objectIn('after'),
      complete: row.complete,
      version: String(row.version),
      time: row.time,
      ...(row.transaction === null ? {} : { transaction: objectIn('transaction') }),
      ...(row.expired === null ? {} : { expired: row.expired }),
      source,
    })
  })
}

function deadLetterRows(crate: Crate): Pick<DeadLetter, 'code' | 'detail' | 'raw'>[] {
  return crate.query('SELECT code, detail, raw FROM cdc_relay.dead_letters').map(({ code, detail, raw }) => ({
    code: code as string,
    detail: detail as string,
    ...(raw === null ? {} : { raw: Buffer.from(raw as string, 'base64') }),
  }))
}
