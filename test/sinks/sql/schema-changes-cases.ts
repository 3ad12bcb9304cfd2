import type { SchemaChange } from '../../../src/change.ts'
import { addColumn, createTable, dropTable, sourceTable } from '../../support/changes.ts'

export const FIRST = sourceTable({ id: 'int32', note: 'text' })
export const MORE = sourceTable({ id: 'int32', note: 'text', qty: 'int64' })
/** Those that `add-only` follows, or that only tell. */
export const FOLLOWED: readonly SchemaChange[] = [
  createTable({ id: 'int32', note: 'text' }, 1),
  dropTable(1),
  addColumn({ qty: 'int64' }, 1),
  addColumn(null, 1),
]
export const OTHERS: readonly SchemaChange[] = (
  ['rename-table', 'change-columns', 'drop-column', 'rename-column', 'column-type-change'] as const
).map((op) => ({ ...addColumn(null, 1), op }))
