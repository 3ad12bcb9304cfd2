/**
 * The relay with a sink of one's own: it tells what happened to each row, and keeps nothing.
 *
 *   npm run relay:example
 */
import { join } from 'node:path'
import {
  fileSource,
  Ledger,
  observers,
  recordDecoder,
  relay,
  route,
  SILENT,
  type Sink,
  SourceTables,
  tableLabel,
  toJson,
} from '../../src/index.ts'

const stream = 'capture.jsonl'
const source = fileSource({ path: join(import.meta.dirname, stream), log: SILENT })

const sink: Sink = {
  refusesNul: false,
  refusesHalves: false,
  readsBefore: false,
  needsKeys: false,
  open: async () => ({ positions: new Map(), facts: new Map() }),
  keyColumns: async () => null,
  prepare: (batch) => async () => {
    const tables = new Map<string, { applied: number; superseded: number }>()
    for (const change of batch.changes) {
      const { op, table } = change
      const label = tableLabel(table)
      const { applied } = tables.get(label) ?? { applied: 0 }
      tables.set(label, { applied: applied + 1, superseded: 0 })
      console.log(`${label}: ${op}${change.kind === 'change' ? ` ${toJson(change.key)}` : ''}`)
    }
    return { kind: 'written', tables }
  },
  close: async () => {},
}

const signal = new AbortController().signal
const ledger = new Ledger()
await relay(
  {
    source,
    read: {
      decode: recordDecoder({ format: 'auto', stream, binary: 'double', beforeImageField: 'before-image' }),
      stages: [route({ include: [], exclude: [], ignoreDeletes: false, expired: 'delete' })],
      facts: new SourceTables({
        declaredKey: () => undefined,
        declaredTypes: () => new Map(),
        missingColumns: 'auto',
        needsKeys: sink.needsKeys,
        keyWaitMs: 60_000,
        askTarget: sink.keyColumns,
        log: SILENT,
      }),
      stream,
      onError: 'dead-letter',
      readsBefore: sink.readsBefore,
      screening: () => null,
      onTextReplaced: () => {},
    },
    sink,
    claim: {
      relay: { name: 'example', stream: await source.identify(signal), start: null, settings: {} },
      firstPositions: async () => new Map(),
      takeOver: false,
    },
    limits: { records: 5000, bytes: 8_000_000, waitMs: 250 },
    observer: observers(ledger),
  },
  signal,
)
await source.close()
console.log(`${ledger.counts().applied} changes`)
