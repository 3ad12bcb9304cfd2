import type { Options } from 'yargs'
import { sourceUsage } from '../ingest/by-url.ts'
import { POLL_INTERVAL_MS } from '../ingest/shards/pace.ts'
import { FORMATS, LEVELS } from '../observe/log.ts'
import { SINK_KINDS, sinkSchemes } from '../sinks/by-url.ts'
import { stateUsage } from '../state/by-url.ts'
import { STATE_STORES } from './state-stores.ts'

const what = 'What and where:'
const who = 'Who and from when:'
const rows = 'How rows are written:'
const trouble = 'When something is wrong:'
const pace = 'Batches, pace and memory:'
const aws = 'AWS:'

const WITHOUT_STATE = sinkSchemes(({ keepsState }) => !keepsState).join(', ')
const SOFT_ALONE = sinkSchemes(({ deletes }) => deletes[0] === 'soft').join(' and ')

/**
 * Every option of `cdc-relay run`, its default and its help, declared once. Values arrive as text and are checked,
 * all of them together, in run-config.ts: so a default here is what the help shows and what is used.
 */
export const RUN_OPTIONS = {
  source: text(what, sourceUsage()),
  sink: text(what, SINK_KINDS.map(([, { usage }]) => usage).join(', ')),
  'sink-password-file': text(
    what,
    'file that holds the password of the sink, read at each login; PGPASSWORD and ~/.pgpass serve, too (a password in the URL shows in ps)',
  ),
  format: text(what, 'format of the records: auto (each record shows it), dynamodb or dms', 'auto'),
  table: list(what, 'SOURCE=TARGET table; * in SOURCE stands in TARGET for what it matched; repeatable'),
  include: list(what, 'only tables that match this pattern (* for anything); repeatable'),
  exclude: list(what, 'no table that matches this pattern; repeatable'),
  key: list(what, 'DMS: TABLE=COLUMN,COLUMN is the primary key of a table, TABLE= if it has none; repeatable'),
  'key-wait': text(what, "how long rows wait for their table's key, which another shard may tell", '60s'),
  type: list(what, 'TABLE.COLUMN=TYPE, what a column really holds (json, bytes, numeric …); repeatable'),

  name: text(who, "the relay's name: positions and claims are kept under it [default: the stream's name]"),
  start: text(who, 'where a new relay begins: earliest, latest or an ISO 8601 time [default: earliest]'),
  'until-latest': flag(who, 'end once everything that was in the stream at the start is written'),
  'take-over': flag(who, 'take the name from a relay that still runs; that one then stops'),
  state: text(
    who,
    `${stateUsage(STATE_STORES)}: state of a sink that keeps none itself (${WITHOUT_STATE}) [default: file:NAME.state.json; none for a file shown on jsonl:-]`,
  ),

  'dry-run': flag(
    who,
    'write nothing: print what a run would do first, as SQL for a target that has SQL (DDL, and the statements of the first batch)',
  ),

  mode: text(rows, 'mirror (keep the target equal to the source) or append (add one row for each change)', 'mirror'),
  layout: text(
    rows,
    'how a mirrored row lies in its table: columns, or document (key columns and one JSON column) ' +
      '[default: columns for DMS, document for DynamoDB]',
  ),
  deletes: text(
    rows,
    `hard (delete the row), soft (mark it, hidden by a view) or ignore [default: hard; ${SOFT_ALONE}: soft]`,
  ),
  expired: text(rows, 'deletes made by DynamoDB TTL: delete or keep', 'delete'),
  'create-tables': text(rows, 'auto (create what is missing) or never', 'auto'),
  'crate-objects': text(rows, 'deprecated: objects=… in the URL of crate:// says the same'),
  'dynamodb-binary': text(
    rows,
    'how often binary is base64-encoded: double (a Kinesis destination) or single (emulators)',
    'double',
  ),
  'missing-columns': text(
    rows,
    'a column that a DMS update lacks: null, keep (it is unchanged), or auto (keep once the stream has shown nulls)',
    'auto',
  ),
  'before-image-field': text(rows, 'FieldName of BeforeImageSettings in the DMS task', 'before-image'),
  'before-image-prefix': text(
    rows,
    'columns of DMS that begin so hold old values: column-prefix of a rule add-before-image-columns (BI_ by default there)',
  ),
  nul: text(rows, 'U+0000 in text, which databases refuse: replace (by U+FFFD, counted) or dead-letter', 'replace'),
  'tombstone-ttl': text(rows, "keep deleted rows' versions for this long [default: the stream's retention and a day]"),

  'on-error': text(
    trouble,
    'a record that cannot be decoded, or that the target refuses: dead-letter (kept, the stream goes on) or stop (exit code 3)',
    'dead-letter',
  ),
  'dead-letters': text(
    trouble,
    `file:PATH, where the sink cannot keep them (${WITHOUT_STATE}) [default: NAME.dead-letters.jsonl]`,
  ),
  'max-dead-letters': text(
    trouble,
    'NUMBER/DURATION, such as 100/1h: more dead letters in that time end the relay (exit code 1), in front of the batch with them',
  ),
  'on-table-trouble': text(
    trouble,
    'a table that cannot be written: park (what comes for it is kept as dead letters, the other tables go on) or stop',
    'park',
  ),
  'park-limit': text(
    trouble,
    'CHANGES,SIZE: more of a parked table ends the relay (exit code 1); the size is that of what a process keeps',
    '1000000,1GiB',
  ),
  'on-gap': text(
    trouble,
    'records may have expired before they were read: stop (exit code 5) or continue, which also lets a table go on that was left out for a while (--exclude)',
    'stop',
  ),
  'on-schema-change': text(
    trouble,
    'columns change at the source: add-only (what is new is added, the rest is logged), widen (types that only widen are followed, too), stop (exit code 2) or ignore',
    'add-only',
  ),
  'on-reload': text(trouble, 'rows from before a DMS reload: keep until they come again, or sweep at once', 'keep'),

  'stall-timeout': text(
    trouble,
    'nothing came of work for so long, not even a failed attempt: end with exit code 1, so that a supervisor starts it again; 0 waits for ever',
    '5m',
  ),
  'drain-timeout': text(
    trouble,
    'how long a stop may take: then the batch in hand is given up, and read again at the next start; 0 waits for ever',
    '30s',
  ),

  'batch-records': text(pace, 'a batch is cut at this many records [default: 5000, or what the target wants]'),
  'batch-bytes': text(pace, 'or at this size [default: 8MiB, or what the target wants]'),
  'batch-wait': text(
    pace,
    'or when its first record has waited this long and nothing is being written [default: 250ms, or what the target wants; what a caught-up shard gave does not wait]',
  ),
  'poll-interval': text(
    pace,
    'a caught-up shard is read this often; one that stays empty, once a second',
    `${POLL_INTERVAL_MS}ms`,
  ),
  memory: text(pace, 'how much may be read ahead, all shards together', '64MiB'),

  region: text(
    aws,
    "region of all that has none in its address (NAME?region=…) [default: the ARN's, else the SDK's own chain]",
  ),
  profile: text(aws, 'profile of the shared configuration files, where the address names no credentials'),
  'role-arn': text(aws, 'role to assume, where the address names no credentials (NAME?role-arn=…)'),
  'external-id': text(aws, 'external id for --role-arn'),
  'endpoint-url': text(
    aws,
    'another endpoint of Kinesis; a plain http:// one (emulator) needs no region or credentials',
  ),

  http: text(
    'Other:',
    'HOST:PORT, or a PORT of this machine alone: serve a page, /metrics, /health/live, /health/ready and /status there; never a value of a row (docs/observe.md)',
  ),
  config: text('Other:', 'YAML file with these options'),
  'log-level': text('Other:', `the least important lines of the log: ${LEVELS.join(', ')}`, 'info'),
  'log-format': text(
    'Other:',
    `${FORMATS.join(', ')}: lines for machines, or for people [default: pretty with a live line on a terminal, else json]`,
  ),
  'log-values': flag(
    'Other:',
    'log the words of the target, too, which may hold values of rows: for an hour of debugging, not for a log that is kept',
  ),
} as const satisfies Record<string, Options>

export type RunOption = keyof typeof RUN_OPTIONS

function text(group: string, describe: string, defaultText?: string): Options {
  const shown = defaultText === undefined ? {} : { defaultDescription: defaultText }
  return { type: 'string', requiresArg: true, group, describe, ...shown }
}

function list(group: string, describe: string): Options {
  return { type: 'string', array: true, requiresArg: true, group, describe }
}

function flag(group: string, describe: string): Options {
  return { type: 'boolean', group, describe }
}
