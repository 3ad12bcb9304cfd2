import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { NotPermitted, StepFailed } from './finding.ts'
import type { Place } from './place.ts'
import type { Server } from './server.ts'
import type { Login, Reached } from './sessions.ts'
import { type Answer, ask, askInBulk, type ServerError, type Wire } from './wire.ts'

/** Parameters of a statement, as text. */
export type Values = readonly (string | null)[]

/** What a check works with: sessions, and a table of its own kind in a schema that nobody else has. */
export interface CheckContext {
  readonly server: Server
  /** Of the server. Holds the password: never for messages. */
  readonly url: string
  readonly login: Login
  /** The schema's name. */
  readonly name: string
  /** Quoted. Made of fixed letters and random digits: statements may be put together with it. */
  readonly schema: string
  /** Where tables are made; null where this user may make none. */
  readonly place: Place | null
  /** The table `a`, qualified and quoted. @throws NotPermitted where none can be made */
  readonly t: string
  /** Another one. @throws NotPermitted */
  table(letter: string): string
  /** The session that checks share; a new one if the last check spoilt it. */
  session(): Promise<Wire>
  /** A session for this check alone. */
  another(changes?: pg.ClientConfig): Promise<Wire>
  /** On the shared session. @throws NotPermitted */
  ask(text: string, values?: Values): Promise<Answer>
  /** The same for what must succeed: an error of the server ends the check. @throws StepFailed, NotPermitted */
  mustRun(text: string, values?: Values): Promise<Answer>
  /** One statement, many binds, one Sync. @throws NotPermitted */
  bulk(text: string, binds: readonly Values[]): Promise<Answer>
  /** Ends what `another` opened: after each check. */
  tidy(): Promise<void>
  /** Ends all sessions: what waits for an answer gets the end of the connection for one. */
  close(): Promise<void>
}

export function newCheckName(): string {
  return `cdc_relay_check_${randomBytes(6).toString('hex')}`
}

/** @param signal after it no session is opened */
export function openContext(
  reached: Reached,
  server: Server,
  name: string,
  place: Place | null,
  signal: AbortSignal,
): CheckContext {
  const schema = `"${name}"`
  let shared: Wire | null = null
  const others: Wire[] = []

  async function session(): Promise<Wire> {
    if (!shared?.isOpen()) shared = await opened()
    return shared
  }

  /** An abort while it opens must not leave it open. */
  async function opened(changes?: pg.ClientConfig): Promise<Wire> {
    signal.throwIfAborted()
    const wire = await reached.open(changes)
    if (!signal.aborted) return wire
    await wire.close()
    throw signal.reason
  }

  function table(letter: string): string {
    if (place === null) throw new NotPermitted('not permitted (this user may make no table, see P-00)')
    return place.table(letter)
  }

  const asked = async (text: string, values?: Values) => permitted(await ask(await session(), text, values))
  const tidy = async () => {
    await Promise.all(others.splice(0).map((wire) => wire.close()))
  }
  return {
    server,
    url: reached.url,
    login: reached.login,
    name,
    schema,
    place,
    get t() {
      return table('a')
    },
    table,
    session,
    async another(changes) {
      const wire = await opened(changes)
      others.push(wire)
      return wire
    },
    ask: asked,
    mustRun: async (text, values) => worked(await asked(text, values)),
    bulk: async (text, binds) => permitted(await askInBulk(await session(), text, binds)),
    tidy,
    async close() {
      await tidy()
      await shared?.close()
    },
  }
}

/** @throws StepFailed with the server's words */
export function worked(answer: Answer): Answer {
  const [error] = answer.errors
  if (error !== undefined) throw new StepFailed(`failed: ${shown(error)}`)
  return answer
}

/** `refused (42601: …)`, or `accepted` with what was answered. */
export function outcome({ errors: [error], tags }: Answer): string {
  return error === undefined ? `accepted (${tags.join(', ')})` : `refused (${shown(error)})`
}

/** CrateDB 5.10 tells syntax errors as XX000 `line 1:1: mismatched input …`. */
export function syntaxOutcome(answer: Answer): string {
  const isSyntax = answer.errors.some(({ code, message }) => code === '42601' || /^line \d+:\d+: /.test(message))
  return isSyntax ? `syntax error (${answer.errors[0]!.code})` : outcome(answer)
}

/** `refused: WORDS` if the refusal has these words; else what was answered. */
export function errorContaining(answer: Answer, words: string): string {
  return answer.errors[0]?.message.includes(words) ? `refused: ${words}` : outcome(answer)
}

export function shown({ code, message }: ServerError): string {
  const line = message.replaceAll(/\s+/g, ' ')
  return `${code}: ${line.length > 160 ? `${line.slice(0, 157)}…` : line}`
}

function permitted(answer: Answer): Answer {
  const denied = answer.errors.find(
    ({ code, message }) => code === '42501' || /^Missing '.*' privilege|insufficient_privilege/.test(message),
  )
  if (denied !== undefined) throw new NotPermitted(`not permitted (${shown(denied)})`)
  return answer
}
