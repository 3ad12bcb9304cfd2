import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ServiceClock } from '../../../src/aws/service-clock.ts'
import { connect } from '../../../src/ingest/kinesis/client.ts'
import { positionsAtLatest } from '../../../src/ingest/kinesis/start.ts'
import { kinesisStream } from '../../../src/ingest/kinesis/stream.ts'
import type { Stream } from '../../../src/ingest/shards/stream.ts'
import { SILENT } from '../../../src/observe/log.ts'
import { UNHEARD } from '../../../src/retry.ts'
import { refusal } from '../../support/kinesis/kinesis-endpoint.ts'
import { endpoint, first, firstPositions, HOUR_MS, numbered, open, textsOf } from './scripted.ts'

// They mostly wait for the pace of the service: several at a time.
describe('where a Kinesis source starts', { concurrency: 8, timeout: 60_000 }, () => {
  test('the latest instant is not before the listing, however little is known of the service clock', async () => {
    const clock = new ServiceClock()
    clock.learn(new Date().toUTCString(), clock.reading(), clock.reading())
    let listed = 0
    const stream = {
      async shards() {
        listed = clock.latest()
        return [{ id: 'a', parents: [], isOpen: true }]
      },
    } as unknown as Stream
    const positions = await positionsAtLatest({ stream, clock, log: SILENT }, new AbortController().signal)
    const ms = Number(positions.get('a')!.sequence.replace('AT_TIMESTAMP ', ''))
    assert.ok(ms >= listed && ms <= clock.latest())
  })

  test('a start at a time: the shards open then begin there, by the filter of the listing', async (t) => {
    const kinesis = await endpoint(t)
    const at = (hours: number) => kinesis.now() - hours * HOUR_MS
    const [root] = kinesis.open(1, at(20))
    kinesis.put(root!, ['old'], at(15))
    const [left, right] = kinesis.split(root!, at(10))
    kinesis.put(left!, ['before'], at(9))
    kinesis.put(left!, ['after'], at(7))
    kinesis.put(right!, ['before too'], at(9))
    const [leaf] = kinesis.split(left!, at(5))
    kinesis.put(leaf!, ['leaf'], at(4))

    const source = open(t, kinesis)
    const ms = at(8)
    const positions = await firstPositions(source, { kind: 'time', ms })
    const begin = { sequence: `AT_TIMESTAMP ${ms}`, arrivedAt: null, caughtUpAt: null }
    assert.deepEqual(positions, new Map([left!, right!].map((shard) => [shard, begin])))
    assert.deepEqual(await textsOf(source, positions), ['after', 'leaf'])
  })

  test('a start at a time, where filters are ignored: from the roots, nothing is lost', async (t) => {
    const kinesis = await endpoint(t)
    const at = (hours: number) => kinesis.now() - hours * HOUR_MS
    const [root] = kinesis.open(1, at(20))
    kinesis.put(root!, ['old', 'older'], at(15))
    const [left] = kinesis.split(root!, at(10))
    kinesis.put(left!, ['after'], at(7))
    kinesis.script('ListShards', ({ body }, usual) => {
      delete (body as Record<string, unknown>).ShardFilter
      return usual()
    })
    const source = open(t, kinesis)
    const positions = await firstPositions(source, { kind: 'time', ms: at(8) })
    assert.deepEqual([...positions.keys()], [root])
    assert.deepEqual(await textsOf(source, positions), ['after'])
  })

  test('the iterator at a time, as AWS is asked for it', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    const ms = kinesis.now() - HOUR_MS
    kinesis.put(shard!, ['before'], ms - 1)
    kinesis.put(shard!, ['at'], ms)
    const connection = connect({ stream: kinesis.arn, endpointUrl: kinesis.url })
    t.after(() => connection.client.destroy())
    const stream = kinesisStream(connection, UNHEARD)
    const { signal } = new AbortController()
    const iterator = await stream.iterator(shard!, { kind: 'time', ms }, signal)
    const answer = await stream.records(shard!, iterator as string, 10, signal)
    assert.ok('records' in answer)
    assert.deepEqual(
      answer.records.map(({ data }) => Buffer.from(data).toString()),
      ['at'],
    )
  })

  test('an instant that the service takes for the future is asked for again', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    kinesis.put(shard!, numbered(2))
    const future = 'The timestampInMillis parameter cannot be greater than the currentTimestampInMillis.'
    kinesis.script(
      'GetShardIterator',
      first(1, () => refusal('InvalidArgumentException', future)),
    )
    assert.deepEqual(await textsOf(open(t, kinesis)), numbered(2))
  })

  test('a start that lies in the future, before the retention, or before the stream', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.open(1)
    const source = open(t, kinesis)
    const future = { kind: 'time', ms: kinesis.now() + HOUR_MS } as const
    await assert.rejects(firstPositions(source, future), { code: 'CONFIGURATION', place: { option: 'start' } })

    assert.equal((await firstPositions(source, { kind: 'time', ms: kinesis.now() - 25 * HOUR_MS })).size, 0)
    assert.match(source.said[0]!.message, /does not reach back/)

    kinesis.created = new Date(kinesis.now() - HOUR_MS)
    assert.equal((await firstPositions(source, { kind: 'time', ms: kinesis.now() - 2 * HOUR_MS })).size, 0)
    assert.equal(source.said.length, 1)
    assert.equal(kinesis.asked('ListShards').length, 0)
  })

  test('the latest start: shards open now begin now, by the service clock', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.skewMs = 5 * HOUR_MS
    const [root] = kinesis.open(1)
    kinesis.put(root!, numbered(2))
    const [left, right] = kinesis.split(root!)
    kinesis.put(left!, numbered(2, 2))
    const source = open(t, kinesis)
    const before = kinesis.now()
    const positions = await firstPositions(source, { kind: 'latest' })
    assert.deepEqual([...positions.keys()], [left, right])
    for (const { sequence } of positions.values()) {
      const ms = Number(sequence.replace('AT_TIMESTAMP ', ''))
      assert.ok(ms >= before && ms <= kinesis.now(), `${ms} between ${before} and ${kinesis.now()}`)
    }
    kinesis.put(right!, numbered(1, 4))
    assert.deepEqual(await textsOf(source, positions), numbered(1, 4))
  })

  test('an iterator that expires before the first record: the original position, and what came meanwhile', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    kinesis.put(shard!, numbered(1), kinesis.now() - 60_000)
    const source = open(t, kinesis)
    const positions = await firstPositions(source, { kind: 'latest' })
    kinesis.script(
      'GetRecords',
      first(1, () => {
        kinesis.put(shard!, numbered(2, 1))
        return refusal('ExpiredIteratorException')
      }),
    )
    assert.deepEqual(await textsOf(source, positions), numbered(2, 1))
  })
})
