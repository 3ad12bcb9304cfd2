import { sql } from 'kysely'
import { tableId } from '../../../tables/clauses.ts'
import type { Statement } from '../../../tables/database.ts'
import type { DesiredKey, Target } from '../../../tables/target.ts'
import { DELETED, VERSION } from './own-columns.ts'
import type { CrateRelation, CrateRelationColumn } from './relation.ts'

/**
 * Statements for the operator that move the rows of a table into one with another primary key, which then bears its name.
 * They are shown, never run.
 */
export function keyedCopy(target: Target, keys: readonly string[], { columns }: CrateRelation): Statement | null {
  // The catalogue does not tell all of a type with parts.
  if (columns.some(({ dataType }) => dataType.startsWith('object') || dataType.startsWith('geo'))) return null
  if (!keys.every((key) => columns.some(({ name }) => name === key))) return null
  const isKey = new Set(keys)
  const definitions = columns.map(
    (column) =>
      sql`${sql.id(column.name)} ${sql.raw(typeOf(column))}${sql.raw(isKey.has(column.name) ? ' NOT NULL' : '')}`,
  )
  const names = sql.join(columns.map(({ name }) => sql.id(name)))
  return moved(target, definitions, keys, names, names)
}

/** The same for a table whose documents lie in `data`, and hold the key. */
export function keyedDocuments(
  target: Target,
  keys: readonly (DesiredKey & { readonly type: string })[],
  policy: string,
): Statement {
  const definitions = [
    ...keys.map(({ column, type }) => sql`${sql.id(column)} ${sql.raw(type)} NOT NULL`),
    sql`"data" OBJECT(${sql.raw(policy.toUpperCase())})`,
    ...[VERSION, DELETED].map(({ name, definition }) => sql`${sql.id(name)} ${definition}`),
  ]
  const names = keys.map(({ column }) => column)
  return moved(
    target,
    definitions,
    names,
    sql.join([...names, 'data'].map((name) => sql.id(name))),
    sql.join([...keys.map(keyInDocument), sql`"data"`]),
  )
}

/** A number as the text of its one spelling, without `.0`. */
function keyInDocument({ attribute, family, type }: DesiredKey & { readonly type: string }): Statement {
  const value = sql`"data"[${sql.lit(attribute)}]`
  if (family !== 'number' || type !== 'TEXT') return value
  return sql`CASE WHEN trunc(${value}) = ${value} THEN ${value}::bigint::text ELSE ${value}::text END`
}

function moved(
  target: Target,
  definitions: readonly Statement[],
  keys: readonly string[],
  names: Statement,
  values: Statement,
): Statement {
  const copy = { ...target, name: `${target.name}_keyed` }
  const key = sql.join(keys.map((name) => sql.id(name)))
  return sql`CREATE TABLE ${tableId(copy)} (${sql.join([...definitions, sql`PRIMARY KEY (${key})`])}) WITH (column_policy = 'strict');
    REFRESH TABLE ${tableId(target)};
    INSERT INTO ${tableId(copy)} (${names}) (SELECT ${values} FROM ${tableId(target)}) ON CONFLICT DO NOTHING;
    ALTER CLUSTER SWAP TABLE ${tableId(copy)} TO ${tableId(target)} WITH (drop_source = TRUE)`
}

/** `text_array` → `array(text)` */
function typeOf({ type, dataType }: CrateRelationColumn): string {
  return dataType.endsWith('_array') ? `array(${dataType.slice(0, -'_array'.length)})` : type
}
