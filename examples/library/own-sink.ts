/**
 * The relay with a sink of one's own: it tells what happened to each row, and keeps nothing.
 *
 *   npm run relay:example
 */
import { join } from 'node:path'
import { fileSource, Ledger, openRelay, SILENT, type Sink, tableLabel, toJson } from '../../src/index.ts'

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

const source = fileSource({ path: join(import.meta.dirname, 'capture.jsonl'), log: SILENT })
const ledger = new Ledger()
const relay = await openRelay({ name: 'example', source, sink, observer: ledger })
await relay.run(new AbortController().signal)
await relay.close()
console.log(`${ledger.counts().applied} changes`)
