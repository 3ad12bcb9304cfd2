import type { Options } from 'yargs'
import { NAMED_RELAY_OPTIONS } from './named-relay-options.ts'

const which = 'Which positions, and where to:'

export const POSITIONS_OPTIONS = {
  ...NAMED_RELAY_OPTIONS,
  shard: {
    type: 'string',
    array: true,
    requiresArg: true,
    group: which,
    describe: 'the shard; repeatable [default of rewind: all of them]',
  },
  all: { type: 'boolean', group: which, describe: 'forget: the positions of all shards' },
  to: {
    type: 'string',
    requiresArg: true,
    group: which,
    describe:
      'rewind: earliest or an ISO 8601 time; set: also end, or the sequence number of the last record that counts as done',
  },
  file: { type: 'string', requiresArg: true, group: which, describe: 'import: a file that export wrote' },
  yes: { type: 'boolean', group: 'Other:', describe: 'do it without asking' },
  json: { type: 'boolean', group: 'Other:', describe: 'JSON, on a terminal, too' },
} as const satisfies Record<string, Options>
