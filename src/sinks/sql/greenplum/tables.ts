import { sql } from 'kysely'
import { TYPES_IN_DEFAULT_COLLATION } from '../../tables/column-types.ts'
import { columnsShape } from '../../tables/columns-shape.ts'
import type { Database, Statement } from '../../tables/database.ts'
import { documentShape } from '../../tables/document.ts'
import type { TypedKey } from '../../tables/keys.ts'
import type { Mismatch } from '../../tables/layout.ts'
import { planMirror } from '../../tables/mirror.ts'
import { alter } from '../../tables/mismatches.ts'
import { DATA } from '../../tables/own-columns.ts'
import { type Refuses, refusing } from '../../tables/refused-values.ts'
import type { Relation } from '../../tables/relation.ts'
import type { KeyStyle, TableDialect, TableStyle } from '../../tables/style.ts'
import type { Mapping, Target } from '../../tables/target.ts'
import { rebuiltTable } from '../postgresql/rebuilt-table.ts'
import { postgresStyle } from '../postgresql/tables.ts'
import {
  addUnique,
  deferrableKeys,
  dropUnique,
  missingUnique,
  partedKeys,
  uniquesOverOthers,
  wrongUniques,
} from '../postgresql/uniqueness.ts'
import { createTable, distributedBy, type Kernel } from './kernel.ts'
import type { MergeTable } from './merge.ts'
import { keyedShape } from './staging.ts'
import { greenplumStatements } from './statements.ts'

/** Mirrored tables of Greenplum. */
export function greenplumTables(kernel: Kernel, deletes: 'hard' | 'soft'): TableDialect<Database> {
  return {
    ...greenplumStyle(kernel, deletes),
    columns(table) {
      const shapeOf = (refuses?: Refuses) => keyedShape(columnsShape(refusing(table, refuses)))
      const shape = shapeOf()
      const statements = greenplumStatements(kernel, { ...table, columns: table, dataType: null })
      return (changes, refuses) =>
        planMirror(table, refuses === undefined ? shape : shapeOf(refuses), statements, changes)
    },
    document(table, relation) {
      const shape = keyedShape(documentShape(table))
      const merged: MergeTable = { ...table, columns: null, dataType: typeOfData(relation) }
      const statements = greenplumStatements(kernel, merged)
      return (changes) => planMirror(table, shape, statements, changes)
    },
  }
}

export function greenplumStyle(kernel: Kernel, deletes: 'hard' | 'soft'): TableStyle & KeyStyle<TypedKey> {
  const { addLabel, ...style } = postgresStyle(deletes, createTable(kernel))
  return {
    ...style,
    ...(kernel.addsLabels && addLabel && { addLabel }),
    ...TYPES_IN_DEFAULT_COLLATION,
    uniqueness: (target, keys, written, relation) => uniqueness(kernel, target, keys, written, relation),
    // A key, and what rows are spread by, it does not alter.
    widen: (target, column, type, relation) =>
      isOfKey(relation, column.name) ? null : style.widen(target, column, type, relation),
    retypeKey: (target, column, type, keys, relation) =>
      retypeKey(target, keys, relation, style.retype(target, column, type)!, column),
  }
}

/** In the order in which their fixes can be run. */
function uniqueness(
  kernel: Kernel,
  target: Target,
  keys: readonly Mapping[],
  written: ReadonlySet<string>,
  relation: Relation,
): readonly Mismatch[] {
  const rebuilt = rebuiltTable(target, keys, sql`${kernel.heap(85)} ${distributedBy(keys)}`)
  const parted = partedKeys(keys, relation, rebuilt)
  if (parted.length > 0) return parted
  const heap = appendOptimized(kernel, target, relation, rebuilt)
  // A new table has a key, and none of the indexes.
  if (heap.length > 0 && kernel.becomeHeap(target) === null) return heap
  return [
    ...heap,
    ...deferrableKeys(target, keys, relation),
    ...wrongUniques(target, keys, written, relation),
    ...missingUnique(target, keys, relation).map((mismatch) => spread(target, keys, written, relation, mismatch)),
  ]
}

/** Rows are updated and deleted one by one, which such tables are not made for, nor can they tell two rows of one key. */
function appendOptimized(
  kernel: Kernel,
  target: Target,
  { isAppendOptimized = false }: Relation,
  rebuilt: Statement,
): Mismatch[] {
  if (!isAppendOptimized) return []
  const what = 'it is append-optimised, and a mirror needs a heap (for --mode append it would do)'
  return [{ what, fix: kernel.becomeHeap(target) ?? rebuilt }]
}

/** A unique index holds on each segment, so all rows of a key must be on one; and others that are in the way of that must go. */
function spread(
  target: Target,
  keys: readonly Mapping[],
  written: ReadonlySet<string>,
  relation: Relation,
  { what, fix }: Mismatch,
): Mismatch {
  const { distribution, uniques } = relation
  const isKey = (name: string): boolean => keys.some(({ column }) => column === name)
  if (typeof distribution === 'object' ? distribution.every(isKey) : distribution !== 'randomly') return { what, fix }
  const wrong = uniquesOverOthers(keys, written, relation)
  const inTheWay = (uniques ?? []).filter(
    (unique) => !wrong.includes(unique) && !keys.every(({ column }) => unique.columns.includes(column)),
  )
  const steps = [
    ...inTheWay.map((unique) => dropUnique(target, unique)),
    alter(target, sql`SET ${distributedBy(keys)}`),
    ...(fix === null ? [] : [fix]),
  ]
  return { what, fix: sql.join(steps, sql`; `) }
}

/** A column of a unique index cannot get another type, nor can one by which rows are spread. */
function retypeKey(
  target: Target,
  keys: readonly Mapping[],
  { uniques, distribution = keys.map(({ column }) => column) }: Relation,
  retype: Statement,
  column: string,
): Statement {
  const over = (uniques ?? []).filter(({ columns }) => columns.includes(column))
  const again = over.filter(({ plain, columns }) => plain && keys.every((key) => columns.includes(key.column)))
  const isSpreadBy = typeof distribution === 'object' && distribution.includes(column)
  const by = typeof distribution === 'object' ? distribution.map((name) => ({ attribute: name, column: name })) : []
  const steps = [
    ...over.map((unique) => dropUnique(target, unique)),
    ...(isSpreadBy ? [alter(target, sql`SET ${distributedBy([])}`)] : []),
    retype,
    ...(isSpreadBy ? [alter(target, sql`SET ${distributedBy(by)}`)] : []),
    ...again.map((unique) => addUnique(target, unique)),
  ]
  return sql.join(steps, sql`; `)
}

const isOfKey = ({ uniques, distribution }: Relation, name: string): boolean =>
  (uniques ?? []).some(({ columns }) => columns.includes(name)) ||
  (typeof distribution === 'object' && distribution.includes(name))

const typeOfData = ({ columns }: Relation): string =>
  columns.find(({ name }) => name === DATA.name)?.baseType ?? 'jsonb'
