import type { Options } from 'yargs'
import { SINK_KINDS } from '../sinks/by-url.ts'

/** How the URLs of targets are written that there are checks for. */
export const CHECKED = SINK_KINDS.filter(([, { isChecked }]) => isChecked)
  .map(([, { usage }]) => usage)
  .join(', ')

/** Every option of `cdc-relay check`; `--sink` may also be the variable that `run` reads. */
export const CHECK_OPTIONS = {
  sink: {
    type: 'string',
    requiresArg: true,
    describe: `the target: ${CHECKED} [CDC_RELAY_SINK]`,
  },
  'sink-password-file': {
    type: 'string',
    requiresArg: true,
    describe: 'file that holds the password, as for run [CDC_RELAY_SINK_PASSWORD_FILE]',
  },
  json: { type: 'boolean', describe: 'one JSON object instead of a table' },
} as const satisfies Record<string, Options>
