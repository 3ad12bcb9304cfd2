import { sql } from 'kysely'
import { compareDecimal } from '../../../change.ts'
import { parseJson } from '../../../parse-json.ts'
import type { LetterStanding } from '../../letter-store.ts'
import type { Database, Statement } from '../../tables/database.ts'
import { tombstonesName } from '../../tables/names.ts'
import type { DesiredKey } from '../../tables/target.ts'

/**
 * Whether the mirror differs because of letters, by what the keys of their changes hold: a row or a tombstone that is as new says
 * that it does not, where images of the feed are whole. Looks keys up, by the tables' own types; what cannot be looked up so is left out.
 */
export async function letterStandings(
  db: Database,
  relay: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, LetterStanding>> {
  const letters = await readLetters(db, relay, ids)
  const standings = new Map<string, LetterStanding>()
  if (letters.length === 0) return standings
  const sendsParts = await mayBePartial(db, relay)
  for (const table of await readTables(db, relay)) {
    const rows = letters.filter((letter) => letter.source === table.source).flatMap((letter) => keyed(letter, table))
    if (rows.length === 0) continue
    for (const held of await readHeld(db, table, rows)) {
      const letter = letters.find(({ id }) => id === held.id)!
      standings.set(held.id, standingOf(letter, held, sendsParts))
    }
  }
  return standings
}

interface Letter {
  readonly id: string
  readonly source: string
  readonly version: string
  readonly format: string | null
  /** JSON text: the key, and the row behind the change. */
  readonly key: string
  readonly after: string
}

/** Changes with a known key. */
async function readLetters(db: Database, relay: string, ids: readonly string[]): Promise<readonly Letter[]> {
  const { rows } = await sql<Letter>`
    SELECT id::text AS id, source, version::text AS version, change->'source'->>'format' AS format,
      (change->'key')::text AS key, (change->'after')::text AS after
    FROM cdc_relay.dead_letters
    WHERE name = ${relay} AND id IN (SELECT t.id::bigint FROM jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb) AS t(id))
      AND source IS NOT NULL AND version IS NOT NULL AND jsonb_typeof(change->'key') = 'object'`.execute(db)
  return rows
}

/** True if an update of DMS may lack columns that keep their value: then a newer row may lack what a letter has. */
async function mayBePartial(db: Database, relay: string): Promise<boolean> {
  const { rows } = await sql<{ keep: boolean }>`
    SELECT coalesce(settings->>'missing-columns', '') = 'keep'
      OR EXISTS (SELECT 1 FROM cdc_relay.lessons l WHERE l.name = r.name AND l.subject = 'sends-nulls') AS keep
    FROM cdc_relay.relays r WHERE name = ${relay}`.execute(db)
  return rows[0]?.keep ?? true
}

interface Table {
  readonly source: string
  readonly schema: string
  readonly name: string
  readonly keys: readonly DesiredKey[]
  /** Of the key columns, in their order, as the catalogue prints them. */
  readonly types: readonly string[]
  readonly hasTombstones: boolean
}

/** Mirrored tables that are there. */
async function readTables(db: Database, relay: string): Promise<readonly Table[]> {
  const { rows } = await sql<Omit<Table, 'types' | 'hasTombstones'> & { columns: Record<string, string> }>`
    SELECT t.source, t.target_schema AS schema, t.target_table AS name, t.keys,
      json_object_agg(a.attname, format_type(a.atttypid, NULL)) AS columns
    FROM cdc_relay.tables t
      JOIN pg_catalog.pg_namespace n ON n.nspname = t.target_schema
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.target_table
      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE t.name = ${relay} GROUP BY t.source, t.target_schema, t.target_table, t.keys::text, t.keys`.execute(db)
  const tombstones = await sql<{ name: string }>`
    SELECT c.relname::text AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'cdc_relay'`.execute(db)
  const relations = new Set(tombstones.rows.map(({ name }) => name))
  return rows
    .filter(({ keys, columns }) => keys.length > 0 && columns.cdc_version !== undefined)
    .map(({ columns, ...table }) => ({
      ...table,
      types: table.keys.map(({ column }) => columns[column] ?? ''),
      hasTombstones: relations.has(tombstonesName(table.schema, table.name)),
    }))
}

/** Types of which a text is known to be read as a value, and the texts that are. */
const READABLE: Readonly<Record<string, (text: string) => boolean>> = {
  text: () => true,
  'character varying': () => true,
  numeric: (text) => /^-?\d+(\.\d+)?$/.test(text),
  smallint: (text) => isWhole(text, 15n),
  integer: (text) => isWhole(text, 31n),
  bigint: (text) => isWhole(text, 63n),
  uuid: (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text),
}

const isWhole = (text: string, bits: bigint): boolean =>
  /^-?\d{1,19}$/.test(text) && BigInt(text) < 2n ** bits && BigInt(text) >= -(2n ** bits)

interface KeyedLetter {
  readonly id: string
  readonly [part: `k${number}`]: string
}

/** None if the key cannot be looked up, or if the change gives its row another one. */
function keyed({ id, key, after }: Letter, { keys, types }: Table): readonly KeyedLetter[] {
  const values = parseJson(key) as Record<string, unknown>
  const row = (parseJson(after) ?? {}) as Record<string, unknown>
  const parts: Record<string, string> = {}
  for (const [i, { attribute }] of keys.entries()) {
    const value = values[attribute]
    const isPlain = typeof value === 'string' || Number.isSafeInteger(value)
    const isMoved = row[attribute] !== undefined && row[attribute] !== value
    if (!isPlain || isMoved || READABLE[types[i]!]?.(String(value)) !== true) return []
    parts[`k${i}`] = String(value)
  }
  return [{ id, ...parts }]
}

interface Held {
  readonly id: string
  /** Of the row; null if there is none, or if it is from before the relay. */
  readonly row: string | null
  readonly tombstone: string | null
}

async function readHeld(db: Database, table: Table, rows: readonly KeyedLetter[]): Promise<readonly Held[]> {
  const { keys, types, schema, name, hasTombstones } = table
  const parts = sql.join(keys.map((_, i) => sql`${sql.id(`k${i}`)} text`))
  const isSame = (alias: string): Statement =>
    sql.join(
      keys.map(({ column }, i) => sql`${sql.id(alias, column)} = ${sql.id('s', `k${i}`)}::${sql.raw(types[i]!)}`),
      sql` AND `,
    )
  const tombstones = hasTombstones
    ? sql`LEFT JOIN ${sql.id('cdc_relay', tombstonesName(schema, name))} b ON ${isSame('b')}`
    : sql``
  const result = await sql<Held>`
    SELECT s.id, x.cdc_version::text AS "row", ${hasTombstones ? sql`b.version::text` : sql`NULL`} AS tombstone
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS s(id text, ${parts})
      LEFT JOIN ${sql.id(schema, name)} x ON ${isSame('x')} ${tombstones}`.execute(db)
  return result.rows
}

function standingOf({ version, format }: Letter, { row, tombstone }: Held, sendsParts: boolean): LetterStanding {
  const isAsNew = (held: string | null): boolean => held !== null && compareDecimal(held, version) >= 0
  if (isAsNew(tombstone)) return 'healed'
  if (!isAsNew(row)) return 'open'
  return format === 'dms' && sendsParts ? 'not known' : 'healed'
}
