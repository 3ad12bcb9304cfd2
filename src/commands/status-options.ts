import type { Options } from 'yargs'
import { NAMED_RELAY_OPTIONS } from './named-relay-options.ts'

export const STATUS_OPTIONS = {
  ...NAMED_RELAY_OPTIONS,
  json: { type: 'boolean', group: 'Other:', describe: 'JSON, on a terminal, too' },
} as const satisfies Record<string, Options>
