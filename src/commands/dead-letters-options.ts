import type { Options } from 'yargs'
import { NAMED_RELAY_OPTIONS } from './named-relay-options.ts'
import { RUN_OPTIONS, type RunOption } from './run-options.ts'

const which = 'Which letters (all of these together):'

/** Of `run`, which say how a record is read and a row is written. */
const REPLAY_NAMES = [
  'format',
  'table',
  'include',
  'exclude',
  'key',
  'type',
  'mode',
  'layout',
  'deletes',
  'expired',
  'create-tables',
  'crate-objects',
  'dynamodb-binary',
  'missing-columns',
  'before-image-field',
  'before-image-prefix',
  'nul',
  'on-schema-change',
  'log-values',
] as const satisfies readonly RunOption[]

const REPLAY_OPTIONS = Object.fromEntries(
  REPLAY_NAMES.map((name) => [name, { ...RUN_OPTIONS[name], group: 'replay: how they are written, as for run:' }]),
) as Record<(typeof REPLAY_NAMES)[number], Options>

const text = (describe: string): Options => ({ type: 'string', requiresArg: true, group: which, describe })

export const DEAD_LETTERS_OPTIONS = {
  ...NAMED_RELAY_OPTIONS,
  'of-table': text('of this source table, as the list shows it'),
  code: text('with this code'),
  shard: text('of this shard'),
  since: text('recorded at this ISO 8601 time or later; or so long ago: 2h'),
  until: text('recorded before this time'),
  all: { type: 'boolean', group: which, describe: 'show, discard: all of them' },
  limit: { type: 'string', requiresArg: true, group: which, describe: 'list, show: so many at most [default: 100]' },
  from: text('list, show: go on where the last page said'),
  yes: { type: 'boolean', group: 'Other:', describe: 'discard without asking' },
  json: { type: 'boolean', group: 'Other:', describe: 'JSON, on a terminal, too' },
  ...REPLAY_OPTIONS,
} as const satisfies Record<string, Options>
