import { sql } from 'kysely'
import { type Database, inTransaction, limitLockWait } from './connection.ts'
import { lockKey } from './names.ts'

/**
 * The tables in which a relay remembers itself, in the schema `cdc_relay` of the target.
 * Deleting a relay's row of `relays` makes the relay forget where it stood; its tombstones and dead letters stay.
 */
const STATEMENTS = [
  sql`CREATE SCHEMA IF NOT EXISTS cdc_relay`,
  sql`CREATE TABLE IF NOT EXISTS cdc_relay.relays (
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
  sql`CREATE TABLE IF NOT EXISTS cdc_relay.positions (
    name text COLLATE "C" NOT NULL REFERENCES cdc_relay.relays ON DELETE CASCADE,
    shard text COLLATE "C" NOT NULL,
    sequence text COLLATE "C" NOT NULL,
    arrived_at timestamptz,
    caught_up_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, shard)
  ) WITH (fillfactor = 50)`,
  sql`CREATE TABLE IF NOT EXISTS cdc_relay.tables (
    name text COLLATE "C" NOT NULL REFERENCES cdc_relay.relays ON DELETE CASCADE,
    source text COLLATE "C" NOT NULL,
    target_schema text COLLATE "C" NOT NULL,
    target_table text COLLATE "C" NOT NULL,
    keys jsonb NOT NULL,
    PRIMARY KEY (name, source),
    UNIQUE (name, target_schema, target_table)
  )`,
  sql`CREATE TABLE IF NOT EXISTS cdc_relay.dead_letters (
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
]

/** Makes what is missing. Asks first, since even `IF NOT EXISTS` needs the right to create. */
export async function ensureSchema(db: Database): Promise<void> {
  const last = sql<{ there: boolean }>`SELECT to_regclass('cdc_relay.dead_letters') IS NOT NULL AS there`
  if ((await last.execute(db)).rows[0]?.there) return
  await inTransaction(db, async (trx) => {
    await limitLockWait(trx)
    await lockForDdl(trx)
    for (const statement of STATEMENTS) await statement.execute(trx)
  })
}

/** One relay of a database makes tables at a time: `IF NOT EXISTS` alone fails when two sessions make the same thing at once. */
export async function lockForDdl(trx: Database): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${lockKey('ddl')}::bigint)`.execute(trx)
}
