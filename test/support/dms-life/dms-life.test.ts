import assert from 'node:assert/strict'
import test from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { PGlite } from '@electric-sql/pglite'
import { startKinesalite } from '../kinesis/kinesalite.ts'
import { anySeed, seededRandom } from '../life/random.ts'
import { pgliteFolder } from '../postgres/pglite.ts'
import { volume } from '../volume.ts'
import { recordProblems } from './check.ts'
import { COLUMN_TYPES, type Row } from './columns.ts'
import { quoted, rowsQuery, tableDifferences } from './compare.ts'
import { type Delivery, type DeliveryOptions, deliver, INTERLEAVINGS, shardOf } from './delivery.ts'
import { type DmsLife, type DmsLifeOptions, dmsLife } from './dms-life.ts'
import { lastArrivalMirror, type Mirrored, ruleMirror } from './mirrors.ts'
import { hasKey, labelOf } from './tables.ts'
import type { MissingColumns } from './truth.ts'

const seed = anySeed()
const SIZE = { changes: 500, keys: 24 }
/** Many lives meet every kind of `KINDS` by lot; of a few it is made sure. */
const FORCED = volume<readonly Partial<DmsLifeOptions>[]>(
  [
    { story: { reload: 'none' }, task: { cachedTime: 'caught' } },
    { story: { reload: 'with-drop-table', gap: true, addColumns: true } },
    { story: { reload: 'without-drop-table', gap: false }, task: { parallelApply: true } },
    { endpoint: { includeNullAndEmpty: false, includeTransactionDetails: 'off' } },
    { endpoint: { includeNullAndEmpty: true }, task: { parallelApply: false, cachedTime: 'sent' } },
    {},
  ],
  [{}],
)
const SEEDS = Array.from({ length: volume(12, 40) }, (_, index) => seed + index)
const LIVES = SEEDS.map((of, index) => delivered({ ...FORCED[index % FORCED.length], seed: of, ...SIZE }))
const MISSING: readonly MissingColumns[] = ['null', 'keep']

/** A life, delivered in one way that its seed decides. */
function delivered(options: DmsLifeOptions): { life: DmsLife; delivery: Delivery; how: DeliveryOptions } {
  const life = dmsLife(options)
  const interleaving = INTERLEAVINGS[options.seed % INTERLEAVINGS.length]!
  const how = { shards: [1, 2, 8][options.seed % 3]!, interleaving }
  return { life, how, delivery: deliver(life.records, how, seededRandom(options.seed + 1)) }
}

function differences(life: DmsLife, mirrored: Mirrored, missing: MissingColumns, onReload: 'keep' | 'sweep') {
  const expected = life.expectedRows(missing)
  const leftovers = life.leftovers(onReload)
  return life.tables.flatMap((table) =>
    tableDifferences(table, expected.get(table)!, mirrored.get(table) ?? [], leftovers.get(table) ?? new Set()),
  )
}

test(`a DMS life is the same for the same seed (${seed})`, () => {
  const [one, two, other] = [seed, seed, seed + 1].map((of) => delivered({ seed: of, ...SIZE }))
  // Not by deepEqual, which takes minutes to say how two lives differ.
  assert.ok(isDeepStrictEqual(one!.life.records, two!.life.records))
  assert.ok(isDeepStrictEqual(one!.delivery, two!.delivery))
  assert.ok(isDeepStrictEqual(one!.life.expectedRows('null'), two!.life.expectedRows('null')))
  assert.ok(!isDeepStrictEqual(one!.life.records, other!.life.records))
})

test(`every record is one that DMS could have written (seeds from ${seed})`, () => {
  for (const [index, { life }] of LIVES.entries()) {
    assert.deepEqual(
      life.records.flatMap((record) => recordProblems(life, record)),
      [],
      `seed ${SEEDS[index]}`,
    )
  }
})

test(`DMS lives have the hard cases (seeds from ${seed})`, (t) => {
  const found = new Map<string, number>()
  const add = (name: string, count: number) => found.set(name, (found.get(name) ?? 0) + count)
  for (const { life, delivery, how } of LIVES) {
    const counts = { ...life.figures, ...delivery.figures, leftovers: leftoverKeys(life, 'keep').length }
    for (const [name, count] of Object.entries(counts)) add(name, count)
    for (const name of kindsOf(life, how)) add(name, 1)
  }
  const records = found.get('records')!
  const share = (name: string, count: number) =>
    name.startsWith('lives ') ? (100 * count) / SEEDS.length : (100 * count) / records
  t.diagnostic([...found].map(([name, count]) => `${name} ${count} (${share(name, count).toFixed(1)} %)`).join(', '))
  for (const kind of KINDS) assert.ok(found.has(kind), kind)
  for (const [name, count] of found) assert.ok(count > 0, name)
})

/** What a life is like, as its knobs stand. */
function kindsOf({ endpoint, task, story }: DmsLife, { shards, interleaving }: DeliveryOptions): string[] {
  const hasGap = story.gap && story.reload !== 'none'
  return [
    `lives on ${shards} shards`,
    `lives ${interleaving}`,
    `lives with reload ${story.reload}`,
    `lives with ${hasGap ? 'a' : 'no'} gap before it`,
    `lives with columns ${story.addColumns ? 'added' : 'as they were'}`,
    `lives with nulls ${endpoint.includeNullAndEmpty ? 'included' : 'omitted'}`,
    `lives with transaction details ${endpoint.includeTransactionDetails}`,
    `lives with changes by ${task.parallelApply ? 'primary key' : 'table'}`,
    `lives with cached changes timed when ${task.cachedTime}`,
  ]
}

const KINDS = [
  'lives with reload none',
  'lives with reload with-drop-table',
  'lives with reload without-drop-table',
  'lives with a gap before it',
  'lives with no gap before it',
  'lives with columns added',
  'lives with nulls omitted',
  'lives with nulls included',
  'lives with transaction details off',
  'lives with changes by primary key',
  'lives with changes by table',
  'lives with cached changes timed when caught',
  'lives with cached changes timed when sent',
]

test(`each knob of a DMS life takes its hard case away (seed ${seed})`, () => {
  const figures = (options: Partial<DmsLifeOptions>) => dmsLife({ seed, ...SIZE, ...options }).figures
  const loads = (life: DmsLife, op: string) => life.records.filter(({ says }) => says?.op === op).length
  assert.equal(figures({ story: { moves: 0 } }).moves, 0)
  assert.equal(figures({ story: { moves: 0, deletes: 0 } }).reusedKeys, 0)
  assert.equal(figures({ story: { resumes: 0 } }).repeats, 0)
  assert.ok(figures({ story: { resumes: 2, addColumns: false } }).repeats > 0)
  assert.equal(figures({ endpoint: { includeNullAndEmpty: true } }).leftOut, 0)
  assert.ok(figures({ endpoint: { includeNullAndEmpty: false } }).leftOut > 100)

  const once = dmsLife({ seed, ...SIZE, story: { reload: 'none', addColumns: false } })
  const twice = dmsLife({ seed, ...SIZE, story: { reload: 'with-drop-table' } })
  const quietly = dmsLife({ seed, ...SIZE, story: { reload: 'without-drop-table' } })
  assert.equal(loads(once, 'drop-table'), once.tables.length)
  assert.equal(loads(twice, 'drop-table'), once.tables.length + once.tables.filter(hasKey).length)
  assert.equal(loads(quietly, 'drop-table'), once.tables.length)
  assert.ok(loads(quietly, 'load') > loads(once, 'load'))
  for (const table of once.tables) assert.deepEqual(once.columns(table), table.columns)

  const seen = dmsLife({ seed, ...SIZE, story: { reload: 'with-drop-table', gap: false } })
  assert.deepEqual(leftoverKeys(seen, 'keep'), [])
  assert.deepEqual(leftoverKeys(once, 'keep'), [])
})

test(`rows that went away unseen may stay, unless they are swept (seeds from ${seed})`, () => {
  const after = (reload: 'with-drop-table' | 'without-drop-table') =>
    SEEDS.slice(0, volume(5, 10)).map((of) => dmsLife({ seed: of, ...SIZE, story: { reload, gap: true } }))
  const count = (lives: readonly DmsLife[], onReload: 'keep' | 'sweep') =>
    lives.flatMap((life) => leftoverKeys(life, onReload)).length
  const [dropped, kept] = [after('with-drop-table'), after('without-drop-table')]
  assert.ok(count(dropped, 'keep') > 0)
  assert.equal(count(dropped, 'sweep'), 0)
  assert.ok(count(kept, 'keep') > 0)
  assert.equal(count(kept, 'sweep'), count(kept, 'keep'))
})

const leftoverKeys = (life: DmsLife, onReload: 'keep' | 'sweep'): string[] =>
  [...life.leftovers(onReload).values()].flatMap((keys) => [...keys])

test(`a delivery keeps the order of each partition key, and shards are those of Kinesis (seed ${seed})`, async () => {
  const life = dmsLife({ seed, ...SIZE })
  for (const interleaving of INTERLEAVINGS) {
    const { arrivals, shards } = deliver(life.records, { shards: 8, interleaving }, seededRandom(seed))
    const byKey = (list: readonly { readonly partitionKey: string }[]) =>
      Map.groupBy(list, ({ partitionKey }) => partitionKey)
    const arrived = arrivals.map(({ record }) => record)
    assert.equal(arrived.length, life.records.length)
    assert.ok(isDeepStrictEqual(byKey(arrived), byKey(life.records)))
    for (const [shard, records] of shards.entries()) {
      const ofShard = arrivals.filter((one) => one.shard === shard).map(({ record }) => record)
      assert.ok(isDeepStrictEqual(ofShard, records))
    }
  }

  const keys = [...new Set(life.records.map(({ partitionKey }) => partitionKey))]
  const kinesalite = await startKinesalite()
  try {
    await kinesalite.createStream('dms', 8)
    const stored = await kinesalite.put(
      'dms',
      keys.map((key) => ({ key, data: 'x' })),
    )
    const found = stored.map(({ shard }) => Number(shard.split('-')[1]))
    assert.deepEqual(
      found,
      keys.map((key) => shardOf(key, 8)),
    )
  } finally {
    await kinesalite.close()
  }
})

test(`what is to come last comes last, where partition keys differ (seed ${seed})`, () => {
  const options = { task: { parallelApply: false }, endpoint: { partitionIncludeSchemaTable: true } }
  const life = dmsLife({ seed, ...SIZE, ...options })
  const order = (interleaving: (typeof INTERLEAVINGS)[number]) =>
    deliver(life.records, { shards: 8, interleaving }, seededRandom(seed))
      .arrivals.filter(({ record }) => record.says !== null && record.says.table.mapped === null)
      .map(({ record }) => record.kind)
  const changesLast = order('changes-last')
  assert.ok(changesLast.indexOf('change') > changesLast.lastIndexOf('load'))
  assert.ok(changesLast.indexOf('change') > changesLast.lastIndexOf('control'))
  const loadsLast = order('loads-last')
  assert.ok(loadsLast.indexOf('load') > loadsLast.lastIndexOf('change'))
  const controlsLast = order('controls-last')
  assert.ok(controlsLast.indexOf('control') > controlsLast.lastIndexOf('load'))
  assert.ok(controlsLast.indexOf('control') > controlsLast.lastIndexOf('change'))
})

test(`by the rule, any delivery ends in the truth (seeds from ${seed})`, () => {
  for (const [index, { life, delivery }] of LIVES.entries()) {
    for (const missing of MISSING) {
      for (const onReload of ['keep', 'sweep'] as const) {
        const mirrored = ruleMirror(delivery.arrivals, missing, onReload)
        assert.deepEqual(differences(life, mirrored, missing, onReload), [], `seed ${SEEDS[index]}`)
      }
    }
  }
})

test(`a mirror that believes every record as it comes is wrong in most lives (seeds from ${seed})`, (t) => {
  const wrong = LIVES.map(({ life, delivery }) => {
    return MISSING.map((missing) => {
      const mirrored = lastArrivalMirror(delivery.arrivals, missing)
      return differences(life, mirrored, missing, 'keep').length
    })
  })
  t.diagnostic(`wrong values and rows, with missing columns as null and kept: ${wrong.join(' ')}`)
  for (const mode of [0, 1]) assert.ok(wrong.filter((counts) => counts[mode]! > 0).length > SEEDS.length / 2)
})

test(`what is missing makes no difference where nothing is missing (seed ${seed})`, () => {
  const life = dmsLife({ seed, ...SIZE, endpoint: { includeNullAndEmpty: true } })
  const [asNull, kept] = [life.expectedRows('null'), life.expectedRows('keep')]
  const different = life.tables.filter(
    (table) => tableDifferences(table, asNull.get(table)!, kept.get(table) as readonly Row[], new Set()).length > 0,
  )
  assert.deepEqual(different.map(labelOf).sort(), ['shop.documents', 'shop.stock'])
})

test(`PostgreSQL prints what is stored as the truth has it (seed ${seed})`, async () => {
  const life = dmsLife({ seed, ...SIZE, endpoint: { includeNullAndEmpty: true } })
  const expected = life.expectedRows('keep')
  const { url } = await pgliteFolder()
  const database = await PGlite.create(url.replace('pglite:', ''))
  try {
    await database.exec(`SET TIME ZONE 'UTC'`)
    for (const table of life.tables) {
      const columns = life.columns(table).filter(({ name }) => expected.get(table)!.some((row) => row.has(name)))
      const defined = columns.map(({ name, type }) => `${quoted(name)} ${COLUMN_TYPES[type].sql}`)
      const target = quoted(table.name)
      await database.exec(`CREATE TABLE ${target} (${defined.join(', ')})`)
      const values = columns.map(({ name, type }) => `${quoted(name)}::${COLUMN_TYPES[type].sql}`)
      const texts = columns.map(({ name }) => expected.get(table)!.map((row) => row.get(name) ?? null))
      const names = columns.map(({ name }) => quoted(name)).join(', ')
      const lists = columns.map((_, index) => `$${index + 1}::text[]`).join(', ')
      const typed = `SELECT ${values.join(', ')} FROM unnest(${lists}) AS text (${names})`
      await database.query(`INSERT INTO ${target} ${typed}`, texts)
      const { rows } = await database.query<Record<string, string | null>>(rowsQuery(target, columns))
      const found = rows.map((row): Row => new Map(columns.map(({ name }) => [name, row[name] ?? null])))
      assert.ok(found.length > 0)
      assert.deepEqual(tableDifferences(table, expected.get(table)!, found, new Set()), [])
    }
  } finally {
    await database.close()
  }
})
