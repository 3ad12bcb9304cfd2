import { masker, maskWord } from '../mask.ts'

/**
 * Takes passwords out of what `ps` shows of this process, where the platform lets it: on Linux the title is written over the
 * arguments. They show until then, and as arguments of the shell or the package manager that started it.
 */
export function hideArguments(args: readonly string[]): void {
  const mask = masker([])
  const shown = args.map((word) => (word.includes('@') && !word.includes('://') ? maskWord(word) : mask(word)))
  if (shown.every((word, i) => word === args[i])) return
  process.title = ['cdc-relay', ...shown].join(' ')
}
