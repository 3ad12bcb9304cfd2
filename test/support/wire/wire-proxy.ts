import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import {
  AS_SENT,
  messagesOf,
  newConversation,
  type Seen,
  startupEnd,
  type Translation,
  translatedMessage,
  translatedStartup,
} from './wire-proxy-protocol.ts'

/**
 * What becomes of a message: it passes; or the connection is cut, in front of the message or right behind it.
 * A server still carries out what reached it before the cut; a client gets nothing after it.
 */
export type Verdict = 'pass' | 'cut-before' | 'cut-after'

export interface WireProxy {
  readonly port: number
  /** Cuts all connections and stops listening. */
  close(): Promise<void>
}

/**
 * Stands between a client and a PostgreSQL server and shows every statement and every answer before it passes.
 * For tests: it reads all messages into memory, knows no TLS, and does not slow a fast sender down.
 *
 * @param watch called for each statement and each answer, in the order of its connection; its verdict holds at once
 * @param translation what the server gets in place of what the client sent; `watch` sees what the client sent
 */
export async function startWireProxy(
  server: { readonly host: string; readonly port: number },
  watch: (seen: Seen, connection: object) => Verdict,
  translation: Translation = AS_SENT,
): Promise<WireProxy> {
  const open = new Set<Socket>()
  const listener = createServer((client) => {
    const upstream = connect(server.port, server.host)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.on('close', () => open.delete(socket))
    }
    join(client, upstream, (seen) => watch(seen, client), translation)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')

  return {
    port: (listener.address() as AddressInfo).port,
    async close() {
      for (const socket of open) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
}

function join(client: Socket, upstream: Socket, watch: (seen: Seen) => Verdict, translation: Translation): void {
  const conversation = newConversation()
  let cut = false

  function cutBoth(to: Socket, bytes: Buffer): void {
    cut = true
    to.write(bytes)
    client.end()
    upstream.end()
  }

  /** Passes on what has come, up to a cut; returns the beginning of a message that is not whole yet. */
  function pass(
    bytes: Buffer,
    to: Socket,
    read: (type: string, body: Buffer) => Seen | null,
    translate: (type: string, message: Buffer) => Buffer,
  ): Buffer {
    const passing: Buffer[] = []
    let passed = 0
    for (const { type, body, end } of messagesOf(bytes)) {
      const seen = read(type, body)
      const verdict = seen === null ? 'pass' : watch(seen)
      if (verdict !== 'cut-before') passing.push(translate(type, bytes.subarray(passed, end)))
      if (verdict !== 'pass') {
        cutBoth(to, Buffer.concat(passing))
        return Buffer.alloc(0)
      }
      passed = end
    }
    if (passing.length > 0) to.write(joined(passing))
    return bytes.subarray(passed)
  }

  let started = false
  let fromClient: Buffer = Buffer.alloc(0)
  client.on('data', (chunk: Buffer) => {
    if (cut) return
    fromClient = joined([fromClient, chunk])
    if (!started) {
      const end = startupEnd(fromClient)
      if (end === null) return
      started = true
      upstream.write(translatedStartup(fromClient.subarray(0, end), translation))
      fromClient = fromClient.subarray(end)
    }
    fromClient = pass(fromClient, upstream, conversation.fromClient, (type, message) =>
      translatedMessage(type, message, translation),
    )
  })

  let fromServer: Buffer = Buffer.alloc(0)
  upstream.on('data', (chunk: Buffer) => {
    if (cut) return
    fromServer = pass(joined([fromServer, chunk]), client, conversation.fromServer, (_, message) => message)
  })

  // An end or a reset on one side is one on the other, as it would be without a proxy.
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.on('error', () => other.destroy())
    one.on('end', () => other.end())
    one.on('close', () => other.end())
  }
}

/** Without a copy where only one holds anything. */
function joined(parts: readonly Buffer[]): Buffer {
  const [only, ...others] = parts.filter(({ length }) => length > 0)
  return only !== undefined && others.length === 0 ? only : Buffer.concat(parts)
}
