import type { Env } from '../../env.ts'
import { RelayError } from '../../errors.ts'
import { schemeOf } from '../../server-url.ts'
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
  switch (schemeOf(url)) {
    case 'pglite':
      return openPGlite(url.slice('pglite:'.length))
    case 'postgresql':
    case 'postgres':
      return openPostgres(url, null, passwordFile)
    case 'greenplum':
      return openPostgres(url, 'Greenplum', passwordFile)
    case 'crate':
      return openCrate(url, passwordFile, env)
    default:
      throw new RelayError(
        'CONFIGURATION',
        'The URL of a SQL target begins with postgresql://, greenplum://, crate:// or pglite:',
      )
  }
}
