import type { Log } from '../observe/log.ts'
import { type Check, runCheck } from './check.ts'
import { type CheckContext, newCheckName, openContext, shown } from './context.ts'
import { CRATEDB_BATCHES } from './cratedb-batches.ts'
import { CRATEDB_CONNECTION, CRATEDB_TABLE } from './cratedb-connection.ts'
import { CRATEDB_SINK } from './cratedb-sink.ts'
import { CRATEDB_STATEMENTS } from './cratedb-statements.ts'
import { CRATEDB_TABLES } from './cratedb-tables.ts'
import { CRATEDB_VALUES } from './cratedb-values.ts'
import { CRATEDB_VISIBILITY } from './cratedb-visibility.ts'
import type { Finding } from './finding.ts'
import { GREENPLUM } from './greenplum.ts'
import { type Place, placeFor } from './place.ts'
import { POSTGRESQL_FAMILY, POSTGRESQL_OWN, POSTGRESQL_SCHEMA } from './postgresql.ts'
import { POSTGRESQL_SESSIONS } from './postgresql-sessions.ts'
import type { Report } from './report.ts'
import { recognise, type Server } from './server.ts'
import { type Login, type Reached, reach } from './sessions.ts'
import { ask, type Wire } from './wire.ts'

/** What is checked of a server: first what everything else needs. */
export function checksFor({ kind }: Server): { readonly first: Check; readonly others: readonly Check[] } {
  if (kind === 'CrateDB') {
    const all = [
      CRATEDB_CONNECTION,
      CRATEDB_STATEMENTS,
      CRATEDB_BATCHES,
      CRATEDB_VISIBILITY,
      CRATEDB_VALUES,
      CRATEDB_TABLES,
      CRATEDB_SINK,
    ]
    return { first: CRATEDB_TABLE, others: byId(all.flat()) }
  }
  const own = {
    PostgreSQL: [...POSTGRESQL_OWN, ...POSTGRESQL_SESSIONS],
    // One session is all there is.
    PGlite: POSTGRESQL_OWN,
    'Greenplum 6': [...GREENPLUM, ...POSTGRESQL_SESSIONS],
    'Greenplum 7': [...GREENPLUM, ...POSTGRESQL_SESSIONS],
    Cloudberry: [...GREENPLUM, ...POSTGRESQL_SESSIONS],
  }[kind]
  return { first: POSTGRESQL_SCHEMA, others: byId([...POSTGRESQL_FAMILY, ...own]) }
}

/**
 * Runs all checks of a server in a schema of their own, and removes it, whatever happens.
 *
 * @param signal stops after the statement in hand
 * @throws RelayError SINK_UNREACHABLE, SINK_LOGIN, CONFIGURATION; the reason of `signal`
 */
export async function checkServer(url: string, login: Login, log: Log, signal: AbortSignal): Promise<Report> {
  const reached = await reach(url, login)
  try {
    const name = newCheckName()
    const { server, place } = await lookAround(reached, name)
    const context = openContext(reached, server, name, place, signal)
    const interrupt = () => void context.close()
    signal.addEventListener('abort', interrupt)
    const [run] = await Promise.allSettled([runChecks(context, signal)])
    signal.removeEventListener('abort', interrupt)
    await context.close()
    const leftBehind = await remove(reached, server, name, place)
    if (run.status === 'fulfilled') return { url, server, findings: run.value, leftBehind }
    if (leftBehind !== null) log.error({ code: 'LEFT_BEHIND' }, leftBehind)
    throw run.reason
  } finally {
    await reached.close()
  }
}

async function lookAround(reached: Reached, name: string): Promise<{ server: Server; place: Place | null }> {
  const wire = await reached.open()
  try {
    const server = await recognise(wire)
    return { server, place: await placeFor(wire, server, name, reached.schema) }
  } finally {
    await wire.close()
  }
}

async function runChecks(context: CheckContext, signal: AbortSignal): Promise<Finding[]> {
  const { first, others } = checksFor(context.server)
  const findings: Finding[] = []
  for (const check of [first, ...others]) {
    findings.push(await runCheck(check, context))
    signal.throwIfAborted()
    if (check === first && findings[0]!.verdict === 'differs') break
  }
  return findings
}

/** Resolves to what the operator has to remove, and why; null if nothing is left. */
async function remove(reached: Reached, server: Server, name: string, place: Place | null): Promise<string | null> {
  if (place === null) return null
  const what = place.existingSchema === null ? `schema ${name}` : `tables ${name}_… in ${place.existingSchema}`
  const byHand = `Remove the ${what} by hand.`
  try {
    const wire = await reached.open()
    try {
      const failed = server.kind === 'CrateDB' ? await dropTables(wire, place) : await dropAll(wire, place)
      return failed === null ? null : `What was made for the checks could not be removed: ${failed}. ${byHand}`
    } finally {
      await wire.close()
    }
  } catch (error) {
    return `What was made for the checks could not be removed: ${(error as Error).message} ${byHand}`
  }
}

async function dropAll(wire: Wire, { drop }: Place): Promise<string | null> {
  for (const text of drop) {
    const [error] = (await ask(wire, text)).errors
    if (error !== undefined) return shown(error)
  }
  return null
}

/** A schema of CrateDB is there as long as a table is in it. */
async function dropTables(wire: Wire, { schema, prefix }: Place): Promise<string | null> {
  const tables = await ask(
    wire,
    'SELECT table_type, table_name FROM information_schema.tables WHERE table_schema = $1 ORDER BY table_type DESC',
    [schema],
  )
  const drops = [tables]
  for (const [type, table] of tables.rows) {
    if (!table!.startsWith(prefix)) continue
    const quoted = `"${schema.replaceAll('"', '""')}"."${table}"`
    drops.push(await ask(wire, `DROP ${type === 'VIEW' ? 'VIEW' : 'TABLE'} ${quoted}`))
  }
  const error = drops.flatMap(({ errors }) => errors)[0]
  return error === undefined ? null : shown(error)
}

const byId = (checks: readonly Check[]): readonly Check[] =>
  checks.toSorted(({ id: one }, { id: other }) => (one < other ? -1 : 1))
