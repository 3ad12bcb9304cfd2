import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { RelayError } from '../../../errors.ts'
import type { Connection } from '../connection.ts'

/** A statement that runs longer than this is cancelled by the server, and the batch is tried again. */
const STATEMENT_MS = 60_000
/** A server that has not answered for this long is taken for lost. */
const SILENCE_MS = STATEMENT_MS + 15_000
const LOCK_WAIT_MS = 10_000
const CONNECT_MS = 10_000

/** One connection of a pool of one: the session that holds the relay's lock is the one that writes. */
export function openPostgres(url: string, promises: string | null): Connection {
  const { connectionString, schema } = withoutSchema(url)
  const pool = new pg.Pool({
    connectionString,
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    fallback_application_name: 'cdc-relay',
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_WAIT_MS,
    idle_in_transaction_session_timeout: STATEMENT_MS,
    query_timeout: SILENCE_MS,
    options: '-c TimeZone=UTC',
  })
  // A connection that drops makes the query in flight fail, or the next one; as an event without listener it would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))

  let sessions = 0
  const dialect = new PostgresDialect({
    pool,
    onCreateConnection: async () => {
      sessions++
    },
  })
  const db = new Kysely<unknown>({ dialect })
  let closed: Promise<void> | undefined
  return {
    db,
    schema,
    promises,
    session: () => sessions,
    close: () => {
      closed ??= db.destroy()
      return closed
    },
  }
}

/** `schema` in the URL's query is ours; node-postgres reads the rest. */
function withoutSchema(url: string): { connectionString: string; schema: string | null } {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    // The cause would show the URL, and with it the password.
    throw new RelayError('CONFIGURATION', 'The URL of the target is not a URL: postgresql://USER@HOST:PORT/DATABASE')
  }
  const schema = parsed.searchParams.get('schema')
  parsed.searchParams.delete('schema')
  return { connectionString: parsed.href, schema: schema === '' ? null : schema }
}
