import assert from 'node:assert/strict'
import { after, describe, type TestContext, test } from 'node:test'
import { kinesisSource } from '../../../src/ingest/kinesis/source.ts'
import type { Source } from '../../../src/ingest/source.ts'
import { SILENT } from '../../../src/observe/log.ts'
import { startKinesalite } from '../../support/kinesis/kinesalite.ts'
import { describeSource, drain, payloads } from '../conformance.ts'
import { firstPositions, numbered, textsOf } from './scripted.ts'

const kinesis = await startKinesalite()
after(() => kinesis.close())
let streams = 0

describeSource(
  'kinesalite',
  async ({ shards, memoryBytes = 64 * 1024 * 1024 }) => {
    const stream = `stream-${++streams}`
    await kinesis.createStream(stream, shards.length)
    const ids = await kinesis.openShards(stream)
    for (const [i, payloads] of shards.entries()) await kinesis.putTo(stream, ids[i]!, payloads)

    const opened: Source[] = []
    const open = (): Source => {
      const source = kinesisSource({
        stream,
        endpointUrl: kinesis.endpoint,
        untilLatest: true,
        onGap: 'stop',
        memoryBytes,
        log: SILENT,
      })
      opened.push(source)
      return source
    }
    return {
      source: open(),
      reopen: async () => open(),
      async close() {
        for (const source of opened) await source.close()
      },
    }
  },
  { shards: 2 },
)

/** A stream of its own for one test, and a source that drains it. */
async function stream(t: TestContext, shards: number) {
  const name = `stream-${++streams}`
  await kinesis.createStream(name, shards)
  const open = (): Source => {
    const source = kinesisSource({
      stream: name,
      endpointUrl: kinesis.endpoint,
      untilLatest: true,
      onGap: 'stop',
      memoryBytes: 64 * 1024 * 1024,
      log: SILENT,
    })
    t.after(() => source.close())
    return source
  }
  return { name, open, ids: await kinesis.openShards(name) }
}

describe('kinesalite', { concurrency: 4, timeout: 60_000 }, () => {
  test('splits and merges: each record once, parents before children', async (t) => {
    const { name, open, ids } = await stream(t, 2)
    const [a, b] = ids
    await kinesis.putTo(name, a!, numbered(20))
    await kinesis.putTo(name, b!, numbered(20, 100))
    const [left, right] = await kinesis.split(name, a!)
    await kinesis.putTo(name, left!, numbered(20, 200))
    await kinesis.putTo(name, right!, numbered(20, 300))
    const merged = await kinesis.merge(name, right!, b!)
    await kinesis.putTo(name, merged, numbered(20, 400))

    const order: string[] = []
    for await (const page of open().pages(new Map(), new AbortController().signal)) {
      order.push(...page.records.map(({ shard, data }) => `${shard} ${Buffer.from(data).toString('utf8')}`))
      page.ack()
    }
    const expected = [numbered(20), numbered(20, 100), numbered(20, 200), numbered(20, 300), numbered(20, 400)]
    for (const [i, shard] of [a!, b!, left!, right!, merged].entries()) {
      const own = order.filter((text) => text.startsWith(shard)).map((text) => text.slice(shard.length + 1))
      assert.deepEqual(own, expected[i])
    }
    const firstOf = (shard: string) => order.findIndex((text) => text.startsWith(shard))
    const lastOf = (shard: string) => order.findLastIndex((text) => text.startsWith(shard))
    assert.ok(firstOf(left!) > lastOf(a!) && firstOf(right!) > lastOf(a!))
    assert.ok(firstOf(merged) > lastOf(right!) && firstOf(merged) > lastOf(b!))
  })

  test('a reshard while it is read', async (t) => {
    const { name, open, ids } = await stream(t, 1)
    await kinesis.putTo(name, ids[0]!, numbered(5))
    const texts: string[] = []
    let isSplit = false
    for await (const page of open().pages(new Map(), new AbortController().signal)) {
      texts.push(...page.records.map(({ data }) => Buffer.from(data).toString('utf8')))
      if (!isSplit) {
        isSplit = true
        const [left] = await kinesis.split(name, ids[0]!)
        await kinesis.putTo(name, left!, numbered(5, 5))
      }
      page.ack()
    }
    // Drained as it was at the beginning; what came later may come or not, in order.
    assert.deepEqual(texts, numbered(texts.length))
    assert.ok(texts.length >= 5)
  })

  test('the latest start begins with what comes next, and does not hang without it', async (t) => {
    const { name, open, ids } = await stream(t, 1)
    await kinesis.putTo(name, ids[0]!, numbered(3))
    const source = open()
    const positions = await firstPositions(source, { kind: 'latest' })
    const read = await drain(source, positions)
    assert.deepEqual(payloads(read).get(ids[0]!), [])
    await kinesis.putTo(name, ids[0]!, numbered(2, 3))
    assert.deepEqual(await textsOf(source, positions), numbered(2, 3))
  })

  test('the latest start, with more older records than one answer has', async (t) => {
    const { name, open, ids } = await stream(t, 1)
    await kinesis.putTo(name, ids[0]!, numbered(10_500))
    const source = open()
    const positions = await firstPositions(source, { kind: 'latest' })
    await kinesis.putTo(name, ids[0]!, ['new'])
    assert.deepEqual(await textsOf(source, positions), ['new'])
  })

  test('a start at a time', async (t) => {
    const { name, open, ids } = await stream(t, 1)
    await kinesis.putTo(name, ids[0]!, numbered(3))
    await new Promise((resolve) => setTimeout(resolve, 20))
    const ms = Date.now()
    await kinesis.putTo(name, ids[0]!, numbered(2, 3))
    const source = open()
    assert.deepEqual(await textsOf(source, await firstPositions(source, { kind: 'time', ms })), numbered(2, 3))
  })

  test('a stream that was deleted and created again is told apart, and does not take the old positions', async (t) => {
    const { name, open, ids } = await stream(t, 1)
    const [stored] = await kinesis.putTo(name, ids[0]!, numbered(1))
    const { signal } = new AbortController()
    const before = await open().identify(signal)
    await kinesis.deleteStream(name)
    // The emulator's creation times count whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await kinesis.createStream(name, 1)
    const after = await open().identify(signal)
    assert.equal(after.id, before.id)
    assert.notEqual(after.created, before.created)

    const position = { sequence: stored!.sequence, arrivedAt: Date.now(), caughtUpAt: null }
    await assert.rejects(textsOf(open(), new Map([[ids[0]!, position]])), { code: 'SOURCE_CHANGED' })
  })

  test('a position of another shard is refused', async (t) => {
    const { name, open, ids } = await stream(t, 2)
    const [stored] = await kinesis.putTo(name, ids[0]!, numbered(1))
    const position = { sequence: stored!.sequence, arrivedAt: Date.now(), caughtUpAt: null }
    await assert.rejects(textsOf(open(), new Map([[ids[1]!, position]])), { code: 'SOURCE_CHANGED' })
  })
})
