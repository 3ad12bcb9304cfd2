import { join } from 'node:path'
import { SILENT } from '../../../src/observe/log.ts'
import { type GpssOptions, gpssEmitter } from '../../../src/sinks/gpss/emitter.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { withState } from '../../../src/sinks/with-state.ts'
import { fileStateStore } from '../../../src/state/file.ts'
import type { StateStore } from '../../../src/state/store.ts'

export interface GpssSinkOptions extends GpssOptions {
  /** Null: nothing is remembered. */
  readonly store: StateStore | null
}

/** A sink for a test, with the options that it does not care about; state and dead letters lie in `folder`. */
export function gpssSinkOf(url: string, folder: string, { store, ...options }: Partial<GpssSinkOptions> = {}): Sink {
  const relay = options.relay ?? 'relay'
  const emitter = gpssEmitter({
    url,
    relay,
    mode: 'mirror',
    layout: 'document',
    createTables: 'auto',
    onSchemaChange: 'add-only',
    onReload: 'keep',
    onError: 'stop',
    deadLetters: join(folder, 'dead-letters.jsonl'),
    routes: () => null,
    declaredTypes: () => new Map(),
    log: SILENT,
    ...options,
  })
  return withState(emitter, store === undefined ? fileStateStore(join(folder, `${relay}.state.json`)) : store)
}
