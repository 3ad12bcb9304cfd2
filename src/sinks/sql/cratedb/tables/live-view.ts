import { sql } from 'kysely'
import { tableId } from '../../../tables/clauses.ts'
import type { Companion } from '../../../tables/layout.ts'
import type { BoundTable } from '../../../tables/target.ts'
import { liveViewName } from './names.ts'

/**
 * The view beside a table that shows the rows that live. CrateDB has no IS NOT TRUE.
 * @param shown columns
 */
export function liveView(table: BoundTable, shown: readonly string[]): Companion {
  const name = liveViewName(table.name)
  return {
    schema: table.schema,
    name,
    needed: false,
    create: sql`CREATE OR REPLACE VIEW ${sql.id(table.schema, name)} AS
      SELECT ${sql.join(shown.map((column) => sql.id(column)))} FROM ${tableId(table)}
      WHERE "cdc_deleted" IS NULL OR "cdc_deleted" = FALSE`,
    mismatches: () => [],
    isOutdated: (view) =>
      (view.kind === null || view.kind === 'v') &&
      shown.some((column) => !view.columns.some(({ name }) => name === column)),
  }
}
