import type { Env } from '../env.ts'
import { sinkEntry } from '../sinks/by-url.ts'
import { stateSecrets } from '../state/by-url.ts'
import type { RunConfig } from './run-schema.ts'
import { STATE_STORES } from './state-stores.ts'

/** What must not be seen in a log or a message. */
export async function secretsIn(
  { sink, state = '', sinkPasswordFile: file }: RunConfig,
  env: Env,
): Promise<readonly string[]> {
  const inFile = file === undefined ? '' : await (await import('../sinks/sql/login.ts')).readPassword(file)
  return [...sinkEntry(sink)!.secrets(sink, env), ...stateSecrets(STATE_STORES, state, env), inFile]
}
