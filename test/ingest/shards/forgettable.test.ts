import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServiceClock } from '../../../src/aws/service-clock.ts'
import { forgettable } from '../../../src/ingest/shards/forgettable.ts'
import { listingOf, type Shard } from '../../../src/ingest/shards/lineage.ts'
import type { Stream } from '../../../src/ingest/shards/stream.ts'
import { readStream, type StreamReaderOptions } from '../../../src/ingest/shards/stream-reader.ts'
import { SILENT } from '../../../src/observe/log.ts'
import { type Position, type Positions, SHARD_END, TRIM_HORIZON } from '../../../src/position.ts'
import { HOUR_MS } from '../kinesis/scripted.ts'

const HELD_SINCE = 1_000_000
const OLD = HELD_SINCE - 1
const YOUNG = HELD_SINCE

/** `id: parents`, as `'c: a b'`. */
const shard = (text: string): Shard => {
  const [id, parents = ''] = text.split(':')
  return { id: id!, parents: parents.split(' ').filter(Boolean), isOpen: true }
}

const at = (sequence: string, arrivedAt: number | null = OLD, caughtUpAt: number | null = null): Position => ({
  sequence,
  arrivedAt,
  caughtUpAt,
})

const cases: readonly {
  title: string
  listed: string[]
  positions: Readonly<Record<string, Position>>
  forgettable: string[]
}[] = [
  {
    title: 'read out, not listed, its child begun',
    listed: ['b: a'],
    positions: { a: at(SHARD_END), b: at('5') },
    forgettable: ['a'],
  },
  {
    title: 'still listed',
    listed: ['a', 'b: a'],
    positions: { a: at(SHARD_END), b: at('5') },
    forgettable: [],
  },
  { title: 'not read out', listed: ['b: a'], positions: { a: at('7'), b: at('5') }, forgettable: [] },
  { title: 'its child is not begun', listed: ['b: a'], positions: { a: at(SHARD_END) }, forgettable: [] },
  {
    title: 'of its child only empty pages came, of which nothing is stored',
    listed: ['b: a'],
    positions: { a: at(SHARD_END), b: at(TRIM_HORIZON, null) },
    forgettable: [],
  },
  {
    title: 'its child is empty, and was seen caught up',
    listed: ['b: a'],
    positions: { a: at(SHARD_END), b: at(TRIM_HORIZON, null, YOUNG) },
    forgettable: ['a'],
  },
  {
    title: 'one of two children is not begun',
    listed: ['b: a', 'c: a'],
    positions: { a: at(SHARD_END), b: at('5') },
    forgettable: [],
  },
  {
    title: 'merge: the child waits for the other parent',
    listed: ['b', 'c: a b'],
    positions: { a: at(SHARD_END), b: at('5') },
    forgettable: [],
  },
  {
    title: 'its child is gone from the listing, too',
    listed: ['c: b'],
    positions: { a: at(SHARD_END), b: at(SHARD_END), c: at('5') },
    forgettable: ['a', 'b'],
  },
  {
    title: 'its last record has not expired: the listing is not complete',
    listed: ['b: a'],
    positions: { a: at(SHARD_END, YOUNG), b: at('5') },
    forgettable: [],
  },
  {
    title: 'it was seen caught up not so long ago',
    listed: ['b: a'],
    positions: { a: at(SHARD_END, OLD, YOUNG), b: at('5') },
    forgettable: [],
  },
  {
    title: 'it never held a record',
    listed: ['b: a'],
    positions: { a: at(SHARD_END, null), b: at('5') },
    forgettable: ['a'],
  },
  { title: 'nothing is listed at all', listed: [], positions: { a: at(SHARD_END) }, forgettable: [] },
]

for (const { title, listed, positions, forgettable: expected } of cases) {
  test(`forgettable: ${title}: ${expected.join(', ') || 'none'}`, () => {
    const known = new Map(Object.entries(positions))
    assert.deepEqual(forgettable(listingOf(listed.map(shard)), known, HELD_SINCE), expected)
  })
}

test('10,000 shards come and go: each is read once, also across restarts, no gap is seen, and few positions stay', async () => {
  const { stream, trim } = rollingStream()
  const read = new Set<string>()
  let stored: Positions = new Map()
  let lives = 0
  for (; read.size < COUNT; lives++) {
    const stop = new AbortController()
    let pages = 0
    for await (const page of readStream(optionsOf(stream), stored, stop.signal)) {
      // The process dies: what it was given last is not durable, nor what that page would have let go.
      if (++pages > 700) break
      const next = new Map(stored).set(page.shard, page.end)
      for (const forgotten of page.forgotten ?? []) {
        // Perhaps said twice: before the first batch that forgets it is durable, the shards are listed again.
        assert.equal(stored.get(forgotten)?.sequence ?? SHARD_END, SHARD_END)
        next.delete(forgotten)
      }
      stored = next
      assert.ok(stored.size <= 5 * WIDTH, `${stored.size} positions`)
      for (const { sequence } of page.records) {
        assert.ok(!read.has(sequence), `${sequence} is read twice`)
        read.add(sequence)
      }
      trim(page.shard)
      page.ack()
      if (read.size === COUNT) break
    }
    stop.abort()
  }
  assert.ok(lives > 10, `${lives} lives`)
})

const optionsOf = (stream: Stream): StreamReaderOptions => ({
  stream,
  clock: new ServiceClock(),
  log: SILENT,
  skipsToTime: false,
  created: null,
  untilLatest: false,
  onGap: 'stop',
  pollIntervalMs: 400,
  memoryBytes: 2 ** 40,
})

const WIDTH = 50
const COUNT = 200 * WIDTH

/** Each shard holds one record and ends with it. Its child is listed once it is read; `trim` takes it from the listing. */
function rollingStream(): { stream: Stream; trim(shard: string): void } {
  const shard = (n: number, i: number): Shard => ({
    id: `shardId-${n}-${i}`,
    parents: n === 0 ? [] : [`shardId-${n - 1}-${i}`],
    isOpen: false,
  })
  const listed = new Map(Array.from({ length: WIDTH }, (_, i) => [shard(0, i).id, shard(0, i)]))
  const stream: Stream = {
    name: 'rolling',
    mostRecords: 10_000,
    mostBytes: 10 * 1024 * 1024,
    open: () => null,
    describe: async () => ({ arn: 'rolling', created: 'then', retentionMs: HOUR_MS, isShuffled: false }),
    shards: async () => [...listed.values()],
    iterator: async (shard) => shard,
    records: async (shard) => {
      return {
        records: [{ shard, sequence: `of ${shard}`, arrivedAt: null, data: new Uint8Array(1) }],
        next: null,
        namesChildren: true,
        behindMs: 0,
        sent: performance.now(),
      }
    },
  }
  return {
    stream,
    trim(id) {
      const [, n, i] = id.split('-').map(Number)
      listed.delete(id)
      if ((n! + 1) * WIDTH < COUNT) listed.set(shard(n! + 1, i!).id, shard(n! + 1, i!))
    },
  }
}
