import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Page } from '../../../src/ingest/source.ts'
import { atTimestamp, SHARD_END, TRIM_HORIZON } from '../../../src/position.ts'
import { refusal } from '../../support/kinesis/kinesis-endpoint.ts'
import { drain } from '../conformance.ts'
import { endpoint, first, HOUR_MS, later, numbered, open, textsOf } from '../kinesis/scripted.ts'

// They mostly wait for the pace of the service: several at a time.
describe('reading a shard', { concurrency: 8, timeout: 60_000 }, () => {
  test('an iterator that expires after records: nothing is lost, nothing comes twice', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    // One large record a page.
    const large = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(6 * 1024 * 1024))
    kinesis.put(shard!, large)
    let asked = 0
    kinesis.script('GetRecords', () => (++asked % 2 === 0 ? refusal('ExpiredIteratorException') : undefined))
    assert.deepEqual(
      (await textsOf(open(t, kinesis))).map((text) => text[0]),
      ['a', 'b', 'c', 'd'],
    )
    const types = kinesis.asked('GetShardIterator').map((body) => body.ShardIteratorType)
    assert.deepEqual(types.slice(0, 3), ['TRIM_HORIZON', 'AFTER_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER'])
  })

  test('iterators that always expire: no tight loop, and an abort ends it', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.open(1)
    const stop = new AbortController()
    const askedAtMs: number[] = []
    kinesis.script('GetRecords', () => {
      if (askedAtMs.push(performance.now()) === 4) stop.abort()
      return refusal('ExpiredIteratorException')
    })
    for await (const _ of open(t, kinesis).pages(new Map(), stop.signal)) assert.fail('a page')
    assert.equal(kinesis.asked('GetRecords').length, 4)
    // The service allows five reads of a shard in a second. A loaded machine only makes the waits longer.
    assert.ok(askedAtMs[3]! - askedAtMs[0]! >= 300, `four reads within ${askedAtMs[3]! - askedAtMs[0]!} ms`)
  })

  test('an iterator that is not understood is replaced', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.put(kinesis.open(1)[0]!, numbered(2))
    kinesis.script(
      'GetRecords',
      first(1, () => refusal('InvalidArgumentException', 'Invalid ShardIterator.')),
    )
    const source = open(t, kinesis)
    assert.deepEqual(await textsOf(source), numbered(2))
    assert.match(source.said[0]!.message, /refused a read/)
  })

  test('empty answers with something behind them do not end a drain', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.put(kinesis.open(1)[0]!, numbered(2))
    kinesis.script(
      'GetRecords',
      first(3, ({ body }) => ({ Records: [], NextShardIterator: body.ShardIterator, MillisBehindLatest: 5000 })),
    )
    assert.deepEqual(await textsOf(open(t, kinesis)), numbered(2))
  })

  test('an answer without a next iterator and without children is believed only if the listing agrees', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.put(kinesis.open(1)[0]!, numbered(2))
    kinesis.script(
      'GetRecords',
      first(1, () => ({ Records: [], MillisBehindLatest: 0 })),
    )
    const read = [...(await drain(open(t, kinesis), new Map())).values()].flat()
    assert.deepEqual(read.flatMap(({ records }) => records).length, 2)
    assert.ok(read.every(({ end }) => end.sequence !== SHARD_END))
  })

  test('many small records, ten mebibytes and a single record of ten mebibytes', async (t) => {
    const kinesis = await endpoint(t)
    const [many, large, one] = kinesis.open(3)
    kinesis.put(many!, numbered(10_001))
    kinesis.put(large!, Array(13).fill('x'.repeat(1024 * 1024)))
    kinesis.put(one!, ['y'.repeat(10 * 1024 * 1024)])
    const read = await drain(open(t, kinesis, { memoryBytes: 1024 * 1024 }), new Map())
    const sizes = (shard: string) => read.get(shard)!.map(({ records }) => records.length)
    assert.deepEqual(sizes(many!).filter(Boolean), [2000, 8001])
    assert.deepEqual(sizes(large!).filter(Boolean), [10, 1, 1, 1])
    assert.deepEqual(sizes(one!).filter(Boolean), [1])
    assert.equal(read.get(one!)![0]!.records[0]!.data.byteLength, 10 * 1024 * 1024)
  })

  test('from a time on: what arrived before it is passed over, and the position follows what was read', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    const from = kinesis.now() - 60_000
    kinesis.put(shard!, ['older', 'old'], from - 1)
    const [at] = kinesis.put(shard!, ['at'], from)
    const source = open(t, kinesis)
    const pages = (await drain(source, new Map([[shard!, atTimestamp(from)]]))).get(shard!)!
    const texts = pages.flatMap(({ records }) => records.map(({ data }) => Buffer.from(data).toString()))
    assert.deepEqual(texts, ['at'])
    const { sequence, arrivedAt } = pages.at(-1)!.end
    assert.deepEqual([sequence, arrivedAt], [at, from])
  })

  test('positions: sequence and arrival of the last record, and when nothing was left, by the service clock', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.skewMs = -7 * HOUR_MS
    const [read, empty] = kinesis.open(2)
    const arrivedAt = kinesis.now() - 60_000
    const sequences = kinesis.put(read!, numbered(2), arrivedAt)
    const before = kinesis.now()
    const pages = await drain(open(t, kinesis), new Map())

    const records = pages.get(read!)!.find((page) => page.records.length > 0)!
    assert.deepEqual(records.end, { sequence: sequences[1], arrivedAt, caughtUpAt: null })
    for (const [shard, sequence] of [
      [read, sequences[1]],
      [empty, TRIM_HORIZON],
    ] as const) {
      const { end } = pages.get(shard!)!.at(-1)!
      assert.equal(end.sequence, sequence)
      assert.ok(end.caughtUpAt! >= before - 2000 && end.caughtUpAt! <= kinesis.now())
    }
  })

  test('a page of aggregated records ends at a whole outer record', async (t) => {
    const { createHash } = await import('node:crypto')
    const body = Buffer.from(`0a016b${'1a050800' + '1a0161'}${'1a050800' + '1a0162'}`, 'hex')
    const aggregated = Buffer.concat([Buffer.from('f3899ac2', 'hex'), body, createHash('md5').update(body).digest()])
    const kinesis = await endpoint(t)
    const sequences = kinesis.put(kinesis.open(1)[0]!, ['before', aggregated, 'behind'])
    const [page] = [...(await drain(open(t, kinesis), new Map())).values()].flat()
    assert.deepEqual(
      page!.records.map(({ sequence, subSequence, data }) => [sequence, subSequence, Buffer.from(data).toString()]),
      [
        [sequences[0], undefined, 'before'],
        [sequences[1], 0, 'a'],
        [sequences[1], 1, 'b'],
        [sequences[2], undefined, 'behind'],
      ],
    )
  })

  test('one page of a shard is read ahead, not more', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.put(kinesis.open(1)[0]!, Array(5).fill('x'.repeat(6 * 1024 * 1024)))
    const pages = open(t, kinesis).pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
    await pages.next()
    await later(900, null)
    assert.equal(kinesis.asked('GetRecords').length, 2)
    await pages.return?.()
  })

  test('a shard that always refuses in the same way ends the relay', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.open(1)
    kinesis.script('GetRecords', () => refusal('InvalidArgumentException', 'Invalid ShardIterator.'))
    await assert.rejects(textsOf(open(t, kinesis)), { code: 'SOURCE_REFUSED' })
    assert.equal(kinesis.asked('GetRecords').length, 6)
  })

  test('a page holds the memory that it has, not what it might have had', async (t) => {
    const kinesis = await endpoint(t)
    for (const shard of kinesis.open(10)) kinesis.put(shard, ['x'])
    const source = open(t, kinesis, { memoryBytes: 20 * 1024 * 1024 })
    const pages = source.pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
    for (let records = 0; records < 10; ) records += ((await pages.next()).value as Page).records.length
    await pages.return?.()
  })

  test('many shards at once: no connection for each request, and no warning of Node.js', async (t) => {
    const kinesis = await endpoint(t)
    const ids = kinesis.open(40)
    for (const [i, id] of ids.entries()) kinesis.put(id, [`r${i}`])
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onWarning)
    t.after(() => process.off('warning', onWarning))
    assert.equal((await textsOf(open(t, kinesis))).length, 40)
    await later(0, null)
    assert.deepEqual(warnings, [])
    assert.ok(kinesis.connections <= 7, `${kinesis.connections} connections for ${kinesis.requests.length} requests`)
  })
})
