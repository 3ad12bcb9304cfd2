import { sql } from 'kysely'
import type { SchemaStep } from '../schema-steps.ts'
import type { Kernel } from './kernel.ts'

/**
 * The tables in which a relay remembers itself, as `postgresql/schema.ts` has them. Foreign keys are left out, for
 * Greenplum does not enforce them: deleting a relay's row of `relays` makes the relay forget where it stood, and what else
 * bears its name goes when a relay begins the name again.
 *
 * Spread by the name, so that a relay's rows of a table lie on one segment.
 */
export const greenplumSteps = (kernel: Kernel): readonly SchemaStep[] => [
  {
    about: 'remember relays, their positions, tables, facts and dead letters',
    makes: {
      schema: sql`CREATE SCHEMA IF NOT EXISTS cdc_relay`,
      schema_version: sql`CREATE TABLE IF NOT EXISTS cdc_relay.schema_version (
        name text COLLATE "C" PRIMARY KEY,
        version integer NOT NULL,
        since timestamptz NOT NULL DEFAULT now()
      ) ${kernel.heap(50)} DISTRIBUTED BY (name)`,
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
      ) ${kernel.heap(50)} DISTRIBUTED BY (name)`,
      positions: sql`CREATE TABLE IF NOT EXISTS cdc_relay.positions (
        name text COLLATE "C" NOT NULL,
        shard text COLLATE "C" NOT NULL,
        sequence text COLLATE "C" NOT NULL,
        arrived_at timestamptz,
        caught_up_at timestamptz,
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (name, shard)
      ) ${kernel.heap(50)} DISTRIBUTED BY (name)`,
      tables: sql`CREATE TABLE IF NOT EXISTS cdc_relay.tables (
        name text COLLATE "C" NOT NULL,
        source text COLLATE "C" NOT NULL,
        target_schema text COLLATE "C" NOT NULL,
        target_table text COLLATE "C" NOT NULL,
        keys jsonb NOT NULL,
        columns jsonb NOT NULL,
        PRIMARY KEY (name, source),
        UNIQUE (name, target_schema, target_table)
      ) ${kernel.heap(85)} DISTRIBUTED BY (name)`,
      dead_letters: sql`CREATE TABLE IF NOT EXISTS cdc_relay.dead_letters (
        id bigserial PRIMARY KEY,
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
      ) ${kernel.heap(100)} DISTRIBUTED BY (id)`,
      lessons: sql`CREATE TABLE IF NOT EXISTS cdc_relay.lessons (
        name text COLLATE "C" NOT NULL,
        subject text COLLATE "C" NOT NULL,
        lesson text NOT NULL,
        PRIMARY KEY (name, subject)
      ) ${kernel.heap(50)} DISTRIBUTED BY (name)`,
    },
  },
  {
    about: 'remember how often a dead letter was written again, and what of it is binary',
    // Greenplum 6 knows no ADD COLUMN IF NOT EXISTS: what is there is not made again.
    makes: {
      'dead_letters.attempts': sql`ALTER TABLE cdc_relay.dead_letters ADD COLUMN attempts integer NOT NULL DEFAULT 0`,
      'dead_letters.tried_at': sql`ALTER TABLE cdc_relay.dead_letters ADD COLUMN tried_at timestamptz`,
      'dead_letters.binary_places': sql`ALTER TABLE cdc_relay.dead_letters ADD COLUMN binary_places jsonb`,
    },
  },
]
