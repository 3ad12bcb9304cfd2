import { join } from 'node:path'

const top = join(import.meta.dirname, '../../..')

/**
 * For a process that may open PGlite, which each process compiles again: to optimise that code takes longer than a test gains by it.
 * The second flag does not follow from the first one.
 */
export const QUICK_PGLITE = ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering'] as const

/** The program from its source. */
export const SOURCE = join(top, 'src/cli.ts')

/**
 * The program that tests start: its source; under CDC_TEST_PROGRAM=published what is published, as it was built last. `npm test` builds
 * it: that starts in half the time, and it is what users have.
 */
export const PROGRAM = process.env.CDC_TEST_PROGRAM === 'published' ? join(top, 'bin/cdc-relay.cjs') : SOURCE
