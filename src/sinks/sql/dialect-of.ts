import { sql } from 'kysely'
import { RelayError } from '../../errors.ts'
import type { Log } from '../../observe/log.ts'
import type { Connection } from './connection.ts'
import { cratedb } from './cratedb/dialect.ts'
import type { Dialect } from './dialect.ts'
import { cloudberry, greenplum6, greenplum7 } from './greenplum/dialect.ts'
import { postgresql } from './postgresql/dialect.ts'

/** By what `version()` says. The first that fits holds; what is not known counts as PostgreSQL. */
const DIALECTS: readonly (readonly [says: RegExp, dialect: Dialect | null])[] = [
  [/^CrateDB/, cratedb],
  [/Redshift/i, null],
  [/Greenplum Database [1-5]\./i, null],
  [/Greenplum Database 6\./i, greenplum6],
  [/Greenplum Database/i, greenplum7],
  [/Cloudberry/i, cloudberry],
  [/./, postgresql],
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
  const dialect = DIALECTS.find(([says]) => says.test(version))?.[1] ?? null
  if (dialect === null) throw new RelayError('CONFIGURATION', `The relay cannot write to this server: ${version}`)
  // Cloudberry has no scheme of its own.
  const isPromised = dialect.title.startsWith(promises ?? '') || (promises === 'Greenplum' && dialect === cloudberry)
  if (!isPromised) {
    log?.warn(
      { server: version },
      `The URL of the target says ${promises}, but the server is ${dialect.title}, and is treated so`,
    )
  }
  if (dialect.session !== undefined) await connection.beginWith(dialect.session)
  dialect.requireVersion?.(version, log)
  return dialect
}
