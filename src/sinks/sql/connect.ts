import type { Env } from '../../env.ts'
import { RelayError } from '../../errors.ts'
import type { Connection } from './connection.ts'
import { openCrate } from './cratedb/connection.ts'
import { openPostgres } from './postgresql/connection.ts'
import { openPGlite } from './postgresql/pglite.ts'

/**
 * Opens `postgresql://…`, `greenplum://…`, `crate://…` or `pglite:DIR`.
 * @param passwordFile holds the password that the URL does not
 * @param env for `PGPASSWORD` of `crate://…`
 * @throws RelayError CONFIGURATION, STATE_HELD (a PGlite folder that another process has open)
 */
export async function connect(url: string, passwordFile: string | null = null, env: Env = {}): Promise<Connection> {
  if (url.startsWith('pglite:')) return openPGlite(url.slice('pglite:'.length))
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres(url, null, passwordFile)
  if (url.startsWith('greenplum://')) return openPostgres(url, 'Greenplum', passwordFile)
  if (url.startsWith('crate:')) return openCrate(url, passwordFile, env)
  const detail = 'The URL of a SQL target begins with postgresql://, greenplum://, crate:// or pglite:'
  throw new RelayError('CONFIGURATION', detail)
}
