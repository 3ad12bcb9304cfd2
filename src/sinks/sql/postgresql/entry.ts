import { secretsOf } from '../../../mask.ts'
import { addressProblem } from '../../../server-url.ts'
import type { SinkEntry } from '../../entry.ts'
import { openSql, openSqlPreview } from '../open.ts'
import { openSqlLetters } from '../open-letters.ts'
import { openSqlState } from '../open-state.ts'
import { postgresAddress, TLS_FILES } from './address.ts'

export const POSTGRESQL: SinkEntry = {
  usage: 'postgresql://USER@HOST/DATABASE[?schema=NAME]',
  examples: [['postgresql://app@db/warehouse', 'PostgreSQL']],
  deletes: ['hard', 'soft'],
  writes: 'tables',
  log: 'may be keyed',
  keepsState: true,
  takesPassword: true,
  isChecked: true,
  problem: (url) => addressProblem(url, () => postgresAddress(url), TLS_FILES),
  secrets: (url, { PGPASSWORD = '' }) => [...secretsOf(url), PGPASSWORD],
  openState: openSqlState,
  openLetters: openSqlLetters,
  openPreview: openSqlPreview,
  open: openSql,
}
