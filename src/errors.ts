/**
 * What an operator reads, whether trying again can help, and the exit code of the program: one table for all of it. `help` stands
 * behind each message; `npm run docs:errors` makes docs/errors.md of all.
 */
export const FAILURES = {
  CONFIGURATION: {
    retry: 'never',
    exit: 2,
    means:
      'Options, variables, the YAML file or what they name cannot be used as they are. All problems stand in one message.',
    help: 'Correct the options; `--help` behind the command lists them.',
  },

  DECODE_NOT_TEXT: {
    retry: 'never',
    exit: 3,
    means: 'A record is not UTF-8 text.',
    help: 'The record is not UTF-8 text. Check which service writes this stream.',
  },
  DECODE_NOT_JSON: {
    retry: 'never',
    exit: 3,
    means: 'A record is not a JSON object.',
    help: 'The record is not a JSON object. Check which service writes this stream.',
  },
  DECODE_FOREIGN: {
    retry: 'never',
    exit: 3,
    means: 'A record is JSON, but neither of DynamoDB nor of DMS.',
    help: 'The record is JSON, but of no known format. Check which service writes this stream.',
  },
  DECODE_EVENT: {
    retry: 'never',
    exit: 3,
    means: 'A record is of a known format, but of an unknown kind or incomplete.',
    help: 'The event is of an unknown kind, or a part that it needs is missing. Check which service writes this stream.',
  },
  DECODE_TIME: {
    retry: 'never',
    exit: 3,
    means: 'The time of a change cannot be read.',
    help: 'Its version is not known without its time. Check which service writes this stream.',
  },
  DECODE_VALUE: {
    retry: 'never',
    exit: 3,
    means: 'A value cannot be read without losing something of it.',
    help: 'A value has an unknown type or shape. A newer cdc-relay may know it.',
  },
  TEXT_NUL: {
    retry: 'never',
    exit: 3,
    means: 'A text holds characters that the target cannot keep.',
    help: 'The text holds U+0000 or half a surrogate pair, which the target refuses. `--nul replace` writes U+FFFD instead, except in a key.',
  },

  LETTER_SCHEMA: {
    retry: 'never',
    exit: 1,
    means:
      'A dead letter that is written again says how a table is defined. Only a relay that reads the stream learns that.',
    help: 'Reload the table at the source, then discard the letter.',
  },

  STAGE_KEY: {
    retry: 'never',
    exit: 2,
    means: 'A stage of your own altered the key of a row or of a table. Nothing of the record was written.',
    help: 'A stage must return `key`, and the key columns in `after`, as they were: two rows could become one.',
  },
  NO_KEY: {
    retry: 'never',
    exit: 3,
    means: 'An update or delete came for a table that has no primary key.',
    help: 'The table has no primary key, so there is no telling which row is meant. Give it one, or name its key with `--key TABLE=COLUMN`.',
  },
  KEY_UNKNOWN: {
    retry: 'never',
    exit: 2,
    means: 'Rows came for a table whose primary key is not known.',
    help: 'Name it with `--key TABLE=COLUMN,COLUMN` (`--key TABLE=` if there is none); or set IncludeControlDetails=true on the DMS endpoint and reload; or make the target table with its primary key.',
  },
  TABLE_GAP: {
    retry: 'never',
    exit: 5,
    means:
      'A table is wanted again whose changes were left out for a while (`--include`, `--exclude`): its rows lack them, and nothing tells which rows those are.',
    help: 'Read again from that time (`cdc-relay positions rewind`), while the stream holds it, or reload the table, and run once with `--on-gap continue`; or leave the table out again.',
  },
  SCHEMA_CHANGE: {
    retry: 'never',
    exit: 2,
    means: 'Columns changed at the source, and `--on-schema-change stop` is set.',
    help: 'Change the target table as needed, then run once with `--on-schema-change ignore` or `add-only`.',
  },

  AWS_CREDENTIALS: {
    retry: 'once it worked',
    exit: 2,
    means: 'AWS credentials are missing, expired or not accepted.',
    help: 'Sign in again, or give keys that hold; docs/kinesis.md says where credentials are looked for.',
  },
  SOURCE_UNREACHABLE: {
    retry: 'always',
    exit: 1,
    means: 'The stream does not answer.',
    help: 'The stream did not answer. The relay goes on by itself once it does.',
  },
  SOURCE_THROTTLED: {
    retry: 'always',
    exit: 1,
    means: 'The stream answers too many readers.',
    help: 'The stream throttles its readers. The relay goes on at a lower pace.',
  },
  SOURCE_DENIED: {
    retry: 'once it worked',
    exit: 2,
    means: 'The credentials do not allow to read the stream; or the file may not be read.',
    help: 'The source may not be read. Grant what is missing; docs/kinesis.md lists the permissions on a stream.',
  },
  SOURCE_NOT_FOUND: {
    retry: 'never',
    exit: 2,
    means: 'The stream or file is not there.',
    help: 'Check its name. A stream is looked for in one region of one account, a file from the folder in which the relay was started.',
  },
  SOURCE_CHANGED: {
    retry: 'never',
    exit: 2,
    means: 'Under the name of this relay another stream or file was read, or a file became shorter.',
    help: 'The stored positions belong to something else. Bring that back; or read what is there now from its start, under another `--name`.',
  },
  SOURCE_BROKEN: {
    retry: 'never',
    exit: 1,
    means: 'The file is damaged, or is none that the relay reads.',
    help: 'The file is damaged there, or is none that the relay reads (docs/files.md). What stands in front of the place is written.',
  },
  SOURCE_GAP: {
    retry: 'never',
    exit: 5,
    means: 'Between the stored position and now records may have expired.',
    help: 'Records may have expired before they were read. Repair the table (docs/gaps.md), then run once with `--on-gap continue`.',
  },
  SOURCE_REFUSED: {
    retry: 'never',
    exit: 1,
    means: 'The stream refused a request for a reason that the relay does not know.',
    help: 'The stream refused a request that should be right. Please report it.',
  },

  SINK_UNREACHABLE: {
    retry: 'always',
    exit: 1,
    means: 'The target does not answer.',
    help: 'The target did not answer. The relay goes on by itself once it does.',
  },
  SINK_BUSY: {
    retry: 'always',
    exit: 1,
    means: 'The target is overloaded, out of space, or a lock is not free.',
    help: 'The target is overloaded or a lock was not free. The relay tries again.',
  },
  SINK_LOGIN: {
    retry: 'once it worked',
    exit: 2,
    means: 'The target did not let the relay in.',
    help: 'The target refused the login. Check user, password and database.',
  },
  SINK_TLS: {
    retry: 'once it worked',
    exit: 2,
    means:
      'There is no TLS connection to the target: a certificate is not trusted, or one side wants TLS and the other does not.',
    help: 'Neither rows nor a password were sent. docs/tls.md says what each mode checks.',
  },
  SINK_DENIED: {
    retry: 'never',
    exit: 2,
    means: 'The user of the target may not do what the message names.',
    help: 'docs/postgresql.md, greenplum.md, cratedb.md and gpss.md say which rights the user needs.',
  },
  SINK_TABLE: {
    retry: 'never',
    exit: 2,
    means:
      'A target table is missing, or its columns, key or constraints do not fit. The message lists every mismatch with the statement that helps.',
    help: 'The target table does not fit what the relay writes: change it, or name another one with `--table`.',
  },
  SINK_REFUSED: {
    retry: 'never',
    exit: 3,
    means: 'The target refused a row, alone and again.',
    help: 'The target cannot hold a row. The position stands in front of its batch; `--on-error dead-letter` keeps such rows apart and goes on.',
  },
  TOO_MANY_REFUSED: {
    retry: 'never',
    exit: 1,
    means: 'The target refused all of more than 100 rows of a table, each for the same reason.',
    help: 'It looks as if the table were wrong, and not the rows: change the table. If it is right, each of the rows becomes a dead letter with `--batch-records 100`. The position stands in front of the batch.',
  },
  TOO_MANY_DEAD_LETTERS: {
    retry: 'never',
    exit: 1,
    means: 'More dead letters came in a while than `--max-dead-letters` allows.',
    help: 'Look at them (`cdc-relay dead-letters list`) and at what changed: the source, its format, the target. To go on all the same, start with a higher `--max-dead-letters`, or without it.',
  },
  TABLE_PARKED: {
    retry: 'never',
    exit: 2,
    means:
      'A table cannot be written, and its changes are kept as dead letters of this code, while the other tables go on (`--on-table-trouble park`). A run that ends with such a table ends with this, too.',
    help: 'Mend the table; then `cdc-relay dead-letters replay --code TABLE_PARKED` with the options of the relay writes what was kept, and the table goes on.',
  },
  PARK_LIMIT: {
    retry: 'never',
    exit: 1,
    means: 'More is kept of a parked table than `--park-limit` allows.',
    help: 'All of it is kept, and the positions stand behind it. Mend the table, and write what was kept: `cdc-relay dead-letters replay --code TABLE_PARKED`; or start with a higher `--park-limit`.',
  },
  SINK_UNCLEAR: {
    retry: 'a few times',
    exit: 1,
    means: 'The target answered with an error that the relay does not know.',
    help: 'The target refused in words that the relay does not know. It tries again a few times, for it may be a lock; then it stops, having lost nothing.',
  },
  SINK_FAILED: {
    retry: 'never',
    exit: 1,
    means: 'The target answered with an error that concerns neither a row, a table nor a lock.',
    help: 'Trying again does not help. Nothing is lost: the positions stand in front of what is not written.',
  },

  STATE_DIFFERS: {
    retry: 'never',
    exit: 2,
    means:
      'What is stored under this name was written from another stream or start, or in another mode. The message names it.',
    help: 'A second pipeline needs a `--name` of its own.',
  },
  STATE_HELD: {
    retry: 'never',
    exit: 4,
    means: 'Another process holds the name of this relay, or the folder or file that it writes to.',
    help: 'Two at a time would undo what the other one does.',
  },
  STATE_NEWER: {
    retry: 'never',
    exit: 2,
    means:
      "The relay's own tables, state file or state item were written by a newer cdc-relay, in a form that this one does not know.",
    help: 'Run the newer cdc-relay, or a later one. This one could misread what is stored: it stopped before it wrote anything.',
  },
  STATE_REMOVED: {
    retry: 'never',
    exit: 1,
    means: 'Somebody removed what is stored of this relay while it ran: its name, and with it its positions and facts.',
    help: 'The relay did not enter it again. If it was removed to begin again, start each process of this name again: it is then a new relay, which begins at `--start`, or where its engine (Lambda, KCL) stands. If not, stop them, bring back what was removed, and start them again.',
  },
  STATE_UNREACHABLE: {
    retry: 'always',
    exit: 1,
    means: 'The state store does not answer.',
    help: 'The state store did not answer. The relay goes on by itself once it does.',
  },
  STATE_THROTTLED: {
    retry: 'always',
    exit: 1,
    means: 'The state store is busy.',
    help: 'The state store is busy, or throttles its writers. The relay tries again; give it more capacity if this stays.',
  },
  STATE_LOGIN: {
    retry: 'once it worked',
    exit: 2,
    means: 'The state store did not let the relay in.',
    help: 'The state store refused the login. Check user, password and database of `--state`.',
  },
  STATE_DENIED: {
    retry: 'once it worked',
    exit: 2,
    means: 'The credentials or the user do not allow to read or write the state.',
    help: 'Reading or writing the state is not allowed.',
  },
  STATE_BROKEN: {
    retry: 'never',
    exit: 1,
    means: 'The stored state cannot be read, or not be written.',
    help: 'Without its state the relay does not go on. Nothing is lost: what is not stored is read and written again.',
  },

  STALLED: {
    retry: 'never',
    exit: 1,
    means: 'There was work, and for too long nothing came of it: no batch was written, and no attempt failed.',
    help: 'Something hangs that cannot be ended from inside, so the process ends. Nothing is lost: what was in hand is read again. Start the relay again, or let a supervisor do it.',
  },

  INTERNAL: {
    retry: 'never',
    exit: 1,
    means: 'Something happened that the relay has no word for.',
    help: 'That is a fault of cdc-relay: nothing is lost, for the positions stand where they stood. Please report this line, with `stack` and the versions in the first line of the log.',
  },
} as const satisfies Record<
  string,
  { retry: 'always' | 'once it worked' | 'a few times' | 'never'; exit: number; means: string; help: string }
>

export type FailureCode = keyof typeof FAILURES

export const isFailureCode = (code: string): code is FailureCode => Object.hasOwn(FAILURES, code)

/** Code of the dead letters that are kept of a table that cannot be written. */
export const PARKED = 'TABLE_PARKED' satisfies FailureCode

/** What the program ends with, and what that means. */
export const EXIT_CODES: Readonly<Record<number, string>> = {
  0: 'done, or stopped in order by SIGTERM, SIGINT or SIGHUP',
  1: 'failed',
  2: 'usage, configuration, a login, a right, a key that is not known',
  3: '`--on-error stop` met a bad record',
  4: 'another relay holds this name',
  5: 'records may have expired before they were read',
}

/** Stream, shard, sequence number, table, batch: as much as is known where it is thrown. */
export type ErrorContext = Readonly<Record<string, string | number>>

/** Every failure that the relay reports on purpose. */
export class RelayError extends Error {
  readonly code: FailureCode
  /** What happened, in one sentence, without the place and without advice. */
  readonly detail: string
  readonly place: ErrorContext
  // Private, so that nothing that prints errors shows it.
  readonly #said: string | undefined

  /** @param said what the other side said in words that may hold values of rows */
  constructor(code: FailureCode, detail: string, place: ErrorContext = {}, cause?: unknown, said?: string) {
    const where = Object.entries(place).map(([name, value]) => `${name} ${value}`)
    // A list ends with its last line: what follows begins a line of its own.
    const isList = detail.endsWith('\n')
    const placed = where.length > 0 ? `${detail}${isList ? '' : ' '}(${where.join(', ')})` : detail
    super(`${code}: ${placed}${isList && where.length === 0 ? '' : '. '}${FAILURES[code].help}`, { cause })
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
  at(place: ErrorContext): RelayError {
    return new RelayError(this.code, this.detail, { ...place, ...this.place }, this.cause, this.#said)
  }
}
