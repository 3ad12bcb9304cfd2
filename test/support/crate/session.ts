import { setTimeout as wait } from 'node:timers/promises'
import { movePrimaries } from './catalogue.ts'
import type { Context, Result } from './context.ts'
import { CrateError } from './failure.ts'
import type { Trouble } from './faults.ts'
import { losingOneShard } from './faults.ts'
import { atLeast } from './names.ts'
import { newParameters } from './parameters.ts'
import {
  BIND_COMPLETE,
  CLOSE_COMPLETE,
  commandComplete,
  dataRow,
  EMPTY_QUERY,
  errorResponse,
  NO_DATA,
  PARSE_COMPLETE,
  parameterDescription,
  type Reader,
  readerOf,
  readyForQuery,
  rowDescription,
} from './protocol.ts'
import { readText } from './read-text.ts'
import type { OutputColumn } from './relations.ts'
import { isWrite, type ParameterTexts, plan, runBulk } from './statements.ts'
import type { Statement, Write } from './syntax.ts'
import { oidOf, TEXT } from './types.ts'
import { writeResult } from './wire-values.ts'

/** What a session needs from the server around it. */
export interface Outside {
  send(bytes: Buffer): void
  /** Cuts the connection: nothing more is heard or said. */
  drop(): void
  /** A text that the client sent, whether it can be read or not. */
  sent(text: string): void
  /** A statement that is about to run, with so many binds. Says what befalls it. */
  executes(text: string, binds: number): Trouble | null
}

/** One statement as text, read. `statement` is null for an empty text. */
interface Prepared {
  readonly text: string
  readonly statement: Statement | null
  readonly parameters: number
}

interface Portal extends Prepared {
  readonly texts: ParameterTexts
}

export interface Session {
  /** One message after the other: the next is handed over when this one is done. */
  handle(letter: string, body: Buffer): Promise<void>
}

/**
 * What follows the login. A write only queues at Execute and runs at Sync, together with all others of the same text; a
 * read runs at once. There is no transaction: BEGIN and COMMIT only change the letter that ReadyForQuery shows.
 */
export function newSession(context: Context, outside: Outside): Session {
  const prepared = new Map<string, Prepared>()
  const portals = new Map<string, Portal>()
  let queue: Portal[] = []
  let skipping = false
  let inTransaction = false
  let dropped = false

  function send(...messages: readonly Buffer[]): void {
    if (!dropped) outside.send(Buffer.concat(messages))
  }

  function ready(failed: boolean): void {
    send(readyForQuery(failed ? 'E' : inTransaction ? 'T' : 'I'))
  }

  /** Runs one statement, or a group of binds; what befalls it is thrown or done. */
  async function guarded<T>(text: string, binds: number, work: (context: Context) => T): Promise<T> {
    const trouble = outside.executes(text, binds)
    if (trouble?.kind === 'delay') await wait(trouble.ms)
    if (trouble?.kind === 'held') await trouble.until
    if (trouble?.kind === 'moved-primaries')
      for (const relation of context.catalogue.relations.values())
        if (relation.kind === 'table') movePrimaries(relation)
    if (trouble !== null) strike(trouble, 'before')
    const done = work(trouble?.kind === 'lost-shard' ? { ...context, lostRow: losingOneShard() } : context)
    if (trouble !== null) strike(trouble, 'after')
    return done
  }

  function strike(trouble: Trouble, when: 'before' | 'after'): void {
    if (!('when' in trouble) || trouble.when !== when) return
    if (trouble.kind === 'error') throw new CrateError(trouble.text)
    dropped = true
    outside.drop()
    throw new CrateError('The connection is gone')
  }

  async function run({ text, statement, parameters, texts }: Portal): Promise<Result> {
    const result = await guarded(text, 1, (at) => plan(statement!, at, newParameters(parameters, texts)).run())
    if (statement!.kind === 'begin') inTransaction = true
    if (statement!.kind === 'commit') inTransaction = false
    return result
  }

  /** Runs what has queued, grouped by text in the order of first appearance. True: something failed. */
  async function runQueue(): Promise<boolean> {
    const groups = Map.groupBy(queue, ({ text }) => text)
    queue = []
    let failed = false
    for (const group of groups.values()) {
      try {
        if (group.length === 1) answer(await run(group[0]!))
        else for (const result of await runGroup(group)) answer(result)
      } catch (error) {
        // Each bind gets an answer of its own, also when they all failed for one reason.
        for (const _ of group) send(errorResponse(asCrateError(error)))
        failed = true
      }
    }
    return failed
  }

  function runGroup(group: readonly Portal[]): Promise<readonly Result[]> {
    const { text, statement } = group[0]!
    const binds = group.map(({ texts }) => texts)
    return guarded(text, group.length, (at) => runBulk(statement as Write, at, binds))
  }

  function answer({ tag, columns, rows }: Result): void {
    const types = (columns ?? []).map(({ type }) => type)
    const cells = rows.map((row) => dataRow(row.map((value, at) => writeResult(value, types[at]!))))
    send(...cells, commandComplete(tag))
  }

  function read(text: string): readonly Prepared[] {
    outside.sent(text)
    return readText(text, context.settings.crateVersion).map((one) => ({ ...one, text }))
  }

  /** From 6.0 on, and not of a simple query. */
  function checkLength(text: string): void {
    const { maxStatementLength, crateVersion } = context.settings
    if (text.length <= maxStatementLength || !atLeast(crateVersion, '6.0.0')) return
    throw new CrateError(
      `Statement exceeds \`statement_max_length\` (${maxStatementLength} allowed, ${text.length} provided). Try replacing inline values with parameter placeholders (\`?\`)`,
    )
  }

  function parse(reader: Reader): void {
    const name = reader.text()
    const text = reader.text()
    const [statement = { text: '', statement: null, parameters: 0 }, ...more] = read(text)
    checkLength(text)
    if (statement.statement?.kind === 'explain' && statement.parameters > 0)
      throw new CrateError('Requested parameter index exceeds the number of parameters: 0')
    if (more.length > 0) throw new CrateError('Only a single statement can be prepared', '42601')
    analyse(statement)
    prepared.set(name, statement)
    send(PARSE_COMPLETE)
  }

  /** What is known without parameters: the columns of the answer, the types of the parameters. */
  function analyse({ statement, parameters }: Prepared): {
    columns: readonly OutputColumn[] | null
    oids: readonly number[]
  } {
    if (statement === null) return { columns: null, oids: [] }
    const found = newParameters(parameters)
    const { columns } = plan(statement, context, found)
    return { columns, oids: found.types.map((type) => oidOf(type ?? TEXT)) }
  }

  function bind(reader: Reader): void {
    const portal = reader.text()
    const statement = prepared.get(reader.text())
    if (statement === undefined) throw new CrateError('No statement found with that name')
    const formats = Array.from({ length: reader.int16() }, () => reader.int16())
    const count = reader.int16()
    if (count < 0) throw new CrateError(`${count}`)
    if (count > context.settings.maxParameters) throw new CrateError(`Too many parameters: ${count}`)
    checkParameters(statement, count)
    if (formats.includes(1)) throw new CrateError('The CrateDB fake reads parameters as text only', '0A000')
    const texts = Array.from({ length: count }, () => {
      const length = reader.int32()
      return length === -1 ? null : reader.bytes(length).toString('utf8')
    })
    portals.set(portal, { ...statement, texts })
    send(BIND_COMPLETE)
  }

  function describe(reader: Reader): void {
    const kind = reader.byte()
    const name = reader.text()
    const known = kind === 'S' ? prepared.get(name) : portals.get(name)
    if (known === undefined) throw new CrateError(`Nothing is known under the name "${name}"`)
    const { columns, oids } = analyse(known)
    if (kind === 'S') send(parameterDescription(oids))
    send(columns === null ? NO_DATA : rowDescription(columns))
  }

  async function execute(reader: Reader): Promise<void> {
    const portal = portals.get(reader.text())
    if (portal === undefined) throw new CrateError('No portal found with that name')
    if (portal.statement === null) {
      send(EMPTY_QUERY)
      return
    }
    if (isWrite(portal.statement)) {
      queue.push(portal)
      return
    }
    if (queue.length > 0) throw new CrateError('Only write operations are allowed in Batch statements', '0A000')
    answer(await run(portal))
  }

  function close(reader: Reader): void {
    const kind = reader.byte()
    if (kind === 'S') prepared.delete(reader.text())
    else portals.delete(reader.text())
    send(CLOSE_COMPLETE)
  }

  async function simpleQuery(text: string): Promise<void> {
    let failed = false
    try {
      const statements = read(text)
      if (statements.length === 0) send(EMPTY_QUERY)
      for (const statement of statements) {
        checkParameters(statement, 0)
        const { columns } = analyse(statement)
        const result = await run({ ...statement, texts: [] })
        if (columns !== null) send(rowDescription(columns))
        answer(result)
      }
    } catch (error) {
      failed = true
      send(errorResponse(asCrateError(error)))
    }
    ready(failed)
  }

  async function sync(): Promise<void> {
    const failed = skipping ? true : await runQueue()
    queue = []
    skipping = false
    portals.clear()
    ready(failed)
  }

  async function extended(letter: string, body: Buffer): Promise<void> {
    const reader = readerOf(body)
    try {
      if (letter === 'P') parse(reader)
      else if (letter === 'B') bind(reader)
      else if (letter === 'D') describe(reader)
      else if (letter === 'E') await execute(reader)
      else if (letter === 'C') close(reader)
      else if (letter === 'H') skipping = await runQueue()
      else throw new CrateError(`Unknown message ${letter}`, '08P01')
    } catch (error) {
      skipping = true
      send(errorResponse(asCrateError(error)))
    }
  }

  return {
    async handle(letter, body) {
      if (letter === 'Q') await simpleQuery(readerOf(body).text())
      else if (letter === 'S') await sync()
      // After an error everything up to the next Sync is passed over.
      else if (!skipping) await extended(letter, body)
    },
  }
}

function checkParameters({ parameters }: Prepared, given: number): void {
  if (given >= parameters) return
  throw new CrateError(
    `Tried to resolve a parameter but the arguments provided with the request didn't contain enough entries: ${given} of ${parameters}`,
  )
}

/** A mistake of the fake itself is told to the client as what it is. */
function asCrateError(error: unknown): CrateError {
  if (error instanceof CrateError) return error
  return new CrateError(`The CrateDB fake broke: ${error instanceof Error ? error.stack : error}`, '58000')
}
