import type { Env } from '../env.ts'
import { sinkEntry } from '../sinks/by-url.ts'
import { stateSecrets } from '../state/by-url.ts'
import type { NamedRelay } from './named-relay.ts'
import { STATE_STORES } from './state-stores.ts'

/** What must not be seen in a log or a message. */
export async function secretsIn(
  { sink, state = '', sinkPasswordFile: file }: Pick<NamedRelay, 'sink' | 'state' | 'sinkPasswordFile'>,
  env: Env,
): Promise<readonly string[]> {
  const inFile = file === undefined ? '' : await (await import('../sinks/sql/login.ts')).readPassword(file)
  const ofSink = sink === undefined ? [] : sinkEntry(sink)!.secrets(sink, env)
  return [...ofSink, ...stateSecrets(STATE_STORES, state, env), inFile]
}
