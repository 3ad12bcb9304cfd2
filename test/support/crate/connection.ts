import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Context } from './context.ts'
import { CrateError } from './failure.ts'
import { newIncoming } from './incoming.ts'
import {
  AUTHENTICATION_CLEARTEXT,
  AUTHENTICATION_OK,
  errorResponse,
  int32,
  message,
  parameterStatus,
  readerOf,
  readyForQuery,
} from './protocol.ts'
import { newSession, type Outside, type Session } from './session.ts'

export interface Host extends Pick<Outside, 'sent' | 'executes'> {
  readonly password: string | null
  /** Null: no TLS. */
  readonly secure: ((plain: Socket) => TLSSocket) | null
  crateVersion(): string
  context(user: string, schema: string, variables: Map<string, string>): Context
}

const SSL_REQUEST = 80_877_103
const CANCEL_REQUEST = 80_877_102

/** One connection, from SSLRequest to Terminate: startup, perhaps a password, then a session. */
export function serve(plain: Socket, host: Host): void {
  let socket: Socket = plain
  const incoming = newIncoming()
  let working = false
  let startup: ReadonlyMap<string, string> | null = null
  let session: Session | null = null

  function listen(to: Socket): void {
    socket = to
    to.on('error', () => to.destroy())
    to.on('data', (chunk: Buffer) => {
      incoming.add(chunk)
      void work()
    })
  }

  /** Takes whole messages, one after the other, also when one has to wait. */
  async function work(): Promise<void> {
    if (working) return
    working = true
    while (!socket.destroyed) {
      const whole = incoming.take(startup === null ? 0 : 1)
      if (whole === null) break
      const { letter, body } = whole
      if (startup === null) start(body)
      else if (letter === 'X') socket.end()
      else if (session === null) login(readerOf(body).text())
      else await session.handle(letter, body)
    }
    working = false
  }

  function start(body: Buffer): void {
    const code = body.readInt32BE(0)
    if (code === CANCEL_REQUEST) socket.end()
    else if (code === SSL_REQUEST) {
      socket.write(host.secure === null ? 'N' : 'S')
      if (host.secure === null) return
      plain.removeAllListeners('data')
      listen(host.secure(plain))
    } else {
      startup = readPairs(body)
      if (host.password === null) login(null)
      else socket.write(AUTHENTICATION_CLEARTEXT)
    }
  }

  function login(password: string | null): void {
    const user = startup!.get('user') ?? 'crate'
    if (password !== host.password) {
      const refused = new CrateError(`password authentication failed for user "${user}"`, '28000')
      socket.end(errorResponse(refused, 'FATAL'))
      return
    }
    const context = host.context(user, startup!.get('database') || 'doc', readOptions(startup!.get('options') ?? ''))
    session = newSession(context, {
      ...host,
      send: (bytes) => socket.write(bytes),
      drop: () => plain.destroy(),
    })
    socket.write(
      Buffer.concat([
        AUTHENTICATION_OK,
        parameterStatus('crate_version', host.crateVersion()),
        parameterStatus('server_version', '14.0'),
        parameterStatus('server_encoding', 'UTF8'),
        parameterStatus('client_encoding', 'UTF8'),
        parameterStatus('datestyle', 'ISO'),
        parameterStatus('TimeZone', 'UTC'),
        parameterStatus('integer_datetimes', 'on'),
        parameterStatus('standard_conforming_strings', 'on'),
        message('K', int32(1), int32(1)),
        readyForQuery('I'),
      ]),
    )
  }

  listen(plain)
}

function readPairs(body: Buffer): ReadonlyMap<string, string> {
  const words = body.toString('utf8', 4).split('\0')
  const pairs = new Map<string, string>()
  for (let at = 0; at + 1 < words.length && words[at] !== ''; at += 2) pairs.set(words[at]!, words[at + 1]!)
  return pairs
}

/** Of the startup parameters only user, database and `-c name=value` in options count; all others are dropped. */
function readOptions(options: string): Map<string, string> {
  return new Map([...options.matchAll(/-c\s*([\w.]+)=((?:\\.|\S)*)/g)].map(([, name, value]) => [name!, value!]))
}
