import type { TestContext } from 'node:test'
import { testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { startWireProxy } from '../../support/wire/wire-proxy.ts'
import { type LettersScene, lettersScene } from '../operate/letters-scene.ts'
import { ORDERS } from './records.ts'
import { type Served, served } from './served.ts'

/** A relay into PostgreSQL that is looked at. */
export interface Watched extends LettersScene {
  readonly http: Served
  readonly database: TestDatabase
  readonly relay: ReturnType<LettersScene['start']>
  put(...records: string[]): void
  /** Whether the target is away. */
  setAway(isAway: boolean): void
}

/** With the tables `orders`, which refuses the number 13, and `users`, which does not fit; `drafts` is excluded. */
export async function watchedRelay(t: TestContext): Promise<Watched> {
  const database = await testDatabase(t)
  await database.query(ORDERS)
  await database.query('CREATE TABLE users (id bytea PRIMARY KEY, data jsonb, cdc_version bigint)')
  const server = new URL(database.url)
  let away = false
  const proxy = await startWireProxy({ host: server.hostname, port: Number(server.port) }, () =>
    away ? 'cut-before' : 'pass',
  )
  t.after(() => proxy.close())
  server.port = String(proxy.port)
  const scene = await lettersScene(t, () => ['--sink', server.href, '--exclude', 'drafts'])
  const relay = scene.start('--http', '0')
  return {
    ...scene,
    ...{ database, relay, http: await served(relay) },
    put: (...records) => void scene.kinesis.put(scene.shard, records),
    setAway(isAway) {
      away = isAway
    },
  }
}
