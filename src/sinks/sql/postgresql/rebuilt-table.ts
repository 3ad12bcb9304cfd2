import { sql } from 'kysely'
import { columnList, tableId } from '../../tables/clauses.ts'
import type { Statement } from '../../tables/database.ts'
import { alter } from '../../tables/mismatches.ts'
import { targetName } from '../../tables/names.ts'
import type { Mapping, Target } from '../../tables/target.ts'

/**
 * Statements that put a new table in the place of one that no ALTER TABLE makes fit, with its columns, defaults and rows; the
 * old one stays under another name. A key that is there twice makes the third of them fail.
 * @param storage what stands behind the columns of CREATE TABLE
 */
export function rebuiltTable(target: Target, keys: readonly Mapping[], storage: Statement): Statement {
  const { schema, name } = target
  const made = { ...target, name: targetName(`${name}_new`) }
  const steps = [
    sql`CREATE TABLE ${tableId(made)} (LIKE ${sql.id(schema, name)} INCLUDING DEFAULTS) ${storage}`,
    sql`INSERT INTO ${tableId(made)} SELECT * FROM ${tableId(target)}`,
    alter(made, sql`ADD PRIMARY KEY (${columnList(keys)})`),
    alter(target, sql`RENAME TO ${sql.id(targetName(`${name}_before`))}`),
    alter(made, sql`RENAME TO ${sql.id(name)}`),
  ]
  return sql.join(steps, sql`; `)
}
