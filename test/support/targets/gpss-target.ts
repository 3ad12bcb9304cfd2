import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DeadLetter, TableName } from '../../../src/change.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { liveViewName, targetName, valueColumnName } from '../../../src/sinks/tables/names.ts'
import { fileStateStore } from '../../../src/state/file.ts'
import type { StateStore } from '../../../src/state/store.ts'
import type { MirrorRow, SinkTarget } from '../../sinks/conformance/target.ts'
import { canonicalJson } from '../changes.ts'
import { type Gpss, startGpss } from '../gpss/server.ts'
import type { GpssSettings } from '../gpss/settings.ts'
import { testDatabase } from '../postgres/postgres.ts'
import type { TestDatabase } from '../postgres/postgres-server.ts'
import type { GpssSinkOptions } from './gpss-sink.ts'
import { gpssSinkOf } from './gpss-sink.ts'
import { identifier, literal, mirrorRows, type Query, typedRows } from './sql-target.ts'

/** A GPSS over a database of its own, in which the one table was made that an operator makes by hand. */
export interface GpssPlace {
  readonly server: Gpss
  readonly database: TestDatabase
  readonly url: string
  /** A sink for a test, with the options that it does not care about; its state lies in a folder of this place. */
  sink(options?: Partial<GpssSinkOptions>): Sink
  readonly folder: string
  close(): Promise<void>
}

export async function gpssPlace(settings: GpssSettings = {}): Promise<GpssPlace> {
  const database = await testDatabase()
  await database.query(`CREATE SCHEMA cdc_relay;
    CREATE TABLE cdc_relay.stage (cdc_spread integer, cdc_part text, cdc_row text)`)
  const server = await startGpss(settings)
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-gpss-'))
  const { username, password, hostname, port, pathname } = new URL(database.url)
  const greenplum = `greenplum-host=${hostname}&greenplum-port=${port}`
  const url = `gpss://${username}:${password}@${server.host}:${server.port}${pathname}?${greenplum}`
  return {
    server,
    database,
    url,
    folder,
    sink: (options) => gpssSinkOf(url, folder, options),
    async close() {
      await server.stop()
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A store for whatever name is claimed: each has a file of its own, as with the option `--state` by default. */
function storeByName(folder: string): StateStore {
  let store: StateStore | undefined
  return {
    claim(claim, signal) {
      store ??= fileStateStore(join(folder, `${claim.relay.name}.state.json`))
      return store.claim(claim, signal)
    },
    move: (...moved) => store!.move(...moved),
    look: (name) => fileStateStore(join(folder, `${name}.state.json`)).look(name),
    close: async () => await store?.close(),
  }
}

/** What a view shows, in the layout `columns`. Of columns whose name is hashed the attribute must be among `attributes`. */
export async function liveRows(
  query: Query,
  { schema, name }: TableName,
  attributes: readonly string[] = [],
): Promise<MirrorRow[]> {
  const id = { schema: schema ?? 'public', name: targetName(name) }
  const live = `${identifier(id.schema)}.${identifier(liveViewName(id.name))}`
  const isOwn = new Set(['cdc_version', 'cdc_extra', 'cdc_deleted'])
  const columns = await query(`SELECT attname::text AS name, attnum = ANY (
      SELECT unnest(indkey) FROM pg_index WHERE indisprimary AND indrelid = attrelid) AS key FROM pg_attribute
    WHERE attrelid = ${literal(`${identifier(id.schema)}.${identifier(id.name)}`)}::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`)
  const attributeOf = (column: string): string =>
    attributes.find((attribute) => valueColumnName(attribute) === column) ?? column
  const mappings = columns
    .filter((column) => !isOwn.has(column.name!))
    .map((column) => ({ column: column.name!, attribute: attributeOf(column.name!), isKey: Boolean(column.key) }))
  const keys = mappings.filter(({ isKey }) => isKey)
  return await typedRows(query, live, keys, mappings)
}

const HASHED = ['cdc_version', 'ctid', `${'ä'.repeat(40)}x`]

/** For the conformance suite. */
export async function gpssTarget(layout: 'columns' | 'document', settings: GpssSettings = {}): Promise<SinkTarget> {
  const place = await gpssPlace(settings)
  const query: Query = (text) => place.database.query(text)
  return {
    sink: (mode, positions) =>
      place.sink({ mode, layout, store: positions === 'engine' ? null : storeByName(place.folder) }),
    rows: (table) => (layout === 'columns' ? liveRows(query, table, HASHED) : mirrorRows(query, table, 'soft')),
    async log({ schema, name }) {
      const id = `${identifier(schema ?? 'public')}.${identifier(targetName(name))}`
      const rows = await query(`SELECT data::text AS json FROM ${id} ORDER BY ctid`)
      return rows.map(({ json }) => canonicalJson(json!))
    },
    async deadLetters() {
      const lines = await readFile(join(place.folder, 'dead-letters.jsonl'), 'utf8').catch(() => '')
      return lines
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const { code, detail, raw } = JSON.parse(line) as { code: string; detail: string; raw?: string }
          const bytes = raw === undefined ? {} : { raw: Buffer.from(raw, 'base64') }
          return { code, detail, ...bytes } satisfies Pick<DeadLetter, 'code' | 'detail' | 'raw'>
        })
    },
    close: place.close,
  }
}
