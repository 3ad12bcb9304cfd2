import { postgres, testDatabase } from '../postgres/postgres.ts'
import type { TestDatabase } from '../postgres/postgres-server.ts'
import { type Plain, type RawClient, rawClient } from './raw-client.ts'
import { type Gpss, startGpss } from './server.ts'
import type { GpssSettings } from './settings.ts'
import type { ConnectRequest } from './wire-messages.ts'

/** A server with an emptied database for it and a bare client; server and client end with the test. */
export interface TestGpss {
  readonly gpss: Gpss
  readonly database: TestDatabase
  /** What a ConnectRequest has to name. */
  readonly login: Partial<ConnectRequest>
  readonly client: RawClient
  /** A new session with the database. */
  session(): Promise<string>
  /** Opens, writes each list of rows in a Write of its own, and closes. */
  load(
    mode: 'Insert' | 'Update' | 'Merge',
    option: Parameters<RawClient['open']>[3],
    ...writes: readonly (readonly (readonly Plain[])[])[]
  ): ReturnType<RawClient['close']>
  /** All rows of the table `t` in the order of its first column. */
  rows(): Promise<unknown[][]>
}

/** The one database of this test file: making one takes longer than most tests. */
let shared: Promise<TestDatabase> | undefined

/** @param table what stands between the parentheses of `CREATE TABLE t` */
export async function testGpss(
  t: { after(work: () => Promise<void>): void },
  table: string,
  settings: GpssSettings = {},
): Promise<TestGpss> {
  shared ??= testDatabase()
  const database = await shared
  await database.query(`DROP SCHEMA IF EXISTS public, other CASCADE; CREATE SCHEMA public; CREATE TABLE t (${table})`)
  const gpss = await startGpss(settings)
  const client = rawClient(`127.0.0.1:${gpss.port}`)
  t.after(async () => {
    client.end()
    await gpss.stop()
  })
  const url = new URL((await postgres()).url(database.name))
  const login = {
    Host: url.hostname,
    Port: Number(url.port),
    Username: url.username,
    Password: url.password,
    DB: database.name,
  }
  const session = () => client.connect(login)
  return {
    gpss,
    database,
    login,
    client,
    session,
    async load(mode, option, ...writes) {
      const id = await session()
      await client.open(id, mode, 'public.t', option)
      for (const rows of writes) await client.write(id, ...rows)
      const stats = await client.close(id)
      await client.disconnect(id)
      return stats
    },
    rows: async () => (await database.query('SELECT * FROM t ORDER BY 1')).map((row) => Object.values(row)),
  }
}
