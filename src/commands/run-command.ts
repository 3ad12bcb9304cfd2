import type { Command } from './command.ts'
import { RUN_OPTIONS } from './run-options.ts'
import { SINK_EXAMPLES } from './sink-examples.ts'

export const RUN: Command = {
  name: 'run',
  about: 'Read a stream and keep the target up to date, until stopped',
  usage: 'run --source STREAM --sink URL [options]',
  options: RUN_OPTIONS,
  examples: [
    ['run --source orders-cdc --sink postgresql://app@db/warehouse', 'mirror a table, for months'],
    ['run --source orders-cdc --sink pglite:./data --until-latest', 'catch up and end'],
    ['run --source file:- --sink jsonl:-', 'show what records decode to'],
  ],
  epilogue:
    `${SINK_EXAMPLES}\n\n` +
    'Every option may also stand in a YAML file (--config) or in a variable: --batch-records is CDC_RELAY_BATCH_RECORDS.\n' +
    'Exit codes: 0 done · 1 failed · 2 usage or configuration · 3 --on-error stop met a bad record · 4 another relay holds this name · 5 gap',
  async run(argv) {
    const { run } = await import('./run.ts')
    return await run(argv)
  },
}
