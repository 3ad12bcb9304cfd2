import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StallWatch } from '../../src/commands/stall-watch.ts'
import type { NamedSource } from '../../src/ingest/entry.ts'
import type { Page } from '../../src/ingest/source.ts'
import { SHARD_END } from '../../src/position.ts'
import { MOST_RETRY_WAIT_MS, retryWaitMs } from '../../src/retry.ts'

const TIMEOUT_MS = 1000
const RECORD = { shard: 'a', sequence: '1', arrivedAt: null, data: Buffer.from('x') }
const WORK = { what: 'write the batch' }

/** A page of the shard a, and what was done with it in the source. */
function page(parts: Partial<Page> = {}): Page & { readonly done: string[] } {
  const done: string[] = []
  return {
    shard: 'a',
    records: [RECORD],
    end: { sequence: '1', arrivedAt: null, caughtUpAt: null },
    behindMs: 0,
    ack: () => void done.push('ack'),
    defer: (fromIndex) => void done.push(`defer ${fromIndex}`),
    failed: () => void done.push('failed'),
    ...parts,
    done,
  }
}

/** A watch over these pages, with a clock of its own. */
async function watching(...pages: readonly Page[]) {
  const clock = { now: 5_000_000 }
  const watch = new StallWatch(TIMEOUT_MS, () => clock.now)
  const source: NamedSource = {
    positions: 'ours',
    streamName: 's',
    keepsState: true,
    identify: async () => ({ id: 's', created: 'then', retentionMs: null }),
    async *pages() {
      yield* pages
    },
    async close() {},
  }
  const given = watch.watch(source).pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
  const take = async (): Promise<Page> => (await given.next()).value
  const stalledAfter = (ms: number): boolean => {
    clock.now += ms
    return watch.stalled() !== null
  }
  return { watch, take, stalledAfter }
}

test('a page that nothing comes of is a stall, and the message says of which shards', async () => {
  const { watch, take, stalledAfter } = await watching(page(), page({ shard: 'b' }), page())
  assert.equal(stalledAfter(TIMEOUT_MS * 10), false, 'nothing was given')
  for (let pages = 0; pages < 3; pages++) await take()
  assert.equal(stalledAfter(TIMEOUT_MS - 1), false)
  assert.equal(stalledAfter(1), true)
  const failure = watch.stalled()!
  assert.equal(failure.code, 'STALLED')
  assert.match(failure.detail, /^For 1s nothing came of what was read of a, b:/)
})

test('a page that is acknowledged, deferred or failed is none, and the source hears of it', async () => {
  for (const [what, settle] of [
    ['ack', (given: Page) => given.ack()],
    ['defer 0', (given: Page) => given.defer(0)],
    ['failed', (given: Page) => given.failed(new Error())],
  ] as const) {
    const original = page()
    const { take, stalledAfter } = await watching(original)
    settle(await take())
    assert.deepEqual(original.done, [what])
    assert.equal(stalledAfter(TIMEOUT_MS * 10), false, what)
  }
})

test('a page of which a part is kept is still work', async () => {
  const { take, stalledAfter } = await watching(page({ records: [RECORD, RECORD] }))
  const given = await take()
  assert.equal(stalledAfter(TIMEOUT_MS - 1), false)
  given.defer(1)
  assert.equal(stalledAfter(TIMEOUT_MS - 1), false)
  assert.equal(stalledAfter(1), true)
  given.ack()
  assert.equal(stalledAfter(TIMEOUT_MS), false)
})

test('each page that gets through counts; one without news, which is acknowledged at once, does not', async () => {
  const idle = page({ records: [] })
  const { take, stalledAfter } = await watching(
    page(),
    page(),
    idle,
    page({ records: [], end: { ...idle.end, sequence: SHARD_END } }),
  )
  const [first, second] = [await take(), await take()]
  assert.equal(stalledAfter(TIMEOUT_MS - 1), false)
  first.ack()
  assert.equal(stalledAfter(TIMEOUT_MS - 1), false)
  const nothing = await take()
  nothing.ack()
  assert.equal(stalledAfter(1), true)
  second.ack()
  assert.equal(stalledAfter(TIMEOUT_MS * 10), false)
  await take()
  assert.equal(stalledAfter(TIMEOUT_MS), true, 'the end of a shard')
})

test('waiting for a target that is away is no stall; an attempt that hangs is one, after the longest wait', async () => {
  const { watch, take, stalledAfter } = await watching(page())
  await take()
  for (let attempt = 0; attempt < 5; attempt++) {
    watch.failed(WORK)
    assert.equal(stalledAfter(MOST_RETRY_WAIT_MS), false)
  }
  assert.equal(stalledAfter(TIMEOUT_MS), true)
  watch.failed(WORK)
  watch.ended(WORK)
  assert.equal(stalledAfter(TIMEOUT_MS - 1), false)
  assert.equal(stalledAfter(1), true)
})

test('a rewound target has its pages given again', async () => {
  const { watch, take, stalledAfter } = await watching(page())
  await take()
  watch.rewound()
  assert.equal(stalledAfter(TIMEOUT_MS * 10), false)
})

test('no wait between two attempts is longer than the longest', () => {
  for (const code of ['SINK_LOGIN', 'SOURCE_THROTTLED', 'SINK_BUSY'] as const) {
    for (let times = 0; times < 200; times++) assert.ok(retryWaitMs(code, 50) <= MOST_RETRY_WAIT_MS)
  }
})
