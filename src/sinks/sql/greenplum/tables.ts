import type { Relation } from '../catalogue.ts'
import { columnsShape } from '../columns-shape.ts'
import type { Database } from '../connection.ts'
import type { TableDialect, TableStyle } from '../dialect.ts'
import { documentShape } from '../document.ts'
import type { TypedKey } from '../keys.ts'
import type { Misfit, Target } from '../layout.ts'
import { planMirror } from '../mirror.ts'
import { DATA } from '../own-columns.ts'
import { postgresStyle } from '../postgresql/tables.ts'
import { createTable, type Kernel } from './kernel.ts'
import type { MergeTable } from './merge.ts'
import { keyedShape } from './staging.ts'
import { greenplumStatements } from './statements.ts'

/** Mirrored tables of Greenplum. */
export function greenplumTables(kernel: Kernel, deletes: 'hard' | 'soft'): TableDialect<Database> {
  return {
    ...greenplumStyle(kernel, deletes),
    columns(table) {
      const shape = keyedShape(columnsShape(table))
      const statements = greenplumStatements(kernel, { ...table, columns: table, dataType: null })
      return (changes) => planMirror(table, shape, statements, changes)
    },
    document(table, relation) {
      const shape = keyedShape(documentShape(table, table.keys as readonly TypedKey[]))
      const merged: MergeTable = { ...table, columns: null, dataType: typeOfData(relation) }
      const statements = greenplumStatements(kernel, merged)
      return (changes) => planMirror(table, shape, statements, changes)
    },
  }
}

export function greenplumStyle(kernel: Kernel, deletes: 'hard' | 'soft'): TableStyle {
  const style = postgresStyle(deletes, createTable(kernel))
  return {
    ...style,
    uniqueness: (target, keys, written, relation) => [
      ...appendOptimized(kernel, target, relation),
      ...style.uniqueness(target, keys, written, relation),
    ],
  }
}

/** Rows are updated and deleted one by one, which such tables are not made for, nor can they tell two rows of one key. */
function appendOptimized(kernel: Kernel, target: Target, { isAppendOptimized = false }: Relation): Misfit[] {
  if (!isAppendOptimized) return []
  const what = 'it is append-optimised, and a mirror needs a heap (for --mode append it would do)'
  return [{ what, cure: kernel.becomeHeap(target) }]
}

const typeOfData = ({ columns }: Relation): string =>
  columns.find(({ name }) => name === DATA.name)?.baseType ?? 'jsonb'
