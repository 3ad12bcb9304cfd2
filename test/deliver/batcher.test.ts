import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RawRecord } from '../../src/change.ts'
import { type BatchLimits, batches, type Cut } from '../../src/deliver/batcher.ts'
import type { Examine } from '../../src/deliver/examine.ts'
import { RelayError } from '../../src/errors.ts'
import type { Page } from '../../src/ingest/source.ts'
import { SHARD_END } from '../../src/position.ts'
import { put } from '../support/changes.ts'

const NEVER_DUE: BatchLimits = { records: 1_000, bytes: 1_000_000, waitMs: 1_000_000 }

test('cuts at the number of records, at whole records, and the position follows', async () => {
  const cuts = await all([page('a', ['1', '2', '3', '4', '5'])], { ...NEVER_DUE, records: 2 })
  assert.deepEqual(cuts.map(sequences), [['1', '2'], ['3', '4'], ['5']])
  assert.deepEqual(
    cuts.map((cut) => cut.moves.get('a')?.sequence),
    ['2', '4', '5'],
  )
})

test('cuts at the number of bytes', async () => {
  const cuts = await all([page('a', ['1', '2', '3'])], { ...NEVER_DUE, bytes: 15 })
  assert.deepEqual(cuts.map(sequences), [['1', '2'], ['3']])
})

test('an aggregated record is never torn, even when it is larger than a batch', async () => {
  const cuts = await all([page('a', ['1', '7', '7', '7', '8'])], { ...NEVER_DUE, records: 2 })
  assert.deepEqual(cuts.map(sequences), [['1', '7', '7', '7'], ['8']])
})

test('a page is acknowledged with the batch that holds its last record, an empty one at once', async () => {
  const log: string[] = []
  const pages = [
    page('a', ['1', '2', '3'], { committed: () => log.push('a') }),
    page('b', [], { committed: () => log.push('b') }),
  ]
  const cuts = await all(pages, { ...NEVER_DUE, records: 2 })
  assert.deepEqual(log, ['b'])
  assert.deepEqual(
    cuts.map((cut) => cut.pages.length),
    [0, 1],
  )
})

test('the end of a shard is a position to be written even if its page is empty', async () => {
  const cuts = await all([page('a', [], { end: SHARD_END })], NEVER_DUE)
  assert.deepEqual(
    cuts.map((cut) => cut.moves.get('a')?.sequence),
    [SHARD_END],
  )
})

test('a batch that is not full is cut once nothing is in flight', async () => {
  const write = Promise.withResolvers<void>()
  const endless = pagesThenSilence([page('a', ['1'])])
  const cuts = batches(
    () => endless.pages,
    examineAll,
    { ...NEVER_DUE, waitMs: 1 },
    () => write.promise,
  )
  const first = cuts.next()
  assert.equal(await Promise.race([first.then(() => 'cut'), tick(20).then(() => 'waits')]), 'waits')
  write.resolve()
  assert.deepEqual(sequences((await first).value as Cut), ['1'])
  endless.end()
  assert.equal((await cuts.next()).done, true)
})

test('a write that fails ends the iteration even while the stream is silent', async () => {
  const endless = pagesThenSilence([])
  const write = Promise.reject(new Error('fenced'))
  write.catch(() => {})
  await assert.rejects(async () => {
    const cuts = batches(
      () => endless.pages,
      examineAll,
      NEVER_DUE,
      () => write,
    )
    setImmediate(() => setImmediate(endless.end))
    await cuts.next()
  }, /fenced/)
})

test('a refused record ends the iteration after everything in front of it, and takes its whole outer record along', async () => {
  const examine: Examine = (record) => {
    if (record.sequence === '7' && record.subSequence === 2) throw new RelayError('DECODE_NOT_JSON', 'no JSON')
    return examineAll(record)
  }
  const cuts: Cut[] = []
  await assert.rejects(async () => {
    for await (const cut of batches(() => iterate([page('a', ['1', '7', '7', '7', '8'])]), examine, NEVER_DUE, idle))
      cuts.push(cut)
  }, /DECODE_NOT_JSON/)
  assert.deepEqual(cuts.map(sequences), [['1']])
  assert.equal(cuts[0]!.moves.get('a')?.sequence, '1')
})

test('skips and dead letters are counted beside the changes', async () => {
  const examine: Examine = (record) => {
    const source = { format: 'unknown', stream: 's', shard: record.shard, sequence: record.sequence } as const
    if (record.sequence === '2') return [{ kind: 'skip', reason: 'table-not-wanted', source }]
    if (record.sequence === '3') return [{ kind: 'dead-letter', code: 'X', detail: 'y', source }]
    return examineAll(record)
  }
  const cuts: Cut[] = []
  for await (const cut of batches(() => iterate([page('a', ['1', '2', '3'])]), examine, NEVER_DUE, idle)) cuts.push(cut)
  const [cut] = cuts
  assert.equal(cut!.read, 3)
  assert.equal(cut!.changes.length, 1)
  assert.equal(cut!.deadLetters.length, 1)
  assert.deepEqual([...cut!.skips], [['table-not-wanted', 1]])
})

test('a source that waits for commits is told to end', async () => {
  async function* waiting(signal: AbortSignal): AsyncIterable<Page> {
    yield page('a', ['1', 'bad'])
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  }
  const examine: Examine = (record) => {
    if (record.sequence === 'bad') throw new RelayError('DECODE_NOT_JSON', 'no JSON')
    return examineAll(record)
  }
  await assert.rejects(async () => {
    for await (const cut of batches(waiting, examine, NEVER_DUE, idle)) assert.deepEqual(sequences(cut), ['1'])
  }, /DECODE_NOT_JSON/)
})

const idle = (): Promise<void> => Promise.resolve()

const tick = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function all(pages: Page[], limits: BatchLimits): Promise<Cut[]> {
  const cuts: Cut[] = []
  for await (const cut of batches(() => iterate(pages), examineAll, limits, idle)) cuts.push(cut)
  return cuts
}

const sequences = (cut: Cut): string[] => cut.changes.map((change) => change.source.sequence)

/** Each record is one insert; ten bytes. */
const examineAll: Examine = ({ shard, sequence }) => [put('k', 1, { shard, sequence })]

/** Equal sequence numbers in a row are the parts of one aggregated record. */
function page(
  shard: string,
  sequenceNumbers: string[],
  { end, committed = () => {} }: { end?: string; committed?: () => unknown } = {},
): Page {
  const records: RawRecord[] = sequenceNumbers.map((sequence, i) => {
    const subSequence = i - sequenceNumbers.indexOf(sequence)
    return { shard, sequence, arrivedAt: 1_000, data: new Uint8Array(10), ...(subSequence > 0 ? { subSequence } : {}) }
  })
  const sequence = end ?? sequenceNumbers.at(-1) ?? '0'
  return {
    shard,
    records,
    end: { sequence, arrivedAt: 1_000, caughtUpAt: null },
    behindMs: 0,
    committed: () => void committed(),
  }
}

async function* iterate(pages: Page[]): AsyncIterable<Page> {
  yield* pages
}

/** Pages, and then nothing until `end` is called. */
function pagesThenSilence(pages: Page[]): { pages: AsyncIterable<Page>; end: () => void } {
  const ended = Promise.withResolvers<void>()
  async function* iteration(): AsyncIterable<Page> {
    yield* pages
    await ended.promise
  }
  return { pages: iteration(), end: () => ended.resolve() }
}
