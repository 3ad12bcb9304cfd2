/**
 * As much of the PostgreSQL frontend/backend protocol 3.0 as it takes to see statements go and answers come back.
 * @see PostgreSQL documentation, "Frontend/Backend Protocol", "Message Formats"
 */

/** A statement that is executed, as the client sent it. */
export interface Statement {
  readonly text: string
  /** The Bind message with all its parameters, as text; empty for a simple query. */
  readonly parameters: string
}

export type Seen =
  | { readonly kind: 'sent'; readonly statement: Statement }
  | { readonly kind: 'answered'; readonly statement: Statement; readonly tag: string }

/** What one connection says, in both directions. Feed it whole messages, in the order in which they pass. */
export interface Conversation {
  fromClient(type: string, body: Buffer): Seen | null
  fromServer(type: string, body: Buffer): Seen | null
}

interface Awaited {
  readonly statement: Statement
  /** Whether its answer is one. A simple query may hold several statements: they are answered until the server is ready. */
  readonly hasOneAnswer: boolean
}

export function newConversation(): Conversation {
  const prepared = new Map<string, string>()
  const portals = new Map<string, Statement>()
  /** Executed and not yet answered; `sync` stands where the server will say that it is ready again. */
  const awaited: (Awaited | 'sync')[] = []

  function execute(statement: Statement): Seen {
    awaited.push({ statement, hasOneAnswer: true })
    return { kind: 'sent', statement }
  }

  return {
    fromClient(type, body) {
      switch (type) {
        case 'Q': {
          const statement = { text: textAt(body, 0).text, parameters: '' }
          awaited.push({ statement, hasOneAnswer: false }, 'sync')
          return { kind: 'sent', statement }
        }
        case 'P': {
          const name = textAt(body, 0)
          prepared.set(name.text, textAt(body, name.next).text)
          return null
        }
        case 'B': {
          const portal = textAt(body, 0)
          const name = textAt(body, portal.next)
          portals.set(portal.text, { text: known(prepared, name.text), parameters: body.toString('utf8', name.next) })
          return null
        }
        case 'E':
          return execute(known(portals, textAt(body, 0).text))
        case 'S':
          awaited.push('sync')
          return null
        default:
          return null
      }
    },
    fromServer(type, body) {
      switch (type) {
        case 'C': {
          const [next] = awaited
          if (next === undefined || next === 'sync') throw new Error('An answer came to nothing that was sent')
          if (next.hasOneAnswer) awaited.shift()
          return { kind: 'answered', statement: next.statement, tag: textAt(body, 0).text }
        }
        case 'Z':
          // After an error the server skips what was sent before the next Sync.
          while (awaited.length > 0 && awaited.shift() !== 'sync');
          return null
        default:
          return null
      }
    },
  }
}

/** Takes the whole messages off the front of a buffer: type letter, body, and where the next one begins. */
export function* messagesOf(buffer: Buffer): Generator<{ type: string; body: Buffer; end: number }> {
  let start = 0
  while (start + 5 <= buffer.length) {
    // The length counts itself, but not the letter in front of it.
    const end = start + 1 + buffer.readInt32BE(start + 1)
    if (end > buffer.length) return
    yield { type: String.fromCharCode(buffer[start]!), body: buffer.subarray(start + 5, end), end }
    start = end
  }
}

/** The first message of a client has no letter. Null until it is whole. */
export function startupEnd(buffer: Buffer): number | null {
  if (buffer.length < 4) return null
  const end = buffer.readInt32BE(0)
  return end > buffer.length ? null : end
}

/** What the server gets in place of what the client sent. */
export interface Translation {
  /** The text of a statement, of a simple query or prepared. */
  statement(text: string): string
  /** Name and value of a parameter of the first message. */
  startup(name: string, value: string): readonly [name: string, value: string]
}

export const AS_SENT: Translation = { statement: (text) => text, startup: (name, value) => [name, value] }

/** @param message a whole message of a client, with its letter and length */
export function translatedMessage(type: string, message: Buffer, translation: Translation): Buffer {
  if (type !== 'Q' && type !== 'P') return message
  // In front of a prepared statement stands its name; behind it stand the types of its parameters.
  const start = type === 'P' ? textAt(message, 5).next : 5
  const sent = textAt(message, start)
  const text = translation.statement(sent.text)
  if (text === sent.text) return message
  const body = Buffer.concat([message.subarray(5, start), Buffer.from(`${text}\0`), message.subarray(sent.next)])
  return Buffer.concat([Buffer.from(type), lengthOf(body), body])
}

/** @param message the first message of a client, whole */
export function translatedStartup(message: Buffer, translation: Translation): Buffer {
  // The other first messages ask for TLS, or to cancel a statement.
  if (message.readInt32BE(4) !== PROTOCOL_3_0) return message
  const parts: Buffer[] = [message.subarray(4, 8)]
  for (let at = 8; message[at] !== 0; ) {
    const name = textAt(message, at)
    const value = textAt(message, name.next)
    parts.push(Buffer.from(`${translation.startup(name.text, value.text).join('\0')}\0`))
    at = value.next
  }
  const body = Buffer.concat([...parts, Buffer.from([0])])
  return Buffer.concat([lengthOf(body), body])
}

const PROTOCOL_3_0 = 0x00030000

/** The length that stands in front of a body counts itself. */
function lengthOf(body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return length
}

function textAt(body: Buffer, start: number): { text: string; next: number } {
  const end = body.indexOf(0, start)
  return { text: body.toString('utf8', start, end), next: end + 1 }
}

function known<T>(names: ReadonlyMap<string, T>, name: string): T {
  const found = names.get(name)
  if (found === undefined) throw new Error(`The client executes "${name}", which it has not sent`)
  return found
}
