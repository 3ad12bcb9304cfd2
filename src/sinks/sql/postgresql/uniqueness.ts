import { sql } from 'kysely'
import { columnList, tableId } from '../../tables/clauses.ts'
import type { Statement } from '../../tables/database.ts'
import type { Mismatch } from '../../tables/layout.ts'
import { alter } from '../../tables/mismatches.ts'
import type { Relation, Unique } from '../../tables/relation.ts'
import type { Mapping, Target } from '../../tables/target.ts'

/**
 * No unique index holds over all partitions of a table whose rows go to them by another column than those of the key:
 * PostgreSQL refuses it, and Greenplum 6 takes it for each partition alone, so that a key can be there twice.
 * @param rebuilt turns the table into one without partitions
 */
export function partedKeys(
  keys: readonly Mapping[],
  { partitionedBy = [] }: Relation,
  rebuilt: Statement | null,
): Mismatch[] {
  const outside = partitionedBy.filter((name) => !keys.some(({ column }) => column === name))
  if (keys.length === 0 || outside.length === 0) return []
  const by = outside.map((name) => (name === '' ? 'an expression' : `"${name}"`)).join(', ')
  const what = `it is partitioned by ${by}, which is not part of the key: nothing makes a key unique over all partitions. A mirror needs a table without these partitions, or another one (--table)`
  return [{ what, fix: rebuilt }]
}

/** The key must be unique, so that there is something to conflict with. */
export function missingUnique(target: Target, keys: readonly Mapping[], relation: Relation): Mismatch[] {
  const { uniques } = relation
  if (keys.length === 0 || uniques === null || uniques.some((unique) => unique.plain && isOver(unique, keys))) return []
  const fix = sql`CREATE UNIQUE INDEX ON ${tableId(target)} (${columnList(keys)})`
  return [{ what: 'it has no primary key or unique index on exactly the key columns', fix }]
}

/** ON CONFLICT fails on a deferrable constraint of the key, even where another index would do. */
export function deferrableKeys(target: Target, keys: readonly Mapping[], { uniques }: Relation): Mismatch[] {
  return (uniques ?? [])
    .filter((unique) => keys.length > 0 && unique.deferrable && isOver(unique, keys))
    .map((unique) => ({
      what: `unique constraint "${unique.name}" is deferrable, which ON CONFLICT cannot use`,
      fix: dropUnique(target, unique),
    }))
}

/**
 * What refuses a row because of other rows. The changes of different keys arrive in any order, so for a moment two
 * rows may hold what only one may in the source.
 * @param written the columns that the relay writes; what is over others only cannot be broken by it
 */
export function wrongUniques(
  target: Target,
  keys: readonly Mapping[],
  written: ReadonlySet<string>,
  relation: Relation,
): Mismatch[] {
  return uniquesOverOthers(keys, written, relation).map((unique) => ({
    what: `unique index "${unique.name}" can refuse rows whose order between keys is not kept`,
    fix: dropUnique(target, unique),
  }))
}

export function uniquesOverOthers(
  keys: readonly Mapping[],
  written: ReadonlySet<string>,
  { uniques }: Relation,
): Unique[] {
  return (uniques ?? [])
    .filter(({ columns }) => columns.length === 0 || columns.some((column) => written.has(column)))
    .filter(({ columns }) => keys.length === 0 || !keys.every(({ column }) => columns.includes(column)))
}

const isOver = ({ columns }: Unique, keys: readonly Mapping[]): boolean =>
  columns.length === keys.length && keys.every(({ column }) => columns.includes(column))

export const dropUnique = (target: Target, { name, constraint }: Unique): Statement =>
  constraint === null
    ? sql`DROP INDEX ${sql.id(target.schema, name)}`
    : alter(target, sql`DROP CONSTRAINT ${sql.id(constraint)}`)

/** Makes it again as it was. */
export function addUnique(target: Target, { name, constraint, primary, columns }: Unique): Statement {
  const over = sql`(${sql.join(columns.map((column) => sql.id(column)))})`
  if (constraint === null) return sql`CREATE UNIQUE INDEX ${sql.id(name)} ON ${tableId(target)} ${over}`
  return alter(target, sql`ADD CONSTRAINT ${sql.id(constraint)} ${primary ? sql`PRIMARY KEY` : sql`UNIQUE`} ${over}`)
}
