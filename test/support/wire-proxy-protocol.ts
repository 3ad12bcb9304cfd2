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

export function newConversation(): Conversation {
  const prepared = new Map<string, string>()
  const portals = new Map<string, Statement>()
  /** Executed and not yet answered; `sync` stands where the server will say that it is ready again. */
  const awaited: (Statement | 'sync')[] = []

  function execute(statement: Statement, ...then: 'sync'[]): Seen {
    awaited.push(statement, ...then)
    return { kind: 'sent', statement }
  }

  return {
    fromClient(type, body) {
      switch (type) {
        case 'Q':
          return execute({ text: textAt(body, 0).text, parameters: '' }, 'sync')
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
          const statement = awaited.shift()
          if (statement === undefined || statement === 'sync')
            throw new Error('An answer came to nothing that was sent')
          return { kind: 'answered', statement, tag: textAt(body, 0).text }
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

function textAt(body: Buffer, start: number): { text: string; next: number } {
  const end = body.indexOf(0, start)
  return { text: body.toString('utf8', start, end), next: end + 1 }
}

function known<T>(names: ReadonlyMap<string, T>, name: string): T {
  const found = names.get(name)
  if (found === undefined) throw new Error(`The client executes "${name}", which it has not sent`)
  return found
}
