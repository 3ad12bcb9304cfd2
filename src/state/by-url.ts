import type { Env } from '../env.ts'
import { schemeOf } from '../server-url.ts'
import { DYNAMODB_STORE } from './dynamodb-entry.ts'
import type { StateEntry, StateSurroundings } from './entry.ts'
import { FILE_STORE } from './file-entry.ts'
import type { StateStore } from './store.ts'

export type StateEntries = Readonly<Record<string, StateEntry>>

/** Scheme → kind of state store: those that are stores alone. commands/state-stores.ts adds the databases of sinks. */
export const STORES = {
  file: FILE_STORE,
  dynamodb: DYNAMODB_STORE,
} as const satisfies StateEntries

/** Null if no store has this scheme, or if nothing stands behind it. */
export function stateEntry(entries: StateEntries, url: string): StateEntry | null {
  const scheme = schemeOf(url)
  if (scheme === null || !Object.hasOwn(entries, scheme)) return null
  return url.length === scheme.length + 1 ? null : entries[scheme]!
}

/** What is wrong with the URL of a state store; null if nothing is. */
export function stateProblem(entries: StateEntries, url: string): string | null {
  const entry = stateEntry(entries, url)
  return entry === null ? `must be ${stateUsage(entries)}` : entry.problem(url)
}

export const stateSecrets = (entries: StateEntries, url: string, env: Env): readonly string[] =>
  stateEntry(entries, url)?.secrets(url, env) ?? []

/** @param url one that `stateProblem` finds nothing wrong with. @throws RelayError CONFIGURATION */
export async function openStateStore(
  entries: StateEntries,
  url: string,
  surroundings: StateSurroundings,
): Promise<StateStore> {
  return await stateEntry(entries, url)!.open(url, surroundings)
}

/** For `--help` and messages. */
export function stateUsage(entries: StateEntries): string {
  const usages = [...new Set(Object.values(entries).map(({ usage }) => usage))]
  return `${usages.slice(0, -1).join(', ')} or ${usages.at(-1)}`
}
