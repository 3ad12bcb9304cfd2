import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Change, Value } from '../../../src/change.ts'
import { at, batchOf, claimOf, del, put } from '../../support/changes.ts'
import { byArrival, foundRows, keyOf, lastOfEachKey, type Rows } from '../../support/folded.ts'
import { GREENPLUM_KINDS, greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { anySeed, type Random, seededRandom } from '../../support/life/random.ts'
import { pgliteFolder } from '../../support/postgres/pglite.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { cratePlace } from '../../support/targets/crate-target.ts'
import { type ReadRows, rowsBy, sqlSinkOf, type TestLayout } from '../../support/targets/sql-target.ts'
import { isDealt, volume } from '../../support/volume.ts'

/**
 * Histories of few keys, each of a table of its own: shuffled, repeated, cut into any batches, over several runs of a
 * relay. What a mirror must then hold is worked out here, without anything of src/.
 */
interface Place {
  readonly url: string
  readonly rows: ReadRows
  /** Opens a sink; one that stops at the first failure if absent. */
  readonly sink?: typeof sqlSinkOf
  release?(): Promise<void>
  close(): Promise<void>
}

interface Run {
  readonly name: string
  readonly rounds: number
  readonly skip?: string | false
  /** All that it can do, if absent. */
  readonly deletes?: 'soft'
  open(): Promise<Place>
}

/** Of the faults of the stand-in for CrateDB. */
const TROUBLE = anySeed()

const places: readonly Run[] = [
  {
    name: 'postgresql',
    rounds: volume(1, 3),
    async open() {
      const { url, query, drop } = await testDatabase()
      return { url, rows: rowsBy((text) => query(text)), close: drop }
    },
  },
  {
    name: 'pglite',
    rounds: 1,
    async open() {
      const { url, query, release, empty } = await pgliteFolder()
      return { url, rows: rowsBy((text) => query(text)), release, close: empty }
    },
  },
  ...GREENPLUM_KINDS.map((kind) => ({
    name: `greenplum ${kind}`,
    rounds: 1,
    skip: withoutGreenplum(kind),
    async open() {
      const { url, query, drop } = await greenplumDatabase(undefined, kind)
      return { url, rows: rowsBy((text) => query<Record<string, string | null>>(text)), close: drop }
    },
  })),
  { name: 'cratedb', rounds: 1, deletes: 'soft', open: () => cratePlace(null) },
  { name: `cratedb, in trouble (seed ${TROUBLE})`, rounds: 1, deletes: 'soft', open: () => cratePlace(TROUBLE) },
]

/** In the short run each place plays each layout and each way of deleting once. */
const ways = (['document', 'columns'] as const).flatMap((layout, l) =>
  (['hard', 'soft'] as const).map((deletes, d) => ({ how: { layout, deletes } satisfies TestLayout, l, d })),
)

for (const [p, { name, rounds, open, deletes, skip = false }] of places.entries()) {
  for (const { how, l, d } of ways) {
    if (deletes === undefined ? !isDealt(p, l, d) : how.deletes !== deletes || !isDealt(p, l)) continue
    test(`${name}, ${how.layout}, deletes ${how.deletes}: any delivery ends as the history in order, with equal versions by order of arrival`, {
      skip,
    }, async (t) => {
      const wrong: NaiveFailures = { inOrder: 0, byArrival: 0 }
      for (let round = 0; round < rounds; round++) await play(t, await open(), how, wrong)
      for (const kind of KINDS) {
        assert.ok(wrong[kind] > 0, `a mirror of the last arrival was right, too: the test shows nothing (${kind})`)
      }
    })
  }
}

/** How a table must end: as its history in order, or, where versions of its keys are equal, by order of arrival. */
const KINDS = ['inOrder', 'byArrival'] as const
/** How many tables of each kind a mirror of the last arrival would have got wrong. */
type NaiveFailures = Record<(typeof KINDS)[number], number>

/** Of four a mirror of the last arrival would surely get one wrong: not one key in three has its newest image come last. */
const TABLES = KINDS.flatMap((kind) => Array<(typeof KINDS)[number]>(volume(4, 8)).fill(kind))
const RUNS = volume(2, 3)

async function play(t: TestContext, place: Place, how: TestLayout, wrong: NaiveFailures): Promise<void> {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const random = seededRandom(seed)
  const histories = TABLES.map((kind, i) => history(random, `table-${i}`, kind === 'byArrival'))
  const deliveries = shuffled(
    random,
    histories.flat().flatMap((change) => repeated(random, change)),
  )
  const batches = cut(random, deliveries)
  t.diagnostic(shares(histories, deliveries))

  try {
    const sequences = batches.map((_, i) => String(i + 1))
    for (let run = 0; run < RUNS; run++) {
      const [from, to] = [run, run + 1].map((n) => Math.floor((n * batches.length) / RUNS)) as [number, number]
      const sink = (place.sink ?? sqlSinkOf)({ url: place.url, ...how })
      await sink.open(claimOf(), AbortSignal.timeout(30_000))
      for (let i = from; i < to; i++) {
        const batch = batchOf({ changes: batches[i]!, positions: at({ shard: sequences[i]! }) })
        await sink.prepare(batch)(AbortSignal.timeout(30_000))
      }
      await sink.close()
    }
    for (const [i, changes] of histories.entries()) {
      const kind = TABLES[i]!
      const name = `table-${i}`
      const arrived = deliveries.filter(({ table }) => table.name === name)
      const expected = kind === 'byArrival' ? byArrival(arrived) : lastOfEachKey(changes)
      assert.deepEqual(await found(place.rows, name, how), expected, `table ${name}, seed ${seed}`)
      if (JSON.stringify(lastOfEachKey(arrived)) !== JSON.stringify(expected)) wrong[kind]++
    }
  } finally {
    await place.release?.()
    await place.close()
  }
}

/** The life of four keys as a DynamoDB table would tell it, in order. */
function history(random: Random, table: string, ties: boolean): Change[] {
  const kind = random.pick(['text', 'number', 'pair'])
  const keyOf = (n: number): Record<string, Value> =>
    kind === 'text' ? { id: `k${n}` } : kind === 'number' ? { id: n - 1.5 } : { a: `k${n % 2}`, b: Math.floor(n / 2) }
  const alive = new Set<number>()
  let version = 1000
  return Array.from({ length: 6 + random.below(14) }, (_, i) => {
    const n = random.below(4)
    version += ties && random.chance(0.4) ? 0 : 1 + random.below(3)
    const parts = { table, key: keyOf(n), data: { event: i, ...someAttributes(random, i) } }
    if (alive.has(n) && random.chance(0.45)) {
      alive.delete(n)
      return del(null, version, parts)
    }
    alive.add(n)
    return put(null, version, parts)
  })
}

/** They come and go, and are not always of one type. */
function someAttributes(random: Random, i: number): Record<string, Value> {
  const data: Record<string, Value> = {}
  if (random.chance(0.3)) data.sometimes = random.chance(0.8) ? i : `text ${i}`
  if (random.chance(0.2)) data.nested = random.chance(0.8) ? { i } : [i]
  return data
}

const repeated = (random: Random, change: Change): Change[] =>
  Array.from({ length: 1 + (random.chance(0.35) ? 1 + random.below(2) : 0) }, () => change)

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const all = [...items]
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[all[i], all[j]] = [all[j]!, all[i]!]
  }
  return all
}

function cut(random: Random, changes: readonly Change[]): Change[][] {
  const batches: Change[][] = []
  for (let i = 0; i < changes.length; ) {
    const size = random.chance(0.2) ? 1 : 1 + random.below(30)
    batches.push(changes.slice(i, i + size))
    i += size
  }
  return batches
}

async function found(rowsOf: ReadRows, table: string, how: TestLayout): Promise<Rows> {
  return foundRows(await rowsOf({ schema: null, name: table }, how))
}

/** How much of what is hard there was. */
function shares(histories: readonly (readonly Change[])[], deliveries: readonly Change[]): string {
  const changes = histories.flat()
  const percent = (part: number, whole: number): string => `${Math.round((part / whole) * 100)} %`
  const tied = histories.reduce(
    (sum, history) => sum + history.filter((change) => sharesVersion(change, history)).length,
    0,
  )
  const removed = changes.filter(({ op }) => op === 'delete').length
  return (
    `${changes.length} changes, ${percent(tied, changes.length)} with the version of another of their key, ` +
    `${percent(removed, changes.length)} deletes, ${percent(deliveries.length - changes.length, deliveries.length)} repeats`
  )
}

const sharesVersion = (change: Change, history: readonly Change[]): boolean =>
  history.some((other) => other !== change && other.version === change.version && keyOf(other) === keyOf(change))
