import { sql } from 'kysely'
import { tableId } from '../../tables/clauses.ts'
import type { Companion } from '../../tables/layout.ts'
import { liveViewName } from '../../tables/names.ts'
import type { BoundTable } from '../../tables/target.ts'

/**
 * The view beside a table with soft deletes that shows the rows that live.
 * @param shown columns; new ones come at the end
 */
export function liveView(table: BoundTable, shown: readonly string[]): Companion {
  const name = liveViewName(table.name)
  return {
    schema: table.schema,
    name,
    needed: false,
    create: sql`CREATE OR REPLACE VIEW ${sql.id(table.schema, name)} AS
      SELECT ${sql.join(shown.map((column) => sql.id(column)))} FROM ${tableId(table)} WHERE cdc_deleted IS NOT TRUE`,
    mismatches: () => [],
    isOutdated: (view) =>
      (view.kind === null || view.kind === 'v') &&
      shown.some((column) => !view.columns.some(({ name }) => name === column)),
  }
}
