import assert from 'node:assert/strict'
import { Numeric, toJson, type Value } from '../../../src/change.ts'
import { dmsPatch, dmsPut, put, sourceTable } from '../../support/changes.ts'
import { anySeed, type Random, seededRandom } from '../../support/life/random.ts'
import { totals } from '../conformance/answers.ts'
import { onEachTarget } from './each-target.ts'
import type { TestRelay } from './test-relay.ts'

/** Rows of more columns, or of more bytes, than a table or a page holds: the rest lies in `cdc_extra`. */

onEachTarget('1,700 attributes of the first item: 1,200 columns, and the rest in cdc_extra', async (t, openRelay) => {
  const { database, write } = await openRelay(t, { layout: 'columns' })
  const data = attributes(1700, (i) => `v${i}`)
  await write(put('a', 1, { data }))
  const columns = await columnsOf(database, 'orders')
  assert.equal(columns.length, 1200)
  assert.deepEqual(await valuesOf(database, 'orders', 'id', 'a'), data)
  await write(put('b', 2, { data }), put('a', 3, { data: { ...data, c1699: 'new', c1700: 'more' } }))
  assert.deepEqual(await valuesOf(database, 'orders', 'id', 'a'), { ...data, c1699: 'new', c1700: 'more' })
  assert.deepEqual(await valuesOf(database, 'orders', 'id', 'b'), data)
  assert.equal((await columnsOf(database, 'orders')).length, 1200)
})

for (const [what, count, value] of [
  ['500 texts of 100 characters', 500, (random: Random) => random.hex(104).slice(0, 100)],
  ['500 texts of 100 characters that compress well', 500, () => 'abcdefghij'.repeat(10)],
  ['500 texts of 40 characters that compress a little', 500, (random: Random) => `${random.hex(16)}${'0'.repeat(24)}`],
  ['1,000 texts of 10 characters', 1000, (random: Random) => random.hex(16).slice(0, 10)],
  ['600 numbers', 600, (random: Random) => new Numeric(`${1 + random.below(9)}${BigInt(`0x1${random.hex(24)}`)}`)],
] as const) {
  onEachTarget(
    `${what}: the row is written, and what its page does not hold is in cdc_extra`,
    async (t, openRelay) => {
      const random = seededRandom(7)
      const { database, write } = await openRelay(t, { layout: 'columns' })
      const data = attributes(count, () => value(random))
      const written = await write(...['a', 'b', 'c'].map((id) => put(id, 1, { data })))
      assert.deepEqual([totals(written), written.deadLettered], [[3, 0], 0])
      assert.deepEqual(await valuesOf(database, 'orders', 'id', 'a'), JSON.parse(toJson(data)))
      const aside = Object.keys((await extraOf(database, 'orders', 'id', 'a')) ?? {})
      assert.deepEqual(aside, Object.keys(data).slice(-aside.length), 'those of the last columns')
      const counted = [...written.setAside!.get('orders')!.values()].map((column) => column.count)
      assert.deepEqual(counted, new Array(aside.length).fill(3))
      // The same row with less in it has room.
      await write(
        put('a', 2, { data: { ...data, ...attributes(count, (i) => (i < count / 2 ? null : data[`c${i}`]!)) } }),
      )
      assert.equal(await extraOf(database, 'orders', 'id', 'a'), null)
    },
    'pages of Greenplum have 32 KiB, and hold these rows',
  )
}

const TYPES = [
  ['text', (random: Random) => random.hex(40).slice(0, random.below(40))],
  ['varchar(30)', (random: Random) => random.hex(32).slice(0, random.below(31))],
  ['char(20)', (random: Random) => random.hex(24).slice(0, random.below(21))],
  ['numeric', (random: Random) => `${random.below(2 ** 31)}${random.chance(0.5) ? '' : `.${1 + random.below(999)}1`}`],
  ['bigint', (random: Random) => random.below(2 ** 40)],
  ['smallint', (random: Random) => random.below(1000)],
  ['boolean', (random: Random) => random.chance(0.5)],
  ['timestamptz', () => '2024-07-12T01:17:42Z'],
  ['bytea', (random: Random) => random.hex(8 * (1 + random.below(7)))],
  ['jsonb', (random: Random) => `{"a": "${random.hex(16)}"}`],
  ['uuid', () => 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['interval', () => '1 day'],
  ['integer[]', () => '{1,2,3}'],
  ['inet', () => '10.0.0.1'],
] as const

onEachTarget(
  'columns of any types, filled at random: each row is written, and nothing of it is lost',
  async (t, openRelay) => {
    const seed = anySeed()
    const random = seededRandom(seed)
    const { database, knows, write } = await openRelay(t, { layout: null })
    const columns = Array.from({ length: 1100 }, () => random.pick(TYPES))
    await database.query(`CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY,
    ${columns.map(([type], i) => `c${i} ${type}`).join(', ')}, cdc_version bigint, cdc_extra jsonb)`)
    knows(sourceTable({}))
    const rows = Array.from({ length: 20 }, (_, i) =>
      attributes(columns.length, (at) => (random.chance(i / 20) ? (columns[at]![1](random) as Value) : null)),
    )
    const written = await write(...rows.map((data, id) => dmsPut(id, 1, { data })))
    assert.deepEqual([totals(written), written.deadLettered], [[20, 0], 0], `seed ${seed}`)
    const found = await database.query<{ held: number; aside: number }>(
      `SELECT (SELECT count(*) FROM json_each_text(row_to_json(o) ) AS one WHERE one.key ~ '^c[0-9]+$' AND one.value IS NOT NULL)::int AS held,
      (SELECT count(*) FROM jsonb_object_keys(coalesce(cdc_extra, '{}')))::int AS aside FROM shop.orders o ORDER BY id`,
    )
    for (const [i, { held, aside }] of found.entries()) {
      const values = Object.values(rows[i]!).filter((value) => value !== null).length
      assert.equal(held + aside, values, `row ${i}, seed ${seed}`)
    }
    assert.ok(
      found.some(({ aside }) => aside > 0),
      `some rows are too wide, seed ${seed}`,
    )
  },
  'pages of Greenplum have 32 KiB, and hold these rows',
)

onEachTarget(
  'a partial image after a whole one that left values aside: they come to their columns as there is room',
  async (t, openRelay) => {
    const random = seededRandom(3)
    const { database, knows, write } = await openRelay(t, { layout: null })
    const names = Array.from({ length: 600 }, (_, i) => `c${i}`)
    await database.query(`CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY,
    ${names.map((name) => `${name} text`).join(', ')}, cdc_version bigint, cdc_extra jsonb)`)
    knows(sourceTable({}))
    const data = attributes(600, () => random.hex(32))
    await write(dmsPut(1, 1, { data }))
    const changes: Record<string, Value>[] = [
      { c599: 'short' },
      { c0: null, c1: null, c598: 'x' },
      { c2: random.hex(64), c597: random.hex(64) },
    ]
    let now: Record<string, Value> = data
    for (const [i, change] of changes.entries()) {
      now = { ...now, ...change }
      const written = await write(dmsPatch(1, 2 + i, { data: change }))
      assert.deepEqual([totals(written), written.deadLettered], [[1, 0], 0])
      assert.deepEqual(await valuesOf(database, 'shop.orders', 'id', '1'), withoutNulls(now))
    }
    // Whole and partial images in one batch.
    const last = attributes(600, () => random.hex(32))
    await write(
      dmsPut(1, 10, { data: last }),
      dmsPatch(1, 11, { data: { c0: 'short', c599: random.hex(64), c1: null } }),
    )
    const found = await valuesOf(database, 'shop.orders', 'id', '1')
    assert.deepEqual([found.c0, found.c1, found.c2, Object.keys(found).length], ['short', undefined, last.c2, 599])
  },
)

onEachTarget(
  'a partial image for which a row has no room: its values lie in cdc_extra, and those of the row stay',
  async (t, openRelay) => {
    const random = seededRandom(5)
    const { database, knows, write } = await openRelay(t, { layout: null })
    const names = Array.from({ length: 600 }, (_, i) => `c${i}`)
    await database.query(`CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY,
    ${names.map((name) => `${name} text`).join(', ')}, cdc_version bigint, cdc_extra jsonb)`)
    knows(sourceTable({}))
    const full = attributes(600, () => random.hex(32))
    const slim = attributes(600, () => 'x')
    await write(dmsPut(1, 1, { data: full }), dmsPut(2, 1, { data: slim }))
    const more = Object.fromEntries(names.slice(440).map((name) => [name, random.hex(64)]))
    const written = await write(dmsPatch(1, 2, { data: more }), dmsPatch(2, 2, { data: more }))
    assert.deepEqual([totals(written), written.deadLettered], [[2, 0], 0])
    assert.deepEqual(await valuesOf(database, 'shop.orders', 'id', '1'), { ...full, ...more })
    assert.deepEqual(await valuesOf(database, 'shop.orders', 'id', '2'), { ...slim, ...more })
    assert.equal(await extraOf(database, 'shop.orders', 'id', '2'), null)
    assert.ok([...written.setAside!.get('shop.orders')!.values()].every(({ count }) => count === 1))
  },
  'pages of Greenplum have 32 KiB, and hold these rows',
)

onEachTarget(
  'a value that an index of the user does not hold costs the value; a key that its index does not hold, the row',
  async (t, openRelay) => {
    const random = seededRandom(1)
    const { database, knows, write } = await openRelay(t, { layout: null, onError: 'dead-letter' })
    await database.query(`CREATE SCHEMA shop; CREATE TABLE shop.orders (id text PRIMARY KEY, note text, word text, cdc_version bigint, cdc_extra jsonb);
    CREATE INDEX ON shop.orders (note)`)
    knows(sourceTable({}))
    const note = random.hex(16_000)
    const written = await write(
      dmsPut('a', 1, { data: { note: 'short', word: 'w' } }),
      dmsPut('b', 1, { data: { note, word: 'w' } }),
      dmsPut(random.hex(16_000), 1, { data: { note: 'short' } }),
      dmsPut('c', 1, { data: { note: 'short', word: note.slice(0, 9000) } }),
    )
    assert.deepEqual([totals(written), written.deadLettered], [[3, 0], 1])
    assert.deepEqual(await valuesOf(database, 'shop.orders', 'id', 'b'), { note, word: 'w' })
    assert.deepEqual(await extraOf(database, 'shop.orders', 'id', 'b'), { note })
    assert.equal(await extraOf(database, 'shop.orders', 'id', 'c'), null)
  },
)

onEachTarget('a wide row whose last column is NOT NULL: that keeps its value', async (t, openRelay) => {
  const random = seededRandom(2)
  const { database, knows, write } = await openRelay(t, { layout: null })
  const columns = Array.from({ length: 500 }, (_, i) => `c${i} text${i > 490 ? ' NOT NULL' : ''}`)
  await database.query(`CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY, ${columns.join(', ')})`)
  knows(sourceTable({}))
  const data = attributes(500, () => random.hex(32))
  const written = await write(dmsPut(1, 1, { data }))
  assert.deepEqual([totals(written), written.deadLettered], [[1, 0], 0])
  assert.deepEqual(await valuesOf(database, 'shop.orders', 'id', '1'), data)
  const [row] = await database.query<{ c499: string }>('SELECT c499 FROM shop.orders')
  assert.equal(row!.c499, data.c499)
})

const attributes = (count: number, value: (i: number) => Value): Record<string, Value> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`c${i}`, value(i)]))

const withoutNulls = (row: Record<string, Value>): Record<string, Value> =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))

async function columnsOf(database: TestRelay['database'], table: string): Promise<string[]> {
  const rows = await database.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = '${table}'::regclass AND attnum > 0 AND NOT attisdropped`,
  )
  return rows.map(({ name }) => name)
}

async function extraOf(
  database: TestRelay['database'],
  table: string,
  key: string,
  id: string,
): Promise<Record<string, Value> | null> {
  const [row] = await database.query<{ e: Record<string, Value> | null }>(
    `SELECT cdc_extra AS e FROM ${table} WHERE ${key} = '${id}'`,
  )
  return row!.e
}

/** What the row holds in its columns and beside them, but for its key and what is NULL. */
async function valuesOf(
  database: TestRelay['database'],
  table: string,
  key: string,
  id: string,
): Promise<Record<string, Value>> {
  const [row] = await database.query<{ row: Record<string, Value> }>(
    `SELECT row_to_json(o) AS row FROM ${table} o WHERE ${key} = '${id}'`,
  )
  const { cdc_extra: extra, cdc_version: _, [key]: __, ...columns } = row!.row
  const aside = (extra ?? {}) as Record<string, Value>
  const held = withoutNulls(columns)
  for (const name of Object.keys(aside)) assert.equal(held[name], undefined, `${name} stands once`)
  const all = { ...held, ...aside }
  return Object.fromEntries(
    Object.keys(all)
      .sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)))
      .map((name) => [name, all[name]!]),
  )
}
