import { sql } from 'kysely'
import type { JsonSpan } from '../../../change.ts'
import { columnList, parameterKeys, parameterTypes, recordsetOf, sameKey, tableId } from '../../tables/clauses.ts'
import type { Database, Statement } from '../../tables/database.ts'
import type { Companion } from '../../tables/layout.ts'
import type { RowWrite } from '../../tables/mirror.ts'
import { tombstonesName } from '../../tables/names.ts'
import type { TableStyle } from '../../tables/style.ts'
import type { BoundTable, KeyColumn, Target } from '../../tables/target.ts'
import { widenColumn } from './widen-column.ts'

/** The table in the schema `cdc_relay` that holds key and version of the deleted rows of a target. */
export const tombstonesId = ({ schema, name }: Target): Statement => sql.id('cdc_relay', tombstonesName(schema, name))

/**
 * The same key columns as the table's, so that a tombstone compares as its row did.
 * @param create as the database makes tables
 */
export function tombstones(table: BoundTable, create: TableStyle['create']): Companion {
  return {
    schema: 'cdc_relay',
    name: tombstonesName(table.schema, table.name),
    needed: true,
    create: tombstonesTable(table, table.keys, create),
    mismatches(relation) {
      const isSame = table.keys.every(({ column, declared }) =>
        relation.columns.some(({ name, type }) => name === column && type === declared),
      )
      // Beside them version and time; of a longer key that became shorter there are more.
      if (isSame && relation.columns.length === table.keys.length + 2) return []
      const what = 'its tombstones were made for other key columns; if the mirror begins again they can be dropped'
      return [{ what, fix: sql`DROP TABLE ${tombstonesId(table)}` }]
    },
    isOutdated: () => false,
    widening(there, columns) {
      const tombstones = { ...table, schema: 'cdc_relay', name: tombstonesName(table.schema, table.name) }
      const behind = columns.flatMap(({ column, to }) => {
        const held =
          table.keys.some((key) => key.column === column) && there.columns.find(({ name }) => name === column)
        return held && to !== null ? [widenColumn(tombstones, held, to)] : []
      })
      return { before: [], behind }
    },
  }
}

/** The statement that makes it. @param keys as the table has them */
export function tombstonesTable(
  target: Target,
  keys: readonly Pick<KeyColumn, 'attribute' | 'column' | 'declared' | 'collation'>[],
  create: TableStyle['create'],
): Statement {
  const name = tombstonesName(target.schema, target.name)
  const columns = keys.map(({ column, declared, collation }) => {
    // The declared type is the catalogue's own spelling.
    const type = sql.raw(declared)
    const definition =
      collation === null
        ? sql`${type} NOT NULL`
        : sql`${type} COLLATE ${sql.id(collation.schema, collation.name)} NOT NULL`
    return { name: column, definition }
  })
  const own = [
    { name: 'version', definition: sql`bigint NOT NULL` },
    { name: 'removed_at', definition: sql`timestamptz NOT NULL` },
  ]
  return create({ source: target.source, schema: 'cdc_relay', name }, [...columns, ...own], keys).statements[0]!
}

/** `NOT EXISTS (…)`: no tombstone of the key in `s` is newer than `s.v`. */
export const noNewerTombstone = (table: BoundTable): Statement =>
  sql`NOT EXISTS (SELECT 1 FROM ${tombstonesId(table)} b WHERE ${sameKey(table.keys, 'b')} AND b.version > s.v)`

/**
 * Deletes rows and leaves tombstones. A tombstone is made, or made newer, exactly where the delete is applied: also
 * where there is no row.
 *
 * @param rows `{"k0":…,"v":…}`
 * @returns how many deletes were applied
 */
export function deleteRows(table: BoundTable, rows: readonly JsonSpan[]): RowWrite<Database> {
  const keys = columnList(table.keys)
  const statement = sql<{ applied: number }>`
    WITH s AS (
      SELECT * FROM jsonb_to_recordset(${recordsetOf(rows, 'jsonb')}) AS s(${parameterTypes(table.keys)}, v bigint)
    ), tombstones AS (
      INSERT INTO ${tombstonesId(table)} AS b (${keys}, version, removed_at)
      SELECT ${parameterKeys(table.keys)}, s.v, now() FROM s
      WHERE NOT EXISTS (SELECT FROM ${tableId(table)} x WHERE ${sameKey(table.keys, 'x')} AND x.cdc_version > s.v)
      ON CONFLICT (${keys}) DO UPDATE SET version = excluded.version, removed_at = excluded.removed_at
      WHERE excluded.version >= b.version
      RETURNING 1
    ), removed AS (
      DELETE FROM ${tableId(table)} x USING s
      WHERE ${sameKey(table.keys, 'x')} AND (x.cdc_version IS NULL OR x.cdc_version <= s.v)
    )
    SELECT count(*)::int AS applied FROM tombstones`
  return async (trx) => (await statement.execute(trx)).rows[0]!.applied
}
