import { sql } from 'kysely'
import type { JsonSpan } from '../../../change.ts'
import {
  columnList,
  parameterKeys,
  parameterTypes,
  recordsetOf,
  sameKey,
  tableId,
  writing,
} from '../../tables/clauses.ts'
import type { Database, Statement } from '../../tables/database.ts'
import type { MirrorStatements } from '../../tables/mirror.ts'
import type { BoundTable } from '../../tables/target.ts'
import { deleteRows, noNewerTombstone } from './tombstones.ts'

/** The statements of the layout `document`. */
export function documentStatements(table: BoundTable, deletes: 'hard' | 'soft'): MirrorStatements<Database, JsonSpan> {
  const { keys } = table
  const into = tableId(table)
  const isSoft = deletes === 'soft'
  const list = columnList(keys)
  const comma = sql.raw(keys.length > 0 ? ', ' : '')
  const mark = isSoft ? sql`, cdc_deleted` : sql``
  const marked = isSoft ? sql`, coalesce(s.x, false)` : sql``
  const setMark = isSoft ? sql`, cdc_deleted = excluded.cdc_deleted` : sql``
  const recordset = (rows: readonly JsonSpan[], more = sql``): Statement =>
    sql`jsonb_to_recordset(${recordsetOf(rows, 'jsonb')}) AS s(${parameterTypes(keys)}${comma}d jsonb, v bigint, x boolean${more})`
  const alive = isSoft ? sql`true` : noNewerTombstone(table)
  const write = sql`
    ON CONFLICT (${list}) DO UPDATE SET data = excluded.data, cdc_version = excluded.cdc_version${setMark}
    WHERE x.cdc_version IS NULL OR excluded.cdc_version >= x.cdc_version`

  return {
    upsert: (rows) =>
      writing(
        sql`INSERT INTO ${into} AS x (${list}, data, cdc_version${mark})
          SELECT ${parameterKeys(keys)}, s.d, s.v${marked} FROM ${recordset(rows)} WHERE ${alive} ${write}`,
      ),

    applyPatches: (rows) =>
      writing(
        sql`INSERT INTO ${into} AS x (${list}, data, cdc_version${mark})
          SELECT ${parameterKeys(keys)}, coalesce(y.data, '{}') || s.d, s.v${marked}
          FROM ${recordset(rows)} LEFT JOIN ${into} y ON ${sameKey(keys, 'y')} WHERE ${alive} ${write}`,
      ),

    applyMoves: (rows) =>
      writing(
        sql`INSERT INTO ${into} AS x (${list}, data, cdc_version${mark})
          SELECT ${parameterKeys(keys)}, coalesce(o.data, y.data, '{}') || s.d, s.v${marked}
          FROM ${recordset(rows, sql`, ${parameterTypes(keys, 'o')}`)}
            LEFT JOIN ${into} o ON ${sameKey(keys, 'o', 'o')} AND (o.cdc_version IS NULL OR o.cdc_version <= s.v)
            LEFT JOIN ${into} y ON ${sameKey(keys, 'y')}
          WHERE ${alive} ${write}`,
      ),

    insert: (rows) => writing(sql`INSERT INTO ${into} (data, cdc_version) SELECT s.d, s.v FROM ${recordset(rows)}`),

    deleteRows: (rows) => deleteRows(table, rows),
  }
}
