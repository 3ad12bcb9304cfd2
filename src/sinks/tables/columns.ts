import { sql } from 'kysely'
import type { SourceTable } from '../../batch.ts'
import type { Change } from '../../change.ts'
import { askingForLabels, boundColumns, countOf, mostOf } from './bound-columns.ts'
import type { ColumnsTable } from './columns-table.ts'
import { desiredColumns } from './desired-columns.ts'
import { LabelLooks, labelsOf } from './label-looks.ts'
import type { Additions, Layout, Mismatch, NewTable, Widening } from './layout.ts'
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
import type { DeclaredTypes } from './rules.ts'
import type { ColumnsDialect, TableStyle } from './style.ts'
import type { DesiredColumn, DesiredTable, Target } from './target.ts'
import { longestFirst } from './too-large.ts'
import { isWider, newType, withoutCollation } from './widening.ts'

/**
 * The mirror in the layout `columns`: one typed column for each column or attribute of the source, the row's version in
 * `cdc_version`, and by name in `cdc_extra` what its column cannot hold.
 */
export function columnsMirror<To, C extends Column, R extends Relation<C>>(
  dialect: ColumnsDialect<To, R, C>,
  declaredTypes: DeclaredTypes,
): Layout<To, R> {
  const { deleted } = dialect.own
  const looks = new Map<string, LabelLooks>()

  return {
    desired: (evidence) => desiredColumns(evidence, declaredTypes, dialect),
    create: (target, desired) => createStatements(dialect, target, desired),
    additions: (target, desired, relation) => additionsOf(dialect, target, desired, relation),
    mismatches: (target, desired, relation) => mismatchesOf(dialect, target, desired, relation),
    widenings: (target, desired, relation, known) => [
      ...wideningsOf(dialect, target, desired, relation, known),
      ...labelsToAdd(dialect, desired, relation, looks.get(target.source)),
    ],

    bind(target, desired, relation, known) {
      const table = boundColumns(target, desired, relation, known, dialect)
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

/** The columns of the relay's own without which a table cannot be written. */
const neededOf = ({ deletes, own }: Pick<TableStyle, 'deletes' | 'own'>): readonly OwnColumn[] =>
  deletes === 'soft' ? [own.version, own.deleted] : [own.version]

/** Null while the type of a key column is unknown. */
function createStatements(
  { deletes, own, mostColumns, create }: Pick<TableStyle, 'deletes' | 'own' | 'mostColumns' | 'create'>,
  target: Target,
  { keys, columns }: DesiredTable,
): NewTable | null {
  const isKey = new Set(keys.map(({ attribute }) => attribute))
  if (columns.some(({ attribute, type }) => isKey.has(attribute) && type === null)) return null
  const ours = [own.version, own.extra, ...(deletes === 'soft' ? [own.deleted] : [])]
  const typed = columns.filter(({ type }) => type !== null)
  const room = Math.max(0, mostColumns - keys.length - ours.length)
  const values = new Set(typed.filter(({ attribute }) => !isKey.has(attribute)).slice(0, room))
  const definitions = [
    ...typed
      .filter((column) => isKey.has(column.attribute) || values.has(column))
      .map(({ attribute, column, type }) => {
        const required = isKey.has(attribute) ? sql` NOT NULL` : sql``
        return { name: column, definition: sql`${sql.raw(type!)}${required}` }
      }),
    ...ours,
  ]
  return create(target, definitions, keys)
}

function additionsOf(
  style: Pick<TableStyle, 'deletes' | 'own' | 'mostColumns'>,
  target: Target,
  { keys, columns }: DesiredTable,
  relation: Relation,
): Additions {
  // What is no table is a mismatch.
  if (wrongKind(target, relation).length > 0) return { own: [], optional: [], columns: [] }
  const isThere = new Set(relation.columns.map(({ name }) => name))
  // A missing part of the key is a mismatch: the rows that are there have no value for it.
  const isKey = new Set(keys.map(({ column }) => column))
  const missing = neededOf(style).filter(({ name }) => !isThere.has(name))
  // Without it, what a column cannot hold is a dead letter.
  const optional = [style.own.extra].filter(({ name }) => !isThere.has(name))
  const room = Math.max(0, mostOf(relation, style) - countOf(relation) - missing.length - optional.length)
  return {
    own: missing,
    optional,
    columns: columns
      .filter(({ column, type }) => type !== null && !isThere.has(column) && !isKey.has(column))
      .slice(0, room)
      .map(({ column, type }) => ({ name: column, definition: sql.raw(type!) })),
  }
}

function mismatchesOf<C extends Column, R extends Relation<C>>(
  style: TableStyle<R, C>,
  target: Target,
  { keys, columns }: DesiredTable,
  relation: R,
): readonly Mismatch[] {
  const kind = wrongKind(target, relation)
  if (kind.length > 0) return kind
  const { extra } = style.own
  const own = neededOf(style)
  const optional = relation.columns.some(({ name }) => name === extra.name) ? [extra] : []
  const written = new Set([...columns.map(({ column }) => column), ...own.map(({ name }) => name), extra.name])
  const isKey = (name: string): boolean => keys.some(({ column }) => column === name)
  const values = relation.columns.filter(({ name }) => !isKey(name) && columns.some(({ column }) => column === name))
  return [
    ...keys.flatMap(({ column }) => wrongKey(target, column, columns, relation, style)),
    ...values.filter((column) => column.generated !== null).map((column) => generated(target, column, style)),
    // A deleted row stays, empty but for its key.
    ...(style.deletes === 'soft'
      ? values.filter((column) => column.notNull).map((column) => notNull(target, column, style))
      : softDeleted(target, keys, relation, style)),
    ...wrongColumns(target, [...own, ...optional], relation, style),
    ...style.uniqueness(target, keys, written, relation),
    ...wrongForeignKeys(relation),
    ...unfilledColumns(target, written, relation, style),
  ]
}

/** What a column was taken for from its values says nothing: only what the source declares counts. */
function wideningsOf<C extends Column, R extends Relation<C>>(
  { widen, retypeKey }: Pick<TableStyle<R, C>, 'widen' | 'retypeKey'>,
  target: Target,
  { keys, columns }: DesiredTable,
  relation: R,
  known: SourceTable | null,
): readonly Widening[] {
  return columns.flatMap(({ attribute, column: name, type }): Widening[] => {
    const column = relation.columns.find((column) => column.name === name)
    if (type === null || column === undefined || known?.columns.has(attribute) !== true) return []
    const to = newType(type)
    // A domain has its type from somewhere else.
    const isPlain = column.underlying.name === column.baseType && column.underlying.kind === 'b'
    if (to === null || !isPlain || !isWider(column, to)) return []
    const bare = withoutCollation(type)
    const statement = widen(target, column, bare, relation)
    const isKey = keys.some((key) => key.column === name)
    const cure = isKey && retypeKey !== undefined ? retypeKey(target, name, sql.raw(bare), keys, relation) : statement
    return [{ column: name, from: column.type, to: bare, statement, cure }]
  })
}

/** PostgreSQL's limit for a label. */
const MOST_LABEL_BYTES = 63

function labelsToAdd<C extends Column, R extends Relation<C>>(
  { addLabel }: Pick<TableStyle<R, C>, 'addLabel'>,
  { columns }: DesiredTable,
  relation: R,
  looks: LabelLooks | undefined,
): readonly Widening[] {
  if (looks === undefined) return []
  return columns.flatMap(({ column: name }): Widening[] => {
    const column = relation.columns.find((column) => column.name === name)
    // A domain has its labels from somewhere else.
    if (column?.underlying.kind !== 'e' || column.underlying.name !== column.baseType) return []
    const { type, underlying } = column
    const labels = looks.lackedBy(name, underlying).filter((label) => Buffer.byteLength(label) <= MOST_LABEL_BYTES)
    return labels.map((label) => ({
      column: name,
      from: type,
      to: null,
      statement: addLabel?.(type, label) ?? null,
      cure: sql`ALTER TYPE ${sql.raw(type)} ADD VALUE '…'`,
    }))
  })
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
  if (dialect.codecFor(column, 'textual', holds).isKeyable) return []
  return [
    {
      what: `key column "${name}" is ${column.type}, whose values cannot be compared before they are written`,
      fix: null,
    },
  ]
}
