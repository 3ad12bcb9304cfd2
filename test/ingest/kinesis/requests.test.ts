import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RESET, refusal, type Script } from '../../support/kinesis/kinesis-endpoint.ts'
import { drain, payloads } from '../conformance.ts'
import { endpoint, first, HOUR_MS, later, numbered, open, textsOf } from './scripted.ts'

// They mostly wait for the pace of the service: several at a time.
describe('the requests of a Kinesis source', { concurrency: 8, timeout: 60_000 }, () => {
  test('a stream by ARN: every request names it by ARN, and by name where that is allowed', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.shardsPerPage = 2
    const ids = kinesis.open(5)
    for (const [i, id] of ids.entries()) kinesis.put(id, numbered(3, i * 10))
    const read = payloads(await drain(open(t, kinesis), new Map()))
    assert.deepEqual(
      [...read].sort(),
      ids.map((id, i) => [id, numbered(3, i * 10)]),
    )
    for (const { operation, body } of kinesis.requests) {
      assert.equal(body.StreamARN, kinesis.arn)
      assert.equal('StreamName' in body, operation !== 'GetRecords' && !('NextToken' in body))
    }
  })

  test('a stream by name: no ARN is sent', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.put(kinesis.open(1)[0]!, numbered(3))
    assert.deepEqual(await textsOf(open(t, kinesis, { stream: kinesis.name })), numbered(3))
    for (const { body } of kinesis.requests) assert.equal('StreamARN' in body, false)
  })

  test('all pages of the listing are read; an expired token restarts it', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.shardsPerPage = 2
    const ids = kinesis.open(7)
    for (const [i, id] of ids.entries()) kinesis.put(id, [`r${i}`])
    let isExpired = false
    kinesis.script('ListShards', ({ body }) => {
      if (isExpired || body.NextToken === undefined || kinesis.asked('ListShards').length < 3) return undefined
      isExpired = true
      return refusal('ExpiredNextTokenException')
    })
    assert.deepEqual((await textsOf(open(t, kinesis))).sort(), numbered(7))
    assert.ok(isExpired)
    assert.equal(kinesis.asked('ListShards').filter((body) => body.NextToken === undefined).length, 2)
  })

  test('all requests of a run share their connections', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    for (let i = 0; i < 5; i++) kinesis.put(shard!, ['x'.repeat(6 * 1024 * 1024)])
    assert.equal((await textsOf(open(t, kinesis))).length, 5)
    assert.ok(kinesis.asked('GetRecords').length >= 5)
    assert.equal(kinesis.connections, 1)
  })

  test('who the stream is', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.open(1)
    kinesis.retentionHours = 48
    assert.deepEqual(await open(t, kinesis).identify(new AbortController().signal), {
      id: kinesis.arn,
      created: '2024-07-01T00:00:00.000Z',
      retentionMs: 48 * HOUR_MS,
    })
  })

  test('no such stream, and no permission at the start, end it at once', async (t) => {
    const kinesis = await endpoint(t)
    const { signal } = new AbortController()
    await assert.rejects(open(t, kinesis, { stream: 'nothing' }).identify(signal), { code: 'SOURCE_NOT_FOUND' })
    kinesis.script('GetRecords', () => refusal('AccessDeniedException', 'User x is not authorized'))
    kinesis.open(1)
    await assert.rejects(textsOf(open(t, kinesis)), { code: 'SOURCE_DENIED' })
  })

  test('records spread without regard to their key are warned about, and one without a key is read', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.distribution = 'AUTO'
    kinesis.put(kinesis.open(1)[0]!, numbered(2))
    const source = open(t, kinesis)
    await source.identify(new AbortController().signal)
    assert.match(source.said[0]!.message, /without regard to their keys/)
    assert.deepEqual(await textsOf(source), numbered(2))
  })

  test('throttled again and again: the same iterator, no repositioning, said at a falling rate', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.put(kinesis.open(1)[0]!, numbered(2))
    kinesis.script(
      'GetRecords',
      first(3, () => refusal('ProvisionedThroughputExceededException')),
    )
    const source = open(t, kinesis)
    const began = performance.now()
    assert.deepEqual(await textsOf(source), numbered(2))
    assert.ok(performance.now() - began >= 3000)
    assert.equal(kinesis.asked('GetShardIterator').length, 1)
    const iterators = kinesis.asked('GetRecords').map((body) => body.ShardIterator)
    assert.equal(new Set(iterators.slice(0, 4)).size, 1)
    assert.equal(iterators.length, 5)
    const said = source.said.map(({ level, message }) => `${level}: ${message}`)
    assert.equal(said[0], 'warn: Could not read records; trying again')
    assert.equal(said.at(-1), 'info: Could read records again')
  })

  for (const [title, wrong] of [
    ['an internal error', () => refusal('InternalFailure', 'oops', 500)],
    ['a gateway that answers in HTML', () => refusal('<html>', '', 503)],
    ['a connection that is reset', () => RESET],
  ] as const satisfies readonly (readonly [string, Script])[]) {
    test(`${title}, in every request, is survived`, async (t) => {
      const kinesis = await endpoint(t)
      kinesis.put(kinesis.open(1)[0]!, numbered(2))
      for (const operation of ['DescribeStreamSummary', 'ListShards', 'GetShardIterator', 'GetRecords']) {
        kinesis.script(operation, first(1, wrong))
      }
      const source = open(t, kinesis)
      assert.deepEqual(await textsOf(source), numbered(2))
      assert.match(
        source.said[0]!.message,
        /Could not describe the stream; trying again|Could not list the shards; trying again/,
      )
    })
  }

  test('a permission that goes away after hours does not end it: tried again slowly, said as an error', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    kinesis.put(
      shard!,
      ['a', 'b'].map((letter) => letter.repeat(6 * 1024 * 1024)),
    )
    let reads = 0
    const source = open(t, kinesis)
    const stop = new AbortController()
    kinesis.script('GetRecords', () =>
      ++reads > 1 ? refusal('KMSDisabledException', 'The key is disabled') : undefined,
    )
    let pages = 0
    const iteration = (async () => {
      for await (const page of source.pages(new Map(), stop.signal)) {
        page.ack()
        pages++
      }
    })()
    while (source.said.length === 0) await later(20, null)
    stop.abort()
    await iteration
    assert.equal(pages, 1)
    assert.equal(reads, 2)
    assert.equal(source.said[0]!.level, 'error')
    assert.match(source.said[0]!.message, /Not allowed to read records any more/)
  })

  test('a clock that is hours wrong: signatures are accepted after the first refusal', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.skewMs = 3 * HOUR_MS
    kinesis.put(kinesis.open(1)[0]!, numbered(2))
    assert.deepEqual(await textsOf(open(t, kinesis)), numbered(2))
  })
})
