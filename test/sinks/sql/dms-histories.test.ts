import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { SourceTable } from '../../../src/batch.ts'
import { type Change, type TableName, tableLabel, type Value } from '../../../src/change.ts'
import {
  at,
  batchOf,
  claimOf,
  dmsDel,
  dmsMove,
  dmsPatch,
  dmsPut,
  knownTables,
  row,
  sourceTable,
} from '../../support/changes.ts'
import {
  GREENPLUM_KINDS,
  type GreenplumKind,
  greenplumDatabase,
  withoutGreenplum,
} from '../../support/greenplum/greenplum.ts'
import { anySeed, type Random, seededRandom } from '../../support/life/random.ts'
import { pgliteFolder } from '../../support/postgres/pglite.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { cratePlace } from '../../support/targets/crate-target.ts'
import { type ReadRows, rowsBy, sqlSinkOf, type TestLayout } from '../../support/targets/sql-target.ts'
import { isDealt, volume } from '../../support/volume.ts'

/**
 * Lives of few keys as DMS tells them: partial images, keys that change and are used again. Each key's changes arrive in
 * order (a move is a change of both its keys), those of different keys as it happens; what is whole is also repeated, and
 * older images and deletes come late. What a mirror must then hold is worked out here, without anything of src/.
 */
interface Place {
  readonly url: string
  readonly rows: ReadRows
  /** Opens a sink; one that stops at the first failure if absent. */
  readonly sink?: typeof sqlSinkOf
  release?(): Promise<void>
  close(): Promise<void>
}

async function postgresPlace(): Promise<Place> {
  const { url, query, drop } = await testDatabase()
  return { url, rows: rowsBy((text) => query(text)), close: drop }
}

async function pglitePlace(): Promise<Place> {
  const { url, query, release, empty } = await pgliteFolder()
  return { url, rows: rowsBy((text) => query(text)), release, close: empty }
}

async function greenplumPlace(kind: GreenplumKind): Promise<Place> {
  const { url, query, drop } = await greenplumDatabase(undefined, kind)
  return { url, rows: rowsBy((text) => query(text)), close: drop }
}

interface Run {
  readonly name: string
  readonly how: TestLayout
  readonly rounds: number
  readonly skip?: string | false
  readonly open: () => Promise<Place>
}

/** Of the faults of the stand-in for CrateDB. */
const TROUBLE = anySeed()

const LAYOUTS = ['columns', 'document'] as const
const DELETES = ['hard', 'soft'] as const

/** @returns each layout with each way of deleting; in the short run each of these comes once */
const ways = (place: number): TestLayout[] =>
  LAYOUTS.flatMap((layout, l) =>
    DELETES.filter((_, d) => isDealt(place, l, d)).map((deletes): TestLayout => ({ layout, deletes })),
  )

const places: readonly Run[] = [
  ...ways(0).map((how) => ({
    name: 'postgresql',
    how,
    rounds: volume(1, how.layout === 'columns' ? 3 : 2),
    open: postgresPlace,
  })),
  { name: 'pglite', how: { layout: 'columns', deletes: 'hard' }, rounds: 1, open: pglitePlace },
  ...GREENPLUM_KINDS.flatMap((kind, k) =>
    ways(k).map((how) => ({
      name: `greenplum ${kind}`,
      how,
      rounds: 1,
      skip: withoutGreenplum(kind),
      open: () => greenplumPlace(kind),
    })),
  ),
  ...LAYOUTS.filter((_, l) => isDealt(0, l)).map(
    (layout): Run => ({
      name: 'cratedb',
      how: { layout, deletes: 'soft' },
      rounds: 1,
      open: () => cratePlace(null),
    }),
  ),
  ...LAYOUTS.filter((_, l) => isDealt(1, l)).map(
    (layout): Run => ({
      name: `cratedb, in trouble (seed ${TROUBLE})`,
      how: { layout, deletes: 'soft' },
      rounds: 1,
      open: () => cratePlace(TROUBLE),
    }),
  ),
]
for (const { name, how, rounds, open, skip = false } of places) {
  test(`${name}, ${how.layout}, deletes ${how.deletes}: partial images and moves end as the history in order`, {
    skip,
  }, async (t) => {
    let naiveFailures = 0
    for (let round = 0; round < rounds; round++) naiveFailures += await play(t, await open(), how)
    assert.ok(naiveFailures > 0, 'a mirror of the last arrival was right, too: the test shows nothing')
  })
}

const TABLES = volume(4, 8)
const RUNS = 2

/** A step of a history: a change, and the keys that it touches. */
interface Step {
  readonly change: Change
  /** The old key first. */
  readonly keys: readonly string[]
}

/** @returns how many tables a mirror of the last arrival would have got wrong */
async function play(t: TestContext, place: Place, how: TestLayout): Promise<number> {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const random = seededRandom(seed)
  const tables = Array.from({ length: TABLES }, (_, i) => someTable(random, i))
  const histories = tables.map((table) => history(random, table))
  const deliveries = interleaved(
    random,
    histories.map((steps) => delivered(random, steps)),
  )
  const batches = cut(random, deliveries)
  t.diagnostic(shares(histories.flat(), batches))

  try {
    await write(place, how, knownTables(...tables), batches)
    let naiveFailures = 0
    for (const [i, steps] of histories.entries()) {
      const { name } = tables[i]!
      const expected = shown(folded(steps))
      assert.deepEqual(await found(place.rows, name, how), expected, `table ${tableLabel(name)}, seed ${seed}`)
      const arrived = deliveries.filter(({ change }) => change.table === name)
      if (JSON.stringify(shown(lastArrivals(arrived))) !== JSON.stringify(expected)) naiveFailures++
    }
    return naiveFailures
  } finally {
    await place.release?.()
    await place.close()
  }
}

async function write(
  { url, sink: open = sqlSinkOf }: Place,
  how: TestLayout,
  tables: ReadonlyMap<string, SourceTable>,
  batches: readonly (readonly Step[])[],
): Promise<void> {
  for (let run = 0; run < RUNS; run++) {
    const [from, to] = [run, run + 1].map((n) => Math.floor((n * batches.length) / RUNS)) as [number, number]
    const sink = open({ url, ...how })
    try {
      await sink.open(claimOf(), AbortSignal.timeout(30_000))
      for (let i = from; i < to; i++) {
        const changes = batches[i]!.map(({ change }) => change)
        const written = await sink.prepare(batchOf({ changes, tables, positions: at({ shard: `${i + 1}` }) }))(
          AbortSignal.timeout(30_000),
        )
        assert.ok(written.kind === 'written')
        const counts = [...written.tables.values()].map(({ applied, superseded }) => {
          assert.ok(applied >= 0 && superseded >= 0)
          return applied + superseded
        })
        assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          changes.length,
        )
      }
    } finally {
      await sink.close()
    }
  }
}

/** A key of one column or of two; types that are told, or not. */
function someTable(random: Random, i: number): SourceTable {
  const isPair = random.chance(0.5)
  const types = { name: 'text', qty: 'int32', note: 'text' } as const
  const keyTypes = isPair ? ({ a: 'text', b: 'int32' } as const) : ({ id: 'int64' } as const)
  return sourceTable(random.chance(0.7) ? { ...keyTypes, ...types } : {}, {
    name: { schema: 'shop', name: `table-${i}` },
    key: Object.keys(keyTypes),
  })
}

const KEYS = 5

type Data = Record<string, Value>

/** The life of a few keys, in order, with versions ten apart. */
function history(random: Random, { name: table, key: keyColumns }: SourceTable): Step[] {
  const keyOf = (n: number): Data =>
    keyColumns!.length === 1 ? { id: n * 1_000_000_007 } : { a: `k${n % 2}`, b: Math.floor(n / 2) }
  const alive = new Set<number>()
  const steps: Step[] = []
  const add = (change: Change, ...keys: number[]): void => {
    steps.push({ change, keys: keys.map((n) => JSON.stringify(keyOf(n))) })
  }
  const nextVersion = (): number => (steps.length + 2) * 10
  const parts = (n: number, data: Data) => ({ table, key: keyOf(n), data })

  function insert(n: number): void {
    alive.add(n)
    add(dmsPut(null, nextVersion(), parts(n, wholeData(random, steps.length))), n)
  }

  function move(from: number, to: number): void {
    alive.delete(from)
    alive.add(to)
    const isWhole = random.chance(0.35)
    const data = isWhole ? wholeData(random, steps.length) : partialData(random, steps.length)
    const change = dmsMove(keyOf(from), keyOf(to), nextVersion(), { table, data })
    const after = isWhole || random.chance(0.5) ? change.after! : withoutSame(change.after!, keyOf(from))
    add({ ...change, after, complete: isWhole }, from, to)
  }

  function update(n: number): void {
    if (random.chance(0.2))
      add({ ...dmsPut(null, nextVersion(), parts(n, wholeData(random, steps.length))), op: 'update' }, n)
    else add(dmsPatch(null, nextVersion(), parts(n, partialData(random, steps.length))), n)
  }

  for (let i = 0; i < 18; i++) {
    const living = [...alive]
    const free = Array.from({ length: KEYS }, (_, n) => n).filter((n) => !alive.has(n))
    if (living.length === 0 || (free.length > 0 && random.chance(0.25))) insert(random.pick(free))
    else if (random.chance(0.15)) {
      const n = random.pick(living)
      alive.delete(n)
      add(dmsDel(null, nextVersion(), { table, key: keyOf(n) }), n)
    } else if (free.length > 0 && living.length > 1 && random.chance(0.2)) {
      const [one, other, third] = [living[0]!, living[1]!, random.pick(free)]
      move(one, third)
      move(other, one)
      move(third, other)
    } else if (free.length > 0 && random.chance(0.35)) move(random.pick(living), random.pick(free))
    else update(random.pick(living))
  }
  return steps
}

/** Of a whole image the columns that are left out are NULL. */
function wholeData(random: Random, i: number): Data {
  const data = partialData(random, i)
  return random.chance(0.3) ? data : { name: `name ${i}`, qty: i, note: null, ...data }
}

/** Some numbers do not fit their column. */
function partialData(random: Random, i: number): Data {
  const data: Data = {}
  if (random.chance(0.4)) data.name = random.chance(0.15) ? null : `name ${i}`
  if (random.chance(0.5)) data.qty = random.chance(0.15) ? null : random.chance(0.2) ? `no number ${i}` : i
  if (random.chance(0.3)) data.note = `note ${i}`
  return data
}

/** A partial image may leave out the parts of its key that stay. */
const withoutSame = (after: Data, key: Data): Data =>
  row(Object.fromEntries(Object.entries(after).filter(([name, value]) => key[name] !== value)))

/** An order in which each key's changes keep theirs; with repeats of what is whole, and with what comes late. */
function delivered(random: Random, history: readonly Step[]): Step[] {
  const waiting = [...history]
  const out: Step[] = []
  const newest = new Map<string, number>()
  while (waiting.length > 0) {
    const ready = waiting.filter((step, i) => !waiting.slice(0, i).some((other) => isOfSameKey(step, other)))
    const step = random.pick(ready)
    waiting.splice(waiting.indexOf(step), 1)
    out.push(step)
    for (const key of step.keys) newest.set(key, Number(step.change.version))
    if (random.chance(0.2)) out.push(random.pick(out.filter(({ change }) => change.complete)) ?? step)
    if (random.chance(0.25)) out.push(late(random, step.change.table, [...newest]))
  }
  return out
}

const isOfSameKey = (a: Step, b: Step): boolean => a.keys.some((key) => b.keys.includes(key))

/** Older than what the key was last touched by. */
function late(random: Random, table: TableName, newest: readonly [string, number][]): Step {
  const [text, version] = random.pick(newest)
  const older = 1 + random.below(version - 1)
  const key = JSON.parse(text) as Data
  const data = { name: 'late', qty: -1, note: 'late' }
  const change = random.chance(0.5)
    ? dmsPut(null, older, { table, key, data, op: random.pick(['load', 'insert', 'update'] as const) })
    : dmsDel(null, older, { table, key })
  return { change, keys: [text] }
}

function interleaved(random: Random, lists: readonly (readonly Step[])[]): Step[] {
  const queues = lists.map((list) => [...list])
  const out: Step[] = []
  for (let left = queues; left.length > 0; left = left.filter((queue) => queue.length > 0)) {
    const queue = random.pick(left)
    out.push(...queue.splice(0, 1 + random.below(5)))
  }
  return out
}

function cut(random: Random, steps: readonly Step[]): Step[][] {
  const batches: Step[][] = []
  for (let i = 0; i < steps.length; ) {
    const size = random.chance(0.2) ? 1 : 1 + random.below(60)
    batches.push(steps.slice(i, i + size))
    i += size
  }
  return batches
}

/** Key → column → value as text; `version` among them. */
type Rows = Map<string, Map<string, string>>

/** The history in order, as the source did it. */
function folded(history: readonly Step[]): Rows {
  const rows: Rows = new Map()
  for (const { change, keys } of history) {
    const { after, complete, version } = change
    const [from, to] = [keys[0]!, keys.at(-1)!]
    const before = rows.get(from)
    rows.delete(from)
    if (after === null) continue
    const now = new Map(complete ? [] : before)
    for (const [name, value] of [...Object.entries(after), ...Object.entries(JSON.parse(to) as Data)]) {
      if (value === null) now.delete(name)
      else now.set(name, String(value))
    }
    rows.set(to, now.set('version', version))
  }
  return rows
}

/** As they came, without a look at any version, and a move takes nothing with it. */
function lastArrivals(arrived: readonly Step[]): Rows {
  const rows: Rows = new Map()
  for (const step of arrived) {
    const { keys } = step
    const before = rows.get(keys.at(-1)!)
    for (const key of keys) rows.delete(key)
    const own = folded([step]).get(keys.at(-1)!)
    if (own !== undefined) rows.set(keys.at(-1)!, new Map([...(step.change.complete ? [] : (before ?? [])), ...own]))
  }
  return rows
}

const shown = (rows: Rows): string[] => [...rows.values()].map((one) => JSON.stringify([...one].sort())).sort()

async function found(rowsOf: ReadRows, table: TableName, how: TestLayout): Promise<string[]> {
  const rows = await rowsOf(table, how)
  const texts = rows.map(({ data, version }): [string, Map<string, string>] => {
    const values = Object.entries(JSON.parse(data) as Data).filter(([, value]) => value !== null)
    return [data, new Map([...values.map(([name, value]) => [name, String(value)] as const), ['version', version]])]
  })
  return shown(new Map(texts))
}

/** How much of what is hard there was. */
function shares(history: readonly Step[], batches: readonly (readonly Step[])[]): string {
  const percent = (part: number): string => `${Math.round((part / history.length) * 100)} %`
  const isMove = ({ keys }: Step): boolean => keys.length > 1
  const moves = history.filter(isMove)
  const left = new Set(moves.map((step) => keyText(step, 0)))
  const used = history.filter((step) => isMove(step) || step.change.op === 'insert')
  const reused = used.filter((step) => left.has(keyText(step, step.keys.length - 1)))
  const inBatch = batches.map((batch) => batch.filter(({ change }) => change.op === 'update' && !change.complete))
  const several = inBatch.flatMap((patches) =>
    patches.filter((step, i) => patches.slice(0, i).some((other) => keyText(other, 0) === keyText(step, 0))),
  )
  return (
    `${history.length} changes, ${percent(moves.length)} moves, ${percent(moves.filter(({ change }) => !change.complete).length)} partial moves, ` +
    `${percent(reused.length)} to a key that was moved away, ${percent(several.length)} patches after another of their key in the batch, ` +
    `${batches.flat().length - history.length} repeats and late ones`
  )
}

const keyText = ({ change, keys }: Step, i: number): string => `${tableLabel(change.table)} ${keys[i]}`
