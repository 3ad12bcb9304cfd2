import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RawRecord } from '../../../src/change.ts'
import type { Page } from '../../../src/ingest/source.ts'
import { atTimestamp, SHARD_END } from '../../../src/position.ts'
import { drainDeferring, textOf } from '../conformance.ts'
import { after, endpoint, HOUR_MS, later, numbered, open } from './scripted.ts'

const MIB = 1024 * 1024

// They mostly wait for shards that rest: several at a time.
describe('a page of a Kinesis shard that is deferred', { concurrency: 8, timeout: 60_000 }, () => {
  test('what was read ahead is dropped, and its memory is free again', async (t) => {
    const kinesis = await endpoint(t)
    const letters = ['a', 'b', 'c']
    kinesis.put(
      kinesis.open(1)[0]!,
      letters.map((letter) => letter.repeat(6 * MIB)),
    )
    const pages = open(t, kinesis, { memoryBytes: 20 * MIB }).pages(new Map(), new AbortController().signal)
    const read: string[] = []
    let deferred = 0
    for await (const page of pages) {
      if (page.records.length > 0 && deferred < 3) {
        const asked = kinesis.asked('GetRecords').length
        while (kinesis.asked('GetRecords').length === asked) await later(10, null)
        await later(200, null)
        page.defer(0)
        deferred++
        continue
      }
      read.push(...page.records.map((record) => textOf(record)[0]!))
      page.ack()
    }
    assert.deepEqual(read, letters)
  })

  test('a read that goes on meanwhile gives its memory back, too', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    kinesis.put(shard!, numbered(2))
    const source = open(t, kinesis, { memoryBytes: 10 * MIB + 1024 })
    const pages = source.pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
    const first = (await pages.next()).value as Page
    await new Promise<void>((resolve) => {
      kinesis.script('GetRecords', () => {
        kinesis.script('GetRecords', () => undefined)
        first.defer(1)
        resolve()
        return undefined
      })
    })
    const again = (await pages.next()).value as Page
    assert.deepEqual(again.records.map(textOf), ['r1'])
    again.ack()
    assert.deepEqual(((await pages.next()).value as Page).records, [])
    await pages.return?.()
  })

  test('the end of a shard deferred is no end: its children wait, and begin once', async (t) => {
    const kinesis = await endpoint(t)
    const [parent] = kinesis.open(1)
    kinesis.put(parent!, numbered(3))
    const [left, right] = kinesis.split(parent!)
    kinesis.put(left!, numbered(2, 10))
    kinesis.put(right!, numbered(2, 20))
    const begun = () => kinesis.asked('GetShardIterator').map(({ ShardId }) => ShardId)

    const pages = open(t, kinesis).pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
    const ended = (await pages.next()).value as Page
    assert.equal(ended.end.sequence, SHARD_END)
    ended.defer(1)
    ended.ack()
    const again = (await pages.next()).value as Page
    assert.deepEqual([again.shard, again.end.sequence], [parent, SHARD_END])
    assert.deepEqual(again.records.map(textOf), numbered(2, 1))
    assert.deepEqual(begun(), [parent, parent])
    again.ack()
    const children = [(await pages.next()).value as Page, (await pages.next()).value as Page]
    assert.deepEqual(children.map(({ shard }) => shard).sort(), [left, right])
    assert.deepEqual(begun().slice(2).sort(), [left, right])
    await pages.return?.()
  })

  test('parents and children, all deferred, until latest: each record once', async (t) => {
    const kinesis = await endpoint(t)
    const [a, b] = kinesis.open(2)
    kinesis.put(a!, numbered(2))
    kinesis.put(b!, numbered(2, 10))
    kinesis.put(kinesis.merge(a!, b!), numbered(2, 20))
    const { used, deferred } = await drainDeferring(open(t, kinesis), once('r1', 'r10', 'r20', 'r21'))
    assert.deepEqual([...used.values()].flat().sort(), [...numbered(2), ...numbered(2, 10), ...numbered(2, 20)].sort())
    assert.equal(deferred, 4)
  })

  for (const [title, forget] of [
    ['the end of an empty shard', false],
    ['the end of a shard that is not listed any more', true],
  ] as const) {
    test(`${title} comes again`, async (t) => {
      const kinesis = await endpoint(t)
      const [shard] = kinesis.open(1)
      kinesis.split(shard!)
      if (forget) kinesis.forget(shard!)
      const positions = new Map(forget ? [[shard!, after('8', kinesis.now())]] : [])
      const pages = open(t, kinesis, { onGap: 'continue' }).pages(positions, new AbortController().signal)
      const seen: string[] = []
      for await (const page of pages) {
        seen.push(page.shard)
        if (seen.length < 3) {
          assert.deepEqual([page.end.sequence, page.records], [SHARD_END, []])
          page.defer(0)
        } else page.ack()
      }
      assert.deepEqual(seen.slice(0, 3), [shard, shard, shard])
      assert.ok(seen.length > 3 && !seen.slice(3).includes(shard!))
    })
  }

  test('until latest: a shard that was read past the beginning is read to the same place again', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    kinesis.put(shard!, numbered(1))
    kinesis.put(shard!, numbered(1, 1), kinesis.now() + 10_000)
    const { used } = await drainDeferring(open(t, kinesis), once('r1'))
    assert.deepEqual(used.get(shard!), numbered(2))
    assert.equal(kinesis.asked('GetRecords').length, 2)
  })

  test('a shard that began at an instant begins there again', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    kinesis.put(shard!, numbered(2), kinesis.now() - HOUR_MS)
    kinesis.put(shard!, numbered(2, 2))
    const positions = new Map([[shard!, atTimestamp(kinesis.now() - HOUR_MS / 2)]])
    const { used, deferred } = await drainDeferring(open(t, kinesis), once('r2', 'r3'), positions)
    assert.deepEqual(used.get(shard!), numbered(2, 2))
    assert.equal(deferred, 2)
  })

  test('a source that is closed while the shard rests gives no more pages, and does not read on', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    kinesis.put(shard!, numbered(2))
    const source = open(t, kinesis, { untilLatest: false })
    const pages = source.pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
    const page = (await pages.next()).value as Page
    page.defer(1)
    const next = pages.next()
    await source.close()
    assert.equal((await next).done, true)
    await later(1500, null)
    assert.equal(kinesis.asked('GetShardIterator').length, 1)
  })
})

/** Refuses each record with one of these texts once. */
function once(...texts: string[]): (record: RawRecord) => boolean {
  const left = new Set(texts)
  return (record) => left.delete(textOf(record))
}
