import type { Env } from '../../env.ts'
import type { StateStore } from '../../state/store.ts'
import type { SinkSettings } from '../entry.ts'

/** Opens what a SQL database that is a target remembers of its relays. */
export async function openSqlState(
  { sink, sinkPasswordFile }: Pick<SinkSettings, 'sink' | 'sinkPasswordFile'>,
  env: Env,
): Promise<StateStore> {
  const [{ connect }, { sqlStateStore }, { askerOf }] = await Promise.all([
    import('./connect.ts'),
    import('./state-store.ts'),
    import('./advice.ts'),
  ])
  return sqlStateStore(await connect(sink, sinkPasswordFile, env), askerOf(sink, env), 'target')
}
