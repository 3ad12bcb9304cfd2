import type { Command } from './command.ts'
import { POSITIONS_OPTIONS } from './positions-options.ts'

export const POSITIONS: Command = {
  name: 'positions',
  about: 'List, move, keep and put back how far a relay has read, while it does not run',
  usage: 'positions list|set|rewind|forget|export|import --sink URL (--name NAME | --source STREAM) [options]',
  words: ['list', 'set', 'rewind', 'forget', 'export', 'import'],
  options: POSITIONS_OPTIONS,
  examples: [
    ['positions list --config relay.yaml', 'where each shard stands'],
    ['positions rewind --config relay.yaml --to 2026-11-30T10:00:00Z', 'read again what arrived since then'],
    ['positions rewind --config relay.yaml --to earliest', 'read again all that the stream still holds'],
    ['positions export --config relay.yaml > positions.json', 'keep them; import --file positions.json puts them back'],
  ],
  epilogue:
    'list and export look at a relay whether it runs or not. The others refuse while one has the name, and take it while they write.\n' +
    'They say what will happen, then ask on a terminal; elsewhere nothing moves without --yes.\n' +
    'rewind never skips a record. What is read again changes nothing in a mirror; a log of changes (--mode append) may get it twice.\n' +
    'After set, forget and import it is for you to say that nothing is skipped.\n' +
    'Exit codes: 0 done · 1 failed · 2 usage or configuration, or nothing is stored under the name, or not confirmed · 4 a relay holds the name',
  async run(argv) {
    const { positions } = await import('./positions.ts')
    return await positions(argv)
  },
}
