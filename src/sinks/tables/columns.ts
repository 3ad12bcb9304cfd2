import { sql } from 'kysely'
import type { SourceTable } from '../../batch.ts'
import type { Change, ColumnType, Value } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { inferredType } from './column-types.ts'
import type { ColumnsTable, TargetColumn } from './columns-table.ts'
import { LabelLooks, labelsOf } from './label-looks.ts'
import type { Evidence, Layout, Mismatch } from './layout.ts'
import {
  alter,
  generated,
  notNull,
  softDeleted,
  unfilledColumns,
  wrongColumns,
  wrongForeignKeys,
  wrongKind,
} from './mismatches.ts'
import type { OwnColumn } from './own-columns.ts'
import { unsureColumns } from './refused-values.ts'
import type { Column, Relation } from './relation.ts'
import { rowRoom } from './row-room.ts'
import type { DeclaredTypes } from './rules.ts'
import { whyLeftOut, whyNotHeld } from './set-aside.ts'
import type { ColumnsDialect, TableStyle } from './style.ts'
import type { DesiredColumn, DesiredTable, KeyColumn, Mapping, Target } from './target.ts'
import { longestFirst } from './too-large.ts'

/**
 * The mirror in the layout `columns`: one typed column for each column or attribute of the source, the row's version in
 * `cdc_version`, and by name in `cdc_extra` what its column cannot hold.
 */
export function columnsMirror<To, C extends Column, R extends Relation<C>>(
  dialect: ColumnsDialect<To, R, C>,
  declaredTypes: DeclaredTypes,
): Layout<To, R> {
  const { deletes } = dialect
  const { version, deleted, extra } = dialect.own
  const own: readonly OwnColumn[] = deletes === 'soft' ? [version, deleted] : [version]
  const looks = new Map<string, LabelLooks>()

  return {
    name: 'columns',
    desired: (evidence) => desired(evidence, declaredTypes, dialect),

    create(target, { keys, columns }) {
      const isKey = new Set(keys.map(({ attribute }) => attribute))
      if (columns.some(({ attribute, type }) => isKey.has(attribute) && type === null)) return null
      const ours = [version, extra, ...(deletes === 'soft' ? [deleted] : [])]
      const typed = columns.filter(({ type }) => type !== null)
      const room = Math.max(0, dialect.mostColumns - keys.length - ours.length)
      const values = new Set(typed.filter(({ attribute }) => !isKey.has(attribute)).slice(0, room))
      const definitions = [
        ...typed
          .filter((column) => isKey.has(column.attribute) || values.has(column))
          .map(({ attribute, column, type }) => {
            const required = isKey.has(attribute) ? sql` NOT NULL` : sql``
            return sql`${sql.id(column)} ${sql.raw(type!)}${required}`
          }),
        ...ours.map(({ name, definition }) => sql`${sql.id(name)} ${definition}`),
      ]
      return dialect.create(target, definitions, keys)
    },

    additions(target, { keys, columns }, relation) {
      // What is no table is a misfit.
      if (wrongKind(target, relation).length > 0) return { own: [], optional: [], columns: [] }
      const isThere = new Set(relation.columns.map(({ name }) => name))
      // A missing part of the key is a misfit: the rows that are there have no value for it.
      const isKey = new Set(keys.map(({ column }) => column))
      const missing = own.filter(({ name }) => !isThere.has(name))
      // Without it, what a column cannot hold is a dead letter.
      const optional = [extra].filter(({ name }) => !isThere.has(name))
      const room = Math.max(0, mostOf(relation, dialect) - countOf(relation) - missing.length - optional.length)
      return {
        own: missing,
        optional,
        columns: columns
          .filter(({ column, type }) => type !== null && !isThere.has(column) && !isKey.has(column))
          .slice(0, room)
          .map(({ column, type }) => ({ name: column, definition: sql.raw(type!) })),
      }
    },

    mismatches(target, { keys, columns }, relation) {
      const kind = wrongKind(target, relation)
      if (kind.length > 0) return kind
      const optional = relation.columns.some(({ name }) => name === extra.name) ? [extra] : []
      const written = new Set([...columns.map(({ column }) => column), ...own.map(({ name }) => name), extra.name])
      const mapped = relation.columns.filter(({ name }) => columns.some(({ column }) => column === name))
      const isKey = (name: string): boolean => keys.some(({ column }) => column === name)
      return [
        ...keys.flatMap(({ column }) => wrongKey(target, column, columns, relation, dialect)),
        ...mapped
          .filter((column) => column.generated !== null && !isKey(column.name))
          .map((column) => generated(target, column, dialect)),
        // A deleted row stays, empty but for its key.
        ...(deletes === 'soft'
          ? mapped
              .filter((column) => column.notNull && !isKey(column.name))
              .map((column) => notNull(target, column, dialect))
          : softDeleted(relation)),
        ...wrongColumns(target, [...own, ...optional], relation, dialect),
        ...dialect.uniqueness(target, keys, written, relation),
        ...wrongForeignKeys(relation),
        ...unfilledColumns(target, written, relation, dialect),
      ]
    },

    bind(target, desired, relation, known) {
      const table = boundTable(target, desired, relation, known, dialect)
      const plan = (table: ColumnsTable) => dialect.columns(table, relation)
      const common = { ...table, longestFirst: (change: Change) => longestFirst(table, change) }
      if (!relation.columns.some(({ underlying }) => labelsOf(underlying).length > 0))
        return { ...common, unsure: unsureColumns(table), plan: plan(table) }
      const looksHere = looks.get(target.source) ?? new LabelLooks(() => performance.now())
      looks.set(target.source, looksHere)
      looksHere.looked(relation.columns.map(({ underlying }) => underlying))
      const asking = askingForLabels(table, relation, looksHere)
      return {
        ...common,
        ...asking,
        unsure: unsureColumns(asking),
        plan: plan(asking),
        isOutdated: () => looksHere.isDue(),
      }
    },

    companion: (table, relation) =>
      dialect.companion(
        table,
        relation.columns.map(({ name }) => name).filter((name) => name !== deleted.name),
      ),
  }
}

function desired(
  { known, changes, remembered }: Evidence,
  declaredTypes: DeclaredTypes,
  { names, newColumnType }: Pick<TableStyle, 'names' | 'newColumnType'>,
): DesiredTable | null {
  const keyNames = keyOf(known, changes)
  if (keyNames === null) return null
  const types = new Map<string, ColumnType | null>(keyNames.map((name) => [name, null]))
  for (const [attribute, type] of known?.columns ?? []) types.set(attribute, type)
  for (const { attribute } of remembered) if (!types.has(attribute)) types.set(attribute, null)
  for (const [attribute, values] of valuesOf(changes, types)) {
    types.set(attribute, inferredType(values, changes[0]!.source.format === 'dms' ? 'dms' : 'dynamodb'))
  }
  const declared = declaredTypes(known?.name ?? changes[0]!.table)
  for (const [attribute, type] of declared) if (types.has(attribute)) types.set(attribute, type)

  const columns = Array.from(types, ([attribute, type]): DesiredColumn => {
    const isKey = keyNames.includes(attribute)
    // What some values of an attribute were says nothing of the others.
    const isTold = isKey || declared.has(attribute) || known?.columns.has(attribute) === true
    return {
      attribute,
      column: names.column(attribute),
      holds: isTold ? type : null,
      type: type === null ? null : newColumnType(type, isKey),
    }
  })
  return {
    keys: keyNames.map((attribute) => ({ attribute, column: names.column(attribute), family: null })),
    columns,
  }
}

function keyOf(known: SourceTable | null, changes: Evidence['changes']): readonly string[] | null {
  if (known !== null) return known.key
  const [sample] = changes
  if (sample === undefined) return null
  const attributes = Object.keys(sample.key ?? {}).sort()
  if (attributes.length > 0) return attributes
  throw new RelayError('SINK_TABLE', `No key is known for table ${sample.table.name}, and a mirror needs one`)
}

/** Notes what an enum lacks. */
function askingForLabels(table: ColumnsTable, relation: Relation, looks: LabelLooks): ColumnsTable {
  const enums = new Set(
    relation.columns.filter(({ underlying }) => labelsOf(underlying).length > 0).map(({ name }) => name),
  )
  const asking = <T extends TargetColumn>(column: T): T => {
    if (!enums.has(column.column)) return column
    const encode: TargetColumn['encode'] = (value) => {
      const token = column.encode(value)
      if (token === undefined) looks.missed()
      return token
    }
    return { ...column, encode }
  }
  return { ...table, keys: table.keys.map(asking), values: table.values.map(asking) }
}

/** Of the columns without a type: what they held in these changes. */
function valuesOf(changes: Evidence['changes'], types: ReadonlyMap<string, ColumnType | null>): Map<string, Value[]> {
  const values = new Map<string, Value[]>()
  const add = (row: Readonly<Record<string, Value>> | null): void => {
    for (const name in row) {
      if ((types.get(name) ?? null) !== null) continue
      const list = values.get(name)
      if (list === undefined) values.set(name, [row[name]!])
      else list.push(row[name]!)
    }
  }
  for (const { key, after } of changes) {
    add(key)
    add(after)
  }
  return values
}

function wrongKey<C extends Column, R extends Relation<C>>(
  target: Target,
  name: string,
  columns: readonly DesiredColumn[],
  relation: R,
  dialect: TableStyle<R, C>,
): readonly Mismatch[] {
  const column = relation.columns.find((column) => column.name === name)
  if (column === undefined) {
    const type = columns.find(({ column }) => column === name)?.type ?? 'text'
    const fix = alter(target, sql`ADD COLUMN ${sql.id(name)} ${sql.raw(type)}`)
    return [{ what: `key column "${name}" is missing`, fix }]
  }
  if (column.generated !== null) return [generated(target, column, dialect)]
  if (column.collation?.deterministic === false) {
    return [{ what: `key column "${name}" has a collation that takes different texts for one`, fix: null }]
  }
  const holds = columns.find((column) => column.column === name)?.holds ?? null
  if (dialect.codecFor(column, 'dms', holds).isKeyable) return []
  return [
    {
      what: `key column "${name}" is ${column.type}, whose values cannot be compared before they are written`,
      fix: null,
    },
  ]
}

function boundTable<C extends Column, R extends Relation<C>>(
  target: Target,
  { keys, columns }: DesiredTable,
  relation: R,
  known: SourceTable | null,
  { codecFor, deletes, own, mostColumns }: TableStyle<R, C>,
): ColumnsTable {
  const feed = known === null ? 'dynamodb' : 'dms'
  const byName = new Map(relation.columns.map((column) => [column.name, column]))
  const isKey = new Set(keys.map(({ attribute }) => attribute))
  const holds = new Map(columns.map(({ attribute, holds }) => [attribute, holds]))
  const bound = (mapping: Mapping, column: C, index: number): TargetColumn => {
    const codec = codecFor(column, feed, holds.get(mapping.attribute) ?? null)
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

/** PostgreSQL's own limit. */
const MOST_ATTRIBUTES = 1600

/** A column that was dropped counts to the server as one that is there. */
function mostOf({ columns, page }: Relation, { mostColumns }: Pick<TableStyle, 'mostColumns'>): number {
  const dropped = (page?.attributes ?? columns.length) - columns.length
  return Math.min(mostColumns, MOST_ATTRIBUTES - dropped)
}

const countOf = ({ columns, columnCount = columns.length }: Relation): number => columnCount
