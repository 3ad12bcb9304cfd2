/**
 * The relay with a sink of one's own: it tells what happened to each row, and keeps nothing.
 *
 *   npm run relay:example
 */
import { join } from 'node:path'
import {
  examiner,
  fileSource,
  Lag,
  Ledger,
  recordDecoder,
  relay,
  route,
  SILENT,
  type Sink,
  tableLabel,
  toJson,
} from '../../src/index.ts'

const stream = 'capture.jsonl'
const source = fileSource({ path: join(import.meta.dirname, stream), log: SILENT })

const sink: Sink = {
  refusesNul: false,
  readsBefore: false,
  open: async () => new Map(),
  prepare: (batch) => async () => {
    const tables = new Map<string, { applied: number; superseded: number }>()
    for (const { op, table, key } of batch.changes) {
      const label = tableLabel(table)
      const { applied } = tables.get(label) ?? { applied: 0 }
      tables.set(label, { applied: applied + 1, superseded: 0 })
      console.log(`${label}: ${op} ${toJson(key)}`)
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
    examine: examiner({
      decode: recordDecoder({ format: 'auto', stream, binary: 'double' }),
      route: route({ include: [], exclude: [], deletes: 'hard', expired: 'delete' }),
      stream,
      onError: 'dead-letter',
      readsBefore: sink.readsBefore,
      nul: null,
      onTextReplaced: () => {},
    }),
    sink,
    claim: {
      relay: { name: 'example', stream: await source.identify(signal), start: null, settings: {} },
      firstPositions: async () => new Map(),
      takeOver: false,
    },
    limits: { records: 5000, bytes: 8_000_000, waitMs: 250 },
    ledger,
    lag: new Lag(),
    log: SILENT,
  },
  signal,
)
await source.close()
console.log(`${ledger.counts().applied} changes`)
