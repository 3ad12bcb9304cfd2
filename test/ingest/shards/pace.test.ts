import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServiceClock } from '../../../src/aws/service-clock.ts'
import { pollIntervalProblem } from '../../../src/ingest/shards/pace.ts'
import { type Records, Refused, type Stream } from '../../../src/ingest/shards/stream.ts'
import { readStream, type StreamReaderOptions } from '../../../src/ingest/shards/stream-reader.ts'
import { SILENT } from '../../../src/observe/log.ts'

type Answer = Pick<Records, 'records' | 'behindMs'> | Refused

const empty: Answer = { records: [], behindMs: 0 }
const some: Answer = recordsOf(3)
const behind: Answer = { records: [], behindMs: 5_000 }

const cases: { title: string; pollIntervalMs: number; answers: Answer[]; waitsMs: number[] }[] = [
  { title: 'a caught-up shard', pollIntervalMs: 400, answers: [some, empty, some], waitsMs: [400, 400, 400] },
  { title: 'another interval', pollIntervalMs: 250, answers: [some, empty], waitsMs: [250, 250] },
  { title: 'a shard that is behind', pollIntervalMs: 400, answers: [behind, behind, empty], waitsMs: [200, 200, 400] },
  {
    title: 'an answer that is full, though it says that nothing is behind it',
    pollIntervalMs: 400,
    answers: [recordsOf(2000), some],
    waitsMs: [200, 400],
  },
  {
    title: 'a shard that stays empty is read less often, until it gives something',
    pollIntervalMs: 400,
    answers: [...times(78, empty), some, empty],
    waitsMs: [...times(75, 400), ...times(3, 1000), 400, 400],
  },
  {
    title: 'a shard that stays empty is not read more often than it is meant to be',
    pollIntervalMs: 15_000,
    answers: times(4, empty),
    waitsMs: times(4, 15_000),
  },
  {
    title: 'an iterator that has expired, and a read that is refused',
    pollIntervalMs: 400,
    answers: [new Refused('iterator-expired', new Error('expired')), new Refused('unknown', new Error('what?')), empty],
    waitsMs: [200, 1000, 400],
  },
]

for (const { title, pollIntervalMs, answers, waitsMs } of cases) {
  test(`the pace of reads: ${title}`, async () => {
    const { sentAt, hasMore } = await readAll(answers, pollIntervalMs)
    assert.deepEqual(
      sentAt.slice(1).map((reading, i) => reading - sentAt[i]!),
      waitsMs,
    )
    const read = waitsMs.filter((_, i) => !(answers[i] instanceof Refused))
    assert.deepEqual(
      hasMore,
      read.map((waitMs) => waitMs === 200),
      'what is read again as soon as that is allowed has more',
    )
  })
}

test('a shard is never read more than five times a second, nor so seldom that its iterators expire', () => {
  assert.match(pollIntervalProblem(199)!, /^is less than 200ms: a shard can be read five times in a second/)
  assert.match(pollIntervalProblem(60_001)!, /^is more than 60s/)
  assert.equal(pollIntervalProblem(200), null)
  assert.equal(pollIntervalProblem(60_000), null)
})

/** Its time passes only where somebody waits for it. */
class SkippingClock extends ServiceClock {
  #reading = 1_000

  override reading(): number {
    return this.#reading
  }

  override async reach(reading: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#reading = Math.max(this.#reading, reading)
  }
}

/** Reads a stream whose shard gives these answers. When each read was sent, the one after the last included, and what the pages said. */
async function readAll(answers: readonly Answer[], pollIntervalMs: number) {
  const clock = new SkippingClock()
  const stop = new AbortController()
  const sentAt: number[] = []
  const stream: Stream = {
    name: 'scripted',
    mostRecords: 10_000,
    mostBytes: 1024,
    open: () => null,
    describe: async () => ({ arn: 'scripted', created: 'then', retentionMs: 86_400_000, isShuffled: false }),
    shards: async () => [{ id: 'a', parents: [], isOpen: true }],
    iterator: async () => 'iterator',
    records: async () => {
      const sent = clock.reading()
      const answer = answers[sentAt.push(sent) - 1]
      if (answer === undefined) stop.abort()
      return answer instanceof Refused ? answer : { ...empty, ...answer, next: 'iterator', namesChildren: false, sent }
    },
  }
  const options: StreamReaderOptions = {
    stream,
    clock,
    log: SILENT,
    pollIntervalMs,
    skipsToTime: false,
    created: null,
    untilLatest: false,
    onGap: 'stop',
    memoryBytes: 1e9,
  }
  const hasMore: (boolean | undefined)[] = []
  for await (const page of readStream(options, new Map(), stop.signal)) {
    hasMore.push(page.hasMore)
    page.ack()
  }
  return { sentAt, hasMore }
}

function recordsOf(count: number): Answer {
  const record = { shard: 'a', sequence: '1', arrivedAt: 1, data: new Uint8Array(1) }
  return { records: times(count, record), behindMs: 0 }
}

function times<Value>(count: number, value: Value): Value[] {
  return Array<Value>(count).fill(value)
}
