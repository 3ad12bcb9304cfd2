import { sql } from 'kysely'
import { tableId } from './clauses.ts'
import type { Statement } from './database.ts'
import type { Mismatch } from './layout.ts'
import { DELETED, type OwnColumn } from './own-columns.ts'
import type { Column, Relation } from './relation.ts'
import type { KeyStyle, TableStyle } from './style.ts'
import type { DesiredKey, KeyColumn, Mapping, Target } from './target.ts'

const KINDS: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  x: 'an external table',
  S: 'a sequence',
  i: 'an index',
  I: 'an index',
  c: 'a type',
}

/** Statements that make an existing column fit; null where a database has none. */
export type Fixes<C extends Column> = Pick<TableStyle<Relation<C>, C>, 'retype' | 'dropNotNull' | 'dropGenerated'>

/** What is not a table cannot be written at all. */
export function wrongKind(target: Target, { kind }: Relation): Mismatch[] {
  if (kind === null || kind === 'r' || kind === 'p') return []
  const what = `it is ${KINDS[kind] ?? 'no table'}; name another target with --table ${target.source}=NAME`
  return [{ what, fix: null }]
}

export function wrongColumns<C extends Column>(
  target: Target,
  own: readonly OwnColumn[],
  relation: Relation<C>,
  fixes: Fixes<C>,
): Mismatch[] {
  return own.flatMap(({ name, definition, types, mayBeNotNull }): Mismatch[] => {
    const id = sql.id(name)
    const column = relation.columns.find((column) => column.name === name)
    if (column === undefined) {
      return [{ what: `column "${name}" is missing`, fix: alter(target, sql`ADD COLUMN ${id} ${definition}`) }]
    }
    if (!types.includes(column.baseType)) {
      return [{ what: `column "${name}" is ${column.type}`, fix: fixes.retype(target, name, definition) }]
    }
    if (column.generated !== null) return [generated(target, column, fixes)]
    return column.notNull && !mayBeNotNull ? [notNull(target, column, fixes)] : []
  })
}

export function wrongKeys<C extends Column, R extends Relation<C>>(
  target: Target,
  keys: readonly DesiredKey[],
  relation: R,
  dialect: Fixes<C> & Pick<TableStyle<R, C>, 'retypeKey'> & KeyStyle<KeyColumn, C>,
): Mismatch[] {
  return keys.flatMap(({ family, ...key }): Mismatch[] => {
    const id = sql.id(key.column)
    const type = sql.raw(dialect.newKeyType(family!))
    const column = relation.columns.find((column) => column.name === key.column)
    if (column === undefined) {
      return [{ what: `key column "${key.column}" is missing`, fix: alter(target, sql`ADD COLUMN ${id} ${type}`) }]
    }
    if (column.generated !== null) return [generated(target, column, dialect)]
    const why = dialect.keyColumn({ ...key, family: family! }, column)
    if (typeof why !== 'string') return []
    const fix = (dialect.retypeKey ?? dialect.retype)(target, key.column, type, keys, relation)
    return [{ what: `key column "${key.column}" is ${column.type}, ${why}`, fix }]
  })
}

export function wrongForeignKeys({ foreignKeys }: Relation): Mismatch[] {
  return foreignKeys.map(({ name, from, to }) => ({
    what: `foreign key "${name}" of ${from} to ${to} can refuse rows whose order between tables is not kept`,
    // The catalogue gives the name as SQL needs it.
    fix: sql`ALTER TABLE ${sql.raw(from)} DROP CONSTRAINT ${sql.id(name)}`,
  }))
}

/** Columns that nothing fills. */
export function unfilledColumns<C extends Column>(
  target: Target,
  written: ReadonlySet<string>,
  relation: Relation<C>,
  fixes: Fixes<C>,
): Mismatch[] {
  return relation.columns
    .filter(({ name, notNull, filled }) => notNull && !filled && !written.has(name))
    .map((column) => notNull(target, column, fixes))
}

export function notNull(target: Target, { name }: Column, fixes: Pick<TableStyle, 'dropNotNull'>): Mismatch {
  return { what: `column "${name}" is NOT NULL, and the relay leaves it empty`, fix: fixes.dropNotNull(target, name) }
}

export function generated<C extends Column>(
  target: Target,
  column: C,
  fixes: Pick<Fixes<C>, 'dropGenerated'>,
): Mismatch {
  const what = `column "${column.name}" is generated, and the relay writes it`
  return { what, fix: fixes.dropGenerated(target, column) }
}

/** Rows that an earlier mirror with soft deletes marked would look alive, or stay marked for ever. */
export function softDeleted<R extends Relation>(
  target: Target,
  keys: readonly Mapping[],
  relation: R,
  { harden }: Pick<TableStyle<R>, 'harden'>,
): Mismatch[] {
  if (!relation.columns.some(({ name }) => name === DELETED.name)) return []
  const what = 'column "cdc_deleted" shows that it was mirrored with --deletes soft: run with that again'
  const fix = harden?.(target, keys, relation) ?? null
  return [{ what: fix === null ? what : `${what}, or let its marked rows become tombstones`, fix }]
}

/** Within a schema, and where the database has one, to another. */
export const renamed = (from: Target, to: Target): readonly Statement[] =>
  from.name === to.name ? [] : [alter({ ...from, schema: to.schema }, sql`RENAME TO ${sql.id(to.name)}`)]

export const movedAndRenamed = (from: Target, to: Target): readonly Statement[] => [
  ...(from.schema === to.schema ? [] : [alter(from, sql`SET SCHEMA ${sql.id(to.schema)}`)]),
  ...renamed(from, to),
]

export function alter(target: Target, action: Statement): Statement {
  return sql`ALTER TABLE ${tableId(target)} ${action}`
}
