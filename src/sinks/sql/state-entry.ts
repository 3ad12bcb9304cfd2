import type { Env } from '../../env.ts'
import { secretsOf } from '../../mask.ts'
import { addressProblem, misreading } from '../../server-url.ts'
import type { StateEntry } from '../../state/entry.ts'
import type { StateStore } from '../../state/store.ts'
import { postgresAddress, TLS_FILES } from './postgresql/address.ts'

/** A PostgreSQL that only keeps the state. A schema is nothing to choose: the state lies in `cdc_relay`. */
export const SQL_STORE: StateEntry = {
  usage: 'postgresql://USER@HOST/DATABASE',
  commonAws: () => [],
  problem(url) {
    const isUrl = /^postgres(ql)?:\/\//i.test(url) && (URL.canParse(url) || misreading(url) !== null)
    if (!isUrl) return `is not a URL: ${SQL_STORE.usage}`
    return addressProblem(url, () => postgresAddress(url, ['schema']), TLS_FILES)
  },
  secrets: (url, { PGPASSWORD = '' }) => [...secretsOf(url), PGPASSWORD],
  open: (url, { env }) => openPostgresqlStateStore(url, env),
}

/**
 * Keeps positions and facts in the schema `cdc_relay` of a PostgreSQL, for a target that cannot. Processes of one name can share
 * it under an engine.
 *
 * @param url `postgresql://USER@HOST/DATABASE`
 * @param env for `PGUSER` in advice; node-postgres reads the variables of libpq itself
 * @throws RelayError CONFIGURATION
 */
export async function openPostgresqlStateStore(url: string, env: Env = {}): Promise<StateStore> {
  const [{ connect }, { sqlStateStore }, { askerOf }] = await Promise.all([
    import('./connect.ts'),
    import('./state-store.ts'),
    import('./advice.ts'),
  ])
  return sqlStateStore(await connect(url, null, env), askerOf(url, env))
}
