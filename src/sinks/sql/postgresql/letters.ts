import { sql } from 'kysely'
import type { LetterFilter, LetterPage, WholeLetter } from '../../letter-store.ts'
import type { Database, Statement } from '../../tables/database.ts'
import { type LetterRow, type LetterTable, letterOf } from '../letter-table.ts'
import { withoutRefusedText } from './dead-letters.ts'
import { letterStandings } from './letter-standings.ts'

/** With the statements that PostgreSQL and every Greenplum have. */
export function sqlLetters(db: Database): LetterTable {
  let columns: Promise<ReadonlySet<string>> | undefined

  return {
    async find({ relay, filter, from, most }, withValues) {
      columns ??= columnsOf(db, 'dead_letters')
      const has = await columns
      if (has.size === 0) return { letters: [], next: null }
      const value = (column: string, expression: Statement): Statement =>
        withValues && has.has(column) ? expression : sql`NULL`
      const { rows } = await sql<LetterRow>`
        SELECT id::text AS id, ${isoTime('recorded_at')} AS recorded, code, detail, stream, shard, sequence,
          sub_sequence AS sub, event_id AS event, source AS table, version::text AS version,
          ${has.has('attempts') ? sql`attempts` : sql`0`} AS attempts,
          ${has.has('tried_at') ? isoTime('tried_at') : sql`NULL`} AS tried,
          ${value('raw', sql`encode(raw, 'base64')`)} AS raw,
          ${value('change', sql`CASE jsonb_typeof(change) WHEN 'string' THEN change #>> '{}' ELSE change::text END`)} AS change,
          ${value('binary_places', sql`binary_places::text`)} AS binary
        FROM cdc_relay.dead_letters
        WHERE name = ${relay} AND id > ${from ?? '0'}::bigint AND ${matching(filter)}
        ORDER BY dead_letters.id LIMIT ${most}::int`.execute(db)
      return pageOf(rows, most)
    },

    standings: (relay, ids) => letterStandings(db, relay, ids),

    async remove(to, relay, ids) {
      if (ids.length === 0) return 0
      const { numAffectedRows } = await sql`
        DELETE FROM cdc_relay.dead_letters WHERE name = ${relay} AND id IN (${listed(ids)})`.execute(to)
      return Number(numAffectedRows)
    },

    async fail(to, relay, letters) {
      if (letters.length === 0) return 0
      const { numAffectedRows } = await sql`
        UPDATE cdc_relay.dead_letters d
        SET code = f.code, detail = f.detail, source = coalesce(f."table", d.source),
          version = coalesce(f.version, d.version), attempts = d.attempts + 1, tried_at = now()
        FROM jsonb_to_recordset(${withoutRefusedText(JSON.stringify(letters))}::jsonb)
          AS f(id bigint, code text, detail text, "table" text, version bigint)
        WHERE d.id = f.id AND d.name = ${relay}`.execute(to)
      return Number(numAffectedRows)
    },

    async knowsRelay(relay) {
      if ((await columnsOf(db, 'relays')).size === 0) return false
      const { rows } = await sql`SELECT FROM cdc_relay.relays WHERE name = ${relay}`.execute(db)
      return rows.length > 0
    },
  }
}

function pageOf(rows: readonly LetterRow[], most: number): LetterPage<WholeLetter> {
  return { letters: rows.map(letterOf), next: rows.length < most ? null : rows.at(-1)!.id }
}

function matching({ ids, table, code, shard, sinceMs, untilMs }: LetterFilter): Statement {
  const time = (ms: number): Statement => sql`to_timestamp(${ms}::double precision / 1000)`
  const all = [
    sql`true`,
    // What is no number is no id.
    ...(ids === undefined ? [] : [sql`id IN (${listed(ids.filter((id) => /^\d{1,18}$/.test(id)))})`]),
    ...(table === undefined ? [] : [sql`source = ${table}`]),
    ...(code === undefined ? [] : [sql`code = ${code}`]),
    ...(shard === undefined ? [] : [sql`shard = ${shard}`]),
    ...(sinceMs === undefined ? [] : [sql`recorded_at >= ${time(sinceMs)}`]),
    ...(untilMs === undefined ? [] : [sql`recorded_at < ${time(untilMs)}`]),
  ]
  return sql.join(all, sql` AND `)
}

/** As one parameter. */
const listed = (ids: readonly string[]): Statement =>
  sql`SELECT t.id::bigint FROM jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb) AS t(id)`

const isoTime = (column: string): Statement =>
  sql`to_char(${sql.id(column)} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/** Empty if there is no such table of the relay's. */
async function columnsOf(db: Database, table: string): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`
    SELECT a.attname::text AS name FROM pg_catalog.pg_attribute a
      JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'cdc_relay' AND c.relname = ${table} AND a.attnum > 0 AND NOT a.attisdropped`.execute(db)
  return new Set(rows.map(({ name }) => name))
}
