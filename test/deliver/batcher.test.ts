import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Batch, BatchLimits } from '../../src/batch.ts'
import type { Decoded, RawRecord } from '../../src/change.ts'
import type { ReadyBatch } from '../../src/deliver/batch-builder.ts'
import { batched } from '../../src/deliver/batcher.ts'
import type { ReadOptions } from '../../src/deliver/change-reader.ts'
import { examined } from '../../src/deliver/examined.ts'
import { RelayError } from '../../src/errors.ts'
import { KeyUnknownYet, type TableFacts } from '../../src/feeds/table-facts.ts'
import type { Page } from '../../src/ingest/source.ts'
import { SHARD_END } from '../../src/position.ts'
import { createTable, put, sourceTable } from '../support/changes.ts'

const NEVER_DUE: BatchLimits = { records: 1_000, bytes: 1_000_000, waitMs: 1_000_000 }
const AT_ONCE: BatchLimits = { ...NEVER_DUE, caughtUpWaitMs: 0 }

test('cuts at the number of records, at whole records, and the position follows', async () => {
  const cuts = await all([page('a', ['1', '2', '3', '4', '5'])], { ...NEVER_DUE, records: 2 })
  assert.deepEqual(cuts.map(sequences), [['1', '2'], ['3', '4'], ['5']])
  assert.deepEqual(
    cuts.map((cut) => cut.positions.get('a')?.sequence),
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
    cuts.map((cut) => cut.positions.get('a')?.sequence),
    [SHARD_END],
  )
})

test('what is forgotten with a page goes with its batch, from an empty page too, which moves nothing and is acknowledged later', async () => {
  const log: string[] = []
  const pages = [
    { ...page('a', ['1']), forgotten: ['old 1', 'old 2'] },
    { ...page('b', [], { committed: () => log.push('b') }), forgotten: ['old 3'] },
  ]
  const cuts = await all(pages, { ...NEVER_DUE, records: 1 })
  assert.deepEqual(
    cuts.map((cut) => [[...cut.positions.keys()], cut.forgotten, cut.pages.length]),
    [
      [['a'], ['old 1', 'old 2'], 1],
      [[], ['old 3'], 1],
    ],
  )
  assert.deepEqual(log, [])
})

test('a batch that is not full is cut once nothing is in flight', async () => {
  const write = Promise.withResolvers<void>()
  const endless = pagesThenSilence([page('a', ['1'])])
  const cuts = batches(
    () => endless.pages,
    examinerOf(insertOf),
    { ...NEVER_DUE, waitMs: 1 },
    () => write.promise,
  )
  const first = cuts.next()
  assert.equal(await Promise.race([first.then(() => 'cut'), tick(20).then(() => 'waits')]), 'waits')
  write.resolve()
  assert.deepEqual(sequences((await first).value as ReadyBatch), ['1'])
  endless.end()
  assert.equal((await cuts.next()).done, true)
})

test('a batch is due from its first record on, however much comes after it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const fed = fedPages()
  const cuts = batches(() => fed.pages, examinerOf(insertOf), { ...NEVER_DUE, waitMs: 100 }, idle)
  const first = cuts.next()
  for (const sequence of ['1', '2', '3']) {
    await fed.give(page('a', [sequence]))
    t.mock.timers.tick(40)
  }
  assert.deepEqual(sequences((await first).value as ReadyBatch), ['1', '2', '3'])
  fed.end()
  await cuts.return()
})

test('what a shard gave that had no more is cut in the same turn of the event loop, and shared with what other shards give in it', async () => {
  const fed = fedPages()
  const cuts = batches(() => fed.pages, examinerOf(insertOf), AT_ONCE, idle)
  for (const sequence of ['1', '3']) {
    const cut = cuts.next()
    fed.write(page('a', [sequence]))
    fed.write(page('b', [`${sequence}0`]))
    fed.write({ ...page('c', [`${sequence}00`]), hasMore: true })
    await fed.give(page('d', []))
    const batch = await Promise.race([cut, turns({ value: undefined })])
    assert.deepEqual(sequences(batch!.value as ReadyBatch), [sequence, `${sequence}0`, `${sequence}00`])
  }
  fed.end()
  await cuts.return()
})

test('while a write is in flight, what caught-up shards give is gathered; then it is cut at once', async () => {
  const write = Promise.withResolvers<void>()
  const fed = fedPages()
  const cuts = batches(
    () => fed.pages,
    examinerOf(insertOf),
    AT_ONCE,
    () => write.promise,
  )
  const cut = cuts.next()
  for (const sequence of ['1', '2', '3']) await fed.give(page('a', [sequence]))
  assert.equal(await Promise.race([cut.then(() => 'cut'), turns('waits')]), 'waits')
  write.resolve()
  assert.deepEqual(sequences((await cut).value as ReadyBatch), ['1', '2', '3'])
  fed.end()
  await cuts.return()
})

for (const [title, given] of [
  ['a shard that is behind gave', { ...page('a', ['1']), behindMs: 5 }],
  ['a shard gave whose answer was full', { ...page('a', ['1']), hasMore: true }],
  ['the front of a deferred page holds', page('a', ['1', 'waits'])],
] as const) {
  test(`what ${title} waits for more, and until a caught-up shard gives something`, async () => {
    const fed = fedPages()
    const examiner = waitingFor('waits').examiner(async () => {})
    const cuts = batches(() => fed.pages, examiner, AT_ONCE, idle)
    const cut = cuts.next()
    await fed.give(given)
    await fed.give({ ...page('b', []), end: { sequence: '0', arrivedAt: null, caughtUpAt: 5 } })
    assert.equal(await Promise.race([cut.then(() => 'cut'), turns('waits')]), 'waits')
    await fed.give(page('c', ['2']))
    assert.deepEqual(sequences((await cut).value as ReadyBatch), ['1', '2'])
    fed.end()
    await cuts.return()
  })
}

test('a wait that is asked for caught-up shards, too, is kept, and the shorter one counts', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const fed = fedPages()
  const cuts = batches(() => fed.pages, examinerOf(insertOf), { ...NEVER_DUE, waitMs: 100, caughtUpWaitMs: 60 }, idle)
  const first = cuts.next()
  await fed.give({ ...page('a', ['1']), hasMore: true })
  t.mock.timers.tick(50)
  await fed.give(page('b', ['2']))
  t.mock.timers.tick(49)
  assert.equal(await Promise.race([first.then(() => 'cut'), turns('waits')]), 'waits')
  t.mock.timers.tick(1)
  assert.deepEqual(sequences((await first).value as ReadyBatch), ['1', '2'])

  const second = cuts.next()
  await fed.give(page('b', ['3']))
  t.mock.timers.tick(60)
  assert.deepEqual(sequences((await second).value as ReadyBatch), ['3'])
  fed.end()
  await cuts.return()
})

test('that a shard is caught up is remembered with the next batch, or alone after a while; its page is free at once', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const log: string[] = []
  const fed = fedPages()
  const caughtUp = (shard: string): Page => ({
    ...page(shard, [], { committed: () => log.push(shard) }),
    end: { sequence: '0', arrivedAt: null, caughtUpAt: 5 },
  })
  const cuts = batches(() => fed.pages, examinerOf(insertOf), { ...NEVER_DUE, waitMs: 100 }, idle)
  const first = cuts.next()
  await fed.give(caughtUp('a'))
  assert.deepEqual(log, ['a'])
  t.mock.timers.tick(59_999)
  assert.equal(await Promise.race([first.then(() => 'cut'), turns('waits')]), 'waits')
  await fed.give(page('b', ['1']))
  t.mock.timers.tick(100)
  assert.deepEqual([...((await first).value as ReadyBatch).positions.keys()], ['a', 'b'])

  const second = cuts.next()
  await fed.give(caughtUp('a'))
  t.mock.timers.tick(60_000)
  const alone = (await second).value as ReadyBatch
  assert.deepEqual([[...alone.positions.keys()], alone.pages], [['a'], []])
  fed.end()
  await cuts.return()
})

test('a write that fails ends the iteration even while the stream is silent', async () => {
  const endless = pagesThenSilence([])
  const write = Promise.reject(new Error('fenced'))
  write.catch(() => {})
  await assert.rejects(async () => {
    const cuts = batches(
      () => endless.pages,
      examinerOf(insertOf),
      NEVER_DUE,
      () => write,
    )
    setImmediate(() => setImmediate(endless.end))
    await cuts.next()
  }, /fenced/)
})

test('a refused record ends the iteration after everything in front of it, and takes its whole outer record along', async () => {
  const examiner = examinerOf((record) => {
    if (record.sequence === '7' && record.subSequence === 2) throw new RelayError('DECODE_NOT_JSON', 'no JSON')
    return insertOf(record)
  })
  const cuts: ReadyBatch[] = []
  await assert.rejects(async () => {
    for await (const cut of batches(() => iterate([page('a', ['1', '7', '7', '7', '8'])]), examiner, NEVER_DUE, idle))
      cuts.push(cut)
  }, /DECODE_NOT_JSON/)
  assert.deepEqual(cuts.map(sequences), [['1']])
  assert.equal(cuts[0]!.positions.get('a')?.sequence, '1')
})

test('skips and dead letters are counted beside the changes', async () => {
  const examiner = examinerOf((record) => {
    const source = { format: 'unknown', stream: 's', shard: record.shard, sequence: record.sequence } as const
    if (record.sequence === '2') return [{ kind: 'skip', reason: 'table-not-wanted', source }]
    if (record.sequence === '3') throw new RelayError('DECODE_NOT_JSON', 'no JSON')
    return insertOf(record)
  })
  const [cut] = await all([page('a', ['1', '2', '3'])], NEVER_DUE, { ...examiner, onError: 'dead-letter' })
  assert.equal(cut!.read, 3)
  assert.equal(cut!.changes.length, 1)
  assert.equal(cut!.deadLetters.length, 1)
  assert.deepEqual([...cut!.skips], [['table-not-wanted', 1]])
})

test('a source that waits for commits hears that it must end', async () => {
  async function* waiting(signal: AbortSignal): AsyncIterable<Page> {
    yield page('a', ['1', 'bad'])
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  }
  const examiner = examinerOf((record) => {
    if (record.sequence === 'bad') throw new RelayError('DECODE_NOT_JSON', 'no JSON')
    return insertOf(record)
  })
  await assert.rejects(async () => {
    for await (const cut of batches(waiting, examiner, NEVER_DUE, idle)) assert.deepEqual(sequences(cut), ['1'])
  }, /DECODE_NOT_JSON/)
})

test('schema changes stand between the changes, in the order of arrival', async () => {
  const examiner = examinerOf((record) =>
    record.sequence === '2' ? [schemaOf(record), ...insertOf(record)] : insertOf(record),
  )
  const [cut] = await all([page('a', ['1', '2', '3'])], NEVER_DUE, examiner)
  assert.deepEqual(
    cut!.changes.map(({ kind, source }) => `${kind} ${source.sequence}`),
    ['change 1', 'schema 2', 'change 2', 'change 3'],
  )
  assert.equal(cut!.read, 4)
})

test('what was learned goes with the batch of the record that said it, not with one before or after it', async () => {
  const before = new Map([['orders', sourceTable({ id: 'int32' })]])
  const after = new Map([['orders', sourceTable({ id: 'int64' })]])
  const facts = newsWith('3', before, after)
  const pages = [page('a', ['1', '2', '3', '4', '5']), page('b', [], { end: SHARD_END })]
  const cuts = await all(pages, { ...NEVER_DUE, records: 2 }, { ...examinerOf(insertOf), facts })
  assert.deepEqual(cuts.map(sequences), [['1', '2'], ['3', '4'], ['5']])
  assert.deepEqual(
    cuts.map((cut) => [...cut.facts]),
    [[], [['learned from', '3']], []],
  )
  assert.deepEqual(
    cuts.map(({ tables }) => tables),
    [before, after, after],
  )
})

test('of a batch that only remembers where shards are, the tables are known, too', async () => {
  const known = new Map([['orders', sourceTable({ id: 'int32' })]])
  const [cut] = await all([page('b', [], { end: SHARD_END })], NEVER_DUE, {
    ...examinerOf(insertOf),
    facts: newsWith('none', known, known),
  })
  assert.equal(cut!.tables, known)
})

test('a record that must wait is tried again when the target has answered', async () => {
  const waiting = waitingFor('3')
  const pages = [page('a', ['1', '2', '3', '4'], { defer: () => assert.fail('deferred') })]
  const cuts = await all(
    pages,
    NEVER_DUE,
    waiting.examiner(async () => waiting.know()),
  )
  assert.deepEqual(cuts.map(sequences), [['1', '2', '3', '4']])
  assert.equal(waiting.asked(), 1)
})

test('a record that must wait all the same: the front of its page is used, the rest deferred, and others go on', async () => {
  const log: string[] = []
  const waiting = waitingFor('3')
  const examiner = waiting.examiner(async () => {})
  async function* pages(): AsyncIterable<Page> {
    yield page('a', ['1', '2', '3', '4'], { defer: (used) => log.push(`back ${used}`) })
    log.push('next page')
    yield page('b', ['10', '11'])
    waiting.know()
    yield page('a', ['3', '4'])
  }
  const cuts: ReadyBatch[] = []
  for await (const cut of batches(pages, examiner, { ...NEVER_DUE, records: 4 }, idle)) cuts.push(cut)

  assert.deepEqual(log, ['back 2', 'next page'])
  assert.equal(waiting.asked(), 1)
  assert.deepEqual(cuts.map(sequences), [
    ['1', '2', '10', '11'],
    ['3', '4'],
  ])
  assert.deepEqual(
    cuts.map(({ positions: moves }) => [...moves].map(([shard, { sequence }]) => `${shard} ${sequence}`)),
    [['a 2', 'b 11'], ['a 4']],
  )
  assert.deepEqual(
    cuts.map((cut) => cut.pages.map(({ shard }) => shard)),
    [['a', 'b'], ['a']],
    'a page is acknowledged with what was used of it, too',
  )
})

test('a deferred page whose used records are all in the batch in flight is acknowledged when that is durable', async () => {
  const log: string[] = []
  const write = Promise.withResolvers<void>()
  const pages = [
    page('a', ['1', '2', '3'], { committed: () => log.push('a'), defer: (from) => log.push(`from ${from}`) }),
  ]
  const examiner = waitingFor('3').examiner(async () => {})
  const limits = { ...NEVER_DUE, records: 2 }
  let inFlight: Promise<void> = Promise.resolve()
  for await (const cut of batches(
    () => iterate(pages),
    examiner,
    limits,
    () => inFlight,
  )) {
    assert.deepEqual(sequences(cut), ['1', '2'])
    inFlight = write.promise
  }
  await turn()
  assert.deepEqual(log, ['from 2'])
  write.resolve()
  await turn()
  assert.deepEqual(log, ['from 2', 'a'])
})

test('a part of an aggregated record that must wait takes all of it along, and moves nothing', async () => {
  const back: number[] = []
  const waiting = waitingFor('7', 2)
  const defer = (used: number) => back.push(used)
  const pages = [
    page('a', ['7', '7', '7', '8'], { defer }),
    page('b', ['1', '7', '7', '7', '8'], { defer }),
    page('c', [], { end: SHARD_END }),
  ]
  const cuts = await all(
    pages,
    NEVER_DUE,
    waiting.examiner(async () => {}),
  )
  assert.deepEqual(back, [0, 1])
  assert.deepEqual(cuts.map(sequences), [['1']])
  assert.deepEqual(
    [...cuts[0]!.positions].map(([shard, { sequence }]) => `${shard} ${sequence}`),
    ['b 1', `c ${SHARD_END}`],
  )
})

test('what stands behind a record that must wait is looked through for schemas before it is deferred', async () => {
  const log: string[] = []
  const examiner = waitingFor('3').examiner(async () => {}, log)
  await all([page('a', ['1', '2', '3', '4', '5'], { defer: () => log.push('back') })], NEVER_DUE, examiner)
  assert.deepEqual(log, ['1', '2', '3', 'asked', '3', '3', '4', '5', 'back'])
})

test('an answer of the target that ends the relay comes after everything in front of the record', async () => {
  const examiner = waitingFor('3').examiner(() => Promise.reject(new Error('no key, and no more time')))
  const cuts: ReadyBatch[] = []
  await assert.rejects(async () => {
    for await (const cut of batches(() => iterate([page('a', ['1', '2', '3'])]), examiner, NEVER_DUE, idle))
      cuts.push(cut)
  }, /no more time/)
  assert.deepEqual(cuts.map(sequences), [['1', '2']])
})

test('a write that fails while the target is asked ends the iteration at once', async () => {
  const write = Promise.withResolvers<void>()
  const examiner = waitingFor('3').examiner(() => {
    write.reject(new Error('fenced'))
    return new Promise(() => {})
  })
  const cuts: ReadyBatch[] = []
  await assert.rejects(async () => {
    const source = () => iterate([page('a', ['1', '2', '3'])])
    for await (const cut of batches(source, examiner, NEVER_DUE, () => write.promise)) cuts.push(cut)
  }, /fenced/)
  assert.deepEqual(cuts, [])
})

const idle = (): Promise<void> => Promise.resolve()

const tick = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function all(pages: Page[], limits: BatchLimits, examiner = examinerOf(insertOf)): Promise<ReadyBatch[]> {
  const cuts: ReadyBatch[] = []
  for await (const cut of batches(() => iterate(pages), examiner, limits, idle)) cuts.push(cut)
  return cuts
}

const sequences = (cut: ReadyBatch): string[] => cut.changes.map((change) => change.source.sequence)

/** Each record is one insert; ten bytes. */
const insertOf = ({ shard, sequence, subSequence }: RawRecord): Decoded[] => {
  const change = put('k', 1, { shard, sequence })
  return [subSequence === undefined ? change : { ...change, source: { ...change.source, subSequence } }]
}

const schemaOf = ({ shard, sequence }: RawRecord): Decoded => createTable({ id: 'int32' }, 1, { shard, sequence })

const NO_FACTS: TableFacts = {
  complete: (item) => item,
  hasNews: false,
  take: () => ({ tables: new Map(), facts: new Map() }),
  restore: () => {},
  merge: () => {},
}

/** Knows of `before`, until the record with that sequence number says `after`. */
function newsWith(sequence: string, before: Batch['tables'], after: Batch['tables']): TableFacts {
  let tables = before
  let facts = new Map<string, string>()
  let hasNews = true
  return {
    ...NO_FACTS,
    complete: (item) => {
      if (item.source.sequence !== sequence) return item
      tables = after
      facts.set('learned from', sequence)
      hasNews = true
      return item
    },
    get hasNews() {
      return hasNews
    },
    take: () => {
      const known = { tables, facts }
      facts = new Map()
      hasNews = false
      return known
    },
  }
}

const examinerOf = (decode: ReadOptions['decode']): ReadOptions => ({
  decode,
  stages: [],
  facts: NO_FACTS,
  stream: 's',
  onError: 'stop',
  readsBefore: false,
  screening: () => null,
  onTextReplaced: () => {},
})

/** From pages to batches, as the relay puts it together. */
function batches(
  read: (signal: AbortSignal) => AsyncIterable<Page>,
  examiner: ReadOptions,
  limits: BatchLimits,
  inFlight: () => Promise<unknown>,
): AsyncGenerator<ReadyBatch, void, void> {
  const ending = new AbortController()
  return batched(examined(read(ending.signal), examiner, ending), limits, inFlight)
}

/** One record cannot be read until something is known. */
function waitingFor(sequence: string, subSequence?: number) {
  let isKnown = false
  let asked = 0
  return {
    know: () => {
      isKnown = true
    },
    asked: () => asked,
    examiner: (ask: () => Promise<void>, log: string[] = []): ReadOptions => ({
      ...examinerOf((record) => {
        log.push(record.sequence)
        return insertOf(record)
      }),
      facts: {
        ...NO_FACTS,
        complete: (item) => {
          const { source } = item
          if (isKnown || source.sequence !== sequence || source.subSequence !== subSequence) return item
          throw new KeyUnknownYet({ schema: null, name: 'orders' }, () => {
            asked++
            log.push('asked')
            return ask()
          })
        },
      },
    }),
  }
}

/** Equal sequence numbers in a row are the parts of one aggregated record. */
function page(
  shard: string,
  sequenceNumbers: string[],
  {
    end,
    committed = () => {},
    defer = () => {},
  }: { end?: string; committed?: () => unknown; defer?: (used: number) => unknown } = {},
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
    ack: () => void committed(),
    defer: (fromIndex) => void defer(fromIndex),
    failed() {},
  }
}

async function* iterate(pages: Page[]): AsyncIterable<Page> {
  yield* pages
}

/** Pages that come one at a time; `give` resolves once all that can be done with one is done. */
function fedPages() {
  const fed = new PassThrough({ objectMode: true })
  return {
    pages: fed as AsyncIterable<Page>,
    write: (page: Page) => void fed.write(page),
    end: () => fed.end(),
    async give(page: Page) {
      fed.write(page)
      await turns()
    },
  }
}

/** Everything that waits for nothing has happened. */
async function turns<Value>(value?: Value): Promise<Value | undefined> {
  for (let i = 0; i < 10; i++) await turn()
  return value
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
