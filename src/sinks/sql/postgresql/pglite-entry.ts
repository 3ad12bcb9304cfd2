import { existsSync } from 'node:fs'
import { RelayError } from '../../../errors.ts'
import { pathProblem } from '../../../server-url.ts'
import type { SinkEntry } from '../../entry.ts'
import { openSql, openSqlPreview } from '../open.ts'
import { openSqlLetters } from '../open-letters.ts'
import { openSqlState } from '../open-state.ts'

export const PGLITE: SinkEntry = {
  usage: 'pglite:DIR',
  examples: [['pglite:./data', 'an embedded PostgreSQL']],
  deletes: ['hard', 'soft'],
  writes: 'tables',
  log: 'may be keyed',
  keepsState: true,
  opensOnce: true,
  takesPassword: false,
  isChecked: true,
  problem(url) {
    const folder = url.slice('pglite:'.length)
    return folder === '' ? 'names no folder: pglite:DIR' : pathProblem(folder)
  },
  secrets: () => [],
  async openState(settings, env) {
    requireFolder(settings)
    return await openSqlState(settings, env)
  },
  async openLetters(place) {
    requireFolder(place)
    return await openSqlLetters(place)
  },
  openPreview: openSqlPreview,
  open: openSql,
}

/** PGlite would make the folder, and a database in it. */
function requireFolder({ sink }: { readonly sink: string }): void {
  const folder = sink.slice('pglite:'.length)
  if (!existsSync(folder)) throw new RelayError('CONFIGURATION', `There is no PGlite folder ${folder}`)
}
