import { secretsOf } from '../../../mask.ts'
import { addressProblem } from '../../../server-url.ts'
import type { SinkEntry } from '../../entry.ts'
import { openSql, openSqlPreview } from '../open.ts'
import { openSqlLetters } from '../open-letters.ts'
import { openSqlState } from '../open-state.ts'
import { TLS_FILES } from '../postgresql/address.ts'
import { crateAddress } from './address.ts'

export const CRATEDB: SinkEntry = {
  usage: 'crate://USER@HOST:5432/SCHEMA[?objects=dynamic]',
  examples: [["'crate://app@crate:5432/doc?sslmode=verify-full'", 'CrateDB']],
  // CrateDB has no way to delete a row and leave a tombstone in one step.
  deletes: ['soft'],
  writes: 'tables',
  log: 'keyed',
  keepsState: true,
  takesPassword: true,
  isChecked: true,
  problem: (url, env) => addressProblem(url, () => crateAddress(url, env), TLS_FILES),
  secrets: (url, { PGPASSWORD = '' }) => [...secretsOf(url), PGPASSWORD],
  openState: openSqlState,
  openLetters: openSqlLetters,
  openPreview: openSqlPreview,
  open: openSql,
}
