import type { Command } from './command.ts'
import { STATUS_OPTIONS } from './status-options.ts'

export const STATUS: Command = {
  name: 'status',
  about: 'Say how a relay stands, whether it runs or not',
  usage: 'status --sink URL (--name NAME | --source STREAM) [options]',
  options: STATUS_OPTIONS,
  examples: [
    ['status --sink postgresql://app@db/warehouse --name orders-cdc', 'positions, lag, holder, tables, dead letters'],
    ['status --config relay.yaml', 'with the options of the relay itself; the stream is asked, too'],
  ],
  epilogue:
    'Reads the state alone, and asks the stream how long it keeps a record where --source names it. Claims nothing, changes nothing,\n' +
    'and shows no value of a row. A table on a terminal, else one JSON object. A PGlite folder can be looked at while no relay has it open.\n' +
    'Exit codes: 0 told · 1 failed · 2 usage or configuration, or nothing is stored under the name · 4 a relay has the PGlite folder open',
  async run(argv) {
    const { status } = await import('./status.ts')
    return await status(argv)
  },
}
