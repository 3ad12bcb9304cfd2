import { sql } from 'kysely'
import { keeperOf } from '../../../state/keeper.ts'
import type { Seen, SeenHolder, SeenLetters, SeenTable } from '../../../state/seen.ts'
import type { Database } from '../../tables/database.ts'
import type { DesiredKey } from '../../tables/target.ts'
import { readRelation } from '../catalogue.ts'
import { type FoundSchema, requireKnownTables, type SchemaStep } from '../schema-steps.ts'
import { lockKey } from './lock-key.ts'
import { hasPlaceKey } from './log-key.ts'
import { findSchema } from './migration.ts'
import { readFacts, readPositions, readRelay, type StoredRelay, storedIdentity } from './state-rows.ts'

/**
 * What `cdc_relay` holds of a name, as of one moment; null if nothing. Tables of an earlier version are read as far as they go.
 * @throws RelayError STATE_NEWER
 */
export async function lookAtName(db: Database, name: string, steps: readonly SchemaStep[]): Promise<Seen | null> {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const found = await findSchema(trx, steps)
      requireKnownTables(steps, found)
      const row = found.parts.has('relays') ? await readRelay(trx, name) : undefined
      return row === undefined ? null : await seenOf(trx, name, row, found)
    })
}

async function seenOf(trx: Database, name: string, row: StoredRelay, { parts }: FoundSchema): Promise<Seen> {
  const relay = storedIdentity(row, { name })
  return {
    relay,
    holder: keeperOf(relay) === 'engine' ? null : await holderOf(trx, name, row),
    stored: {
      positions: await readPositions(trx, name),
      facts: parts.has('lessons') ? await readFacts(trx, name) : new Map(),
    },
    target: {
      tables: await readTables(trx, name, relay.settings.mode === 'append'),
      deadLetters: await countLetters(trx, name),
    },
  }
}

/** The holder has an advisory lock on the name as long as its session lives; the two halves of its key are two columns. */
async function holderOf(trx: Database, name: string, { host, pid, since }: StoredRelay): Promise<SeenHolder> {
  const key = BigInt.asUintN(64, BigInt(lockKey('relay', name)))
  const { rows } = await sql<{ held: boolean }>`
    SELECT EXISTS (
      SELECT 1 FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_database d ON d.oid = l.database
      WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND l.classid = ${String(key >> 32n)}::oid AND l.objid = ${String(key & 0xffff_ffffn)}::oid) AS held`.execute(
    trx,
  )
  return { host, process: pid, since, isAlive: rows[0]!.held, heardOf: null }
}

async function readTables(trx: Database, name: string, areLogs: boolean): Promise<SeenTable[]> {
  const { rows } = await sql<{ source: string; schema: string; name: string; keys: readonly DesiredKey[] }>`
    SELECT source, target_schema AS schema, target_table AS name, keys FROM cdc_relay.tables
    WHERE name = ${name} ORDER BY source`.execute(trx)
  const tables = rows.map(({ keys, ...table }) => ({ ...table, key: keys.map(({ attribute }) => attribute) }))
  if (!areLogs) return tables
  const logs: SeenTable[] = []
  for (const table of tables) logs.push({ ...table, isKeyedLog: await isKeyed(trx, table) })
  return logs
}

async function isKeyed(trx: Database, { schema, name }: SeenTable): Promise<boolean> {
  const relation = await readRelation(trx, schema, name)
  return relation !== undefined && hasPlaceKey(relation)
}

async function countLetters(trx: Database, name: string): Promise<SeenLetters[]> {
  const { rows } = await sql<{ source: string | null; code: string; count: string }>`
    SELECT source, code, count(*)::text AS count FROM cdc_relay.dead_letters
    WHERE name = ${name} GROUP BY source, code ORDER BY source, code`.execute(trx)
  return rows.map(({ count, ...kind }) => ({ ...kind, count: Number(count) }))
}
