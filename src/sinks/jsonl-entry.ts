import { RelayError } from '../errors.ts'
import { pathProblem } from '../server-url.ts'
import { deadLetterFile } from './dead-letter-file.ts'
import type { SinkEntry, SinkSettings } from './entry.ts'
import { withState } from './with-state.ts'

export const JSONL: SinkEntry = {
  usage: 'jsonl:PATH or jsonl:- (standard output)',
  examples: [
    ['jsonl:changes.jsonl', 'a file, one change a line'],
    ['jsonl:-', 'standard output'],
  ],
  deletes: ['hard', 'soft'],
  writes: 'records',
  log: 'without key',
  keepsState: false,
  takesPassword: false,
  isChecked: false,
  isStandardOutput: (url) => pathOf(url) === '-',
  problem(url) {
    const path = pathOf(url)
    return path === '' ? 'names no file: jsonl:PATH, or jsonl:- for standard output' : pathProblem(path)
  },
  secrets: () => [],
  async openLetters(place) {
    const { openLetterFile } = await import('./letter-file.ts')
    if (isPiped(place)) {
      throw new RelayError('CONFIGURATION', 'With jsonl:- dead letters go to standard error, and are kept nowhere')
    }
    return await openLetterFile({ path: deadLetterFile(place, place.name), writes: place.writes })
  },
  openPreview: 'it writes the change records as they come, without tables or statements; jsonl:- shows them',
  async open(settings, { name, openStore, log }) {
    const { jsonlEmitter } = await import('./jsonl.ts')
    const path = pathOf(settings.sink)
    const deadLetters = isPiped(settings) ? '-' : deadLetterFile(settings, name)
    return withState(jsonlEmitter({ path, deadLetters, log }), await openStore())
  },
}

/** Standard output is for the changes, and nobody looks for a file beside it. */
const isPiped = ({ sink, deadLetters }: Pick<SinkSettings, 'sink' | 'deadLetters'>): boolean =>
  pathOf(sink) === '-' && deadLetters === undefined

const pathOf = (url: string): string => url.slice('jsonl:'.length)
