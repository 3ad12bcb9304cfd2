import { join } from 'node:path'
import { SILENT } from '../../../src/observe/log.ts'
import { type GpssSinkOptions, gpssSink } from '../../../src/sinks/gpss/sink.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { fileStateStore } from '../../../src/state/file.ts'

/** A sink for a test, with the options that it does not care about; state and dead letters lie in `folder`. */
export function gpssSinkOf(url: string, folder: string, options: Partial<GpssSinkOptions> = {}): Sink {
  const relay = options.relay ?? 'relay'
  return gpssSink({
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
    store: fileStateStore(join(folder, `${relay}.state.json`)),
    log: SILENT,
    ...options,
  })
}
