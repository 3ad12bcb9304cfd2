import { sql } from 'kysely'
import type { SchemaStep } from '../../schema-steps.ts'

/** Texts of any length that nobody searches for: else 32,766 bytes would be the limit. */
const LONG_TEXT = sql`TEXT INDEX OFF STORAGE WITH (columnstore = false)`
/** Small tables, of which a row is read or written at a time. Replicas are as the cluster has them by default. */
const SMALL = sql`CLUSTERED INTO 1 SHARDS WITH (column_policy = 'strict')`

/**
 * The tables in which a relay remembers itself, in the schema `cdc_relay` of the target: how they came to be, step by step.
 * `SchemaStep` says how to add one. CrateDB has no schema without a table.
 *
 * What is right at once is only what is read by its full primary key; everything else is a search, and sees what was written
 * a second ago. So what a relay is and where it stands is one row of `relays`, and the rest hangs on that by keys.
 *
 * A relay's life begins with its row of `relays`. Deleting the row ends it: the next process of that name begins another
 * one, which knows nothing of what `lessons` and `tables` hold of the first.
 */
export const CRATE_STEPS: readonly SchemaStep[] = [
  {
    about: 'remember relays, their positions, tables, facts, purges and dead letters',
    makes: {
      schema_version: sql`CREATE TABLE IF NOT EXISTS "cdc_relay"."schema_version" (
        "name" TEXT NOT NULL,
        "version" INTEGER NOT NULL,
        "since" TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY ("name")
      ) ${SMALL}`,
      relays: sql`CREATE TABLE IF NOT EXISTS "cdc_relay"."relays" (
        "name" TEXT NOT NULL,
        "life" TEXT NOT NULL,
        "stream_id" ${LONG_TEXT},
        "stream_created" ${LONG_TEXT},
        "start" TEXT,
        "settings" ${LONG_TEXT},
        "claim" BIGINT NOT NULL,
        "owner" TEXT NOT NULL,
        "host" TEXT NOT NULL,
        "pid" INTEGER NOT NULL,
        "claimed_at" TEXT NOT NULL,
        "heartbeat" BIGINT NOT NULL,
        "revision" BIGINT NOT NULL,
        "positions" ${LONG_TEXT},
        "lessons_claim" BIGINT NOT NULL,
        "lessons_revision" BIGINT NOT NULL,
        PRIMARY KEY ("name")
      ) ${SMALL}`,
      // The facts as one text, under the claim and the revision of the row that was to name them first: never altered.
      lessons: sql`CREATE TABLE IF NOT EXISTS "cdc_relay"."lessons" (
        "life" TEXT NOT NULL,
        "claim" BIGINT NOT NULL,
        "revision" BIGINT NOT NULL,
        "name" TEXT NOT NULL,
        "lessons" ${LONG_TEXT},
        PRIMARY KEY ("life", "claim", "revision")
      ) ${SMALL}`,
      // Numbered without a gap, so that all can be read by their keys.
      tables: sql`CREATE TABLE IF NOT EXISTS "cdc_relay"."tables" (
        "life" TEXT NOT NULL,
        "number" INTEGER NOT NULL,
        "name" TEXT NOT NULL,
        "source" ${LONG_TEXT},
        "target_schema" TEXT NOT NULL,
        "target_table" TEXT NOT NULL,
        "keys" ${LONG_TEXT},
        "columns" ${LONG_TEXT},
        PRIMARY KEY ("life", "number")
      ) ${SMALL}`,
      // Of a target: when it was seen how old its deleted rows are, and from before which version its rows are to go.
      purges: sql`CREATE TABLE IF NOT EXISTS "cdc_relay"."purges" (
        "target_schema" TEXT NOT NULL,
        "target_table" TEXT NOT NULL,
        "samples" ${LONG_TEXT},
        "sweep_below" BIGINT,
        "swept_at" BIGINT,
        PRIMARY KEY ("target_schema", "target_table")
      ) ${SMALL}`,
      dead_letters: sql`CREATE TABLE IF NOT EXISTS "cdc_relay"."dead_letters" (
        "id" TEXT NOT NULL,
        "name" TEXT NOT NULL,
        "recorded_at" TIMESTAMP WITH TIME ZONE NOT NULL,
        "code" TEXT NOT NULL,
        "detail" ${LONG_TEXT},
        "stream" TEXT NOT NULL,
        "shard" TEXT NOT NULL,
        "sequence" TEXT NOT NULL,
        "sub_sequence" INTEGER,
        "event_id" ${LONG_TEXT},
        "source" TEXT,
        "version" BIGINT,
        "raw" ${LONG_TEXT},
        "change" ${LONG_TEXT},
        PRIMARY KEY ("id")
      ) ${SMALL}`,
    },
  },
  {
    about: 'remember how often a dead letter was written again, and what of it is binary',
    makes: {
      'dead_letters.attempts': sql`ALTER TABLE "cdc_relay"."dead_letters" ADD COLUMN "attempts" INTEGER`,
      'dead_letters.tried_at': sql`ALTER TABLE "cdc_relay"."dead_letters" ADD COLUMN "tried_at" TIMESTAMP WITH TIME ZONE`,
      'dead_letters.binary_places': sql`ALTER TABLE "cdc_relay"."dead_letters" ADD COLUMN "binary_places" TEXT INDEX OFF STORAGE WITH (columnstore = false)`,
    },
  },
]
