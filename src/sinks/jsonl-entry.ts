import { pathProblem } from '../server-url.ts'
import { deadLetterFile } from './dead-letter-file.ts'
import type { SinkEntry } from './entry.ts'
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
  async open(settings, { name, openStore, log }) {
    const { jsonlEmitter } = await import('./jsonl.ts')
    const path = pathOf(settings.sink)
    // Standard output is for the changes, and nobody looks for a file beside it.
    const isPiped = path === '-' && settings.deadLetters === undefined
    const deadLetters = isPiped ? '-' : deadLetterFile(settings, name)
    return withState(jsonlEmitter({ path, deadLetters, log }), await openStore())
  },
}

const pathOf = (url: string): string => url.slice('jsonl:'.length)
