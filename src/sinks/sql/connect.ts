import type { Env } from '../../env.ts'
import { RelayError } from '../../errors.ts'
import { schemeOf } from '../../server-url.ts'
import type { Connection } from './connection.ts'

/**
 * Loads what it needs and opens `postgresql://…`, `greenplum://…`, `crate://…` or `pglite:DIR`.
 * @param passwordFile holds the password that the URL does not
 * @param env for `PGPASSWORD` of `crate://…`
 * @throws RelayError CONFIGURATION, STATE_HELD (a PGlite folder that another process has open)
 */
export async function connect(url: string, passwordFile: string | null = null, env: Env = {}): Promise<Connection> {
  switch (schemeOf(url)) {
    case 'pglite':
      return (await import('./postgresql/pglite.ts')).openPGlite(url.slice('pglite:'.length))
    case 'postgresql':
    case 'postgres':
      return (await import('./postgresql/connection.ts')).openPostgres(url, null, passwordFile)
    case 'greenplum':
      return (await import('./postgresql/connection.ts')).openPostgres(url, 'Greenplum', passwordFile)
    case 'crate':
      return (await import('./cratedb/connection.ts')).openCrate(url, passwordFile, env)
    default:
      throw new RelayError(
        'CONFIGURATION',
        'The URL of a SQL target begins with postgresql://, greenplum://, crate:// or pglite:',
      )
  }
}

/** As `connect`, to look alone: a folder of PGlite, which writes as soon as it is open, is left as it is. */
export const connectToLook: typeof connect = async (url, passwordFile, env) =>
  schemeOf(url) === 'pglite'
    ? (await import('./postgresql/pglite.ts')).openPGliteCopy(url.slice('pglite:'.length))
    : await connect(url, passwordFile, env)
