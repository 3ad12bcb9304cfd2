import { type CompiledQuery, Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import type { Connection } from '../connection.ts'
import { clientThatLogsIn } from '../login.ts'
import { postgresAddress } from './address.ts'
import { copyingClient } from './copy-in.ts'

/** A statement that runs longer than this is cancelled by the server, and the batch is tried again. */
const STATEMENT_MS = 60_000
/** A server that has not answered for this long is taken for lost. */
const SILENCE_MS = STATEMENT_MS + 15_000
const LOCK_WAIT_MS = 10_000
const CONNECT_MS = 10_000

/** One connection of a pool of one: the session that holds the relay's lock is the one that writes. */
export function openPostgres(url: string, promises: string | null, passwordFile: string | null): Connection {
  const { connectionString, options, schema, connectTimeoutMs } = postgresAddress(url)
  const pool = new pg.Pool({
    Client: clientThatLogsIn(passwordFile),
    connectionString,
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: connectTimeoutMs ?? CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    fallback_application_name: 'cdc-relay',
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_WAIT_MS,
    query_timeout: SILENCE_MS,
    options,
  })
  // A connection that drops makes the query in flight fail, or the next one; as an event without listener it would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))

  let sessions = 0
  let first: CompiledQuery | undefined
  async function begin(client: pg.PoolClient): Promise<void> {
    sessions++
    if (first !== undefined) await client.query(first.sql, [...first.parameters])
  }
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: sessionPool(pool, begin) }) })
  let closed: Promise<void> | undefined
  return {
    db,
    schema,
    promises,
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

/** @param begin what comes first in a new session, which is given up if it fails */
function sessionPool(pool: pg.Pool, begin: (client: pg.PoolClient) => Promise<void>): PostgresPool {
  // The same object for the same session: kysely knows it by that.
  const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  return {
    options: pool.options,
    async connect() {
      const client = await pool.connect()
      const known = clients.get(client)
      if (known !== undefined) return known
      try {
        await begin(client)
      } catch (error) {
        client.release(true)
        throw error
      }
      const session = copyingClient(client)
      clients.set(client, session)
      return session
    },
    end: () => pool.end(),
  }
}
