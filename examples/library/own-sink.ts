/**
 * A sink of one's own: it tells what happened to each row. `withState` remembers positions for it; here nothing is to be
 * remembered.
 *
 *   npm run relay:example
 */
import { join } from 'node:path'
import { type Emitter, fileSource, Ledger, openRelay, tableLabel, toJson, withState } from '../../src/index.ts'

const teller: Emitter = {
  prepare: (batch) => async () => {
    const tables = new Map<string, { applied: number; superseded: number }>()
    for (const change of batch.changes) {
      const label = tableLabel(change.table)
      console.log(`${label}: ${change.op}${change.kind === 'change' ? ` ${toJson(change.key)}` : ''}`)
      tables.set(label, { applied: (tables.get(label)?.applied ?? 0) + 1, superseded: 0 })
    }
    return { kind: 'written', tables }
  },
  close: async () => {},
}

const counts = new Ledger()
const relay = await openRelay({
  name: 'example',
  source: fileSource({ path: join(import.meta.dirname, 'capture.jsonl') }),
  sink: withState(teller, null),
  observer: counts,
})
await relay.run(new AbortController().signal)
await relay.close()
console.log(`${counts.counts().applied} changes`)
