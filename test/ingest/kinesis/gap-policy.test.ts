import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Page } from '../../../src/ingest/source.ts'
import { SHARD_END, TRIM_HORIZON } from '../../../src/position.ts'
import { refusal } from '../../support/kinesis/kinesis-endpoint.ts'
import { drain, payloads } from '../conformance.ts'
import { after, endpoint, first, HOUR_MS, later, numbered, open, textsOf } from './scripted.ts'

// They mostly wait for the pace of the service: several at a time.
describe('what a Kinesis source does about gaps', { concurrency: 8, timeout: 60_000 }, () => {
  for (const [title, positionOf] of [
    ['read too long ago', (ms: number) => after('8', ms - 30 * HOUR_MS, ms - 25 * HOUR_MS)],
    ['an instant that has expired', (ms: number) => after(`AT_TIMESTAMP ${ms - 25 * HOUR_MS}`)],
  ] as const) {
    test(`gap, ${title}: stop, with the span`, async (t) => {
      const kinesis = await endpoint(t)
      const [shard] = kinesis.open(1)
      kinesis.put(shard!, numbered(3))
      const positions = new Map([[shard!, positionOf(kinesis.now())]])
      await assert.rejects(textsOf(open(t, kinesis), positions), (error: Error & { code: string }) => {
        assert.equal(error.code, 'SOURCE_GAP')
        const from = new Date(kinesis.now() - 25 * HOUR_MS).toISOString().slice(0, 14)
        assert.match(error.message, new RegExp(`${shard} from ${from}.* to `))
        return true
      })
      assert.equal(kinesis.asked('GetRecords').length, 0)
    })

    test(`gap, ${title}: continue, with one warning`, async (t) => {
      const kinesis = await endpoint(t)
      const [shard] = kinesis.open(1)
      kinesis.put(shard!, numbered(3))
      const source = open(t, kinesis, { onGap: 'continue' })
      const texts = await textsOf(source, new Map([[shard!, positionOf(kinesis.now())]]))
      assert.deepEqual(texts.slice(-2), numbered(2, 1))
      assert.equal(source.said.length, 1)
      assert.match(source.said[0]!.message, /may have expired/)
    })
  }

  test('a refused position: stop says so', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    const sequences = kinesis.put(shard!, numbered(4))
    kinesis.trim(shard!, 2)
    await assert.rejects(textsOf(open(t, kinesis), new Map([[shard!, after(sequences[0]!, kinesis.now())]])), {
      code: 'SOURCE_GAP',
    })
  })

  test('a refused position: continue begins at the oldest record, and says so once', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    const sequences = kinesis.put(shard!, numbered(4))
    kinesis.trim(shard!, 2)
    const source = open(t, kinesis, { onGap: 'continue' })
    const positions = new Map([[shard!, after(sequences[0]!, kinesis.now())]])
    assert.deepEqual(await textsOf(source, positions), numbered(2, 2))
    assert.equal(source.said.length, 1)
    assert.deepEqual(
      kinesis.asked('GetShardIterator').map((body) => body.ShardIteratorType),
      ['AFTER_SEQUENCE_NUMBER', 'TRIM_HORIZON'],
    )
  })

  test('a refused position of an empty shard is not stored again', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    const sequences = kinesis.put(shard!, numbered(2))
    kinesis.trim(shard!, 2)
    const source = open(t, kinesis, { onGap: 'continue' })
    kinesis.script(
      'GetShardIterator',
      first(1, () => refusal('InvalidArgumentException', 'StartingSequenceNumber 8 is invalid.')),
    )
    const read = await drain(source, new Map([[shard!, after(sequences[0]!, kinesis.now())]]))
    assert.equal(read.get(shard!)!.at(-1)!.end.sequence, TRIM_HORIZON)
  })

  test('an unlisted, unfinished shard: stop', async (t) => {
    const kinesis = await endpoint(t)
    const [gone] = kinesis.open(2)
    kinesis.forget(gone!)
    await assert.rejects(textsOf(open(t, kinesis), new Map([[gone!, after('8', kinesis.now())]])), {
      code: 'SOURCE_GAP',
    })
  })

  test('an unlisted, unfinished shard: continue finishes it for good, and its child is read', async (t) => {
    const kinesis = await endpoint(t)
    const [gone] = kinesis.open(1)
    const [left] = kinesis.split(gone!)
    kinesis.put(left!, numbered(2))
    kinesis.forget(gone!)
    const source = open(t, kinesis, { onGap: 'continue' })
    const positions = new Map([[gone!, after('8', kinesis.now() - HOUR_MS)]])
    const pages = source.pages(positions, new AbortController().signal)[Symbol.asyncIterator]()
    const given = (await pages.next()).value as Page
    assert.deepEqual([given.shard, given.end.sequence, given.records.length], [gone, SHARD_END, 0])
    const next = pages.next()
    assert.equal(await Promise.race([next, later(300, 'waits')]), 'waits')
    given.ack()
    const read = (await next).value as Page
    assert.deepEqual([read.shard, read.records.length], [left, 2])
    await pages.return?.()
    assert.equal(source.said.length, 1)
  })

  test('a shard that vanishes while it is read is a gap; going on finishes it', async (t) => {
    const kinesis = await endpoint(t)
    const [shard] = kinesis.open(1)
    kinesis.put(
      shard!,
      ['a', 'b'].map((letter) => letter.repeat(6 * 1024 * 1024)),
    )
    const vanish = () =>
      kinesis.script('GetRecords', ({ body }) => {
        if (!String(body.ShardIterator).includes('"8"')) return undefined
        kinesis.forget(shard!)
        return refusal('ResourceNotFoundException', `Shard ${shard} does not exist`)
      })
    vanish()
    await assert.rejects(textsOf(open(t, kinesis)), { code: 'SOURCE_GAP' })

    const other = await endpoint(t)
    const [left] = other.open(1)
    other.put(left!, numbered(2))
    other.script('GetRecords', () => {
      other.forget(left!)
      return refusal('ResourceNotFoundException', 'does not exist')
    })
    const source = open(t, other, { onGap: 'continue' })
    const read = await drain(source, new Map())
    assert.equal(read.get(left!)!.at(-1)!.end.sequence, SHARD_END)
    assert.equal(source.said.length, 1)
  })

  test('a stream that is deleted while it is read: not found', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.put(kinesis.open(1)[0]!, numbered(2))
    kinesis.script('GetRecords', () => {
      for (const operation of ['DescribeStreamSummary', 'ListShards', 'GetShardIterator']) {
        kinesis.script(operation, () => refusal('ResourceNotFoundException', 'Stream orders not found.'))
      }
      return refusal('ResourceNotFoundException', 'Shard does not exist')
    })
    await assert.rejects(textsOf(open(t, kinesis)), { code: 'SOURCE_NOT_FOUND' })
  })

  test('a stream that is deleted and created again while it is read', async (t) => {
    const kinesis = await endpoint(t)
    kinesis.put(kinesis.open(1)[0]!, numbered(2))
    const source = open(t, kinesis)
    await source.identify(new AbortController().signal)
    kinesis.created = new Date()
    await assert.rejects(textsOf(source), { code: 'SOURCE_CHANGED' })
  })

  for (const message of [
    'Invalid StartingSequenceNumber. It encodes shardId-000000000003, while it was used in a call to a shard with shardId-000000000000',
    'StartingSequenceNumber 8 used in GetShardIterator on shard shardId-000000000000 is invalid because it did not come from this stream.',
  ]) {
    test(`a position of another stream, "${message.slice(0, 50)}…", is no gap`, async (t) => {
      const kinesis = await endpoint(t)
      const [shard] = kinesis.open(1)
      kinesis.script('GetShardIterator', () => refusal('InvalidArgumentException', message))
      const source = open(t, kinesis, { onGap: 'continue' })
      await assert.rejects(textsOf(source, new Map([[shard!, after('8', kinesis.now())]])), { code: 'SOURCE_CHANGED' })
    })
  }

  test('a position at the last possible number of a closed shard is its end', async (t) => {
    const kinesis = await endpoint(t)
    const [parent] = kinesis.open(1)
    const [left] = kinesis.split(parent!)
    kinesis.put(left!, numbered(2))
    kinesis.script('GetShardIterator', ({ body }) =>
      body.ShardId === parent
        ? refusal('InvalidArgumentException', 'SequenceNumber has reached max possible value for the shard')
        : undefined,
    )
    const position = after('999', kinesis.now())
    const read = await drain(open(t, kinesis), new Map([[parent!, position]]))
    assert.deepEqual(
      read.get(parent!)!.map(({ end }) => end),
      [{ ...position, sequence: SHARD_END }],
    )
    assert.deepEqual(payloads(read).get(left!), numbered(2))
  })

  test('after the end of a shard that was last seen caught up, the end keeps that time', async (t) => {
    const kinesis = await endpoint(t)
    const [parent] = kinesis.open(1)
    kinesis.put(parent!, numbered(1))
    kinesis.split(parent!)
    const caughtUpAt = kinesis.now() - HOUR_MS
    const read = await drain(open(t, kinesis), new Map([[parent!, after('7', null, caughtUpAt)]]))
    assert.equal(read.get(parent!)!.at(-1)!.end.caughtUpAt, caughtUpAt)
  })
})
