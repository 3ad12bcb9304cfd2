import { sql } from 'kysely'
import { columnList } from '../../tables/clauses.ts'
import type { Database } from '../../tables/database.ts'
import type { BoundTable } from '../../tables/target.ts'
import { tombstonesId } from './tombstones.ts'

/** At most so many rows go at a time, so that a batch hardly waits. */
const PRUNE_ROWS = 5_000

/**
 * Removes tombstones that are too old to matter. While a dead letter of the table is open (or one of an unknown table),
 * what was remembered when it was recorded stays: its change may still be written.
 *
 * @returns true if there are more
 */
export async function pruneTombstones(db: Database, relay: string, table: BoundTable, ageMs: number): Promise<boolean> {
  if (!table.hasTombstones) return false
  const result = await sql`
    DELETE FROM ${tombstonesId(table)} b USING (
      SELECT ${columnList(table.keys)} FROM ${tombstonesId(table)}
      WHERE removed_at < least(now(), (
        SELECT min(recorded_at) FROM cdc_relay.dead_letters
        WHERE name = ${relay} AND (source IS NULL OR source = ${table.source})
      )) - ${ageMs}::double precision * interval '1 millisecond'
      LIMIT ${PRUNE_ROWS}::int
    ) old
    WHERE ${sql.join(
      table.keys.map(({ column }) => sql`${sql.id('b', column)} = ${sql.id('old', column)}`),
      sql` AND `,
    )}`.execute(db)
  return Number(result.numAffectedRows) === PRUNE_ROWS
}
