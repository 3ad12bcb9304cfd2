import { PGlite } from '@electric-sql/pglite'
import type { Column, Row } from '../../test/support/dms-life/columns.ts'
import { quoted, rowsQuery } from '../../test/support/dms-life/compare.ts'
import type { Mirrored } from '../../test/support/dms-life/mirrors.ts'
import type { SourceTable } from '../../test/support/dms-life/tables.ts'

/**
 * The mirrored tables, every value as text.
 *
 * @param folder of a target that nobody else has open
 * @param columns those that a table has at the source
 */
export async function readTables(
  folder: string,
  tables: readonly SourceTable[],
  columns: (table: SourceTable) => readonly Column[],
): Promise<Mirrored> {
  return inDatabase(folder, async (database) => {
    await database.exec(`SET TIME ZONE 'UTC'`)
    const mirrored = new Map<SourceTable, Row[]>()
    for (const table of tables) {
      const there = await database.query<{ name: string }>(
        'SELECT column_name AS name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2',
        [table.schema, table.name],
      )
      // Of a table without a key DMS leaves large objects out.
      const found = columns(table).filter((column) => there.rows.some(({ name }) => name === column.name))
      const target = `${quoted(table.schema)}.${quoted(table.name)}`
      const { rows } = await database.query<string[]>(rowsQuery(target, found), [], { rowMode: 'array' })
      mirrored.set(
        table,
        rows.map((row) => new Map(found.map(({ name }, i) => [name, row[i]!]))),
      )
    }
    return mirrored
  })
}

/** @param folder of a target that nobody else has open */
export async function inDatabase<T>(folder: string, work: (database: PGlite) => Promise<T>): Promise<T> {
  const database = new PGlite(folder)
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}
