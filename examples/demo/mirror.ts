import { PGlite } from '@electric-sql/pglite'
import type { Column, Row } from '../../test/support/dms-life-columns.ts'
import { quoted, rowsQuery } from '../../test/support/dms-life-compare.ts'
import type { Mirrored } from '../../test/support/dms-life-mirrors.ts'
import type { SourceTable } from '../../test/support/dms-life-tables.ts'
import { type FoundRow, MIRROR_QUERY } from '../../test/support/life-mirror.ts'

/** What a stopped relay has left of the orders table in its target. */
export interface MirroredOrders {
  readonly rows: readonly FoundRow[]
  /** Shards with a position, and those of them that are read out. */
  readonly begunShards: number
  readonly finishedShards: number
}

/** @param folder of a target that nobody else has open */
export async function readOrders(folder: string): Promise<MirroredOrders> {
  return inDatabase(folder, async (database) => {
    const rows = await database.query<FoundRow>(MIRROR_QUERY)
    const shards = await database.query<{ begun: number; finished: number }>(`
      SELECT count(*)::int AS begun, (count(*) FILTER (WHERE sequence = 'SHARD_END'))::int AS finished
      FROM cdc_relay.positions`)
    const { begun, finished } = shards.rows[0]!
    return { rows: rows.rows, begunShards: begun, finishedShards: finished }
  })
}

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

async function inDatabase<T>(folder: string, work: (database: PGlite) => Promise<T>): Promise<T> {
  const database = new PGlite(folder)
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}
