import type { Command } from './command.ts'
import { DEAD_LETTERS_OPTIONS } from './dead-letters-options.ts'

export const DEAD_LETTERS: Command = {
  name: 'dead-letters',
  about: 'List, show, write again or discard what a relay could not decode or write',
  usage: 'dead-letters list|show|replay|discard [ID…] --sink URL (--name NAME | --source STREAM) [options]',
  words: ['list', 'show', 'replay', 'discard'],
  options: DEAD_LETTERS_OPTIONS,
  examples: [
    ['dead-letters list --config relay.yaml --code SINK_REFUSED', 'which, of what, why'],
    ['dead-letters show 17 --config relay.yaml', 'with the values of its row'],
    ['dead-letters replay --config relay.yaml --of-table shop.orders', 'write them again, once the cause is mended'],
    ['dead-letters discard 17 18 --config relay.yaml --yes', 'let them go for good'],
  ],
  epilogue:
    'The relay may run meanwhile. list shows no value of a row; show does, for a dead letter is what holds values.\n' +
    'replay takes the options of the relay. It goes through decoder, filters and the one rule, so that a letter that is out of date undoes\n' +
    'nothing. What succeeds goes in the step that writes its row; what fails again stays with its new reason.\n' +
    'discard asks on a terminal; elsewhere nothing goes without --yes.\n' +
    'A table or a line on a terminal, else JSON: one line a letter, or the counts.\n' +
    'Exit codes: 0 done · 1 failed, or letters failed again, or an ID is not there · 2 usage or configuration, or not confirmed · 4 held by another',
  async run(argv) {
    const { deadLetters } = await import('./dead-letters.ts')
    return await deadLetters(argv)
  },
}
