import { type ErrorContext, FAILURES, type FailureCode, RelayError } from '../../errors.ts'
import { type Asker, rightsAdvice, tlsAdvice } from './advice.ts'

/**
 * What a SQLSTATE is known to mean, by the whole code or its class (the first two characters), where that is not a row.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const KNOWN: Readonly<Record<string, FailureCode>> = {
  '08': 'SINK_UNREACHABLE',
  '08P01': 'SINK_FAILED',
  // A sequence that gives a column its default has no number left.
  '2200H': 'SINK_TABLE',
  // A standby, or a failover in progress.
  '25006': 'SINK_UNREACHABLE',
  '25P02': 'SINK_FAILED',
  '25P03': 'SINK_BUSY',
  '25P04': 'SINK_BUSY',
  '28': 'SINK_LOGIN',
  '2BP01': 'SINK_TABLE',
  '3D000': 'SINK_LOGIN',
  '3F000': 'SINK_TABLE',
  '40': 'SINK_BUSY',
  '40003': 'SINK_UNREACHABLE',
  '42': 'SINK_TABLE',
  '42501': 'SINK_DENIED',
  '53': 'SINK_BUSY',
  // More columns than a table can have.
  '54011': 'SINK_TABLE',
  '55006': 'SINK_BUSY',
  '55P03': 'SINK_BUSY',
  '57': 'SINK_UNREACHABLE',
  '57014': 'SINK_BUSY',
  '57P04': 'SINK_LOGIN',
  '58': 'SINK_UNREACHABLE',
  // Someone who writes through to another server.
  HV00N: 'SINK_UNREACHABLE',
  // Pages of the table or of an index are damaged.
  XX001: 'SINK_FAILED',
  XX002: 'SINK_FAILED',
}

/** Of rows, whatever the table is like: a value that does not fit, and a row or key that is too large. */
const OF_ROWS: ReadonlySet<string> = new Set(['22', '54'])
/** Of rows, by a rule of the table. */
const OF_RULES: ReadonlySet<string> = new Set(['23', '40002', '44000'])

/**
 * Where a statement wrote rows these say nothing for sure, however like the others of their class they look: texts are read
 * by functions of their types, which say 42601 of a `tsquery` and XX000 of a geometry. Elsewhere they are this.
 */
const UNKNOWN: Readonly<Record<string, FailureCode>> = {
  '42601': 'SINK_FAILED',
  // Someone else made the same thing at the same moment: next time it is there.
  '42P06': 'SINK_BUSY',
  '42P07': 'SINK_BUSY',
  '42701': 'SINK_BUSY',
  '42710': 'SINK_BUSY',
  // On Greenplum also a segment that is just failing over.
  XX: 'SINK_UNCLEAR',
}

/** Node.js's own codes for a connection that cannot be made or was lost. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** node-postgres gives these no code. */
const UNREACHABLE_WORDS =
  /Connection terminated|connection error and is not queryable|timeout expired|timeout exceeded when trying to connect|Query read timeout|Client was closed/

/**
 * Who may be at fault for an error of a statement with rows.
 * - `row`: one of them, no question.
 * - `rule`: one of them, by a rule of the table, which may be wrong if it lets none through.
 * - `unknown`: one of them, if it fails alone, again, and the same statement without rows does not.
 * - `table`: as `unknown`, if the table is what it is taken for and takes other rows.
 * - `target`: no row, whatever is written: the connection, locks, space, time, the login, or this program.
 */
export type Blame = 'row' | 'rule' | 'unknown' | 'table' | 'target'

export interface Meaning {
  readonly blame: Blame
  /** What the failure is where no row is at fault. */
  readonly code: FailureCode
  /** So many attempts at a batch fail before rows are suspected, for it may pass. */
  readonly patience: number
}

/** What the errors of one database mean, and its driver's. */
export interface ErrorMeanings {
  meaning(error: Error): Meaning
  /** True if a row is beyond a limit of its page or of an index, which one without its longest values may not be. */
  isTooLarge?(error: Error): boolean
  /** For logs and messages, without values of rows. @param asker for advice that can be typed */
  words(error: Error, asker?: Asker): string
  /** The same of a row that is refused: `detail` of its dead letter. */
  refusal(error: Error): string
}

/** Where it is not known who asks. */
const SOMEONE: Asker = { user: 'USER' }

/** Reads SQLSTATEs, as PostgreSQL gives them. */
export const bySqlState: ErrorMeanings = {
  meaning: meaningOf,
  words(error, asker = SOMEONE) {
    if (mayQuoteValues(error)) return `The target refused a statement, ${stateAndNames(error)}`
    const state = sqlState(error)
    const advice =
      state === '42501' ? rightsAdvice(error.message, asker) : state === undefined ? tlsAdvice(error) : null
    if (state === undefined && advice !== null) return `No TLS connection to the target: ${error.message}. ${advice}`
    if (state === '28000' && /no encryption$|SSL off$/.test(error.message)) {
      return `The target said: ${error.message}. It wants TLS: \`sslmode=verify-full\` in the URL`
    }
    return `The target said: ${error.message}${advice === null ? '' : `. ${advice}`}`
  },
  isTooLarge: (error) => sqlState(error)?.startsWith('54') === true,
  refusal: (error) => `The target refused a row, ${stateAndNames(error)}`,
}

/** Whatever the driver threw → ours. What is ours already, and an abort, pass as they are. */
export function sqlFailure(
  error: unknown,
  { meaning, words }: ErrorMeanings,
  place: ErrorContext = {},
  asker?: Asker,
): unknown {
  if (error instanceof RelayError) return error.at(place)
  if (!(error instanceof Error) || error.name === 'AbortError' || isFault(error)) return error
  // Not the error as its cause: what the server said, its detail and the statement's parameters may hold values.
  return new RelayError(meaning(error).code, words(error, asker), place, undefined, saidBy(error))
}

/** A fault of this program's, of which no target knows. */
const isFault = (error: Error): boolean =>
  error instanceof TypeError ||
  error instanceof RangeError ||
  error instanceof SyntaxError ||
  error instanceof ReferenceError

/** All that a server or a driver said, which may hold values of rows: for a log under `--log-values`. */
export function saidBy(error: Error): string {
  // What a statement failed with may be wrapped to say more of it.
  if ('error' in error && error.error instanceof Error) return saidBy(error.error)
  const more = (['detail', 'hint', 'where'] as const).map((name) => field(error, name))
  return [error.message, ...more].filter((words) => words !== undefined && words !== '').join(' | ')
}

/**
 * The words of what may be about a row can quote a value. So can those that a function of the target says: that a table is missing
 * whose name it made of one, or, in other languages than PL/pgSQL, what its author likes under any code.
 */
function mayQuoteValues(error: Error): boolean {
  const { blame } = meaningOf(error)
  if (blame === 'target') return isOfForeignLanguage(error)
  return blame !== 'table' || /\bfunction\b/.test(field(error, 'where') ?? '')
}

/** In a function of another language than PL/pgSQL, whose author gives an error any code, words and names. */
const isOfForeignLanguage = (error: Error): boolean => /\bPL\/(?!pgSQL)/.test(field(error, 'where') ?? '')

/** So often a batch is tried when a function of the target says of itself that trying again may help. */
const PATIENCE = 3

function meaningOf(error: Error): Meaning {
  const state = sqlState(error)
  if (state === undefined) return { blame: 'target', code: failureOfDriver(error), patience: 0 }
  const kind = state.slice(0, 2)
  const known = UNKNOWN[state] ?? KNOWN[state] ?? UNKNOWN[kind] ?? KNOWN[kind] ?? 'SINK_FAILED'
  if (isRaised(error)) {
    // Its author chose the code: it tells nothing of this server.
    const patience = FAILURES[known].retry === 'always' ? PATIENCE : 0
    return { blame: 'unknown', code: known, patience }
  }
  // CREATE … IF NOT EXISTS of two sessions at once collides in the catalogue.
  if (state === '23505' && field(error, 'schema') === 'pg_catalog')
    return { blame: 'target', code: 'SINK_BUSY', patience: 0 }
  if (OF_ROWS.has(kind) && KNOWN[state] === undefined) return { blame: 'row', code: 'SINK_FAILED', patience: 0 }
  if (OF_RULES.has(state) || OF_RULES.has(kind)) return { blame: 'rule', code: 'SINK_FAILED', patience: 0 }
  return { blame: isPolicy(error) ? 'unknown' : blameFor(state, known), code: known, patience: 0 }
}

function blameFor(state: string, code: FailureCode): Blame {
  const kind = state.slice(0, 2)
  const isKnown = UNKNOWN[state] === undefined && (KNOWN[state] ?? KNOWN[kind]) !== undefined
  if (!isKnown) return 'unknown'
  return code === 'SINK_TABLE' || code === 'SINK_DENIED' ? 'table' : 'target'
}

/** RAISE in PL/pgSQL, with whatever code its author likes. What is thrown on (`RAISE;`) keeps the place where it began. */
const isRaised = (error: Error): boolean => field(error, 'routine') === 'exec_stmt_raise'

/** A policy of row security refuses a row with the code of a missing right. */
const isPolicy = (error: Error): boolean => field(error, 'routine') === 'ExecWithCheckOptions'

function failureOfDriver(error: Error): FailureCode {
  const code = field(error, 'code')
  // The socket of a local server that is not up. (A missing certificate is ENOENT, too, but of `open`.)
  const noSocket = code === 'ENOENT' && field(error, 'syscall') === 'connect'
  if (tlsAdvice(error) !== null) return 'SINK_TLS'
  const unreachable = noSocket || (code !== undefined && UNREACHABLE.has(code)) || UNREACHABLE_WORDS.test(error.message)
  return unreachable ? 'SINK_UNREACHABLE' : 'SINK_FAILED'
}

/**
 * `SQLSTATE 23514 (table orders, constraint orders_qty_check)`. What comes from a segment of Greenplum names nothing. A function
 * that makes the error itself gives it any names (`RAISE … USING TABLE = NEW.note`), which may be values of rows.
 */
function stateAndNames(error: Error): string {
  const given = isRaised(error) || isOfForeignLanguage(error) ? [] : (['table', 'column', 'constraint'] as const)
  const names = given
    .map((name) => [name, field(error, name)] as const)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`)
  const raiser = /PL\/pgSQL function ((?:"[^"]*"|[^\s("])+)\(/.exec(field(error, 'where') ?? '')
  if (raiser !== null) names.push(`${isRaised(error) ? 'raised by' : 'in'} function ${raiser[1]}`)
  return `SQLSTATE ${sqlState(error)}${names.length > 0 ? ` (${names.join(', ')})` : ''}`
}

function sqlState(error: Error): string | undefined {
  const code = field(error, 'code')
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !UNREACHABLE.has(code) ? code : undefined
}

function field(error: Error, name: string): string | undefined {
  const value = (error as unknown as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : undefined
}
