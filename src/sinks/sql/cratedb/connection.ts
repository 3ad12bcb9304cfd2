import { type CompiledQuery, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Env } from '../../../env.ts'
import type { Connection } from '../connection.ts'
import { clientThatLogsIn } from '../login.ts'
import { crateAddress } from './address.ts'

/** A statement that runs longer than this is cancelled by the server, and the batch is tried again. */
const STATEMENT_MS = 60_000
/** A server that has not answered for this long is taken for lost. */
const SILENCE_MS = STATEMENT_MS + 15_000
const CONNECT_MS = 10_000
/** One writes. The other is there for the sign of life, which must not wait behind a long statement. */
const SESSIONS = 2

/**
 * Opens `crate://…` by the PostgreSQL protocol. There are no transactions, so no session holds anything that another one
 * lacks, and a lost one costs no more than its statement.
 *
 * Of the startup parameters CrateDB reads `options` alone; what `options` of the URL sets comes last, and holds.
 * https://cratedb.com/docs/crate/reference/en/latest/interfaces/postgres.html
 *
 * @param env the password where neither URL nor file has one: `PGPASSWORD` of it, and of nothing else, for a password that nobody saw here might travel in clear
 * @throws RelayError CONFIGURATION
 */
export function openCrate(url: string, passwordFile: string | null = null, env: Env = {}): Connection {
  const { connectionString, options, schema, objects } = crateAddress(url, env, passwordFile !== null)
  const pool = new pg.Pool({
    Client: clientThatLogsIn(passwordFile, env),
    connectionString,
    max: SESSIONS,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    query_timeout: SILENCE_MS,
    options: `-c statement_timeout=${STATEMENT_MS} ${options}`.trim(),
  })
  // A connection that drops makes the query in flight fail, or the next one; as an event without listener it would end the
  // process. The same event comes of an error that answers no query; the pool throws such a connection away.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))

  let sessions = 0
  let first: CompiledQuery | undefined
  const dialect = new PostgresDialect({
    pool,
    onCreateConnection: async (connection) => {
      sessions++
      if (first !== undefined) await connection.executeQuery(first)
    },
  })
  const db = new Kysely<unknown>({ dialect })
  let closed: Promise<void> | undefined
  return {
    db,
    schema,
    parameters: { objects },
    promises: 'CrateDB',
    session: () => sessions,
    async beginWith(statement) {
      first = statement.compile(db)
      await db.executeQuery(first)
    },
    close: () => {
      closed ??= db.destroy()
      return closed
    },
  }
}
