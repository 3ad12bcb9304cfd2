import { pathProblem } from '../server-url.ts'
import type { StateEntry } from './entry.ts'

export const FILE_STORE: StateEntry = {
  usage: 'file:PATH',
  commonAws: () => [],
  problem: (url) => pathProblem(pathOf(url)),
  secrets: () => [],
  async open(url) {
    const { fileStateStore } = await import('./file.ts')
    return fileStateStore(pathOf(url))
  },
}

const pathOf = (url: string): string => url.slice('file:'.length)
