import { Socket } from 'node:net'
import pg from 'pg'
import { databaseFailure, GpssFailure, pqFailure } from './failure.ts'
import type { ConnectRequest } from './wire-messages.ts'

/** A session's one connection to its database. */
export interface Database {
  /** `host:port/database`, as the client named them. */
  readonly name: string
  /** One statement with its values; without values also several. */
  query<T = Record<string, unknown>>(
    text: string,
    values?: unknown[],
  ): Promise<{ rows: T[]; count: number; tag: string }>
  /** Rolls back what is open; no error when the connection is gone, since that rolls back, too. */
  rollback(): Promise<void>
  /** Rolls back and says goodbye. */
  close(): Promise<void>
  /** Ends the connection without a word, as the death of a process does. */
  drop(): void
}

/**
 * @param onSegments whether data errors name a segment
 * @throws GpssFailure nothing there, wrong user, password or database
 */
export async function connectDatabase(login: ConnectRequest, onSegments: boolean): Promise<Database> {
  for (const field of ['Host', 'Port', 'Username', 'DB'] as const) {
    // The driver would take the value from the environment of this process.
    if (!login[field]) throw pqFailure(`ConnectRequest names no ${field}`)
  }
  const socket = new Socket()
  const client = new pg.Client({
    host: login.Host,
    port: login.Port,
    user: login.Username,
    password: () => login.Password,
    database: login.DB,
    stream: () => socket,
    application_name: 'gpss',
  })
  client.on('error', () => {}) // the next statement tells
  try {
    await client.connect()
  } catch (cause) {
    socket.destroy()
    throw loginFailure(cause, login)
  }

  const query: Database['query'] = async (text, values) => {
    try {
      const result = await client.query({ text, ...(values === undefined ? {} : { values }) })
      return { rows: result.rows, count: result.rowCount ?? 0, tag: result.command }
    } catch (cause) {
      throw databaseFailure(cause, onSegments)
    }
  }
  const rollback = async () => {
    await client.query('ROLLBACK').catch(() => {})
  }
  return {
    name: `${login.Host}:${login.Port}/${login.DB}`,
    query,
    rollback,
    close: async () => {
      await rollback()
      await client.end().catch(() => {})
    },
    drop: () => socket.destroy(),
  }
}

/** In the words of the real server's driver, whatever ours says. */
function loginFailure(cause: unknown, { Host, Port, Username }: ConnectRequest): GpssFailure {
  if (cause instanceof pg.DatabaseError) return pqFailure(cause.message, cause.code)
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return new GpssFailure(`dial tcp: lookup ${Host}: no such host`)
  if (code === 'ECONNREFUSED') return new GpssFailure(`dial tcp ${Host}:${Port}: connect: connection refused`)
  // Ours does not even send an empty password.
  if (message.includes('password must be a')) return pqFailure(`password authentication failed for user "${Username}"`)
  return pqFailure(message)
}
