import { sql } from 'kysely'
import type { JsonSpan } from '../../change.ts'
import type { Database, Statement } from './database.ts'
import type { AddedColumn } from './layout.ts'
import { arrayOf } from './row-writer.ts'
import type { KeyColumn, Mapping, Target } from './target.ts'

/** Rows of a recordset, JSON objects → the one parameter that holds them. */
export const jsonArray = (rows: readonly string[]): string => `[${rows.join(',')}]`

/** The same of rows as bytes: they travel as they are. */
export const recordsetOf = (rows: readonly JsonSpan[], type: 'json' | 'jsonb'): Statement =>
  sql`${arrayOf(rows)}::text::${sql.raw(type)}`

/** Resolves to how many rows a statement wrote. */
export const writing =
  (statement: Statement) =>
  async (trx: Database): Promise<number> =>
    Number((await statement.execute(trx)).numAffectedRows)

export const tableId = ({ schema, name }: Target): Statement => sql.id(schema, name)

// What follows are parts of statements over a recordset `s` in which the key columns are called k0, k1, …

/** `"id" bigint NOT NULL` of each. */
export const definitionsOf = (columns: readonly AddedColumn[]): readonly Statement[] =>
  columns.map(({ name, definition }) => sql`${sql.id(name)} ${definition}`)

/** `"id", "line"` */
export const columnList = (columns: readonly Mapping[]): Statement =>
  sql.join(columns.map(({ column }) => sql.id(column)))

/** `s.k0, s.k1` */
export const parameterKeys = (keys: readonly KeyColumn[]): Statement =>
  sql.join(keys.map((_, i) => sql.id('s', `k${i}`)))

/** `k0 text, k1 numeric` */
export const parameterTypes = (keys: readonly KeyColumn[], letter = 'k'): Statement =>
  sql.join(keys.map(({ travelsAs }, i) => sql`${sql.id(`${letter}${i}`)} ${sql.raw(travelsAs)}`))

/** `b."id" = s.k0 AND …` */
export const sameKey = (keys: readonly KeyColumn[], alias: string, letter = 'k'): Statement =>
  sql.join(
    keys.map(({ column }, i) => sql`${sql.id(alias, column)} = ${sql.id('s', `${letter}${i}`)}`),
    sql` AND `,
  )
