import type { Options } from 'yargs'

/** Every option of `cdc-relay check`; `--sink` may also be the variable that `run` reads. */
export const CHECK_OPTIONS = {
  sink: {
    type: 'string',
    requiresArg: true,
    describe: 'the target: postgresql://…, greenplum://…, crate://… or pglite:DIR [CDC_RELAY_SINK]',
  },
  'sink-password-file': {
    type: 'string',
    requiresArg: true,
    describe: 'file that holds the password, as for run [CDC_RELAY_SINK_PASSWORD_FILE]',
  },
  json: { type: 'boolean', describe: 'one JSON object instead of a table' },
} as const satisfies Record<string, Options>
