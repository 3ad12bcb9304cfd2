import type { SourceTable } from '../../batch.ts'
import type { ColumnsTable, TargetColumn } from './columns-table.ts'
import { type LabelLooks, labelsOf } from './label-looks.ts'
import type { Column, Relation } from './relation.ts'
import { rowRoom } from './row-room.ts'
import { whyLeftOut, whyNotHeld } from './set-aside.ts'
import type { TableStyle } from './style.ts'
import type { DesiredTable, KeyColumn, Mapping, Target } from './target.ts'

/** How the columns of an existing table hold those of the source. */
export function boundColumns<C extends Column, R extends Relation<C>>(
  target: Target,
  { keys, columns }: DesiredTable,
  relation: R,
  known: SourceTable | null,
  { codecFor, deletes, own, mostColumns }: TableStyle<R, C>,
): ColumnsTable {
  const byName = new Map(relation.columns.map((column) => [column.name, column]))
  const isKey = new Set(keys.map(({ attribute }) => attribute))
  const sources = new Map(columns.map((column) => [column.attribute, column]))
  const bound = (mapping: Mapping, column: C, index: number): TargetColumn => {
    const { given, holds } = sources.get(mapping.attribute)!
    const codec = codecFor(column, given, holds)
    return {
      ...mapping,
      ...codec,
      index,
      isInteger: /^int[248]$/.test(column.baseType) || /^u?int/.test(known?.columns.get(mapping.attribute) ?? ''),
      isNotNull: column.notNull || column.underlying.isNotNull === true,
      whyAside: whyNotHeld(column.type, codec),
    }
  }
  const values = columns
    .filter(({ attribute, column }) => !isKey.has(attribute) && byName.has(column))
    .map((mapping, index) => bound(mapping, byName.get(mapping.column)!, index))
  const keyColumns = keys.map((key, index): KeyColumn & TargetColumn => {
    const column = byName.get(key.column)!
    return { ...key, ...bound(key, column, index), declared: column.type, collation: column.collation }
  })
  return {
    ...target,
    known,
    keys: keyColumns,
    values,
    room: rowRoom(
      relation,
      keyColumns.map(({ column }) => column),
      values.map(({ column }) => column),
    ),
    hasTombstones: deletes === 'hard' && keys.length > 0,
    hasExtra: byName.has(own.extra.name),
    attributes: columns.map(({ attribute }) => attribute).filter((attribute) => !isKey.has(attribute)),
    // What has a type and no column was left out on purpose.
    leftOut: new Map(
      columns
        .filter(({ column, type }) => type !== null && !byName.has(column))
        .map(({ attribute }) => [attribute, whyLeftOut(countOf(relation) >= mostOf(relation, { mostColumns }))]),
    ),
  }
}

/** Notes what an enum lacks. */
export function askingForLabels(table: ColumnsTable, relation: Relation, looks: LabelLooks): ColumnsTable {
  const enums = new Set(
    relation.columns.filter(({ underlying }) => labelsOf(underlying).length > 0).map(({ name }) => name),
  )
  const isEnum = ({ column }: TargetColumn): boolean =>
    relation.columns.some(({ name, underlying }) => name === column && underlying.kind === 'e')
  const asking = <T extends TargetColumn>(column: T): T => {
    if (!enums.has(column.column)) return column
    const isLabel = isEnum(column)
    const encode: TargetColumn['encode'] = (value) => {
      const token = column.encode(value)
      if (token === undefined) looks.missed(column.column, isLabel && typeof value === 'string' ? value : undefined)
      return token
    }
    return { ...column, encode }
  }
  return { ...table, keys: table.keys.map(asking), values: table.values.map(asking) }
}

/** PostgreSQL's own limit. */
const MOST_ATTRIBUTES = 1600

/** How many columns the table may have. A column that was dropped counts to the server as one that is there. */
export function mostOf({ columns, page }: Relation, { mostColumns }: Pick<TableStyle, 'mostColumns'>): number {
  const dropped = (page?.attributes ?? columns.length) - columns.length
  return Math.min(mostColumns, MOST_ATTRIBUTES - dropped)
}

export const countOf = ({ columns, columnCount = columns.length }: Relation): number => columnCount
