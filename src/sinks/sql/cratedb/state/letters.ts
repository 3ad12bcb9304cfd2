import { sql } from 'kysely'
import { parseJson } from '../../../../parse-json.ts'
import type { FailedLetter, LetterPage, WholeLetter } from '../../../letter-store.ts'
import type { Database, Statement } from '../../../tables/database.ts'
import { type LetterRow, type LetterSearch, type LetterTable, letterOf } from '../../letter-table.ts'
import { letterSource, sendable } from './dead-letters.ts'

/**
 * The ids of CrateDB's dead letters are hashes: their first digits name them, too. Letters are found by a search, which sees all that was
 * written before; they go by their keys.
 */
export function crateLetters(db: Database): LetterTable {
  let columns: Promise<ReadonlySet<string>> | undefined

  return {
    async find(search, withValues) {
      columns ??= columnsOf(db, 'dead_letters')
      const has = await columns
      if (has.size === 0) return { letters: [], next: null }
      await sql`REFRESH TABLE "cdc_relay"."dead_letters"`.execute(db)
      const value = (name: string, wanted = true): Statement => (wanted && has.has(name) ? sql.id(name) : sql`NULL`)
      const { rows } = await sql<CrateLetterRow>`
        SELECT "id", "recorded_at"::BIGINT AS "recorded", "code", "detail", "stream", "shard", "sequence",
          "sub_sequence" AS "sub", "event_id" AS "event", "source" AS "table", "version"::TEXT AS "version",
          ${value('attempts')} AS "attempts", ${value('tried_at')}::BIGINT AS "tried", ${value('raw', withValues)} AS "raw",
          ${value('change', withValues)} AS "change", ${value('binary_places', withValues)} AS "binary"
        FROM "cdc_relay"."dead_letters" WHERE ${matching(search)}
        ORDER BY ${sql.join(ORDER)} LIMIT ${sql.lit(search.most)}`.execute(db)
      return pageOf(rows, search.most)
    },

    async remove(to, relay, ids) {
      let gone = 0
      // One by one: a statement over several keys may be a search, which does not see what was written a moment ago.
      for (const id of ids) {
        const { numAffectedRows } = await sql`
          DELETE FROM "cdc_relay"."dead_letters" WHERE "id" = ${id} AND "name" = ${relay}`.execute(to)
        gone += Number(numAffectedRows)
      }
      return gone
    },

    async fail(to, relay, letters) {
      let kept = 0
      for (const letter of letters) kept += await failOne(to, relay, letter)
      return kept
    },

    async knowsRelay(relay) {
      if ((await columnsOf(db, 'relays')).size === 0) return false
      const { rows } = await sql`SELECT "name" FROM "cdc_relay"."relays" WHERE "name" = ${relay}`.execute(db)
      return rows.length > 0
    },
  }
}

async function failOne(
  to: Database,
  relay: string,
  { id, code, detail, table, version }: FailedLetter,
): Promise<number> {
  const known =
    table === null ? sql`` : sql`, "source" = ${sendable(letterSource(table))}, "version" = ${version}::BIGINT`
  const { numAffectedRows } = await sql`
    UPDATE "cdc_relay"."dead_letters"
    SET "code" = ${code}, "detail" = ${sendable(detail)}, "attempts" = COALESCE("attempts", 0) + 1,
      "tried_at" = CURRENT_TIMESTAMP${known}
    WHERE "id" = ${id} AND "name" = ${relay}`.execute(to)
  return Number(numAffectedRows)
}

/** Those of one moment come in the order of their shard, in which partial images of a row add up. */
const ORDER: readonly Statement[] = [
  sql`"recorded_at"::BIGINT`,
  sql`"shard"`,
  sql`CHAR_LENGTH("sequence")`,
  sql`"sequence"`,
  sql`COALESCE("sub_sequence", -1)`,
  sql`"id"`,
]

const cursorOf = ({ recorded, shard, sequence, sub, id }: CrateLetterRow): string =>
  JSON.stringify([recorded, shard, sequence.length, sequence, sub ?? -1, id])

interface CrateLetterRow extends Omit<LetterRow, 'attempts'> {
  /** Epoch ms, BIGINT as text; so is `tried`. */
  readonly recorded: string
  /** Null in a row from before that was counted. */
  readonly attempts: number | null
}

function pageOf(rows: readonly CrateLetterRow[], most: number): LetterPage<WholeLetter> {
  const last = rows.at(-1)
  const next = last === undefined || rows.length < most ? null : cursorOf(last)
  return { letters: rows.map(withIsoTimes).map(letterOf), next }
}

const withIsoTimes = ({ recorded, tried, attempts, ...row }: CrateLetterRow): LetterRow => ({
  ...row,
  recorded: isoTime(recorded),
  tried: tried === null ? null : isoTime(tried),
  attempts: attempts ?? 0,
})

const isoTime = (ms: string): string => new Date(Number(ms)).toISOString()

function matching({ relay, filter, from }: LetterSearch): Statement {
  const { ids, table, code, shard, sinceMs, untilMs } = filter
  const all = [
    sql`"name" = ${relay}`,
    ...(from === null ? [] : [behind(from)]),
    ...(ids === undefined ? [] : [named(ids)]),
    ...(table === undefined ? [] : [sql`"source" = ${letterSource(table)}`]),
    ...(code === undefined ? [] : [sql`"code" = ${code}`]),
    ...(shard === undefined ? [] : [sql`"shard" = ${shard}`]),
    ...(sinceMs === undefined ? [] : [sql`"recorded_at" >= ${sinceMs}::BIGINT`]),
    ...(untilMs === undefined ? [] : [sql`"recorded_at" < ${untilMs}::BIGINT`]),
  ]
  return sql.join(all, sql` AND `)
}

function behind(cursor: string): Statement {
  const [recorded, shard, length, sequence, sub, id] = parseJson(cursor) as unknown[]
  const values = [
    sql`${recorded}::BIGINT`,
    sql`${shard}::TEXT`,
    sql`${length}::INTEGER`,
    sql`${sequence}::TEXT`,
    sql`${sub}::INTEGER`,
    sql`${id}::TEXT`,
  ]
  return ORDER.reduceRight<Statement>(
    (later, column, i) => sql`(${column} > ${values[i]!} OR (${column} = ${values[i]!} AND ${later}))`,
    sql`false`,
  )
}

/** Digits alone, nothing that means something to LIKE; and enough of them to name one (`namesLetter`). */
function named(ids: readonly string[]): Statement {
  const known = ids.filter((id) => /^[0-9a-f]{8,}$/.test(id))
  if (known.length === 0) return sql`false`
  return sql`(${sql.join(
    known.map((id) => sql`"id" LIKE ${`${id}%`}`),
    sql` OR `,
  )})`
}

/** Empty if there is no such table of the relay's. */
async function columnsOf(db: Database, table: string): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`
    SELECT column_name AS "name" FROM information_schema.columns
    WHERE table_schema = 'cdc_relay' AND table_name = ${table}`.execute(db)
  return new Set(rows.map(({ name }) => name))
}
