import { sql } from 'kysely'
import { RelayError } from '../../../errors.ts'
import type { Database, Statement } from '../../tables/database.ts'
import { inTransaction, limitLockWait } from '../connection.ts'
import { bySqlState } from '../failures.ts'
import {
  deniedMigration,
  type FoundSchema,
  type PendingStep,
  partsOf,
  pendingSteps,
  type SchemaStep,
} from '../schema-steps.ts'
import { lockForDdl } from './schema.ts'

/**
 * Brings the relay's own tables to the version that this program knows, each step in a transaction with its record.
 * Looks first, since even `IF NOT EXISTS` needs the right to create; looks again under the lock, since another relay may
 * have done the step meanwhile.
 *
 * @throws RelayError STATE_NEWER, SINK_DENIED with what a user with more rights can run
 */
export async function ensureSchema(db: Database, steps: readonly SchemaStep[]): Promise<void> {
  const found = await findSchema(db, steps).catch(async (error: unknown) => {
    throw await unreadable(error, db)
  })
  const pending = pendingSteps(steps, found)
  if (pending.length === 0) return
  try {
    // Each turn does one step; the last finds nothing left.
    for (let turns = 0; turns <= steps.length; turns++) {
      if (await inTransaction(db, (trx) => doNextStep(trx, steps))) return
    }
  } catch (error) {
    throw await explained(error, db, found, pending)
  }
  throw new Error('a step of the schema does not make what it names')
}

/** What `ensureSchema` would run; nothing is. @throws RelayError STATE_NEWER, SINK_DENIED */
export async function pendingSchema(db: Database, steps: readonly SchemaStep[]): Promise<readonly Statement[]> {
  const found = await findSchema(db, steps).catch(async (error: unknown) => {
    throw await unreadable(error, db)
  })
  return statementsOf(found, pendingSteps(steps, found))
}

const statementsOf = ({ version }: FoundSchema, pending: readonly PendingStep[]): readonly Statement[] => {
  const last = pending.at(-1)
  if (last === undefined) return []
  return [...pending.flatMap(({ statements }) => statements), ...recordVersion(Math.max(last.version, version ?? 0))]
}

/** True if there is nothing left to do. */
async function doNextStep(trx: Database, steps: readonly SchemaStep[]): Promise<boolean> {
  await limitLockWait(trx)
  await lockForDdl(trx)
  const found = await findSchema(trx, steps)
  const [next] = pendingSteps(steps, found)
  if (next === undefined) return true
  for (const statement of next.statements) await statement.execute(trx)
  for (const statement of recordVersion(Math.max(next.version, found.version ?? 0))) await statement.execute(trx)
  return false
}

/** Changes nothing. */
export async function findSchema(db: Database, steps: readonly SchemaStep[]): Promise<FoundSchema> {
  const names = JSON.stringify(partsOf(steps))
  const { rows } = await sql<{ part: string }>`
    SELECT part FROM jsonb_array_elements_text(${names}::jsonb) AS part
    WHERE part IN (
      SELECT 'schema' FROM pg_catalog.pg_namespace WHERE nspname = 'cdc_relay'
      UNION ALL
      SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'cdc_relay'
      UNION ALL
      SELECT c.relname::text || '.' || a.attname::text FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'cdc_relay' AND a.attnum > 0 AND NOT a.attisdropped)`.execute(db)
  const parts = new Set(rows.map(({ part }) => part))
  return { version: parts.has('schema_version') ? await readVersion(db) : null, parts }
}

async function readVersion(db: Database): Promise<number | null> {
  const { rows } = await sql<{ version: number }>`
    SELECT version FROM cdc_relay.schema_version WHERE name = 'cdc_relay'`.execute(db)
  return rows[0]?.version ?? null
}

/** Not ON CONFLICT, which Greenplum 6 does not have. Relays do this one at a time. */
const recordVersion = (version: number) => [
  sql`DELETE FROM cdc_relay.schema_version WHERE name = 'cdc_relay'`,
  sql`INSERT INTO cdc_relay.schema_version (name, version) VALUES ('cdc_relay', ${sql.lit(version)})`,
]

/** A right that is missing where there are tables already is a matter for their owner. */
async function explained(
  error: unknown,
  db: Database,
  found: FoundSchema,
  pending: readonly PendingStep[],
): Promise<unknown> {
  if (!isDenied(error) || !found.parts.has('relays')) return error
  const role = await roleOf(db)
  const statements = statementsOf(found, pending).map((statement) => statement.compile(db).sql)
  return deniedMigration(found, pending, error.message, [
    ...statements,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cdc_relay TO ${role}`,
    `GRANT USAGE ON ALL SEQUENCES IN SCHEMA cdc_relay TO ${role}`,
  ])
}

/** What was made after the rights were given. */
async function unreadable(error: unknown, db: Database): Promise<unknown> {
  if (!isDenied(error)) return error
  const detail = `The version of the relay's own tables cannot be read: ${error.message}. Their owner can run: GRANT SELECT ON cdc_relay.schema_version TO ${await roleOf(db)}`
  return new RelayError('SINK_DENIED', detail)
}

const isDenied = (error: unknown): error is Error =>
  error instanceof Error && bySqlState.meaning(error).code === 'SINK_DENIED'

async function roleOf(db: Database): Promise<string> {
  const { rows } = await sql<{ role: string }>`SELECT quote_ident(current_user) AS role`.execute(db)
  return rows[0]!.role
}
