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
import type { ColumnsTable, TargetColumn } from '../../tables/columns-table.ts'
import type { Database, Statement } from '../../tables/database.ts'
import type { MirrorStatements } from '../../tables/mirror.ts'
import { deleteRows, noNewerTombstone, tombstonesId } from './tombstones.ts'

/** What a row without version counts as: older than everything. */
const NO_VERSION = sql.raw(`'-9223372036854775808'::bigint`)

/**
 * The statements of the layout `columns`, each one for any number of rows and any set of columns in each; their parameter
 * is described at `columnsShape`. (`json_to_recordset`: for scalar columns faster than its sister for jsonb.)
 */
export function columnsStatements(table: ColumnsTable, deletes: 'hard' | 'soft'): MirrorStatements<Database, JsonSpan> {
  const { keys, values } = table
  const into = tableId(table)
  const isSoft = deletes === 'soft'
  const own: Statement[] = [
    sql`cdc_version`,
    ...(table.hasExtra ? [sql`cdc_extra`] : []),
    ...(isSoft ? [sql`cdc_deleted`] : []),
  ]
  const columns = sql.join([...(keys.length > 0 ? [columnList(keys)] : []), ...values.map(nameOf), ...own])
  const select = (of: { values: readonly Statement[]; extra: Statement; isDeleted: Statement }): Statement =>
    sql.join([
      ...(keys.length > 0 ? [parameterKeys(keys)] : []),
      ...of.values,
      sql`s.v`,
      ...(table.hasExtra ? [of.extra] : []),
      ...(isSoft ? [of.isDeleted] : []),
    ])
  const recordset = (rows: readonly JsonSpan[], more: readonly Statement[]): Statement =>
    sql`json_to_recordset(${recordsetOf(rows, 'json')}) AS s(${sql.join([
      ...(keys.length > 0 ? [parameterTypes(keys)] : []),
      ...values.map(({ index, travelsAs }) => sql`${sql.id(`c${index}`)} ${sql.raw(travelsAs)}`),
      sql`v bigint`,
      sql`e jsonb`,
      ...more,
    ])})`
  const pieces = [sql`p int[]`, sql`pv bigint[]`, sql`n text[]`, sql`b int`]
  const overwrite = sql`
    ON CONFLICT (${columnList(keys)}) DO UPDATE
    SET ${sql.join([...values.map(nameOf), ...own].map((name) => sql`${name} = excluded.${name}`))}
    WHERE x.cdc_version IS NULL OR excluded.cdc_version >= x.cdc_version`
  const alive = isSoft ? sql`true` : noNewerTombstone(table)
  const whole = { values: values.map(valueFrom), extra: sql`s.e`, isDeleted: sql`coalesce(s.x, false)` }
  const deletedMember = isSoft ? [sql`x boolean`] : []

  return {
    upsert: (rows) =>
      writing(
        sql`INSERT INTO ${into} AS x (${columns})
          SELECT ${select(whole)} FROM ${recordset(rows, deletedMember)} WHERE ${alive} ${overwrite}`,
      ),

    /**
     * A column takes the value of its piece where that is not older than the row. A row that is there is updated in place, so
     * that large values which did not change are not written again; one that is not is made of what there is.
     */
    applyPatches(rows) {
      const guard = sql`coalesce(x.cdc_version, ${NO_VERSION})`
      const tombstoneVersion = isSoft ? sql`${NO_VERSION}` : sql`coalesce(b.version, ${NO_VERSION})`
      const set = [
        ...values.map((column) => {
          const name = nameOf(column)
          return sql`${name} = CASE WHEN ${pieceOf(column)} >= ${guard} THEN ${valueFrom(column)} ELSE x.${name} END`
        }),
        sql`cdc_version = s.v`,
        ...(table.hasExtra ? [sql`cdc_extra = ${patchedExtra(table, sql`x.cdc_extra`, guard)}`] : []),
        ...(isSoft ? [sql`cdc_deleted = false`] : []),
      ]
      const made = {
        values: values.map(
          (column) => sql`CASE WHEN ${pieceOf(column)} >= ${tombstoneVersion} THEN ${valueFrom(column)} END`,
        ),
        extra: extraOfPieces(tombstoneVersion),
        isDeleted: sql`false`,
      }
      const tombstone = isSoft ? sql`` : sql`LEFT JOIN ${tombstonesId(table)} b ON ${sameKey(keys, 'b')}`
      const statement = sql<{ applied: number }>`
        WITH s AS MATERIALIZED (SELECT * FROM ${recordset(rows, pieces)}), patched AS (
          UPDATE ${into} x SET ${sql.join(set)} FROM s
          WHERE ${sameKey(keys, 'x')} AND ${guard} <= s.v RETURNING 1
        ), made AS (
          INSERT INTO ${into} (${columns})
          SELECT ${select(made)} FROM s ${tombstone}
          WHERE ${tombstoneVersion} <= s.v AND NOT EXISTS (SELECT FROM ${into} x WHERE ${sameKey(keys, 'x')})
          RETURNING 1
        )
        SELECT ((SELECT count(*) FROM patched) + (SELECT count(*) FROM made))::int AS applied`
      return async (trx) => (await statement.execute(trx)).rows[0]!.applied
    },

    /** The row to build on is the one at the old key, if that is not newer than the move; else what stands at the new key. */
    applyMoves(rows) {
      const carries = sql`o.${sql.id(keys[0]!.column)} IS NOT NULL`
      const merged = {
        values: values.map((column) => {
          const name = nameOf(column)
          return sql`CASE WHEN s.p[${sql.lit(column.index + 1)}] > 0 THEN ${valueFrom(column)} WHEN ${carries} THEN o.${name} ELSE y.${name} END`
        }),
        extra: patchedExtra(table, sql`CASE WHEN ${carries} THEN o.cdc_extra ELSE y.cdc_extra END`, NO_VERSION),
        isDeleted: sql`false`,
      }
      const stays = isSoft ? sql`AND o.cdc_deleted IS NOT TRUE` : sql``
      return writing(
        sql`INSERT INTO ${into} AS x (${columns})
          SELECT ${select(merged)}
          FROM ${recordset(rows, [...pieces, parameterTypes(keys, 'o')])}
            LEFT JOIN ${into} o ON ${sameKey(keys, 'o', 'o')} AND (o.cdc_version IS NULL OR o.cdc_version <= s.v) ${stays}
            LEFT JOIN ${into} y ON ${sameKey(keys, 'y')}
          WHERE ${alive} ${overwrite}`,
      )
    },

    insert: (rows) =>
      writing(sql`INSERT INTO ${into} (${columns}) SELECT ${select(whole)} FROM ${recordset(rows, deletedMember)}`),

    deleteRows: (rows) => deleteRows(table, rows),
  }
}

const nameOf = ({ column }: TargetColumn): Statement => sql.id(column)

/** `s.c3`, or `s.c3::jsonb` */
const valueFrom = ({ index, castTo }: TargetColumn): Statement => {
  const value = sql.id('s', `c${index}`)
  return castTo === null ? value : sql`${value}::${sql.raw(castTo)}`
}

/** The version of the piece that gives the column its value; NULL if none does. */
const pieceOf = ({ index }: TargetColumn): Statement => sql`s.pv[s.p[${sql.lit(index + 1)}]]`

/** What the pieces that are not older than `guard` could not put into their columns. */
const extraOfPieces = (guard: Statement): Statement => sql`CASE WHEN s.e IS NOT NULL THEN (
  SELECT jsonb_object_agg(one.key, one.value) FROM unnest(s.pv) WITH ORDINALITY AS piece(version, number),
    jsonb_each(s.e->(piece.number::int - 1)) AS one WHERE piece.version >= ${guard}) END`

/** `before` without the columns that have a new value, and with what these could not hold. */
function patchedExtra({ values }: ColumnsTable, before: Statement, guard: Statement): Statement {
  const names = sql`${JSON.stringify(values.map(({ attribute }) => attribute))}::json`
  return sql`CASE WHEN ${before} IS NULL AND s.e IS NULL THEN NULL ELSE nullif(
    CASE WHEN ${before} IS NULL OR s.pv[s.b] >= ${guard} THEN '{}'::jsonb ELSE ${before}
      - ARRAY(SELECT name.value FROM json_array_elements_text(${names}) WITH ORDINALITY AS name(value, number)
          WHERE s.pv[s.p[name.number]] >= ${guard})
      - coalesce(s.n, '{}') END || coalesce(${extraOfPieces(guard)}, '{}'), '{}') END`
}
