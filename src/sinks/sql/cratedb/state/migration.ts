import { sql } from 'kysely'
import type { Database, Statement } from '../../../tables/database.ts'
import {
  deniedMigration,
  type FoundSchema,
  newerTables,
  type PendingStep,
  partsOf,
  pendingSteps,
  type SchemaStep,
} from '../../schema-steps.ts'
import { byWordsOfCrate } from '../failures.ts'
import { CRATE_STEPS } from './schema.ts'
import { theRow } from './written-rows.ts'

/**
 * Brings the relay's own tables to the version that this program knows. Looks first, since even `IF NOT EXISTS` needs the
 * right to create.
 *
 * There are no transactions and no locks: a crash between a statement and the record of its step repeats the step, and two
 * relays may do one at once. Each statement leaves the same when it runs again, and the record only goes up.
 *
 * @throws RelayError STATE_NEWER, SINK_DENIED with what a user with more rights can run
 */
export async function ensureSchema(db: Database, steps: readonly SchemaStep[] = CRATE_STEPS): Promise<void> {
  const found = await findSchema(db, steps)
  const pending = pendingSteps(steps, found)
  try {
    for (const { version, statements } of pending) {
      for (const statement of statements) await unlessMade(statement, db)
      const { rows } = await recordVersion(Math.max(version, found.version ?? 0)).execute(db)
      const recorded = theRow(rows, 'cdc_relay.schema_version').version
      if (recorded > steps.length) throw newerTables(recorded, steps.length)
    }
  } catch (error) {
    throw explained(error, db, found, pending)
  }
}

/** What `ensureSchema` would run; nothing is. @throws RelayError STATE_NEWER */
export async function pendingSchema(db: Database): Promise<readonly Statement[]> {
  const found = await findSchema(db)
  return statementsOf(found, pendingSteps(CRATE_STEPS, found))
}

function statementsOf({ version }: FoundSchema, pending: readonly PendingStep[]): readonly Statement[] {
  const last = pending.at(-1)
  if (last === undefined) return []
  return [...pending.flatMap(({ statements }) => statements), recordVersion(Math.max(last.version, version ?? 0))]
}

/** Changes nothing. */
export async function findSchema(db: Database, steps: readonly SchemaStep[] = CRATE_STEPS): Promise<FoundSchema> {
  const { rows } = await sql<{ table_name: string; column_name: string }>`
    SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'cdc_relay'`.execute(db)
  const there = new Set(rows.flatMap(({ table_name, column_name }) => [table_name, `${table_name}.${column_name}`]))
  const parts = new Set(partsOf(steps).filter((part) => there.has(part)))
  return { version: parts.has('schema_version') ? await readVersion(db) : null, parts }
}

/** By the full key, and so as it is now. */
async function readVersion(db: Database): Promise<number | null> {
  const { rows } = await sql<{ version: number }>`
    SELECT "version" FROM "cdc_relay"."schema_version" WHERE "name" = 'cdc_relay'`.execute(db)
  return rows[0]?.version ?? null
}

/** `ADD COLUMN` knows no `IF NOT EXISTS`: another relay may have made the column meanwhile. */
async function unlessMade(statement: Statement, db: Database): Promise<void> {
  try {
    await statement.execute(db)
  } catch (error) {
    if (!(error instanceof Error && /already has a column named|Relation .* already exists/i.test(error.message)))
      throw error
  }
}

const recordVersion = (version: number) => sql<{ version: number }>`
  INSERT INTO "cdc_relay"."schema_version" ("name", "version", "since")
  VALUES ('cdc_relay', ${sql.lit(version)}, CURRENT_TIMESTAMP)
  ON CONFLICT ("name") DO UPDATE SET
    "version" = CASE WHEN excluded."version" > "version" THEN excluded."version" ELSE "version" END,
    "since" = CASE WHEN excluded."version" > "version" THEN excluded."since" ELSE "since" END
  RETURNING "version"`

/** A right that is missing where there are tables already is a matter for those who have it. */
function explained(error: unknown, db: Database, found: FoundSchema, pending: readonly PendingStep[]): unknown {
  const isDenied = error instanceof Error && byWordsOfCrate.meaning(error).code === 'SINK_DENIED'
  if (!isDenied || !found.parts.has('relays')) return error
  const texts = statementsOf(found, pending).map((statement) => statement.compile(db).sql)
  return deniedMigration(found, pending, error.message, texts)
}
