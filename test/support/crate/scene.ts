import type pg from 'pg'
import { connectTo } from './client.ts'
import { type Crate, type CrateOptions, startCrate } from './crate.ts'
import { openWire, type WireClient } from './wire-client.ts'

/** A fake with the table of CrateDB's compatibility checks, and clients; all ended after the test. */
export interface Scene {
  readonly crate: Crate
  readonly client: pg.Client
  readonly wire: WireClient
  /** Rows of one statement of the client. */
  rows(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>
  /** How many rows the client is told that a statement touched. */
  count(text: string, values?: readonly unknown[]): Promise<number | null>
}

export async function openScene(
  t: { after(work: () => Promise<void>): void },
  options: CrateOptions = {},
): Promise<Scene> {
  const crate = await startCrate(options)
  t.after(crate.stop)
  const client = await connectTo(crate)
  const wire = await openWire(crate)
  await client.query(`CREATE TABLE a (
    k BIGINT PRIMARY KEY, s TEXT, n BIGINT, o OBJECT(DYNAMIC), i OBJECT(IGNORED), v BIGINT
  ) CLUSTERED INTO 1 SHARDS WITH (refresh_interval = 10000)`)
  return {
    crate,
    client,
    wire,
    rows: async (text, values = []) => (await client.query(text, [...values])).rows,
    count: async (text, values = []) => (await client.query(text, [...values])).rowCount,
  }
}
