import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface RenamingProxy {
  readonly port: number
  /** A statement as the server gets it. */
  renamed(text: string): string
  /** Every text that clients sent, as they sent it, and the same once more with its one bind. */
  readonly sent: readonly string[]
  readonly executed: readonly { readonly text: string; readonly binds: number }[]
  /** Cuts all connections. */
  disconnect(): void
  stop(): Promise<void>
}

const SSL_REQUEST = 80_877_103

/**
 * Passes a client's messages on to a server of the PostgreSQL protocol, with a suffix behind the names of some schemas: in
 * statements, as the default schema of the login, and as parameters of statements that ask the catalogue. What the server
 * answers passes as it is, and names the schemas as they are there.
 */
export async function renamingProxy(
  to: { readonly host: string; readonly port: number },
  schemas: readonly string[],
  suffix: string,
): Promise<RenamingProxy> {
  const any = schemas.join('|')
  const qualifier = new RegExp(`"(${any})"(?=\\.)|(?<![\\w"'.$])(${any})(?=\\."|\\.\\w)`, 'g')
  const literal = new RegExp(`'(${any})'`, 'g')
  const asksCatalogue = (text: string): boolean => text.includes('information_schema')
  const renamed = (text: string): string => {
    const qualified = text.replaceAll(qualifier, (_, quoted, bare) =>
      quoted === undefined ? `"${bare}${suffix}"` : `"${quoted}${suffix}"`,
    )
    return asksCatalogue(text) ? qualified.replaceAll(literal, (_, schema) => `'${schema}${suffix}'`) : qualified
  }
  const known = new Set(schemas)
  const named = (name: string): string => (known.has(name) ? name + suffix : name)

  const sockets = new Set<Socket>()
  const sent: string[] = []
  const executed: { text: string; binds: number }[] = []
  function heard(text: string): string {
    sent.push(text)
    executed.push({ text, binds: 1 })
    return renamed(text)
  }
  const disconnect = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const proxy = createServer({ noDelay: true }, (client) => {
    const server = connect({ ...to, noDelay: true })
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.once('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    server.pipe(client)

    const catalogueStatements = new Set<string>()
    let isLoggedIn = false
    let rest: Buffer = Buffer.alloc(0)
    client.on('data', (bytes: Buffer) => {
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
      while (true) {
        const head = isLoggedIn ? 1 : 0
        if (rest.length < head + 4) return
        const end = head + rest.readInt32BE(head)
        if (rest.length < end) return
        const letter = isLoggedIn ? String.fromCharCode(rest[0]!) : ''
        const body = rest.subarray(head + 4, end)
        rest = rest.subarray(end)
        if (letter === '' && body.readInt32BE(0) === SSL_REQUEST) client.write('N')
        else {
          server.write(message(letter, changed(letter, body)))
          isLoggedIn = true
        }
      }
    })

    function changed(letter: string, body: Buffer): Buffer {
      if (letter === '') return startup(body)
      if (letter === 'Q') return zeroEnded(heard(textAt(body, 0)))
      if (letter === 'P') {
        const name = textAt(body, 0)
        const from = Buffer.byteLength(name) + 1
        const text = textAt(body, from)
        if (asksCatalogue(text)) catalogueStatements.add(name)
        else catalogueStatements.delete(name)
        return Buffer.concat([
          body.subarray(0, from),
          zeroEnded(heard(text)),
          body.subarray(from + Buffer.byteLength(text) + 1),
        ])
      }
      return letter === 'B' ? bind(body) : body
    }

    function startup(body: Buffer): Buffer {
      const parameters = body.subarray(4, -2).toString().split('\0')
      const at = parameters.findIndex((name, i) => i % 2 === 0 && name === 'database')
      if (at !== -1) parameters[at + 1] = named(parameters[at + 1]!)
      return Buffer.concat([body.subarray(0, 4), Buffer.from(`${parameters.join('\0')}\0\0`)])
    }

    function bind(body: Buffer): Buffer {
      const statementAt = Buffer.byteLength(textAt(body, 0)) + 1
      const statement = textAt(body, statementAt)
      if (!catalogueStatements.has(statement)) return body
      let at = statementAt + Buffer.byteLength(statement) + 1
      at += 2 + 2 * body.readInt16BE(at)
      const count = body.readInt16BE(at)
      at += 2
      const parts = [body.subarray(0, at)]
      for (let i = 0; i < count; i++) {
        const length = body.readInt32BE(at)
        at += 4
        if (length === -1) parts.push(int32(-1))
        else {
          const value = Buffer.from(named(body.toString('utf8', at, at + length)))
          parts.push(int32(value.length), value)
          at += length
        }
      }
      return Buffer.concat([...parts, body.subarray(at)])
    }
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    port: (proxy.address() as { port: number }).port,
    renamed,
    sent,
    executed,
    disconnect,
    async stop() {
      const closed = once(proxy, 'close')
      proxy.close()
      disconnect()
      await closed
    },
  }
}

const textAt = (body: Buffer, at: number): string => body.toString('utf8', at, body.indexOf(0, at))
const zeroEnded = (text: string): Buffer => Buffer.from(`${text}\0`)

function message(letter: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(letter), int32(body.length + 4), body])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
