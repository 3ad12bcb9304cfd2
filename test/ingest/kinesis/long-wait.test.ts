import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Page } from '../../../src/ingest/source.ts'
import { SHARD_END } from '../../../src/position.ts'
import { refusal } from '../../support/kinesis/kinesis-endpoint.ts'
import { textOf } from '../conformance.ts'
import { endpoint, HOUR_MS, numbered, open } from './scripted.ts'

/** Hours pass, here and at the service: the monotonic clock and the endpoint's jump. */
function wait(t: TestContext, kinesis: { skewMs: number }, hours: number): void {
  const before = performance.now.bind(performance)
  t.mock.method(performance, 'now', () => before() + hours * HOUR_MS)
  kinesis.skewMs += hours * HOUR_MS
}

test('a page was deferred, and its records are still held when the shard is read again: no gap', async (t) => {
  const { pages, given, kinesis } = await givenPage(t, 'stop')
  given.defer(1)
  wait(t, kinesis, 20)
  assert.deepEqual(((await pages.next()).value as Page).records.map(textOf), numbered(2, 1))
  await pages.return?.()
})

for (const [used, onGap] of [
  [0, 'stop'],
  [1, 'stop'],
  [0, 'continue'],
] as const) {
  test(`a page of which ${used} was used was deferred, and the next record expired meanwhile, ${onGap}: a gap`, async (t) => {
    const { pages, given, kinesis, shard, source } = await givenPage(t, onGap)
    given.defer(used)
    wait(t, kinesis, 30)
    kinesis.trim(shard, 2)
    if (onGap === 'stop') await assert.rejects(pages.next(), { code: 'SOURCE_GAP' })
    else {
      assert.deepEqual(((await pages.next()).value as Page).records.map(textOf), ['r2'])
      assert.equal(source.said.filter(({ message }) => /may have expired/.test(message)).length, 1)
    }
    await pages.return?.()
  })
}

/** A page of three records, in hand. */
async function givenPage(t: TestContext, onGap: 'stop' | 'continue') {
  const kinesis = await endpoint(t)
  const [shard] = kinesis.open(1)
  kinesis.put(shard!, numbered(3))
  const source = open(t, kinesis, { onGap })
  const pages = source.pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
  const given = (await pages.next()).value as Page
  return { kinesis, shard: shard!, source, pages, given }
}

for (const onGap of ['stop', 'continue'] as const) {
  test(`the target was away for longer than the retention, ${onGap}: what expired meanwhile is a gap`, async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    kinesis.put(
      shard!,
      ['a', 'b', 'c'].map((letter) => letter.repeat(6 * 1024 * 1024)),
    )
    const source = open(t, kinesis, { onGap })
    const pages = source.pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
    await pages.next()
    while (kinesis.asked('GetRecords').length < 2) await new Promise((resolve) => setTimeout(resolve, 10))
    wait(t, kinesis, 30)
    kinesis.script('GetRecords', ({ body }, usual) =>
      JSON.parse(String(body.ShardIterator)).after === '9' && kinesis.asked('GetShardIterator').length === 1
        ? refusal('ExpiredIteratorException')
        : usual(),
    )
    const second = await pages.next()
    assert.equal(second.value.records.length, 1)
    if (onGap === 'stop') await assert.rejects(pages.next(), { code: 'SOURCE_GAP' })
    else {
      assert.equal((await pages.next()).value.records.length, 1)
      assert.equal(source.said.filter(({ message }) => /may have expired/.test(message)).length, 1)
    }
    await pages.return?.()
  })

  test(`the end of a shard was committed very late, ${onGap}: its children have a gap`, async (t) => {
    const kinesis = await endpoint(t)
    const [parent] = kinesis.open(1)
    kinesis.put(parent!, numbered(2))
    const [left] = kinesis.split(parent!)
    kinesis.put(left!, numbered(2, 2))
    const source = open(t, kinesis, { onGap })
    const pages = source.pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
    const ended = (await pages.next()).value as Page
    assert.equal(ended.end.sequence, SHARD_END)
    wait(t, kinesis, 30)
    ended.ack()
    if (onGap === 'stop') await assert.rejects(pages.next(), { code: 'SOURCE_GAP' })
    else {
      assert.ok(((await pages.next()).value as Page).shard !== parent)
      assert.equal(source.said.filter(({ message }) => /may have expired/.test(message)).length, 1)
    }
    await pages.return?.()
  })
}
