import { serialize } from 'pg-protocol'

/** A message of the server, as pg-protocol (and PGlite, which has its code) reads it: what we look at. */
export interface Message {
  readonly name: string
  readonly text?: string
  readonly fields?: readonly unknown[]
  readonly code?: string | undefined
  readonly message?: string | undefined
}

/** One session of a server, below what drivers make of it. */
export interface Wire {
  /** What the server says of itself at the login (ParameterStatus), by name. */
  readonly parameters: ReadonlyMap<string, string>
  isOpen(): boolean
  /**
   * Sends messages that end with one Sync or are one simple query, and resolves to all answers up to ReadyForQuery. A
   * connection that is lost meanwhile, or silent for too long, is an error among them (code `LOST`).
   * @param copied what COPY FROM STDIN gets; null: it is broken off
   */
  exchange(bytes: Buffer, copied?: string | null): Promise<readonly Message[]>
  /** Twice is fine. */
  close(): Promise<void>
}

/** Code of an error that is the end of the connection. */
export const LOST = 'LOST'

/** What a server answered. All values are text. */
export interface Answer {
  readonly rows: readonly (readonly (string | null)[])[]
  /** As sent: `INSERT 0 -3`. */
  readonly tags: readonly string[]
  readonly errors: readonly ServerError[]
  /** SQLSTATEs. */
  readonly notices: readonly string[]
  /** True if the server asked for the data of a COPY. */
  readonly copies: boolean
}

export interface ServerError {
  readonly code: string
  readonly message: string
}

/** Statement and parameters, all as text. Without parameters it may be several statements, as one simple query. */
export async function ask(wire: Wire, text: string, values?: readonly (string | null)[]): Promise<Answer> {
  const bytes = values === undefined ? serialize.query(text) : extended(text, [values], true)
  return answerOf(await wire.exchange(bytes))
}

/** One statement, many binds, one Sync: for CrateDB that is one bulk operation. */
export async function askInBulk(
  wire: Wire,
  text: string,
  binds: readonly (readonly (string | null)[])[],
): Promise<Answer> {
  return answerOf(await wire.exchange(extended(text, binds, false)))
}

/** @param lines of COPY's text format; null: nothing is sent, the COPY is broken off */
export async function copy(wire: Wire, text: string, lines: string | null): Promise<Answer> {
  return answerOf(await wire.exchange(serialize.query(text), lines))
}

export async function prepare(wire: Wire, name: string, text: string): Promise<Answer> {
  return answerOf(await wire.exchange(Buffer.concat([serialize.parse({ name, text }), serialize.sync()])))
}

export async function executePrepared(wire: Wire, name: string): Promise<Answer> {
  return answerOf(
    await wire.exchange(Buffer.concat([serialize.bind({ statement: name }), serialize.execute(), serialize.sync()])),
  )
}

function extended(text: string, binds: readonly (readonly (string | null)[])[], describe: boolean): Buffer {
  const each = binds.flatMap((values) => [
    serialize.bind({ values: [...values] }),
    ...(describe ? [serialize.describe({ type: 'P' })] : []),
    serialize.execute(),
  ])
  return Buffer.concat([serialize.parse({ text }), ...each, serialize.sync()])
}

function answerOf(messages: readonly Message[]): Answer {
  const named = (name: string) => messages.filter((message) => message.name === name)
  return {
    rows: named('dataRow').map(({ fields }) => fields as (string | null)[]),
    tags: named('commandComplete').map(({ text }) => text!),
    errors: named('error').map(({ code = '', message = '' }) => ({ code, message })),
    notices: named('notice').map(({ code = '' }) => code),
    copies: named('copyInResponse').length > 0,
  }
}
