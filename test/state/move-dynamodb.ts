import { SILENT } from '../../src/observe/log.ts'
import { dynamodbStateStore } from '../../src/state/dynamodb.ts'
import { progress } from '../support/changes.ts'

/**
 * A process of its own that claims a name in a table (arguments: endpoint, table, how many moves) and moves one shard so
 * often, each time with the fact how far that is, and says it. It closes nothing and then waits for nothing.
 */
const [endpointUrl, table = '', count] = process.argv.slice(2)
const store = dynamodbStateStore({ table, endpointUrl, heartbeatMs: 100, log: SILENT })
const signal = new AbortController().signal
const { positions } = await store.claim(
  {
    relay: { name: 'orders', stream: { id: 'arn:s', created: 'then', retentionMs: null }, start: null, settings: {} },
    firstPositions: async () => new Map(),
    takeOver: false,
  },
  signal,
)
const from = Number(positions.get('a')?.sequence ?? 0)
for (let n = from + 1; n <= from + Number(count); n++) {
  const moves = new Map([['a', { sequence: String(n), arrivedAt: null, caughtUpAt: null }]])
  await store.move(progress(moves, new Map([['how far', String(n)]])), signal)
  process.stdout.write(`${n}\n`)
}
