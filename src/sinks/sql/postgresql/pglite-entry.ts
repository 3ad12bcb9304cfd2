import { pathProblem } from '../../../server-url.ts'
import type { SinkEntry } from '../../entry.ts'
import { openSql } from '../open.ts'

export const PGLITE: SinkEntry = {
  usage: 'pglite:DIR',
  examples: [['pglite:./data', 'an embedded PostgreSQL']],
  deletes: ['hard', 'soft'],
  writes: 'tables',
  keepsState: true,
  takesPassword: false,
  isChecked: true,
  problem(url) {
    const folder = url.slice('pglite:'.length)
    return folder === '' ? 'names no folder: pglite:DIR' : pathProblem(folder)
  },
  secrets: () => [],
  open: openSql,
}
