import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { pathProblem } from '../../server-url.ts'
import type { SourceEntry } from '../entry.ts'

/** `file:PATH`, or `file:-` for standard input. */
export const FILE_SOURCE: SourceEntry = {
  usage: 'file:PATH or file:- (JSON records in lines, lists or answers of the AWS CLI, plain or gzip)',
  isStream: false,
  commonAws: () => [],
  nameOf(source) {
    const path = pathOf(source)
    return path === '-' ? 'stdin' : basename(path)
  },
  problem(source) {
    const path = pathOf(source)
    if (path === '') return 'names no file: file:PATH, or file:- for standard input'
    return existsSync(path) ? null : pathProblem(path)
  },
  async open({ source, memory }, { log }) {
    const { fileSource } = await import('./source.ts')
    const path = pathOf(source)
    return Object.assign(fileSource({ path, memoryBytes: memory, log }), {
      streamName: FILE_SOURCE.nameOf(source),
      keepsState: path !== '-',
    })
  },
}

const pathOf = (source: string): string => source.slice('file:'.length)
