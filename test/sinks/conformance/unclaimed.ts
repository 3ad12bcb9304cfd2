import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Written } from '../../../src/batch.ts'
import { type Change, type DeadLetter, recordToJson, type TableName } from '../../../src/change.ts'
import { batchOf, canonicalJson, claimOf, del, put, unclaimedOf } from '../../support/changes.ts'
import { foundRows, lastOfEachKey } from '../../support/folded.ts'
import { anySeed, type Random, seededRandom } from '../../support/life/random.ts'
import { volume } from '../../support/volume.ts'
import { rejection, totals } from './answers.ts'
import { type Engine, testEngine } from './engine.ts'
import type { Suite } from './suite.ts'
import type { Ability } from './target.ts'
import { signal, testRelay } from './test-relay.ts'

/** Writers of one name at a time. */
const PROCESSES = 3
const RUNS = volume(2, 5)

type EngineCase = (
  title: string,
  mode: 'mirror' | 'append',
  run: (engine: Engine) => Promise<void>,
  needs?: Ability,
) => void

const casesOf =
  (suite: Suite): EngineCase =>
  (title, mode, run, needs) => {
    const skip = (needs === undefined ? undefined : suite.lacks[needs]) ?? false
    const name = `${suite.name}, under an engine, ${mode}: ${title}`
    test(name, { skip }, async (t) => run(await testEngine(t, suite, mode)))
  }

/** A target that is closed and opened for each process takes long. */
const runsOf = ({ lacks }: Suite): number => (lacks.hasSeveralWriters === undefined ? RUNS : 1)

/** Of what `describeUnclaimed` describes, the rows of mirrors. */
export function describeUnclaimedMirror(suite: Suite): void {
  const { counts } = suite
  const engine = casesOf(suite)

  engine('a batch again, in parts, and after newer ones', 'mirror', async (engine) => {
    const old = [put('a', 1), put('b', 1), put('c', 1)]
    const written: Written[] = []
    for (const [process, changes] of [
      [0, old],
      [1, old],
      [2, old.slice(1)],
      [0, [put('a', 5), del('b', 5)]],
      [1, old],
      [2, old.slice(0, 1)],
    ] as const) {
      written.push(await engine.write(process, { changes }))
    }
    assert.deepEqual(
      written.map((one) => counts(totals(one))),
      [
        [3, 0],
        [3, 0],
        [2, 0],
        [2, 0],
        [1, 2],
        [0, 1],
      ].map(([applied, superseded]) => counts([applied!, superseded!])),
    )
    assert.deepEqual((await engine.rows(ORDERS)).map(({ key, version }) => `${key.id}@${version}`).sort(), [
      'a@5',
      'c@1',
    ])
  })

  engine(`any order, by ${PROCESSES} writers at once, ends as the history in order`, 'mirror', async (engine) => {
    await fc.assert(
      fc.asyncProperty(HISTORY, fc.nat(), async (events, seed) => {
        const table = nextTable()
        const history = historyOf([...events, ...TOUCHED_TWICE], table)
        const times = [...events, ...TOUCHED_TWICE].map((event) => event.times)
        const random = seededRandom(seed)
        const all = history.flatMap((change, i) => repeated(change, times[i]!))
        const expected = lastOfEachKey(history)
        await engine.writeAll(queuesOf(random, hardOrder(random, all, expected)))
        assert.deepEqual(foundRows(await engine.rows(table)), expected)
      }),
      { numRuns: runsOf(suite), seed: anySeed(), endOnFailure: true },
    )
  })
}

/** Under an engine: many processes of one name, none of which holds it, and each record as often and as late as it likes. */
export function describeUnclaimed(suite: Suite): void {
  const { name, lacks } = suite
  const engine = casesOf(suite)
  describeUnclaimedMirror(suite)

  engine(`any order, by ${PROCESSES} writers at once: each record is there`, 'append', async (engine) => {
    await fc.assert(
      fc.asyncProperty(HISTORY, fc.nat(), async (events, seed) => {
        const table = nextTable()
        const history = historyOf(events, table).map(inAggregate)
        const random = seededRandom(seed)
        const deliveries = shuffled(
          random,
          history.flatMap((change, i) => repeated(change, events[i]!.times)),
        )
        const written = await engine.writeAll(queuesOf(random, deliveries))
        const log = (await engine.log(table)).sort()
        const records = history.map((change) => canonicalJson(recordToJson(change))).sort()
        if (lacks.keepsRecordsOnce !== undefined) {
          assert.deepEqual([...new Set(log)], records)
          return
        }
        assert.deepEqual(log, records)
        if (lacks.tellsRepeats !== undefined) return
        const applied = written.map(totals).reduce((sum, [applied]) => sum + applied, 0)
        assert.equal(applied, records.length, 'a record that is there counts as superseded')
      }),
      { numRuns: runsOf(suite), seed: anySeed(), endOnFailure: true },
    )
  })

  engine(
    'a record is there once, with and without a sub-sequence, however its batches are cut',
    'append',
    async (engine) => {
      const records = [put('a', 1), put('b', 2), put('c', 3)].map(inAggregate)
      await engine.write(0, { changes: [records[0]!, records[0]!] })
      const again = [await engine.write(1, { changes: records })]
      again.push(await engine.write(0, { changes: records.slice(1) }))
      assert.equal((await engine.log(ORDERS)).length, 3)
      if (lacks.tellsRepeats !== undefined) return
      assert.deepEqual(again.map(totals), [
        [2, 1],
        [0, 2],
      ])
    },
    'keepsRecordsOnce',
  )

  engine(
    'a dead letter is kept once',
    'mirror',
    async (engine) => {
      const source = { format: 'unknown', stream: 'changes', shard: 'shard-0', sequence: '1' } as const
      const letters: DeadLetter[] = [
        { kind: 'dead-letter', code: 'DECODE_NOT_TEXT', detail: 'not text', raw: new Uint8Array([0, 255]), source },
        {
          kind: 'dead-letter',
          code: 'SINK_REFUSED',
          detail: 'too long',
          change: put('a', 2),
          source: put('a', 2).source,
        },
      ]
      await engine.writeAll([[{ deadLetters: letters }], [{ deadLetters: letters }, { deadLetters: letters.slice(1) }]])
      const found = (await engine.deadLetters()).map(({ code }) => code).sort()
      assert.deepEqual(found, ['DECODE_NOT_TEXT', 'SINK_REFUSED'])
    },
    'keepsRecordsOnce',
  )

  engine(
    'what several processes learn is merged, whichever writes first, and each can read it',
    'mirror',
    async (engine) => {
      const facts = (all: Record<string, number>) =>
        new Map(Object.entries(all).map(([subject, version]) => [subject, JSON.stringify({ version })]))
      await engine.process(2)
      await engine.writeAll([[{ facts: facts({ a: 2, b: 1 }) }], [{ facts: facts({ a: 1, b: 2, c: 1 }) }]])
      const merged = [...facts({ a: 2, b: 2, c: 1 })]
      assert.deepEqual([...(await engine.readFacts(2))].sort(), merged)
      await engine.write(2, { facts: facts({ a: 1 }) })
      assert.deepEqual([...(await engine.readFacts(0))].sort(), merged)
      await engine.stop()
      assert.deepEqual([...(await engine.readFacts(0))].sort(), merged)
    },
    'sharesFacts',
  )

  const pulled = `${name}: a name is pulled, or under an engine, until it is taken over`
  test(pulled, { skip: lacks.sharesFacts ?? false }, async (t) => {
    const relay = await testRelay(t, suite.open)
    await relay.write(put('a', 1))
    await relay.close()
    const first = relay.another('engine')
    const opening = (takeOver: boolean) => unclaimedOf({}, { takeOver })
    const refused = await rejection(first.open(opening(false), signal()), 'CONFIGURATION')
    assert.match(refused.message, /--take-over/)
    assert.deepEqual((await first.open(opening(true), signal())).positions, new Map())
    assert.deepEqual(totals(await first.prepare(batchOf({ changes: [put('a', 2)] }))(signal())), [1, 0])
    await first.close()
    const back = relay.another()
    assert.match((await rejection(back.open(claimOf(), signal()), 'CONFIGURATION')).message, /--take-over/)
    const { positions } = await back.open(claimOf({}, { takeOver: true }), signal())
    assert.deepEqual([...positions.keys()], ['shard-0'])
    await back.close()
    await rejection(relay.another('engine').open(opening(false), signal()), 'CONFIGURATION')
  })
}

const ORDERS: TableName = { schema: null, name: 'orders' }

/** Changes of four keys, each of which comes so often. */
const HISTORY = fc.array(fc.record({ id: fc.nat(3), isDelete: fc.boolean(), times: fc.integer({ min: 1, max: 3 }) }), {
  minLength: 6,
  maxLength: 24,
})
type Event = { readonly id: number; readonly isDelete: boolean; readonly times: number }

/** Two changes of one key: so each history has an order in which the older of them comes last. */
const TOUCHED_TWICE: readonly Event[] = [
  { id: 0, isDelete: false, times: 1 },
  { id: 0, isDelete: false, times: 1 },
]

/** An order in which a mirror of the last arrival would be wrong: any other shows nothing. */
function hardOrder(random: Random, changes: readonly Change[], expected: unknown): Change[] {
  for (let tries = 0; tries < 1000; tries++) {
    const order = shuffled(random, changes)
    if (JSON.stringify(lastOfEachKey(order)) !== JSON.stringify(expected)) return order
  }
  return assert.fail('a mirror of the last arrival is right in every order: the test shows nothing')
}

let tables = 0
const nextTable = (): TableName => ({ schema: null, name: `history-${++tables}` })

const historyOf = (events: readonly Event[], table: TableName): Change[] =>
  events.map(({ id, isDelete }, i) => (isDelete ? del(`k${id}`, i + 1, { table }) : put(`k${id}`, i + 1, { table })))

/** Of three records one is of its own, and two are parts of an aggregated one. */
function inAggregate(change: Change, i: number): Change {
  const sequence = String(1000 + Math.floor(i / 3))
  const part = i % 3
  return { ...change, source: { ...change.source, sequence, ...(part === 0 ? {} : { subSequence: part - 1 }) } }
}

const repeated = <T>(item: T, times: number): T[] => Array.from({ length: times }, () => item)

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const all = [...items]
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[all[i], all[j]] = [all[j]!, all[i]!]
  }
  return all
}

/** Batches of any size, given to any process. */
function queuesOf(random: Random, changes: readonly Change[]): { readonly changes: readonly Change[] }[][] {
  const queues: { readonly changes: readonly Change[] }[][] = Array.from({ length: PROCESSES }, () => [])
  for (let i = 0; i < changes.length; ) {
    const size = 1 + random.below(8)
    random.pick(queues).push({ changes: changes.slice(i, i + size) })
    i += size
  }
  return queues
}
