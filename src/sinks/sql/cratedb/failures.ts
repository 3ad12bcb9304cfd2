import { type FailureCode, RelayError } from '../../../errors.ts'
import { bySqlState, type ErrorMeanings, type Meaning } from '../failures.ts'

/** CrateDB says nearly everything with these; older versions also what others say with a code of its own. */
const SAYS_NOTHING = new Set(['XX000', '0A000', '42601'])
/** Not about a table: a statement of ours that this version does not take. */
const IS_OURS = new Set(['42702', '42712', '42883'])

/**
 * What only the words tell, in order: the first that fits holds. Of rows, what to say instead, since the words quote values.
 * From the exceptions of CrateDB's source, https://github.com/crate/crate
 */
const BY_WORDS: readonly (readonly [words: RegExp, code: FailureCode, instead?: string])[] = [
  [/^line \d+:\d+: /, 'SINK_FAILED'],
  [/Missing '[^']*' privilege/, 'SINK_DENIED'],
  // Someone else made it at the same moment: next time it is there.
  [/already has a column named/, 'SINK_BUSY'],

  [/Limit of total columns/, 'SINK_TABLE'],
  [/Cannot add column .* to (strict|table)/s, 'SINK_TABLE'],
  [/statement_max_length|Illegal capacity/, 'SINK_FAILED'],

  [/Cannot cast/, 'SINK_REFUSED', 'a value cannot be cast to the type of its column'],
  [/Mixed dataTypes/, 'SINK_REFUSED', 'a list has elements of differing types'],
  [
    /Cannot detect the type/,
    'SINK_REFUSED',
    'a value has no type that CrateDB knows, such as a number too large for it',
  ],
  [/immense term|is too long/, 'SINK_REFUSED', 'a text is too long for its column'],
  [/must not be null|Missing primary key value/, 'SINK_REFUSED', 'a column that must not be null is'],
  [/CHECK constraint|Failed CONSTRAINT/, 'SINK_REFUSED', 'a CHECK constraint of the table does not hold'],
  [/does not match calculation/, 'SINK_REFUSED', 'a value is not the one that a generated column would have'],
  [
    /contains a dot|square brackets are not allowed|illegal whitespace/,
    'SINK_REFUSED',
    'an object has a member of a name that CrateDB does not take',
  ],
  [/nesting depth|depth limit/i, 'SINK_REFUSED', 'a value is nested too deep'],
  [/Invalid value|Validation failed for/, 'SINK_REFUSED', 'a value does not fit its column'],

  [/Data too large|breaker would use|CircuitBreaking/, 'SINK_BUSY'],
  // A disk is nearly full; or somebody closed the table.
  [/blocked by:|read-only|doesn't support or allow/, 'SINK_BUSY'],
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
const TOO_LARGE = /Data too large|breaker would use|CircuitBreaking|statement_max_length|Illegal capacity/

/** A row that is missing in the answer, also when it is written alone: CrateDB does not say why. */
export class SilentRefusal extends Error {
  constructor() {
    super('CrateDB did not write a row, and gave no reason')
  }
}

/** So often a batch is tried before words that are not known count as being about a row. */
const PATIENCE = 3

/** Reads the words of CrateDB where its SQLSTATE tells nothing. */
export const byWordsOfCrate: ErrorMeanings = {
  meaning: meaningOf,
  words: wordsOf,
  refusal: (error) => (error instanceof SilentRefusal ? error.message : wordsOf(error)),
}

/** True if fewer rows at once may pass. */
export const wantsSmallerBatch = (error: unknown): boolean =>
  error instanceof Error && !(error instanceof RelayError) && TOO_LARGE.test(error.message)

interface Reading {
  readonly code: FailureCode
  readonly instead?: string | undefined
  /** False if the code is all that is known: then the words may quote anything. */
  readonly isKnown: boolean
}

function meaningOf(error: Error): Meaning {
  if (error instanceof SilentRefusal) return { blame: 'rule', code: 'SINK_REFUSED', patience: 0 }
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

function readingOf(error: Error, state: string): Reading {
  for (const [words, code, instead] of BY_WORDS) if (words.test(error.message)) return { code, instead, isKnown: true }
  return { code: state === MAY_PASS ? 'SINK_UNCLEAR' : 'SINK_FAILED', isKnown: false }
}

/** Undefined for what the server did not say: `EPIPE` only looks like a SQLSTATE. */
function stateOf(error: Error): string | undefined {
  const { code, severity } = error as { readonly code?: unknown; readonly severity?: unknown }
  return severity !== undefined && typeof code === 'string' ? code : undefined
}

function wordsOf(error: Error): string {
  const state = stateOf(error)
  if (state === undefined || IS_OURS.has(state)) return `CrateDB said: ${error.message}`
  const [, schema] = state === UNKNOWN_SCHEMA ? (/^Schema '(.*?)' unknown/s.exec(error.message) ?? []) : []
  if (schema !== undefined) {
    const grant = `GRANT DQL, DML, DDL ON SCHEMA "${schema.replaceAll('"', '""')}" TO`
    return `CrateDB said: ${error.message}. It says so, too, if the user has no right on it: ${grant} the user`
  }
  if (!SAYS_NOTHING.has(state)) {
    const { blame } = bySqlState.meaning(error)
    return blame === 'target' || blame === 'table' ? `CrateDB said: ${error.message}` : bySqlState.refusal(error)
  }
  const { instead, isKnown } = readingOf(error, state)
  if (instead !== undefined) return `CrateDB refused a row: ${instead} (SQLSTATE ${state})`
  return `CrateDB said: ${isKnown ? error.message : withoutQuoted(error.message)}`
}

/** A schema comes into being with its first table, so that a missing one alone is no failure of CREATE TABLE. */
const UNKNOWN_SCHEMA = '3F000'

/** Without what stands between the first quote and the last. */
const withoutQuoted = (words: string): string => words.replace(/[`'"].*[`'"]/s, '…')
