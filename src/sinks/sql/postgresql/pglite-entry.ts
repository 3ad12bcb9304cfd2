import { existsSync } from 'node:fs'
import { RelayError } from '../../../errors.ts'
import { pathProblem } from '../../../server-url.ts'
import type { SinkEntry } from '../../entry.ts'
import { openSql } from '../open.ts'
import { openSqlState } from '../open-state.ts'

export const PGLITE: SinkEntry = {
  usage: 'pglite:DIR',
  examples: [['pglite:./data', 'an embedded PostgreSQL']],
  deletes: ['hard', 'soft'],
  writes: 'tables',
  log: 'may be keyed',
  keepsState: true,
  takesPassword: false,
  isChecked: true,
  problem(url) {
    const folder = url.slice('pglite:'.length)
    return folder === '' ? 'names no folder: pglite:DIR' : pathProblem(folder)
  },
  secrets: () => [],
  async openState(settings, env) {
    const folder = settings.sink.slice('pglite:'.length)
    // PGlite would make the folder, and a database in it.
    if (!existsSync(folder)) throw new RelayError('CONFIGURATION', `There is no PGlite folder ${folder}`)
    return await openSqlState(settings, env)
  },
  open: openSql,
}
