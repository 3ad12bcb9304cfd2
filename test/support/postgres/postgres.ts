import type { PostgresVersion } from './postgres-programs.ts'
import { type PostgresServer, startPostgres, type TestDatabase, UNSYNCED } from './postgres-server.ts'
import { reusedDatabases } from './reused-databases.ts'

/** What a server can do after a test, and when: the context of `node:test`. */
export interface TestEnd {
  after(work: () => Promise<void>): void
}

const shared = new Map<PostgresVersion, Promise<PostgresServer>>()

/** The one server of this version in this test process, started when first asked for. */
export function postgres(version: PostgresVersion = '18'): Promise<PostgresServer> {
  const server = shared.get(version) ?? startPostgres(UNSYNCED, version)
  shared.set(version, server)
  return server
}

const lent = new Map<PostgresVersion, Promise<() => Promise<TestDatabase>>>()

/**
 * An empty database on the server of this test process; dropped after the test when its context is given. It may be one that
 * an earlier test of this process dropped, which was emptied; roles and all else that belongs to the server stay.
 */
export async function testDatabase(t?: TestEnd, version: PostgresVersion = '18'): Promise<TestDatabase> {
  const lend = lent.get(version) ?? postgres(version).then((server) => reusedDatabases(server))
  lent.set(version, lend)
  const database = await (await lend)()
  t?.after(database.drop)
  return database
}
