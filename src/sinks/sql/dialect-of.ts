import { sql } from 'kysely'
import { RelayError } from '../../errors.ts'
import type { Log } from '../../observe/log.ts'
import type { Connection } from './connection.ts'
import type { Dialect } from './dialect.ts'

/**
 * By what `version()` says. The first that fits holds; what is not known counts as PostgreSQL. Only what the server speaks is
 * loaded.
 */
const DIALECTS: readonly (readonly [says: RegExp, load: () => Promise<Dialect | null>])[] = [
  [/^CrateDB/, async () => (await import('./cratedb/dialect.ts')).cratedb],
  [/Redshift/i, async () => null],
  [/Greenplum Database [1-5]\./i, async () => null],
  [/Greenplum Database 6\./i, async () => (await import('./greenplum/dialect.ts')).greenplum6],
  [/Greenplum Database/i, async () => (await import('./greenplum/dialect.ts')).greenplum7],
  [/Cloudberry/i, async () => (await import('./greenplum/dialect.ts')).cloudberry],
  [/./, async () => (await import('./postgresql/dialect.ts')).postgresql],
]

/**
 * The dialect that a server speaks, by what it says of itself: a URL may lead to any.
 * @param log where it is said that the URL promised another
 * @throws RelayError CONFIGURATION for a server that is none of ours
 */
export async function dialectOf(connection: Connection, log: Log | null): Promise<Dialect> {
  const { db, promises } = connection
  const { rows } = await sql<{ version: string }>`SELECT version() AS version`.execute(db)
  const { version } = rows[0]!
  const dialect = (await DIALECTS.find(([says]) => says.test(version))?.[1]()) ?? null
  if (dialect === null) throw new RelayError('CONFIGURATION', `The relay cannot write to this server: ${version}`)
  // Cloudberry has no scheme of its own.
  const isPromised =
    dialect.title.startsWith(promises ?? '') || (promises === 'Greenplum' && dialect.title === 'Cloudberry')
  if (!isPromised) {
    log?.warn(
      { code: 'OTHER_SERVER', server: version },
      `The URL of the target says ${promises}, but the server is ${dialect.title}, and is treated so`,
    )
  }
  if (dialect.session !== undefined) await connection.beginWith(dialect.session)
  dialect.requireVersion?.(version, log)
  return dialect
}
