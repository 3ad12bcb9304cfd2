import { join } from 'node:path'

const top = join(import.meta.dirname, '../../..')

/** The program from its source. */
export const SOURCE = join(top, 'src/cli.ts')

/**
 * The program that tests start: its source; under CDC_TEST_PROGRAM=published what is published, as it was built last. `npm test` builds
 * it: that starts in half the time, and it is what users have.
 */
export const PROGRAM = process.env.CDC_TEST_PROGRAM === 'published' ? join(top, 'bin/cdc-relay.cjs') : SOURCE
