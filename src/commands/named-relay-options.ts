import type { Options } from 'yargs'
import { RUN_OPTIONS, type RunOption } from './run-options.ts'

/** The options of `run` that say which relay is meant, and where it keeps its state. */
export const NAMED_RELAY_NAMES = [
  'name',
  'source',
  'sink',
  'sink-password-file',
  'state',
  'dead-letters',
  'region',
  'profile',
  'role-arn',
  'external-id',
  'endpoint-url',
  'config',
] as const satisfies readonly RunOption[]

/** For commands that look at a relay, or mend it: as they are for `run`, so that what a relay was started with serves here, too. */
export const NAMED_RELAY_OPTIONS: Readonly<Record<(typeof NAMED_RELAY_NAMES)[number], Options>> = Object.fromEntries(
  NAMED_RELAY_NAMES.map((name) => [name, { ...RUN_OPTIONS[name], group: 'Which relay, as for run:' }]),
) as Record<(typeof NAMED_RELAY_NAMES)[number], Options>
