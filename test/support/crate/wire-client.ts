import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Crate } from './crate.ts'
import { newIncoming } from './incoming.ts'
import { int16, int32, message, readerOf, text } from './protocol.ts'

/** What drivers hide: each message of the server, in its order. */
export interface WireClient {
  /** What was sent at login, by name. */
  readonly parameters: ReadonlyMap<string, string>
  /** Sends the messages and waits for ReadyForQuery. */
  exchange(...messages: readonly Buffer[]): Promise<readonly string[]>
  close(): void
}

export const SYNC = message('S')

/** Parse of the unnamed statement. */
export function parse(statement: string): Buffer {
  return message('P', text(''), text(statement), int16(0))
}

/** Bind and Execute of the unnamed statement. */
export function execute(...parameters: readonly (string | null)[]): Buffer {
  const values = parameters.map((parameter) => {
    if (parameter === null) return int32(-1)
    const bytes = Buffer.from(parameter)
    return Buffer.concat([int32(bytes.length), bytes])
  })
  const bind = message('B', text(''), text(''), int16(0), int16(parameters.length), ...values, int16(0))
  return Buffer.concat([bind, message('E', text(''), int32(0))])
}

export async function openWire(crate: Crate): Promise<WireClient> {
  const socket: Socket = connect(crate.port, '127.0.0.1')
  await once(socket, 'connect')
  const incoming = newIncoming()
  socket.on('data', (chunk: Buffer) => incoming.add(chunk))

  async function untilReady(): Promise<readonly { letter: string; body: Buffer }[]> {
    const found: { letter: string; body: Buffer }[] = []
    for (;;) {
      for (let next = incoming.take(1); next !== null; next = incoming.take(1)) {
        found.push(next)
        if (next.letter === 'Z') return found
      }
      await once(socket, 'data')
    }
  }

  const startup = Buffer.concat([
    int32(196_608),
    text('user'),
    text('crate'),
    text('database'),
    text('doc'),
    Buffer.alloc(1),
  ])
  socket.write(Buffer.concat([int32(4 + startup.length), startup]))
  const parameters = new Map<string, string>()
  for (const { letter, body } of await untilReady()) {
    const reader = readerOf(body)
    if (letter === 'S') parameters.set(reader.text(), reader.text())
  }

  return {
    parameters,
    async exchange(...messages) {
      socket.write(Buffer.concat(messages))
      return (await untilReady()).map(shown)
    },
    close: () => socket.destroy(),
  }
}

/** `C INSERT 0 1`, `E XX000 text`, `Z I`; of other messages only the letter. */
function shown({ letter, body }: { letter: string; body: Buffer }): string {
  if (letter === 'Z') return `Z ${body.toString()}`
  if (letter === 'C') return `C ${readerOf(body).text()}`
  if (letter !== 'E') return letter
  const fields = new Map(
    body
      .toString()
      .split('\0')
      .map((field) => [field[0], field.slice(1)]),
  )
  return `E ${fields.get('C')} ${fields.get('M')}`
}
