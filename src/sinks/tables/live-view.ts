import { sql } from 'kysely'
import { tableId } from './clauses.ts'
import type { Statement } from './database.ts'
import type { Companion } from './layout.ts'
import type { BoundTable } from './target.ts'

/**
 * The view beside a table with soft deletes that shows the rows that are not deleted.
 * @param shown columns; new ones come at the end
 * @param isAlive the condition on a row
 */
export function liveView(table: BoundTable, name: string, shown: readonly string[], isAlive: Statement): Companion {
  const create = sql`CREATE OR REPLACE VIEW ${sql.id(table.schema, name)} AS
      SELECT ${sql.join(shown.map((column) => sql.id(column)))} FROM ${tableId(table)} WHERE ${isAlive}`
  return {
    schema: table.schema,
    name,
    needed: false,
    create,
    mismatches: () => [],
    isOutdated: (view) =>
      (view.kind === null || view.kind === 'v') &&
      shown.some((column) => !view.columns.some(({ name }) => name === column)),
    widening(there) {
      if (there.kind !== 'v') return { before: [], behind: [] }
      return { before: [sql`DROP VIEW ${sql.id(table.schema, name)}`], behind: [create] }
    },
  }
}
