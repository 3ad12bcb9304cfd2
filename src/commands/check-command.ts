import { CHECK_OPTIONS } from './check-options.ts'
import type { Command } from './command.ts'

export const CHECK: Command = {
  name: 'check',
  about: 'See whether a target does what the relay relies on',
  usage: 'check --sink URL [--json]',
  options: CHECK_OPTIONS,
  epilogue:
    'Works in a schema of its own, cdc_relay_check_…, and removes it. docs/check.md says what is checked.\n' +
    'Exit codes: 0 all as expected · 1 something differs · 2 usage or configuration',
  async run(argv) {
    const { check } = await import('./check.ts')
    return await check(argv)
  },
}
