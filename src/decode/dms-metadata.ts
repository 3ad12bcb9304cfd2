import type { TableName, Transaction } from '../change.ts'
import { RelayError } from '../errors.ts'
import { NumberToken, tokenType } from './exact-json.ts'
import type { JsonObject } from './json.ts'

/** The table that the record names. @throws RelayError DECODE_EVENT */
export function readTable(metadata: JsonObject): TableName {
  return { schema: readName(metadata, 'schema-name'), name: readName(metadata, 'table-name') }
}

function readName(metadata: JsonObject, field: string): string {
  const name = metadata[field]
  if (typeof name === 'string' && name !== '') return name
  throw new RelayError('DECODE_EVENT', `metadata.${field} is ${tokenType(name)}; a record of a table always names it`)
}

/**
 * `metadata.timestamp` → epoch microseconds: when DMS made the record, on one clock for loads, changes and control
 * records. Not the commit time: a change that DMS kept back during a load was committed before the row was read.
 *
 * @throws RelayError DECODE_TIME
 */
export function readVersion(metadata: JsonObject): number {
  const { timestamp } = metadata
  const us = typeof timestamp === 'string' ? epochMicroseconds(timestamp) : Number.NaN
  if (isPossible(us)) return us
  const found = isTime(timestamp)
    ? `in ${timestamp.slice(0, 4)}, ${us < OLDEST_US ? 'before DMS existed' : 'later than versions can tell'}`
    : `${tokenType(timestamp)}, no time`
  throw new RelayError('DECODE_TIME', `metadata.timestamp is ${found}`)
}

/** DMS opened in March 2016: nothing that it makes is older. */
const OLDEST_US = Date.UTC(2016, 0) * 1000

/**
 * Whether a record of DMS can be of that time, in epoch microseconds. From June 2255 on they are no whole numbers any
 * more, and two versions could be taken for one.
 */
export const isPossible = (us: number): boolean => us >= OLDEST_US && us <= Number.MAX_SAFE_INTEGER

/** DMS writes six digits of the second, emulators three, other engines up to nine. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/

const isTime = (time: unknown): time is string => typeof time === 'string' && !Number.isNaN(epochMilliseconds(time))

/** NaN for what is no time. Cut where the time is finer. */
function epochMilliseconds(time: string): number {
  if (!TIME.test(time)) return Number.NaN
  const ms = Date.parse(time)
  // The engine takes 30 February for 2 March.
  return new Date(ms).getUTCDate() === Number(time.slice(8, 10)) ? ms : Number.NaN
}

/** NaN for what is no time. Cut where the time is finer. */
export const epochMicroseconds = (time: string): number =>
  epochMilliseconds(time) * 1000 + Number(time.slice(23, -1).slice(0, 3).padEnd(3, '0'))

/** When the source committed the change, or, where it does not say, when DMS made the record; cut to microseconds. */
export function readTime(metadata: JsonObject, transaction: Transaction | null): string {
  const time = transaction?.commitTime ?? (metadata.timestamp as string)
  return time.length > '2025-03-04T09:15:02.104233Z'.length ? `${time.slice(0, 26)}Z` : time
}

/**
 * What the record says of its transaction; null where it says nothing, as the rows of a load do.
 * @throws RelayError DECODE_EVENT, DECODE_TIME
 */
export function readTransaction(metadata: JsonObject): Transaction | null {
  const id = readText(metadata, 'transaction-id')
  if (id === null) return null
  const commitTime = readText(metadata, 'commit-timestamp')
  if (commitTime !== null && !isTime(commitTime)) {
    throw new RelayError('DECODE_TIME', `metadata.commit-timestamp is ${tokenType(commitTime)}, no time`)
  }
  const record = readText(metadata, 'transaction-record-id')
  return { id, record, commitTime, position: readText(metadata, 'stream-position') }
}

/** Text, or a number of any length, as text; null where there is none. */
function readText(metadata: JsonObject, field: string): string | null {
  const value = metadata[field]
  if (value === undefined || value === null || value === '') return null
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  if (value instanceof NumberToken) return value.text
  throw new RelayError('DECODE_EVENT', `metadata.${field} is ${tokenType(value)}, neither text nor a number`)
}
