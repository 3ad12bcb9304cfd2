import { sql } from 'kysely'
import type { Database } from '../../tables/database.ts'
import type { SchemaStep } from '../schema-steps.ts'
import { lockKey } from './lock-key.ts'

/**
 * The tables in which a relay remembers itself, in the schema `cdc_relay` of the target: how they came to be, step by step.
 * `SchemaStep` says how to add one.
 *
 * Deleting a relay's row of `relays` makes the relay forget where it stood; its tombstones and dead letters stay.
 */
export const POSTGRES_STEPS: readonly SchemaStep[] = [
  {
    about: 'remember relays, their positions, tables and dead letters',
    makes: {
      schema: sql`CREATE SCHEMA IF NOT EXISTS cdc_relay`,
      schema_version: sql`CREATE TABLE IF NOT EXISTS cdc_relay.schema_version (
        name text COLLATE "C" PRIMARY KEY,
        version integer NOT NULL,
        since timestamptz NOT NULL DEFAULT now()
      )`,
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
    },
  },
  {
    about: 'remember what is learned of a DMS stream, and the columns of tables',
    makes: {
      lessons: sql`CREATE TABLE IF NOT EXISTS cdc_relay.lessons (
        name text COLLATE "C" NOT NULL REFERENCES cdc_relay.relays ON DELETE CASCADE,
        subject text COLLATE "C" NOT NULL,
        lesson text NOT NULL,
        PRIMARY KEY (name, subject)
      )`,
      'tables.columns': sql`ALTER TABLE cdc_relay.tables ADD COLUMN IF NOT EXISTS columns jsonb NOT NULL DEFAULT '[]'`,
    },
  },
  {
    about: 'remember how often a dead letter was written again, and what of it is binary',
    makes: {
      'dead_letters.attempts': sql`ALTER TABLE cdc_relay.dead_letters ADD COLUMN IF NOT EXISTS attempts integer NOT NULL DEFAULT 0`,
      'dead_letters.tried_at': sql`ALTER TABLE cdc_relay.dead_letters ADD COLUMN IF NOT EXISTS tried_at timestamptz`,
      'dead_letters.binary_places': sql`ALTER TABLE cdc_relay.dead_letters ADD COLUMN IF NOT EXISTS binary_places jsonb`,
    },
  },
]

/** One relay of a database makes tables at a time: `IF NOT EXISTS` alone fails when two sessions make the same thing at once. */
export async function lockForDdl(trx: Database): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${lockKey('ddl')}::bigint)`.execute(trx)
}
