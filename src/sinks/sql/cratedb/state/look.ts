import { sql } from 'kysely'
import { parseJson } from '../../../../parse-json.ts'
import { seenHolder } from '../../../../state/heartbeat-claim.ts'
import { keeperOf } from '../../../../state/keeper.ts'
import type { Seen, SeenLetters, SeenTable } from '../../../../state/seen.ts'
import type { Database } from '../../../tables/database.ts'
import type { DesiredKey } from '../../../tables/target.ts'
import { requireKnownTables } from '../../schema-steps.ts'
import { findSchema } from './migration.ts'
import { readTables } from './remembered-tables.ts'
import { CRATE_STEPS } from './schema.ts'
import { clusterClock } from './state.ts'
import { type RelayRow, readProgress, readRelay, storedIdentity } from './state-rows.ts'

/**
 * What `cdc_relay` holds of a name; null if nothing. The row of the relay is read as it is now, and what it names with it; dead
 * letters are searched for, so those of the last second may be missing.
 * @throws RelayError STATE_NEWER, STATE_BROKEN
 */
export async function lookAtName(db: Database, name: string): Promise<Seen | null> {
  const found = await findSchema(db)
  requireKnownTables(CRATE_STEPS, found)
  if (!found.parts.has('relays')) return null
  const now = await clusterClock(db)
  for (;;) {
    const row = await readRelay(db, name)
    if (row === undefined) return null
    const seen = await seenOf(db, name, row, now())
    if (seen !== null) return seen
  }
}

/** Null if the facts that the row names are gone, because a move replaced both meanwhile. @throws RelayError STATE_BROKEN */
async function seenOf(db: Database, name: string, row: RelayRow, now: number): Promise<Seen | null> {
  try {
    const stored = await readProgress(db, row)
    const relay = storedIdentity(row, name)
    const { host, pid: process, claimed_at: since, owner, heartbeat } = row
    const holder = keeperOf(relay) === 'engine' ? null : seenHolder({ owner, host, process, since, heartbeat }, now)
    const target = { tables: await tablesOf(db, row.life), deadLetters: await countLetters(db, name) }
    return { relay, holder, stored, target }
  } catch (error) {
    const again = await readRelay(db, name)
    if (again?.revision === row.revision && again.claim === row.claim) throw error
    return null
  }
}

async function tablesOf(db: Database, life: string): Promise<SeenTable[]> {
  const rows = await readTables(db, life)
  return rows.map(({ source, target_schema: schema, target_table: name, keys }) => ({
    source,
    schema,
    name,
    key: (parseJson(keys) as readonly DesiredKey[]).map(({ attribute }) => attribute),
  }))
}

async function countLetters(db: Database, name: string): Promise<SeenLetters[]> {
  const { rows } = await sql<{ source: string | null; code: string; count: string }>`
    SELECT "source", "code", count(*) AS "count" FROM "cdc_relay"."dead_letters"
    WHERE "name" = ${name} GROUP BY "source", "code" ORDER BY "source", "code"`.execute(db)
  return rows.map(({ count, ...kind }) => ({ ...kind, count: Number(count) }))
}
