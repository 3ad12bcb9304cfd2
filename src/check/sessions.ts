import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type pg from 'pg'
import { serialize } from 'pg-protocol'
import type { Env } from '../env.ts'
import { schemeOf } from '../server-url.ts'
import { askerOf } from '../sinks/sql/advice.ts'
import { crateAddress } from '../sinks/sql/cratedb/address.ts'
import { bySqlState, sqlFailure } from '../sinks/sql/failures.ts'
import { clientThatLogsIn } from '../sinks/sql/login.ts'
import { postgresAddress } from '../sinks/sql/postgresql/address.ts'
import { openFolder } from '../sinks/sql/postgresql/pglite.ts'
import { LOST, type Message, type Wire } from './wire.ts'

/** What a login needs beside the URL. */
export interface Login {
  /** A file with the password; null: the password is in the URL, in `PGPASSWORD` or in libpq's own file. */
  readonly passwordFile: string | null
  readonly env: Env
}

/** A server that was reached by a URL. */
export interface Reached {
  /** As given. Holds the password. */
  readonly url: string
  readonly login: Login
  /** The schema that the URL names; null if none. */
  readonly schema: string | null
  /** A session more. PGlite has only one. @param changes to what node-postgres connects with */
  open(changes?: pg.ClientConfig): Promise<Wire>
  /** Ends what `open` does not: the folder of PGlite. */
  close(): Promise<void>
}

const CONNECT_MS = 10_000
/** Longer than any statement of a check takes, and than a server needs to find a deadlock. */
const SILENCE_MS = 30_000

/**
 * @param url of a target that there are checks for
 * @throws RelayError CONFIGURATION for a URL that cannot be read; STATE_HELD for a PGlite folder that is in use
 */
export async function reach(url: string, login: Login): Promise<Reached> {
  if (schemeOf(url) === 'pglite') return await reachPGlite(url.slice('pglite:'.length), login)
  const { schema, ...config } = configOf(url, login)
  return {
    url,
    login,
    schema,
    // node-postgres prefers what the URL says.
    open: ({ database, ...changes } = {}) =>
      openPostgres(
        { ...config, connectionString: withDatabase(config.connectionString!, database), ...changes },
        login,
      ),
    close: async () => {},
  }
}

/** A client class, and what it connects with. */
type SessionConfig = pg.ClientConfig & { readonly Client: typeof pg.Client }

function withDatabase(url: string, database: string | undefined): string {
  if (database === undefined) return url
  const changed = new URL(url)
  changed.pathname = `/${encodeURIComponent(database)}`
  return changed.href
}

/** As the sinks connect, so that what a pooler or a server makes of it shows. */
function configOf(url: string, { passwordFile, env }: Login): SessionConfig & Pick<Reached, 'schema'> {
  const isCrate = schemeOf(url) === 'crate'
  const address = isCrate ? crateAddress(url, env, passwordFile !== null) : postgresAddress(url)
  const { connectionString, options, schema } = address
  return { Client: clientThatLogsIn(passwordFile, isCrate ? env : undefined), connectionString, options, schema }
}

/** node-postgres logs in; after that the messages of the server are ours, for it loses those it does not expect. */
async function openPostgres({ Client, ...config }: SessionConfig, { env }: Login): Promise<Wire> {
  const client = new Client({
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    fallback_application_name: 'cdc-relay check',
    ...config,
  })
  const { connection } = client
  const parameters = new Map<string, string>()
  connection.on('parameterStatus', ({ parameterName, parameterValue }: Record<string, string>) => {
    parameters.set(parameterName!, parameterValue!)
  })
  // A connection that drops shows as its end.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    throw sqlFailure(error, bySqlState, {}, askerOf(config.connectionString ?? '', env))
  }
  for (const event of DRIVERS_EVENTS) connection.removeAllListeners(event)
  return wireOver(connection, parameters)
}

/** What node-postgres listens to besides the login and the end of a connection. */
const DRIVERS_EVENTS = [
  'errorMessage',
  'readyForQuery',
  'notice',
  'rowDescription',
  'dataRow',
  'portalSuspended',
  'emptyQuery',
  'commandComplete',
  'parseComplete',
  'copyInResponse',
  'copyData',
  'notification',
]

function wireOver(connection: pg.Connection, parameters: ReadonlyMap<string, string>): Wire {
  const { stream } = connection
  let isOpen = !stream.destroyed
  let take: (message: Message) => void = () => {}
  connection.on('message', (message: Message) => take(message))
  const ended = new Promise<void>((resolve) => {
    connection.once('end', () => {
      isOpen = false
      take({ name: 'error', code: LOST, message: 'the server closed the connection' })
      resolve()
    })
  })

  return {
    parameters,
    isOpen: () => isOpen,
    async exchange(bytes, copied = null) {
      const messages: Message[] = []
      const silence = setTimeout(() => {
        take({ name: 'error', code: LOST, message: `no answer within ${SILENCE_MS / 1000} s` })
        stream.destroy()
      }, SILENCE_MS)
      await new Promise<void>((resolve) => {
        take = (message) => {
          messages.push(message)
          if (message.name === 'copyInResponse') stream.write(copyAnswer(copied))
          if (message.name === 'readyForQuery' || message.code === LOST) resolve()
        }
        if (isOpen) stream.write(bytes)
        else take({ name: 'error', code: LOST, message: 'the connection is closed' })
      })
      clearTimeout(silence)
      take = () => {}
      return messages
    },
    async close() {
      if (isOpen) connection.end()
      // A server that waits for a lock of ours does not read on.
      const impatience = setTimeout(() => stream.destroy(), 1000)
      await ended
      clearTimeout(impatience)
    },
  }
}

function copyAnswer(lines: string | null): Buffer {
  if (lines === null) return serialize.copyFail('only a check')
  return Buffer.concat([serialize.copyData(Buffer.from(lines)), serialize.copyDone()])
}

/** A folder that was not there is not there afterwards. */
async function reachPGlite(folder: string, login: Login): Promise<Reached> {
  const isNew = folder !== '' && !existsSync(folder)
  const { pglite, close } = await openFolder(folder)
  const wire: Wire = {
    parameters: new Map(),
    isOpen: () => true,
    exchange: async (bytes) => (await pglite.execProtocol(bytes, { throwOnError: false })).messages as Message[],
    close: async () => {},
  }
  return {
    url: `pglite:${folder}`,
    login,
    schema: null,
    open: async () => wire,
    async close() {
      await close()
      if (isNew) for (const path of [folder, `${folder}.lock`]) await rm(path, { recursive: true })
    },
  }
}
