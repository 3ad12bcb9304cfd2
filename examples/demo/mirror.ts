import { PGlite } from '@electric-sql/pglite'
import { type FoundRow, MIRROR_QUERY } from '../../test/support/life-mirror.ts'

/** What a stopped relay has left in its target. */
export interface Mirror {
  readonly rows: readonly FoundRow[]
  /** Shards with a position, and those of them that are read out. */
  readonly begunShards: number
  readonly finishedShards: number
}

/** Reads the folder of an embedded database that nobody else has open. */
export async function readMirror(folder: string): Promise<Mirror> {
  const database = new PGlite(folder)
  try {
    const rows = await database.query<FoundRow>(MIRROR_QUERY)
    const shards = await database.query<{ begun: number; finished: number }>(`
      SELECT count(*)::int AS begun, (count(*) FILTER (WHERE sequence = 'SHARD_END'))::int AS finished
      FROM cdc_relay.positions`)
    const { begun, finished } = shards.rows[0]!
    return { rows: rows.rows, begunShards: begun, finishedShards: finished }
  } finally {
    await database.close()
  }
}
