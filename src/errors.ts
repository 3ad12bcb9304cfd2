/** What an operator reads, whether trying again can help, and the exit code of the program: one table for all of it. */
export const FAILURES = {
  CONFIGURATION: { retry: 'never', exit: 2, help: 'Correct the options; `--help` behind the command lists them.' },

  DECODE_NOT_TEXT: {
    retry: 'never',
    exit: 3,
    help: 'The record is not UTF-8 text. Check which service writes this stream.',
  },
  DECODE_NOT_JSON: {
    retry: 'never',
    exit: 3,
    help: 'The record is not a JSON object. Check which service writes this stream.',
  },
  DECODE_FOREIGN: {
    retry: 'never',
    exit: 3,
    help: 'The record is JSON, but of no known format. Check which service writes this stream.',
  },
  DECODE_EVENT: {
    retry: 'never',
    exit: 3,
    help: 'The event is of an unknown kind, or a part that it needs is missing.',
  },
  DECODE_TIME: { retry: 'never', exit: 3, help: 'The time of the change cannot be read, so its version is not known.' },
  DECODE_VALUE: {
    retry: 'never',
    exit: 3,
    help: 'A value has an unknown type or shape. A newer cdc-relay may know it.',
  },
  TEXT_NUL: {
    retry: 'never',
    exit: 3,
    help: 'The text holds U+0000 or half a surrogate pair, which the target refuses. `--nul replace` writes U+FFFD instead, except in a key.',
  },

  NO_KEY: {
    retry: 'never',
    exit: 3,
    help: 'The table has no primary key, so there is no telling which row is meant. Give it one, or name its key with `--key TABLE=COLUMN`.',
  },
  KEY_UNKNOWN: {
    retry: 'never',
    exit: 2,
    help: 'Name it with `--key TABLE=COLUMN,COLUMN` (`--key TABLE=` if there is none); or set IncludeControlDetails=true on the DMS endpoint and reload; or make the target table with its primary key.',
  },
  SCHEMA_CHANGE: {
    retry: 'never',
    exit: 2,
    help: 'Change the target table as needed, then run once with `--on-schema-change ignore` or `add-only`.',
  },

  AWS_CREDENTIALS: {
    retry: 'once it worked',
    exit: 2,
    help: 'Sign in again, or give keys that hold; docs/kinesis.md says where credentials are looked for.',
  },
  SOURCE_UNREACHABLE: {
    retry: 'always',
    exit: 1,
    help: 'The stream did not answer. The relay goes on by itself once it does.',
  },
  SOURCE_THROTTLED: {
    retry: 'always',
    exit: 1,
    help: 'The stream throttles its readers. The relay goes on at a lower pace.',
  },
  SOURCE_DENIED: {
    retry: 'once it worked',
    exit: 2,
    help: 'Reading the stream is not allowed. docs/kinesis.md lists the permissions.',
  },
  SOURCE_NOT_FOUND: {
    retry: 'never',
    exit: 2,
    help: 'There is no such stream or file. Check name, region and account.',
  },
  SOURCE_CHANGED: { retry: 'never', exit: 2, help: 'What is read now is not what the stored positions belong to.' },
  SOURCE_BROKEN: {
    retry: 'never',
    exit: 1,
    help: 'The file is damaged there, or is none that the relay reads (docs/files.md). What stands in front of the place is written.',
  },
  SOURCE_GAP: {
    retry: 'never',
    exit: 5,
    help: 'Records may have expired before they were read. Repair the table (docs/gaps.md), then run once with `--on-gap continue`.',
  },
  SOURCE_REFUSED: {
    retry: 'never',
    exit: 1,
    help: 'The stream refused a request that should be right. Please report it.',
  },

  SINK_UNREACHABLE: {
    retry: 'always',
    exit: 1,
    help: 'The target did not answer. The relay goes on by itself once it does.',
  },
  SINK_BUSY: {
    retry: 'always',
    exit: 1,
    help: 'The target is overloaded or a lock was not free. The relay tries again.',
  },
  SINK_LOGIN: {
    retry: 'once it worked',
    exit: 2,
    help: 'The target refused the login. Check user, password and database.',
  },
  SINK_DENIED: {
    retry: 'never',
    exit: 2,
    help: 'The user of the target lacks a permission. docs/postgresql.md, greenplum.md, cratedb.md and gpss.md say what it needs.',
  },
  SINK_TABLE: { retry: 'never', exit: 2, help: 'The target table does not fit what the relay writes.' },
  SINK_REFUSED: {
    retry: 'never',
    exit: 3,
    help: 'The target cannot hold a row. The position stands in front of its batch; `--on-error dead-letter` keeps such rows apart and goes on.',
  },
  TOO_MANY_REFUSED: {
    retry: 'never',
    exit: 1,
    help: 'It looks as if the table were wrong, and not the rows. The position stands in front of the batch.',
  },
  SINK_UNCLEAR: {
    retry: 'a few times',
    exit: 1,
    help: 'The target refused in words that the relay does not know. It tries again a few times, for it may be a lock; then it stops, having lost nothing.',
  },
  SINK_FAILED: {
    retry: 'never',
    exit: 1,
    help: 'Trying again does not cure that. Nothing is lost: the positions stand in front of what is not written.',
  },

  STATE_DIFFERS: { retry: 'never', exit: 2, help: 'A second pipeline needs a `--name` of its own.' },
  STATE_HELD: {
    retry: 'never',
    exit: 4,
    help: 'Stop the other relay, give this one another `--name`, or take over with `--take-over`.',
  },
  STATE_UNREACHABLE: {
    retry: 'always',
    exit: 1,
    help: 'The state store did not answer. The relay goes on by itself once it does.',
  },
  STATE_THROTTLED: {
    retry: 'always',
    exit: 1,
    help: 'The state store is busy, or throttles its writers. The relay tries again; give it more capacity if this stays.',
  },
  STATE_LOGIN: {
    retry: 'once it worked',
    exit: 2,
    help: 'The state store refused the login. Check user, password and database of `--state`.',
  },
  STATE_DENIED: {
    retry: 'once it worked',
    exit: 2,
    help: 'Reading or writing the state is not allowed.',
  },
  STATE_BROKEN: {
    retry: 'never',
    exit: 1,
    help: 'Without its state the relay does not go on. Nothing is lost: what is not stored is read and written again.',
  },

  INTERNAL: {
    retry: 'never',
    exit: 1,
    help: 'That is a fault of cdc-relay: nothing is lost, for the positions stand where they stood. Please report this line, with `stack` and the versions in the first line of the log.',
  },
} as const satisfies Record<
  string,
  { retry: 'always' | 'once it worked' | 'a few times' | 'never'; exit: number; help: string }
>

export type FailureCode = keyof typeof FAILURES

/** Stream, shard, sequence number, table, batch: as much as is known where it is thrown. */
export type PlaceOfFailure = Readonly<Record<string, string | number>>

/** Every failure that the relay reports on purpose. */
export class RelayError extends Error {
  readonly code: FailureCode
  /** What happened, in one sentence, without the place and without advice. */
  readonly detail: string
  readonly place: PlaceOfFailure
  // Private, so that nothing that prints errors shows it.
  readonly #said: string | undefined

  /** @param said what the other side said in words that may hold values of rows */
  constructor(code: FailureCode, detail: string, place: PlaceOfFailure = {}, cause?: unknown, said?: string) {
    const where = Object.entries(place).map(([name, value]) => `${name} ${value}`)
    super(`${code}: ${detail}${where.length > 0 ? ` (${where.join(', ')})` : ''}. ${FAILURES[code].help}`, { cause })
    this.name = 'RelayError'
    this.code = code
    this.detail = detail
    this.place = place
    this.#said = said
  }

  /** The other side's own words, which may hold values of rows: for a log only where the operator asked for them. */
  said(): string | undefined {
    return this.#said
  }

  /** The same failure with more of its place known. */
  at(place: PlaceOfFailure): RelayError {
    return new RelayError(this.code, this.detail, { ...place, ...this.place }, this.cause, this.#said)
  }
}
