import { sql } from 'kysely'
import { tableId } from '../tables/clauses.ts'
import type { Statement } from '../tables/database.ts'
import type { Target } from '../tables/target.ts'
import { sqlText } from './sql-text.ts'

/**
 * GPSS tells a type by its name alone, and a type of the user's may lie in any schema. So where a statement has to name the
 * type of a column it has this in its place, and the server puts in what its own catalogue says.
 */
export const typeOfColumn = (column: string): string => sqlText([sql.id(NOT_A_SCHEMA, column)])

const NOT_A_SCHEMA = 'cdc_relay type of column'
const PLACES = new RegExp(`"${NOT_A_SCHEMA}"\\."((?:[^"]|"")+)"`, 'g')

/** The statements for a block of PL/pgSQL; those that name types of columns are put together there. */
export function withTypesOf(table: Pick<Target, 'schema' | 'name'>, statements: readonly Statement[]): string {
  return statements
    .map((statement) => {
      const text = sqlText([statement])
      const places = new Map(Array.from(text.matchAll(PLACES), ([place, name]) => [place, name!.replaceAll('""', '"')]))
      return places.size === 0 ? text : executed(table, text, places)
    })
    .join(';\n')
}

/** A statement that is put together cannot see variables: it is given the only one that there is. */
function executed(table: Pick<Target, 'schema' | 'name'>, text: string, places: ReadonlyMap<string, string>): string {
  const complete = [...places].reduce(
    (text, [place, column]) => sql`replace(${text}, ${sql.lit(place)}, ${typeName(table, column)})`,
    sql`${sql.lit(text.replaceAll('cdc_part = cdc_this', 'cdc_part = $1'))}`,
  )
  return sqlText([sql`EXECUTE ${complete} USING cdc_this`])
}

/** In quotes, with its schema. Of a column that is gone: any, for what is said of the column then is said by the statement. */
function typeName(table: Pick<Target, 'schema' | 'name'>, column: string): Statement {
  return sql`coalesce((SELECT quote_ident(n.nspname) || '.' || quote_ident(t.typname)
    FROM pg_catalog.pg_attribute a
      JOIN pg_catalog.pg_type t ON t.oid = a.atttypid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE a.attrelid = ${sql.lit(sqlText([tableId({ ...table, source: '' })]))}::regclass
      AND a.attname = ${sql.lit(column)} AND NOT a.attisdropped), 'text')`
}
