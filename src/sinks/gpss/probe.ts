import { sql } from 'kysely'
import { tableLabel } from '../../change.ts'
import { FAILURES, RelayError } from '../../errors.ts'
import type { GpssTable } from './session.ts'
import { sqlText } from './sql-text.ts'
import { probeOf } from './stage.ts'
import type { GpssTables, Probe } from './target.ts'

/**
 * Makes a table with the columns and constraints of the target, in place of an earlier one, since the target may have changed.
 * Without its indexes: what is unique is unique among the rows of the target.
 *
 * @returns null if it cannot be made: the right to, or the schema, may be missing
 * @throws RelayError what passes by itself
 */
export async function makeProbe({ relay, catalogue, rules }: GpssTables, target: GpssTable): Promise<Probe | null> {
  const table = probeOf(relay, target)
  const id = sql.id(table.schema, table.name)
  const like = sql`LIKE ${sql.id(target.schema, target.name)} INCLUDING ALL EXCLUDING INDEXES`
  try {
    await catalogue.run([sql`DROP TABLE IF EXISTS ${id}`, sql`CREATE TABLE ${id} (${like})`])
  } catch (error) {
    if (!(error instanceof RelayError) || FAILURES[error.code].retry === 'always') throw error
    const fields = { code: 'NO_PROBE', table: tableLabel(target), of: error.code, detail: error.detail } as const
    rules.log.warn(fields, 'Refused rows are looked for in the table itself, for no other one could be made for it')
    return null
  }
  const empty = sqlText([sql`TRUNCATE ${id}`])
  return ({ columns, rows }) => ({ table, columns, rows, preSql: empty, postSql: empty })
}
