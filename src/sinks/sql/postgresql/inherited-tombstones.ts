import { sql } from 'kysely'
import { columnList, tableId } from '../../tables/clauses.ts'
import type { Statement } from '../../tables/database.ts'
import type { Inheritance } from '../../tables/layout.ts'
import { liveViewName, tombstonesName } from '../../tables/names.ts'
import { DELETED } from '../../tables/own-columns.ts'
import type { Relation } from '../../tables/relation.ts'
import type { TableStyle } from '../../tables/style.ts'
import type { BoundTable, Mapping, Target } from '../../tables/target.ts'
import { tombstonesId, tombstonesTable } from './tombstones.ts'

/** What was deleted in the place before stays deleted in the place of now. Where both have a tombstone, the newer one counts. */
export function tombstonesOf(before: Target, table: BoundTable): Inheritance {
  const keys = columnList(table.keys)
  const [old, own] = [tombstonesId(before), tombstonesId(table)]
  const isSame = sameColumns(table.keys, 'o', 'b')
  return {
    schema: 'cdc_relay',
    name: tombstonesName(before.schema, before.name),
    take: [
      sql`UPDATE ${own} b SET version = o.version, removed_at = o.removed_at FROM ${old} o WHERE ${isSame} AND o.version > b.version`,
      sql`INSERT INTO ${own} (${keys}, version, removed_at) SELECT ${keys}, version, removed_at FROM ${old} o
        WHERE NOT EXISTS (SELECT FROM ${own} b WHERE ${isSame})`,
    ],
  }
}

/** The tombstones that a table has with hard deletes, as marked rows. */
export function tombstonesAsRows(table: BoundTable): Inheritance {
  const own = tombstonesId(table)
  const keys = sql.join(table.keys.map(({ column }) => sql.id('o', column)))
  return {
    schema: 'cdc_relay',
    name: tombstonesName(table.schema, table.name),
    take: [
      sql`INSERT INTO ${tableId(table)} (${columnList(table.keys)}, cdc_version, cdc_deleted) SELECT ${keys}, o.version, true FROM ${own} o
        WHERE NOT EXISTS (SELECT FROM ${tableId(table)} b WHERE ${sameColumns(table.keys, 'o', 'b')})`,
      sql`DROP TABLE ${own}`,
    ],
  }
}

/** What makes a table with soft deletes one with hard deletes, to be run by an operator, who may have a use for its marks and its view. */
export function marksAsTombstones(
  target: Target,
  keys: readonly Mapping[],
  { columns }: Relation,
  create: TableStyle['create'],
): Statement | null {
  const marked = sql`FROM ${tableId(target)} WHERE ${sql.id(DELETED.name)}`
  const found = keys.map(({ attribute, column }) => {
    const there = columns.find(({ name }) => name === column)
    return there && { attribute, column, declared: there.type, collation: there.collation }
  })
  const known = found.filter((key) => key !== undefined)
  if (known.length === 0 || known.length < keys.length) return null
  return sql.join(
    [
      tombstonesTable(target, known, create),
      sql`INSERT INTO ${tombstonesId(target)} SELECT ${columnList(keys)}, cdc_version, now() ${marked} AND cdc_version IS NOT NULL`,
      sql`DELETE ${marked}`,
      sql`DROP VIEW IF EXISTS ${sql.id(target.schema, liveViewName(target.name))}`,
      sql`ALTER TABLE ${tableId(target)} DROP COLUMN ${sql.id(DELETED.name)}`,
    ],
    sql`; `,
  )
}

const sameColumns = (keys: readonly Mapping[], one: string, other: string): Statement =>
  sql.join(
    keys.map(({ column }) => sql`${sql.id(one, column)} = ${sql.id(other, column)}`),
    sql` AND `,
  )
