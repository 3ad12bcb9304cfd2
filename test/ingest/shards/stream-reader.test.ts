import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Page } from '../../../src/ingest/source.ts'
import { SHARD_END } from '../../../src/position.ts'
import { RESET, refusal } from '../../support/kinesis/kinesis-endpoint.ts'
import { drain, payloads } from '../conformance.ts'
import { endpoint, first, later, numbered, open, textsOf } from '../kinesis/scripted.ts'

// They mostly wait for the pace of the service: several at a time.
describe('the shards of a Kinesis source', { concurrency: 8, timeout: 60_000 }, () => {
  test('split: no record of a child comes before the end of its parent is committed', async (t) => {
    const kinesis = await endpoint(t)
    const [parent] = kinesis.open(1)
    kinesis.put(parent!, numbered(3))
    const [left, right] = kinesis.split(parent!)
    kinesis.put(left!, numbered(2, 10))
    kinesis.put(right!, numbered(2, 20))

    const pages = open(t, kinesis).pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
    const { value: ended } = await pages.next()
    assert.equal(ended.shard, parent)
    assert.equal(ended.end.sequence, SHARD_END)
    assert.equal(ended.records.length, 3)
    const next = pages.next()
    assert.equal(await Promise.race([next, later(400, 'waits')]), 'waits')
    assert.equal(kinesis.asked('GetShardIterator').length, 1)

    ended.ack()
    const children = [(await next).value as Page, (await pages.next()).value as Page]
    assert.deepEqual(children.map(({ shard }) => shard).sort(), [left, right])
    assert.deepEqual(
      kinesis.asked('GetShardIterator').map((body) => body.ShardIteratorType),
      ['TRIM_HORIZON', 'TRIM_HORIZON', 'TRIM_HORIZON'],
    )
    await pages.return?.()
  })

  test('merge: the child waits for both parents, and is begun once', async (t) => {
    const kinesis = await endpoint(t)
    const [a, b] = kinesis.open(2)
    kinesis.put(a!, numbered(2))
    kinesis.put(b!, numbered(2, 10))
    const child = kinesis.merge(a!, b!)
    kinesis.put(child, numbered(2, 20))
    const texts = await textsOf(open(t, kinesis))
    assert.deepEqual(texts.slice(4), numbered(2, 20))
    assert.equal(texts.length, 6)
    assert.equal(kinesis.asked('GetShardIterator').filter((body) => body.ShardId === child).length, 1)
  })

  test('merge: a parent that is not listed any more is not waited for', async (t) => {
    const kinesis = await endpoint(t)
    const [a, b] = kinesis.open(2)
    kinesis.put(b!, numbered(2, 10))
    const child = kinesis.merge(a!, b!)
    kinesis.put(child, numbered(2, 20))
    kinesis.forget(a!)
    assert.deepEqual(await textsOf(open(t, kinesis)), [...numbered(2, 10), ...numbered(2, 20)])
  })

  test('a parent that vanishes from the listing while its last page is worked on is waited for', async (t) => {
    const kinesis = await endpoint(t)
    const [a, b] = kinesis.open(2)
    kinesis.put(a!, numbered(2))
    kinesis.put(b!, numbered(2, 10))
    const child = kinesis.merge(a!, b!)
    kinesis.put(child, numbered(2, 20))
    const pages = open(t, kinesis).pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
    const ends = [(await pages.next()).value as Page, (await pages.next()).value as Page]
    kinesis.forget(a!)
    ends.find(({ shard }) => shard === b)!.ack()
    const next = pages.next()
    assert.equal(await Promise.race([next, later(400, 'waits')]), 'waits')
    ends.find(({ shard }) => shard === a)!.ack()
    assert.equal(((await next).value as Page).shard, child)
    await pages.return?.()
  })

  test('shards in between that hold nothing are walked', async (t) => {
    const kinesis = await endpoint(t)
    const [a] = kinesis.open(1)
    kinesis.put(a!, numbered(1))
    const [b, c] = kinesis.split(a!)
    const d = kinesis.merge(b!, c!)
    const [e] = kinesis.split(d)
    kinesis.put(e!, numbered(1, 1))
    assert.deepEqual(await textsOf(open(t, kinesis)), numbered(2))
  })

  test('a shard that appears while running is read, however it was found', async (t) => {
    const kinesis = await endpoint(t)
    const [parent] = kinesis.open(1)
    kinesis.put(parent!, numbered(2))
    const source = open(t, kinesis, { untilLatest: false })
    const stop = new AbortController()
    const texts: string[] = []
    for await (const page of source.pages(new Map(), stop.signal)) {
      texts.push(...page.records.map(({ data }) => Buffer.from(data).toString('utf8')))
      if (texts.length === 2 && page.end.sequence !== SHARD_END && kinesis.asked('ListShards').length === 1) {
        const [left] = kinesis.split(parent!)
        kinesis.put(left!, numbered(2, 2))
      }
      page.ack()
      if (texts.length === 4) stop.abort()
    }
    assert.deepEqual(texts, numbered(4))
  })

  test('until latest: a page that reaches past the beginning ends a busy shard', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    kinesis.put(shard!, numbered(2))
    let reads = 0
    kinesis.script('GetRecords', (_, usual) => {
      kinesis.put(shard!, [`new ${++reads}`], kinesis.now() + (reads > 2 ? 10_000 : 0))
      return usual()
    })
    const texts = await textsOf(open(t, kinesis))
    assert.deepEqual(texts.slice(0, 2), numbered(2))
    assert.equal(reads, 3)
  })

  test('until latest: a shard that was closed before is read to its end, even if a page is empty on the way', async (t) => {
    const kinesis = await endpoint(t)
    const [parent] = kinesis.open(1)
    kinesis.put(parent!, numbered(2))
    const [left] = kinesis.split(parent!)
    kinesis.put(left!, numbered(2, 2))
    kinesis.script(
      'GetRecords',
      first(1, ({ body }) => ({ Records: [], NextShardIterator: body.ShardIterator, MillisBehindLatest: 0 })),
    )
    assert.deepEqual(await textsOf(open(t, kinesis)), numbered(4))
  })

  test('until latest: the children of a shard that ended meanwhile are read too', async (t) => {
    const kinesis = await endpoint(t)
    const [a, b] = kinesis.open(2)
    kinesis.put(a!, numbered(2))
    let child = ''
    kinesis.script('GetRecords', () => {
      if (child !== '') return undefined
      child = kinesis.merge(a!, b!)
      kinesis.put(child, numbered(2, 2))
      return undefined
    })
    assert.deepEqual(await textsOf(open(t, kinesis)), numbered(4))
  })

  test('until latest: the child of a shard that was open at the beginning and is drained is not waited for', async (t) => {
    const kinesis = await endpoint(t)
    const [a, b] = kinesis.open(2)
    kinesis.put(a!, numbered(2))
    let readsOfB = 0
    kinesis.script('GetRecords', ({ body }, usual) => {
      const iterator = String(body.ShardIterator)
      if (iterator.includes(b!)) readsOfB++
      else if (readsOfB === 0) return { Records: [], NextShardIterator: iterator, MillisBehindLatest: 1000 }
      else if (
        kinesis.asked('GetRecords').filter(({ ShardIterator }) => String(ShardIterator).includes(a!)).length === 3
      ) {
        kinesis.put(kinesis.merge(a!, b!), ['later'])
      }
      return usual()
    })
    const read = await drain(open(t, kinesis), new Map())
    assert.deepEqual([...payloads(read).values()].flat(), numbered(2))
    assert.equal(readsOfB, 1)
  })

  test('an abort while the service does not answer ends the iteration', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.open(2)
    const stop = new AbortController()
    kinesis.script('GetRecords', () => {
      stop.abort()
      return RESET
    })
    for await (const _ of open(t, kinesis).pages(new Map(), stop.signal)) assert.fail('a page')
  })

  test('a source that is closed gives no more pages', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.open(1)
    const source = open(t, kinesis, { untilLatest: false })
    const pages = source.pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
    await pages.next()
    const next = pages.next()
    await source.close()
    assert.equal((await next).done, true)
    assert.equal((await pages.next()).done, true)
  })

  test('a failure of one shard ends the iteration of all, and all reading', async (t) => {
    const kinesis = await endpoint(t)
    const [, b] = kinesis.open(2)
    let readsOfB = 0
    kinesis.script('GetRecords', ({ body }) =>
      String(body.ShardIterator).includes(b!) && ++readsOfB === 2 ? refusal('ExpiredIteratorException') : undefined,
    )
    kinesis.script('GetShardIterator', () =>
      readsOfB === 2 ? refusal('InvalidArgumentException', 'It encodes shardId-7') : undefined,
    )
    const source = open(t, kinesis, { untilLatest: false })
    const pages = source.pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
    await pages.next()
    await pages.next()
    while (kinesis.asked('GetShardIterator').length < 3) await later(10, null)
    const reads = kinesis.asked('GetRecords').length
    await later(2500, null)
    assert.ok(kinesis.asked('GetRecords').length <= reads + 1)
    await assert.rejects(pages.next(), { code: 'SOURCE_CHANGED' })
  })
})
