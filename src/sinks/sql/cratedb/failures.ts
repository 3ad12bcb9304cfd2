import { type FailureCode, RelayError } from '../../../errors.ts'
import type { Asker } from '../advice.ts'
import { bySqlState, type ErrorMeanings, type Meaning } from '../failures.ts'

/** CrateDB says nearly everything with these; older versions also what others say with a code of its own. */
const SAYS_NOTHING = new Set(['XX000', '0A000', '42601'])
/** Not about a table: a statement of ours that this version does not take. */
const IS_OURS = new Set(['42702', '42712', '42883'])

/**
 * Words about a row, and what to say instead, since they quote values; the first that fits holds. Those of a row are known by
 * how they begin or end, for the value in between may read like any other of them.
 * From what versions 5.10 and 6.4 were seen to say, and the exceptions of CrateDB's source, https://github.com/crate/crate
 */
const OF_ROWS: readonly (readonly [words: RegExp, instead: string])[] = [
  [/^Cannot cast /, 'a value cannot be cast to the type of its column'],
  [
    /^(For input string: |Value out of range\. Value:|illegal syntax$|Character .{1,2} is neither a decimal digit)/s,
    'a value is not the number that its column wants',
  ],
  [/^Value -?\d+ exceeds allowed range/, 'a number is one of the two ends of 64 bits, which a BIGINT refuses'],
  [/^(\w+ )?value out of range: /, 'a number is too large for its column'],
  [/^(Invalid format: |Text '.*' could not be parsed)/s, 'a value is not the date or time that its column wants'],
  [/^Invalid UUID string: /, 'a value is not the UUID that its column wants'],
  [/^bit string length \d+ does not match/, 'a value has not as many bits as its column'],
  [
    /^(Unrecognized token|Unexpected character|Unexpected end-of-input|Invalid UTF-8)/,
    'a value is not the JSON that its column wants',
  ],
  [/^Cannot parse `.*` as array/s, 'a value is not the list that its column wants'],
  [/can not write type \[class java\.math\.BigInteger\]$/, 'an object has a number of more than 64 bits'],
  [/^Mixed dataTypes/, 'a list has elements of differing types'],
  [/^Cannot detect the type/, 'a value has no type that CrateDB knows, such as a number too large for it'],
  [
    /^Document contains at least one immense term|is too long for the \w+ type of length: \d+$/s,
    'a text is too long for its column',
  ],
  [
    / must not be null$|^Missing primary key value|^A primary key value must not be NULL/i,
    'a column that must not be null is',
  ],
  [/CHECK constraint|^Failed CONSTRAINT/, 'a CHECK constraint of the table does not hold'],
  [/^Given value .* does not match calculation/s, 'a value is not the one that a generated column would have'],
  [/^\/ by zero$/, 'a generated column or a CHECK divides by zero'],
  [
    / contains a dot$|square brackets are not allowed|contains illegal whitespace/,
    'an object has a member of a name that CrateDB does not take',
  ],
  [/nesting depth|depth limit|^Limit of max column depth/i, 'a value is nested too deep'],
  [/^Cannot add column .* to strict object/s, 'an object has a member that its column does not know'],
  [/^(Invalid value|Validation failed for) /, 'a value does not fit its column'],
]

/** Words about anything else: how they begin. */
const OF_OTHERS: readonly (readonly [words: RegExp, code: FailureCode])[] = [
  [/^line \d+:\d+: /, 'SINK_FAILED'],
  [/^Missing '[^']*' privilege/, 'SINK_DENIED'],
  // Someone else made it at the same moment: next time it is there.
  [/^The table \S+ already has a column named/, 'SINK_BUSY'],

  [/^Limit of total columns/, 'SINK_TABLE'],
  [/^Cannot add column .* to (strict|table)/s, 'SINK_TABLE'],
  [/^The type '[^']*' of the insert source/, 'SINK_TABLE'],
  [/^Statement exceeds `statement_max_length`|^Illegal capacity/i, 'SINK_FAILED'],
]

/** What else they hold, without what they quote: that may be a value. */
const OF_CLUSTER: readonly (readonly [words: RegExp, code: FailureCode])[] = [
  [/Data too large|breaker would use|CircuitBreaking/, 'SINK_BUSY'],
  // A disk is nearly full; or somebody closed the table.
  [/blocked by:(?: \[[^\]]*\];?)*|read-only|t support or allow/, 'SINK_BUSY'],
  [/rejected execution|exceeded retry limit|version conflict|Job killed|statement_timeout/, 'SINK_BUSY'],
  [
    /primary shard is not active|shard \d+ is not available|No shard available|shards not available|Timed out waiting for/i,
    'SINK_UNREACHABLE',
  ],
  [/no master|NotDiscovered|node disconnected|not connected|node closed/i, 'SINK_UNREACHABLE'],
  [
    /connect_exception|connect_timeout|connection refused|timed out after|failed to process cluster event/i,
    'SINK_UNREACHABLE',
  ],
  [/no such shard|CurrentState\[|engine is closed|IndexWriter is closed/i, 'SINK_UNREACHABLE'],
]

/** What none of the words fit may be of a moment: `NullPointerException in …` of a node that shuts down. */
const MAY_PASS = 'XX000'

/** A batch that is too large for CrateDB's memory or one of its limits. */
const TOO_LARGE = /Data too large|breaker would use|CircuitBreaking|^Statement exceeds|Illegal capacity/i

/** A row that is missing in the answer, also when it is written alone: CrateDB does not say why. */
export class SilentRefusal extends Error {
  constructor() {
    super('CrateDB did not write a row, and gave no reason')
  }
}

/** A row was refused alone, again, while its place could be read: whatever the words are, they are about the row. */
export class LoneRefusal extends Error {
  /** What node-postgres threw. */
  readonly error: Error

  constructor(error: Error) {
    super('CrateDB refused a row alone, and again')
    this.error = error
  }
}

/** So often a batch is tried before words that are not known count as being about a row. */
const PATIENCE = 3

/** Reads the words of CrateDB where its SQLSTATE tells nothing. */
export const byWordsOfCrate: ErrorMeanings = {
  meaning: meaningOf,
  words: wordsOf,
  refusal(error) {
    if (error instanceof SilentRefusal) return error.message
    const thrown = error instanceof LoneRefusal ? error.error : error
    const state = stateOf(thrown)
    const reading = readingOf(thrown, state)
    if (reading.instead !== undefined) return `CrateDB refused a row: ${reading.instead} (SQLSTATE ${state})`
    if (reading.isKnown) return wordsOf(thrown)
    return `CrateDB refused a row, in words that the relay does not know (SQLSTATE ${state})`
  },
}

/** True if fewer rows at once may pass. */
export const wantsSmallerBatch = (error: unknown): boolean =>
  error instanceof Error && !(error instanceof RelayError) && TOO_LARGE.test(withoutQuoted(error.message))

/** Who may be at fault: `target` for what is no error of CrateDB, too. */
export const blameFor = (error: unknown): Meaning['blame'] =>
  error instanceof Error && !(error instanceof RelayError) && error.name !== 'AbortError'
    ? meaningOf(error).blame
    : 'target'

/** True for what may be about a row of a statement, and not about its table or the cluster. */
export function mayBeOfRow(error: unknown): boolean {
  const blame = blameFor(error)
  return blame !== 'target' && blame !== 'table'
}

interface Reading {
  readonly code: FailureCode
  readonly instead?: string | undefined
  /** False if the code is all that is known: then the words may quote anything. */
  readonly isKnown: boolean
  /** The words that are known, where the others beside them may quote a value: a version conflict names the key. */
  readonly known?: string
}

function meaningOf(error: Error): Meaning {
  if (error instanceof SilentRefusal) return { blame: 'rule', code: 'SINK_REFUSED', patience: 0 }
  if (error instanceof LoneRefusal) return { ...meaningOf(error.error), blame: 'rule', patience: 0 }
  const state = stateOf(error)
  if (state === undefined || !SAYS_NOTHING.has(state)) {
    if (state !== undefined && IS_OURS.has(state)) return { blame: 'target', code: 'SINK_FAILED', patience: 0 }
    return bySqlState.meaning(error)
  }
  const { code, isKnown } = readingOf(error, state)
  if (!isKnown) return { blame: 'unknown', code, patience: PATIENCE }
  if (code === 'SINK_REFUSED') return { blame: 'rule', code, patience: 0 }
  return { blame: code === 'SINK_TABLE' || code === 'SINK_DENIED' ? 'table' : 'target', code, patience: 0 }
}

function readingOf(error: Error, state: string | undefined): Reading {
  for (const [words, instead] of OF_ROWS)
    if (words.test(error.message)) return { code: 'SINK_REFUSED', instead, isKnown: true }
  for (const [words, code] of OF_OTHERS) if (words.test(error.message)) return { code, isKnown: true }
  const bare = withoutQuoted(error.message)
  for (const [words, code] of OF_CLUSTER) {
    const [known] = words.exec(bare) ?? []
    if (known !== undefined) return { code, isKnown: true, known }
  }
  return { code: state === MAY_PASS ? 'SINK_UNCLEAR' : 'SINK_FAILED', isKnown: false }
}

/** Undefined for what the server did not say: `EPIPE` only looks like a SQLSTATE. */
function stateOf(error: Error): string | undefined {
  const { code, severity } = error as { readonly code?: unknown; readonly severity?: unknown }
  return severity !== undefined && typeof code === 'string' ? code : undefined
}

function wordsOf(error: Error, asker?: Asker): string {
  if (error instanceof SilentRefusal) return error.message
  if (error instanceof LoneRefusal) return wordsOf(error.error, asker)
  const state = stateOf(error)
  if (state === undefined) return bySqlState.words(error, asker)
  if (IS_OURS.has(state)) return `CrateDB said: ${error.message}`
  const [, schema] = state === UNKNOWN_SCHEMA ? (/^Schema '(.*?)' unknown/s.exec(error.message) ?? []) : []
  if (schema !== undefined) {
    const grant = `GRANT DQL, DML, DDL ON SCHEMA "${schema.replaceAll('"', '""')}" TO`
    return `CrateDB said: ${error.message}. It says so, too, if the user has no right on it: ${grant} the user`
  }
  if (!SAYS_NOTHING.has(state)) {
    const { blame } = bySqlState.meaning(error)
    return blame === 'target' || blame === 'table' ? `CrateDB said: ${error.message}` : bySqlState.refusal(error)
  }
  const { instead, isKnown, known } = readingOf(error, state)
  if (known !== undefined) return `CrateDB said: … ${known} …`
  if (instead !== undefined) return `CrateDB refused a statement: ${instead} (SQLSTATE ${state})`
  return isKnown
    ? `CrateDB said: ${error.message}`
    : `CrateDB said something that the relay does not know (SQLSTATE ${state})`
}

/** A schema comes into being with its first table, so that a missing one alone is no failure of CREATE TABLE. */
const UNKNOWN_SCHEMA = '3F000'

/** Without what stands between the first quote and the last. */
const withoutQuoted = (words: string): string => words.replace(/[`'"].*[`'"]/s, '…')
