import type { Command } from './command.ts'
import { RUN_OPTIONS } from './run-options.ts'

export const CONFIG: Command = {
  name: 'config',
  about: 'Check a YAML file of options, or print the schema by which editors complete it',
  usage: 'config check FILE [options of run] | config schema',
  words: ['check', 'schema'],
  options: RUN_OPTIONS,
  examples: [
    ['config check relay.yaml', 'every problem in one message, before anything runs'],
    [
      'config schema > relay.schema.json',
      '`# yaml-language-server: $schema=relay.schema.json` on top of the YAML file',
    ],
  ],
  epilogue:
    '`check` reads the file as `run --config FILE` does, variables and options behind it included, and reaches neither stream nor target.\n' +
    'Exit codes: 0 well, with what has no effect as warnings · 2 usage, or a problem',
  async run(argv) {
    const { config } = await import('./config.ts')
    return await config(argv)
  },
}
