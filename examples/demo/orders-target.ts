import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { startGpss } from '../../test/support/gpss/server.ts'
import { type FoundRow, MIRROR_QUERY, mirrorQuery } from '../../test/support/life/mirror.ts'
import { startPostgres } from '../../test/support/postgres/postgres-server.ts'
import { inDatabase } from './mirror.ts'

/** Where the orders table is mirrored to. */
export interface OrdersTarget {
  /** In words. */
  readonly title: string
  /** What the relay's options say of it. */
  readonly options: readonly (readonly string[])[]
  /** What a kill means for the records that were written before it. */
  readonly afterKill: string
  /** What the relay's count of applied changes says. */
  readonly applied: string
  /** To be asked while no relay runs. */
  read(): Promise<MirroredOrders>
  close(): Promise<void>
}

/** What a stopped relay has left of the orders table in its target. */
export interface MirroredOrders {
  readonly rows: readonly FoundRow[]
  /** Deleted rows that stay in the table, hidden by its view. */
  readonly hiddenRows: number
  /** Shards with a position, and those of them that are read out. */
  readonly begunShards: number
  readonly finishedShards: number
}

export const ORDERS_TARGETS = { pglite: pgliteTarget, gpss: gpssTarget } as const satisfies Record<
  string,
  (folder: string) => Promise<OrdersTarget>
>

async function pgliteTarget(folder: string): Promise<OrdersTarget> {
  const target = join(folder, 'orders')
  return {
    title: 'PostgreSQL (PGlite, embedded)',
    options: [['--sink', `pglite:${target}`]],
    afterKill: 'none of them was read again',
    applied: 'applied',
    read: () =>
      inDatabase(target, async (database) => {
        const { rows } = await database.query<FoundRow>(MIRROR_QUERY)
        const positions = await database.query<{ sequence: string }>('SELECT sequence FROM cdc_relay.positions')
        return { rows, hiddenRows: 0, ...shardsIn(positions.rows) }
      }),
    close: async () => {},
  }
}

/** A GPSS over PostgreSQL, with the one table that an operator makes by hand. What lives is shown by a view. */
async function gpssTarget(folder: string): Promise<OrdersTarget> {
  const [state, passwordFile] = [join(folder, 'orders.state.json'), join(folder, 'password')]
  const postgres = await startPostgres()
  const url = new URL(postgres.url())
  await writeFile(passwordFile, url.password, { mode: 0o600 })
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  await client.query('CREATE SCHEMA cdc_relay')
  await client.query('CREATE TABLE cdc_relay.stage (cdc_spread integer, cdc_part text, cdc_row text)')
  const gpss = await startGpss()
  const database = `${url.username}@${gpss.host}:${gpss.port}${url.pathname}`
  return {
    title: 'PostgreSQL, through a GPSS test server',
    options: [
      ['--sink', `gpss://${database}?greenplum-port=${url.port}&password-file=${passwordFile}`],
      ['--state', `file:${state}`],
      ['--dead-letters', `file:${join(folder, 'orders.dead-letters.jsonl')}`],
    ],
    afterKill: 'what was in flight came again',
    applied: 'handed to the merge, which lets the newer one stand',
    async read() {
      const { rows } = await client.query<FoundRow>(mirrorQuery('orders_live'))
      const hidden = await client.query('SELECT FROM orders WHERE cdc_deleted')
      const { positions } = JSON.parse(await readFile(state, 'utf8')) as { positions: Record<string, Position> }
      return { rows, hiddenRows: hidden.rowCount ?? 0, ...shardsIn(Object.values(positions)) }
    },
    async close() {
      await gpss.stop()
      await client.end()
      await postgres.stop()
    },
  }
}

interface Position {
  readonly sequence: string
}

const shardsIn = (positions: readonly Position[]): Pick<MirroredOrders, 'begunShards' | 'finishedShards'> => ({
  begunShards: positions.length,
  finishedShards: positions.filter(({ sequence }) => sequence === 'SHARD_END').length,
})
