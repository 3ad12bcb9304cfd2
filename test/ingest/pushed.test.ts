import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RawRecord } from '../../src/change.ts'
import { pushedSource } from '../../src/ingest/pushed.ts'
import type { Page, Source } from '../../src/ingest/source.ts'
import { SHARD_END } from '../../src/position.ts'
import { engineOver } from '../support/engine.ts'
import { describeSource, drain, type Held, textOf } from './conformance.ts'

describeSource(
  'pushed',
  async ({ shards }: Held) => {
    const records = new Map(
      shards.map((texts, i) => [`shard-${i}`, texts.map((text, j) => record(`shard-${i}`, j, text))]),
    )
    const opened: Source[] = []
    const open = (): Source => {
      const { source } = engineOver(records)
      opened.push(source)
      return source
    }
    return {
      source: open(),
      reopen: async () => open(),
      close: async () => void (await Promise.all(opened.map((source) => source.close()))),
    }
  },
  { shards: 3, unboundedMemory: 'an engine bounds what it pushes' },
)

const numbered = (shard: string, ...numbers: readonly number[]): RawRecord[] =>
  numbers.map((number) => record(shard, number, `${number}`))

function record(shard: string, number: number, text: string): RawRecord {
  return { shard, sequence: `${1000 + number}`, arrivedAt: number, data: Buffer.from(text) }
}

const running = (): AbortSignal => new AbortController().signal

/** The next pages of the source, one for each call. */
function reader(source: Source, signal = running()): () => Promise<Page> {
  const pages = source.pages(new Map(), signal)[Symbol.asyncIterator]()
  return async () => {
    const { value, done } = await pages.next()
    assert.ok(done !== true, 'no further page')
    return value
  }
}

describe('records that are pushed', () => {
  const source = () => pushedSource({ id: 'arn' })

  test('a push ends when its page is acknowledged, each by itself', async () => {
    const pushed = source()
    const next = reader(pushed)
    const first = pushed.push('a', numbered('a', 1, 2))
    const second = pushed.push('b', numbered('b', 1))
    const [a, b] = [await next(), await next()]
    b.ack()
    assert.equal(await second, 'committed')
    assert.equal(await Promise.race([first, Promise.resolve('open')]), 'open')
    a.ack()
    assert.equal(await first, 'committed')
  })

  test('a page that is deferred in its middle: the push ends when what was used is durable, and says from where', async () => {
    const pushed = source()
    const next = reader(pushed)
    const push = pushed.push('a', numbered('a', 1, 2, 3))
    const page = await next()
    page.defer(1)
    assert.equal(await Promise.race([push, Promise.resolve('open')]), 'open')
    page.ack()
    assert.deepEqual(await push, { from: '1002' })
  })

  test('pushes behind a deferred one end as it does, those of other shards go on', async () => {
    const pushed = source()
    const next = reader(pushed)
    const pushes = [
      pushed.push('a', numbered('a', 1, 2)),
      pushed.push('a', numbered('a', 3)),
      pushed.push('b', numbered('b', 1)),
      pushed.push('a', [], { endsShard: true }),
    ]
    const page = await next()
    page.defer(1)
    const late = pushed.push('a', numbered('a', 4))
    const other = await next()
    assert.equal(other.shard, 'b')
    other.ack()
    page.ack()
    assert.deepEqual(await Promise.all([...pushes, late]), [
      { from: '1002' },
      { from: '1002' },
      'committed',
      { from: '1002' },
      { from: '1002' },
    ])
    const again = pushed.push('a', numbered('a', 2, 3))
    assert.deepEqual((await next()).records.map(textOf), ['2', '3'])
    await pushed.close()
    void again
  })

  test('a page that fails fails its push, and what is pushed behind it in its shard', async () => {
    const pushed = source()
    const next = reader(pushed)
    const pushes = [pushed.push('a', numbered('a', 1)), pushed.push('a', numbered('a', 2))]
    const page = await next()
    page.failed(new Error('the target refused'))
    for (const push of pushes) await assert.rejects(push, /the target refused/)
  })

  test('a deadline, or a lost lease, fails the push at once, taken or not; and an acknowledgement after it does nothing', async () => {
    const pushed = source()
    const next = reader(pushed)
    const deadline = new AbortController()
    const taken = pushed.push('a', numbered('a', 1), { signal: deadline.signal })
    const page = await next()
    const waiting = pushed.push('a', numbered('a', 2), { signal: deadline.signal })
    deadline.abort(new Error('out of time'))
    await assert.rejects(taken, /out of time/)
    await assert.rejects(waiting, /out of time/)
    page.ack()
    const again = pushed.push('a', numbered('a', 1, 2))
    const second = await next()
    assert.deepEqual(second.records.map(textOf), ['1', '2'])
    second.ack()
    assert.equal(await again, 'committed')
    await assert.rejects(pushed.push('a', numbered('a', 3), { signal: deadline.signal }), /out of time/)
  })

  test('a relay that stops: what it has is still acknowledged, what it has not fails; another one takes what comes then', async () => {
    const pushed = source()
    const stop = new AbortController()
    const next = reader(pushed, stop.signal)
    const taken = pushed.push('a', numbered('a', 1))
    const page = await next()
    const waiting = pushed.push('b', numbered('b', 1))
    stop.abort(new Error('SIGTERM'))
    await assert.rejects(waiting, /SIGTERM/)
    await assert.rejects(pushed.push('b', numbered('b', 1)), /SIGTERM/)
    page.ack()
    assert.equal(await taken, 'committed')
    const nextOfOther = reader(pushed)
    const again = pushed.push('b', numbered('b', 1))
    ;(await nextOfOther()).ack()
    assert.equal(await again, 'committed')
  })

  test('what is pushed before the relay reads waits for it, and the end waits for what was pushed', async () => {
    const pushed = source()
    const push = pushed.push('a', numbered('a', 1))
    pushed.end()
    assert.deepEqual([...(await drain(pushed, new Map())).keys()], ['a'])
    assert.equal(await push, 'committed')
  })

  test('the end of a shard is a page, with its last records or without', async () => {
    const pushed = source()
    const next = reader(pushed)
    const pushes = [
      pushed.push('a', numbered('a', 1), { endsShard: true }),
      pushed.push('b', [], { endsShard: true }),
      pushed.push('c', []),
    ]
    for (const shard of ['a', 'b']) {
      const page = await next()
      assert.equal(page.shard, shard)
      assert.equal(page.end.sequence, SHARD_END)
      page.ack()
    }
    assert.deepEqual(await Promise.all(pushes), ['committed', 'committed', 'committed'])
  })

  test('records come again, and late, as they are pushed', async () => {
    const pushed = source()
    const next = reader(pushed)
    const pushes = [[1, 2, 3], [2, 3], [1]].map((numbers) => pushed.push('a', numbered('a', ...numbers)))
    const texts: string[][] = []
    for (const push of pushes) {
      const page = await next()
      texts.push(page.records.map(textOf))
      page.ack()
      assert.equal(await push, 'committed')
    }
    assert.deepEqual(texts, [['1', '2', '3'], ['2', '3'], ['1']])
  })
})
