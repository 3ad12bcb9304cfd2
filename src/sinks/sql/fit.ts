import { sql } from 'kysely'
import type { Column, Relation, Unique } from './catalogue.ts'
import { columnList, tableId } from './clauses.ts'
import { isKeyType, KEY_TYPES, type TypedKey } from './keys.ts'
import type { KeyFamily, Mapping, Misfit, Statement, Target, WantedKey } from './layout.ts'
import type { OwnColumn } from './own-columns.ts'

const KINDS: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  S: 'a sequence',
  i: 'an index',
  I: 'an index',
  c: 'a type',
}

/** The types that key columns are made with. Byte order, as in DynamoDB, is also the fastest. */
export const NEW_KEY_TYPES: Readonly<Record<KeyFamily, Statement>> = {
  text: sql`text COLLATE "C"`,
  number: sql`numeric`,
  bytes: sql`bytea`,
}

/** What is not a table cannot be written at all. */
export function wrongKind(target: Target, { kind }: Relation): Misfit[] {
  if (kind === null || kind === 'r' || kind === 'p') return []
  const what = `it is ${KINDS[kind] ?? 'no table'}; name another target with --table ${target.source}=NAME`
  return [{ what, cure: null }]
}

export function wrongColumns(target: Target, own: readonly OwnColumn[], relation: Relation): Misfit[] {
  return own.flatMap(({ name, definition, types, mayBeNotNull }): Misfit[] => {
    const id = sql.id(name)
    const column = relation.columns.find((column) => column.name === name)
    if (column === undefined) {
      return [{ what: `column "${name}" is missing`, cure: alter(target, sql`ADD COLUMN ${id} ${definition}`) }]
    }
    if (!types.includes(column.baseType)) {
      const cure = alter(target, sql`ALTER COLUMN ${id} TYPE ${definition} USING ${id}::${definition}`)
      return [{ what: `column "${name}" is ${column.type}`, cure }]
    }
    if (column.generated !== null) return [generated(target, column)]
    return column.notNull && !mayBeNotNull ? [notNull(target, column)] : []
  })
}

export function wrongKeys(target: Target, keys: readonly WantedKey[], relation: Relation): Misfit[] {
  return keys.flatMap(({ column: name, family }): Misfit[] => {
    const id = sql.id(name)
    const type = NEW_KEY_TYPES[family!]
    const column = relation.columns.find((column) => column.name === name)
    if (column === undefined) {
      return [{ what: `key column "${name}" is missing`, cure: alter(target, sql`ADD COLUMN ${id} ${type}`) }]
    }
    if (column.generated !== null) return [generated(target, column)]
    const why = whyNoKey(column, family!)
    if (why === null) return []
    const cure = alter(target, sql`ALTER COLUMN ${id} TYPE ${type} USING ${id}::${type}`)
    return [{ what: `key column "${name}" is ${column.type}, ${why}`, cure }]
  })
}

/** Null if the column takes two keys for one exactly if the source does. */
function whyNoKey(column: Column, family: KeyFamily): string | null {
  if (!isKeyType(column.baseType) || KEY_TYPES[column.baseType].family !== family) {
    return `which does not compare as the ${family} of the source does`
  }
  if (column.baseType === 'numeric' && column.modifier !== -1) return 'which rounds'
  if (column.collation?.deterministic === false) return 'with a collation that takes different texts for one'
  return null
}

/** The key columns of a table that fits. */
export function keyColumns(keys: readonly WantedKey[], relation: Relation): TypedKey[] {
  return keys.map((key) => {
    const column = relation.columns.find(({ name }) => name === key.column)!
    if (!isKeyType(column.baseType)) throw new TypeError(`${column.baseType} is no key type`)
    // The modifier of varchar(n) is n + 4.
    const maxLength = column.baseType === 'varchar' && column.modifier !== -1 ? column.modifier - 4 : null
    const { type: declared, collation, baseType: type } = column
    return { ...key, family: key.family!, type, travelsAs: KEY_TYPES[type].travelsAs, declared, collation, maxLength }
  })
}

/** The key must be unique, so that there is something to conflict with. */
export function missingUnique(target: Target, keys: readonly Mapping[], relation: Relation): Misfit[] {
  const { uniques } = relation
  if (keys.length === 0 || uniques === null || uniques.some((unique) => unique.plain && isOver(unique, keys))) return []
  const cure = sql`CREATE UNIQUE INDEX ON ${tableId(target)} (${columnList(keys)})`
  return [{ what: 'it has no primary key or unique index on exactly the key columns', cure }]
}

/** ON CONFLICT fails on a deferrable constraint of the key, even where another index would do. */
export function deferrableKeys(target: Target, keys: readonly Mapping[], { uniques }: Relation): Misfit[] {
  return (uniques ?? [])
    .filter((unique) => keys.length > 0 && unique.deferrable && isOver(unique, keys))
    .map((unique) => ({
      what: `unique constraint "${unique.name}" is deferrable, which ON CONFLICT cannot use`,
      cure: dropUnique(target, unique),
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
  { uniques }: Relation,
): Misfit[] {
  return (uniques ?? [])
    .filter(({ columns }) => columns.length === 0 || columns.some((column) => written.has(column)))
    .filter(({ columns }) => keys.length === 0 || !keys.every(({ column }) => columns.includes(column)))
    .map((unique) => ({
      what: `unique index "${unique.name}" can refuse rows whose order between keys is not kept`,
      cure: dropUnique(target, unique),
    }))
}

const isOver = ({ columns }: Unique, keys: readonly Mapping[]): boolean =>
  columns.length === keys.length && keys.every(({ column }) => columns.includes(column))

const dropUnique = (target: Target, { name, constraint }: Unique): Statement =>
  constraint === null
    ? sql`DROP INDEX ${sql.id(target.schema, name)}`
    : alter(target, sql`DROP CONSTRAINT ${sql.id(constraint)}`)

export function wrongForeignKeys({ foreignKeys }: Relation): Misfit[] {
  return foreignKeys.map(({ name, from, to }) => ({
    what: `foreign key "${name}" of ${from} to ${to} can refuse rows whose order between tables is not kept`,
    // The catalogue gives the name as SQL needs it.
    cure: sql`ALTER TABLE ${sql.raw(from)} DROP CONSTRAINT ${sql.id(name)}`,
  }))
}

/** Columns that nothing fills. */
export function unfilledColumns(target: Target, written: ReadonlySet<string>, relation: Relation): Misfit[] {
  return relation.columns
    .filter(({ name, notNull, filled }) => notNull && !filled && !written.has(name))
    .map((column) => notNull(target, column))
}

export function notNull(target: Target, { name }: Column): Misfit {
  const cure = alter(target, sql`ALTER COLUMN ${sql.id(name)} DROP NOT NULL`)
  return { what: `column "${name}" is NOT NULL, and the relay leaves it empty`, cure }
}

export function generated(target: Target, { name, generated }: Column): Misfit {
  const action = generated === 'identity' ? sql`SET GENERATED BY DEFAULT` : sql`DROP EXPRESSION`
  const cure = alter(target, sql`ALTER COLUMN ${sql.id(name)} ${action}`)
  return { what: `column "${name}" is generated, and the relay writes it`, cure }
}

export function alter(target: Target, action: Statement): Statement {
  return sql`ALTER TABLE ${tableId(target)} ${action}`
}
