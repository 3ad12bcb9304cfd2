import { sourceEntry } from '../ingest/by-url.ts'
import { sinkEntry } from '../sinks/by-url.ts'
import { openStateStore } from '../state/by-url.ts'
import type { StateSurroundings } from '../state/entry.ts'
import { fileNameOf } from '../state/file-name.ts'
import type { StateStore } from '../state/store.ts'
import type { RunConfig } from './run-schema.ts'
import { STATE_STORES } from './state-stores.ts'

/** A file shown on standard output: it shows the same each time, and leaves nothing behind. */
export const isLook = ({ source, sink, state }: RunConfig): boolean =>
  state === undefined && !sourceEntry(source).isStream && sinkEntry(sink)?.isStandardOutput?.(sink) === true

/** The store of `--state`, or a file beside the relay. @param name of the relay */
export async function openStore(
  { state }: Pick<RunConfig, 'state'>,
  name: string,
  surroundings: StateSurroundings,
): Promise<StateStore> {
  return await openStateStore(STATE_STORES, state ?? `file:${fileNameOf(name)}.state.json`, surroundings)
}
