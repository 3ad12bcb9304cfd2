import { RelayError } from '../errors.ts'
import { masker } from '../mask.ts'
import { sinkEntry } from '../sinks/by-url.ts'
import type { StateSurroundings } from '../state/entry.ts'
import { fileNameOf } from '../state/file-name.ts'
import type { StateStore } from '../state/store.ts'
import type { NamedRelay } from './named-relay.ts'
import { openStore } from './open-store.ts'

/** Where a relay's state lies, as a URL: in its sink, in `--state`, or in a file beside the relay. It may hold a password. */
export function stateUrlOf({ name, sink, state }: Pick<NamedRelay, 'name' | 'sink' | 'state'>): string {
  return keepsState(sink) ? sink! : (state ?? `file:${fileNameOf(name)}.state.json`)
}

/** True if the target keeps positions and dead letters itself. */
export const keepsState = (sink: string | undefined): boolean => sink !== undefined && sinkEntry(sink)!.keepsState

/** The store in which `run` with the same options keeps its state. It claims nothing yet, and makes nothing. */
export async function openNamedState(relay: NamedRelay, surroundings: StateSurroundings): Promise<StateStore> {
  const { sink, sinkPasswordFile } = relay
  const openState = sink === undefined ? undefined : sinkEntry(sink)!.openState
  if (sink === undefined || openState === undefined) return await openStore(relay, relay.name, surroundings)
  return await openState({ sink, sinkPasswordFile }, surroundings.env)
}

export function nothingStored(relay: NamedRelay): RelayError {
  const detail = `Nothing is stored under the name "${relay.name}" in ${masker([])(stateUrlOf(relay))}`
  return new RelayError('CONFIGURATION', detail, { relay: relay.name })
}
