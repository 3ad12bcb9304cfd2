import { sql } from 'kysely'
import type { Database, Statement } from '../../tables/database.ts'
import { lockKey } from '../../tables/names.ts'
import { inTransaction, limitLockWait } from '../connection.ts'

/** What must be there, by name: the schema, its tables, and `columns` of `tables`. In the order in which it is made. */
export type Parts = Readonly<Record<string, Statement>>

/**
 * The tables in which a relay remembers itself, in the schema `cdc_relay` of the target.
 * Deleting a relay's row of `relays` makes the relay forget where it stood; its tombstones and dead letters stay.
 */
export const POSTGRES_PARTS: Parts = {
  schema: sql`CREATE SCHEMA IF NOT EXISTS cdc_relay`,
  relays: sql`CREATE TABLE IF NOT EXISTS cdc_relay.relays (
    name text COLLATE "C" PRIMARY KEY,
    stream_id text NOT NULL,
    stream_created text NOT NULL,
    start text,
    settings jsonb NOT NULL,
    claim bigint NOT NULL,
    owner uuid NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now()
  )`,
  positions: sql`CREATE TABLE IF NOT EXISTS cdc_relay.positions (
    name text COLLATE "C" NOT NULL REFERENCES cdc_relay.relays ON DELETE CASCADE,
    shard text COLLATE "C" NOT NULL,
    sequence text COLLATE "C" NOT NULL,
    arrived_at timestamptz,
    caught_up_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, shard)
  ) WITH (fillfactor = 50)`,
  tables: sql`CREATE TABLE IF NOT EXISTS cdc_relay.tables (
    name text COLLATE "C" NOT NULL REFERENCES cdc_relay.relays ON DELETE CASCADE,
    source text COLLATE "C" NOT NULL,
    target_schema text COLLATE "C" NOT NULL,
    target_table text COLLATE "C" NOT NULL,
    keys jsonb NOT NULL,
    columns jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (name, source),
    UNIQUE (name, target_schema, target_table)
  )`,
  dead_letters: sql`CREATE TABLE IF NOT EXISTS cdc_relay.dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    code text NOT NULL,
    detail text NOT NULL,
    stream text NOT NULL,
    shard text NOT NULL,
    sequence text NOT NULL,
    sub_sequence integer,
    event_id text,
    source text,
    version bigint,
    raw bytea,
    change jsonb
  )`,
  lessons: sql`CREATE TABLE IF NOT EXISTS cdc_relay.lessons (
    name text COLLATE "C" NOT NULL REFERENCES cdc_relay.relays ON DELETE CASCADE,
    subject text COLLATE "C" NOT NULL,
    lesson text NOT NULL,
    PRIMARY KEY (name, subject)
  )`,
  columns: sql`ALTER TABLE cdc_relay.tables ADD COLUMN IF NOT EXISTS columns jsonb NOT NULL DEFAULT '[]'`,
}

/**
 * Makes what is missing: everything, or what an earlier version did not have. Asks first, since even `IF NOT EXISTS`
 * needs the right to create.
 */
export async function ensureSchema(db: Database, parts: Parts): Promise<void> {
  const missing = await missingParts(db, parts)
  if (missing.length === 0) return
  await inTransaction(db, async (trx) => {
    await limitLockWait(trx)
    await lockForDdl(trx)
    for (const part of missing) await parts[part]!.execute(trx)
  })
}

/** In the order in which they are made. */
async function missingParts(db: Database, parts: Parts): Promise<string[]> {
  const names = Object.keys(parts)
  const { rows } = await sql<{ part: string }>`
    SELECT part FROM jsonb_array_elements_text(${JSON.stringify(names)}::jsonb) AS part
    WHERE part NOT IN (
      SELECT 'schema' FROM pg_catalog.pg_namespace WHERE nspname = 'cdc_relay'
      UNION ALL
      SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'cdc_relay'
      UNION ALL
      SELECT a.attname::text FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'cdc_relay' AND c.relname = 'tables' AND a.attname = 'columns')`.execute(db)
  const missing = new Set(rows.map(({ part }) => part))
  return names.filter((part) => missing.has(part))
}

/** One relay of a database makes tables at a time: `IF NOT EXISTS` alone fails when two sessions make the same thing at once. */
export async function lockForDdl(trx: Database): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${lockKey('ddl')}::bigint)`.execute(trx)
}
