import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { RelayError } from '../errors.ts'
import { type HttpAddress, httpAddress, inUrl, isLoopback } from './address.ts'

export interface Answer {
  readonly status: number
  /** Of `body`: its media type, with the charset where it is text. */
  readonly type: string
  readonly body: string | Uint8Array
  /** Beside those that all answers have. */
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer that goes on until the client leaves. */
export interface Stream {
  readonly type: string
  /** Called once, behind the headers. @returns false if it cannot begin: then it ends at once */
  begin(response: ServerResponse): boolean
}

/** Answers a GET, or a HEAD, of which only the headers are sent. What it throws is answered with 500, and said once in the log. */
export type Route = (request: Asked) => Answer | Stream | Promise<Answer>

export type OnFailure = (path: string, error: unknown) => void

export interface Asked {
  readonly query: URLSearchParams
  /** The header of that name; empty if there is none. */
  readonly accept: string
}

export interface HttpServer {
  /** Without a slash at its end. */
  readonly url: string
  /** Lets answers that are under way go out, for a second at most. Twice is fine. */
  close(): Promise<void>
}

/** A client that sends its request, or takes its answer, more slowly is let go. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 8 * 1024,
}
const MOST_CONNECTIONS = 100
const IDLE_MS = 30_000
const CLOSE_MS = 1_000

const SAFE_HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

/**
 * Listens there, and answers by path. Nothing that a client does is waited for by anybody but its own connection.
 * @param onFailure called with what a route threw: a fault of ours, which is no reason to end anything
 * @throws RelayError CONFIGURATION if the address cannot be had
 */
export async function serve(
  address: HttpAddress,
  routes: ReadonlyMap<string, Route>,
  onFailure: OnFailure,
): Promise<HttpServer> {
  const isAsked = isLoopback(address.host) ? isLocal : () => true
  const server = createServer(LIMITS, (request, response) => {
    answer(request, response, routes, isAsked, onFailure).catch((error: unknown) => {
      onFailure(request.url ?? '', error)
      response.destroy()
    })
  })
  server.maxConnections = MOST_CONNECTIONS
  server.timeout = IDLE_MS
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    else socket.destroy()
  })
  await listen(server, address)
  const { port } = server.address() as AddressInfo
  let closed: Promise<void> | undefined
  return {
    url: `http://${inUrl({ ...address, port })}`,
    close() {
      closed ??= closeSoon(server)
      return closed
    },
  }
}

async function listen(server: Server, address: HttpAddress): Promise<void> {
  server.listen(address.port, address.host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    const why = REFUSED[code] ?? `the system says ${code}.`
    throw new RelayError('CONFIGURATION', `One problem:\n  --http ${inUrl(address)} cannot be had: ${why}\n`)
  }
}

const REFUSED: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there. Name another port, or 0 for one that is free.',
  EACCES: 'the user may not listen there. Name a port above 1023.',
  EADDRNOTAVAIL: 'this machine has no such address.',
  ENOTFOUND: 'there is no host of that name.',
}

/**
 * A page of another site reaches this machine under a name of its own that it lets point here: so the name that was asked for must be
 * one of this machine.
 */
function isLocal(host: string): boolean {
  const asked = httpAddress(/:\d+$/.test(host) ? host : `${host}:80`)
  return asked !== null && isLoopback(asked.host)
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: ReadonlyMap<string, Route>,
  isAsked: (host: string) => boolean,
  onFailure: OnFailure,
): Promise<void> {
  response.on('error', () => {}) // a client that is gone
  const answered = await answerOf(request, routes, isAsked, onFailure)
  if ('begin' in answered) {
    response.writeHead(200, { ...SAFE_HEADERS, 'Content-Type': answered.type })
    if (request.method === 'HEAD' || !answered.begin(response)) response.end()
    return
  }
  const { status, type, body, headers } = answered
  response.writeHead(status, {
    ...SAFE_HEADERS,
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(body)
}

async function answerOf(
  { method, url = '/', headers }: IncomingMessage,
  routes: ReadonlyMap<string, Route>,
  isAsked: (host: string) => boolean,
  onFailure: OnFailure,
): Promise<Answer | Stream> {
  if (!isAsked(headers.host ?? '')) return plain(421, 'This is not the host that was asked for.')
  const asked = URL.parse(url, 'http://relay')
  const route = asked === null ? undefined : routes.get(asked.pathname)
  if (asked === null || route === undefined) return plain(404, `There is: ${[...routes.keys()].join(' ')}`)
  if (method !== 'GET' && method !== 'HEAD') {
    return { ...plain(405, 'Everything here is only to be read.'), headers: { Allow: 'GET, HEAD' } }
  }
  try {
    return await route({ query: asked.searchParams, accept: headers.accept ?? '' })
  } catch (error) {
    onFailure(asked.pathname, error)
    return plain(500, 'It could not be told: the log of the relay says why.')
  }
}

export const plain = (status: number, text: string): Answer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${text}\n`,
})

export const json = (status: number, value: object): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(value)}\n`,
})

async function closeSoon(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  const givingUp = setTimeout(() => server.closeAllConnections(), CLOSE_MS)
  await closed
  clearTimeout(givingUp)
}
