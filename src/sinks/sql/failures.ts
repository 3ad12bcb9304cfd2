import { tableLabel } from '../../change.ts'
import { type FailureCode, type PlaceOfFailure, RelayError } from '../../errors.ts'
import type { Batch } from '../sink.ts'

/**
 * What a SQLSTATE means for the relay, by the whole code or its class (the first two characters).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const BY_SQLSTATE: Readonly<Record<string, FailureCode>> = {
  '08': 'SINK_UNREACHABLE',
  '08P01': 'SINK_FAILED',
  '22': 'SINK_REFUSED',
  '23': 'SINK_REFUSED',
  // A standby, or a failover in progress.
  '25006': 'SINK_UNREACHABLE',
  '25P03': 'SINK_BUSY',
  '25P04': 'SINK_BUSY',
  '28': 'SINK_LOGIN',
  '2BP01': 'SINK_TABLE',
  '3D000': 'SINK_LOGIN',
  '3F000': 'SINK_TABLE',
  '40': 'SINK_BUSY',
  '40003': 'SINK_UNREACHABLE',
  '42501': 'SINK_DENIED',
  '42601': 'SINK_FAILED',
  '42': 'SINK_TABLE',
  // Someone else made the same thing at the same moment: next time it is there.
  '42P06': 'SINK_BUSY',
  '42P07': 'SINK_BUSY',
  '42701': 'SINK_BUSY',
  '42710': 'SINK_BUSY',
  '53': 'SINK_BUSY',
  // An index entry of more than a third of a page: a key that is too long.
  '54000': 'SINK_REFUSED',
  '55006': 'SINK_BUSY',
  '55P03': 'SINK_BUSY',
  '57': 'SINK_UNREACHABLE',
  '57014': 'SINK_BUSY',
  '57P04': 'SINK_LOGIN',
  '58': 'SINK_UNREACHABLE',
  // RAISE in a trigger of the target.
  P0001: 'SINK_REFUSED',
  // An internal error; on Greenplum also a segment that is just failing over.
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

/** What the errors of one database mean, and its driver's. */
export interface ErrorMeanings {
  code(error: Error): FailureCode
  /** In words without values of rows; of an error that is about a row, what there is. */
  words(error: Error): string
  /** True if the error is of the server: then a table that is not what it was taken for may be behind it. */
  isServers(error: Error): boolean
}

/** Reads SQLSTATEs, as PostgreSQL gives them. */
export const bySqlState: ErrorMeanings = {
  code: failureCode,
  words: (error) => (failureCode(error) === 'SINK_REFUSED' ? refusal(error) : `The target said: ${error.message}`),
  isServers: (error) => sqlState(error) !== undefined,
}

/** Whatever the driver threw → ours. What is ours already, and an abort, pass as they are. */
export function sqlFailure(error: unknown, { code, words }: ErrorMeanings, place: PlaceOfFailure = {}): unknown {
  if (error instanceof RelayError) return error.at(place)
  if (!(error instanceof Error) || error.name === 'AbortError') return error
  const meaning = code(error)
  // `detail` and `where` of any error hold values of rows: those stay out of messages and logs; of one about a row, all does.
  return new RelayError(meaning, words(error), place, meaning === 'SINK_REFUSED' ? undefined : bare(error))
}

/** What an operator needs to find a batch: its tables, how many changes, and from where to where in each shard. */
export function placeOfBatch({ changes, moves }: Batch): PlaceOfFailure {
  const spans = new Map<string, { first: string; last: string }>()
  for (const { source } of changes) {
    const span = spans.get(source.shard)
    if (span === undefined) spans.set(source.shard, { first: source.sequence, last: source.sequence })
    else span.last = source.sequence
  }
  const shards = [...spans].map(([shard, { first, last }]) => `${shard} from ${first} to ${last}`)
  return {
    tables: [...new Set(changes.map(({ table }) => tableLabel(table)))].join(', '),
    changes: changes.length,
    shards: shards.join(', ') || [...moves.keys()].join(', '),
  }
}

/** True if the tables of the target are not what they were taken for. */
export function isTableFailure(error: unknown, { code, isServers }: ErrorMeanings): boolean {
  return error instanceof Error && isServers(error) && code(error) === 'SINK_TABLE'
}

/** Why the target refused a row, in words without its values; null if the error is about something else. */
export function refusalOf(error: unknown, { code, words }: ErrorMeanings): string | null {
  return error instanceof Error && !(error instanceof RelayError) && code(error) === 'SINK_REFUSED'
    ? words(error)
    : null
}

function failureCode(error: Error): FailureCode {
  const state = sqlState(error)
  if (state !== undefined) {
    // CREATE … IF NOT EXISTS of two sessions at once collides in the catalogue.
    if (state === '23505' && field(error, 'schema') === 'pg_catalog') return 'SINK_BUSY'
    return BY_SQLSTATE[state] ?? BY_SQLSTATE[state.slice(0, 2)] ?? 'SINK_FAILED'
  }
  const code = field(error, 'code')
  // The socket of a local server that is not up. (A missing certificate is ENOENT, too, but of `open`.)
  const noSocket = code === 'ENOENT' && field(error, 'syscall') === 'connect'
  const unreachable = noSocket || (code !== undefined && UNREACHABLE.has(code)) || UNREACHABLE_WORDS.test(error.message)
  return unreachable ? 'SINK_UNREACHABLE' : 'SINK_FAILED'
}

function refusal(error: Error): string {
  const names = (['table', 'column', 'constraint'] as const)
    .map((name) => [name, field(error, name)] as const)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`)
  return `The target refused a row, SQLSTATE ${sqlState(error)}${names.length > 0 ? ` (${names.join(', ')})` : ''}`
}

/** The driver's error without what PGlite and node-postgres hang on it: the statement, its parameters, values of rows. */
function bare(error: Error): Error {
  return Object.assign(new Error(error.message), { name: error.name, code: field(error, 'code') })
}

function sqlState(error: Error): string | undefined {
  const code = field(error, 'code')
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !UNREACHABLE.has(code) ? code : undefined
}

function field(error: Error, name: string): string | undefined {
  const value = (error as unknown as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : undefined
}
