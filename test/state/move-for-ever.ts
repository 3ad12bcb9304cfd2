import { fileStateStore } from '../../src/state/file.ts'
import { progress } from '../support/changes.ts'

/**
 * A process of its own that moves one shard of the state file in its first argument on and on, each time with the
 * fact how far that is, and says it.
 */
const store = fileStateStore(process.argv[2]!)
const signal = new AbortController().signal
const { positions } = await store.claim(
  {
    relay: { name: 'orders', stream: { id: 'arn:s', created: 'then', retentionMs: null }, start: null, settings: {} },
    firstPositions: async () => new Map(),
    takeOver: false,
  },
  signal,
)
for (let n = Number(positions.get('a')?.sequence ?? 0) + 1; ; n++) {
  const moves = new Map([['a', { sequence: String(n), arrivedAt: null, caughtUpAt: null }]])
  await store.move(progress(moves, new Map([['how far', String(n)]])), signal)
  process.stdout.write(`${n}\n`)
}
