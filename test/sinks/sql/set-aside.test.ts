import assert from 'node:assert/strict'
import type { Written } from '../../../src/batch.ts'
import { dmsDel, dmsPatch, dmsPut, put, sourceTable } from '../../support/changes.ts'
import { totals } from '../conformance/answers.ts'
import { onEachTarget } from './each-target.ts'

/** Values that go to `cdc_extra` are counted, by table and column. */
const TABLE =
  'CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY, qty smallint CHECK (qty < 100), note varchar(3))'

const countsOf = ({ setAside }: Written): Record<string, Record<string, number>> =>
  Object.fromEntries(
    [...(setAside ?? [])].map(([table, columns]) => [
      table,
      Object.fromEntries([...columns].map(([column, { count }]) => [column, count])),
    ]),
  )

onEachTarget('values set aside: each is counted in its table and column, with the reason', async (t, openRelay) => {
  const { database, knows, write } = await openRelay(t, { layout: null })
  await database.query(`${TABLE}; CREATE TABLE shop.others (LIKE shop.orders INCLUDING ALL)`)
  const others = { schema: 'shop', name: 'others' }
  knows(sourceTable({}), { ...sourceTable({}), name: others })
  const written = await write(
    ...Array.from({ length: 50 }, (_, id) => dmsPut(id, 1, { data: { qty: 40_000, note: id < 7 ? 'long' : 'abc' } })),
    dmsPut(50, 1, { data: { qty: 1, note: null } }),
    dmsPut(1, 1, { data: { qty: 1.5 }, table: others }),
  )
  assert.deepEqual(countsOf(written), { 'shop.orders': { qty: 50, note: 7 }, 'shop.others': { qty: 1 } })
  const { type, reason } = written.setAside!.get('shop.orders')!.get('qty')!
  assert.deepEqual([type, reason], ['smallint', 'smallint holds whole numbers from -32768 to 32767'])
  assert.equal((await write(dmsPut(1, 2, { data: { qty: 1 } }))).setAside, undefined)
})

onEachTarget('values set aside: of several images of a key only what is written counts', async (t, openRelay) => {
  const { database, knows, write } = await openRelay(t, { layout: null })
  await database.query(TABLE)
  knows(sourceTable({}))
  const written = await write(
    dmsPut(1, 1, { data: { qty: 'a', note: 'long' } }),
    dmsPatch(1, 2, { data: { qty: 'b' } }),
    dmsPatch(1, 3, { data: { qty: 3 } }),
    dmsPatch(2, 1, { data: { qty: 'a' } }),
    dmsPatch(2, 2, { data: { qty: 'b' } }),
    dmsPut(3, 1, { data: { qty: 'a' } }),
    dmsDel(3, 2),
  )
  assert.deepEqual(countsOf(written), { 'shop.orders': { note: 1, qty: 1 } })
})

onEachTarget('values set aside: those of a row that the target refuses do not count', async (t, openRelay) => {
  const { database, knows, write } = await openRelay(t, { layout: null, onError: 'dead-letter' })
  await database.query(TABLE)
  knows(sourceTable({}))
  const written = await write(
    ...Array.from({ length: 9 }, (_, id) => dmsPut(id, 1, { data: { qty: id === 4 ? 100 : 1, note: 'long' } })),
  )
  assert.equal(written.deadLettered, 1)
  assert.deepEqual(countsOf(written), { 'shop.orders': { note: 8 } })
})

onEachTarget('values set aside: also those of attributes that have no column', async (t, openRelay) => {
  const { write, restart } = await openRelay(t, { layout: 'columns' })
  await write(put('a', 1, { data: { x: 1 } }))
  await restart({ layout: 'columns', onSchemaChange: 'ignore' })
  const written = await write(put('a', 2, { data: { x: 'one', y: 2 } }), put('b', 2, { data: { y: 2 } }))
  assert.deepEqual(countsOf(written), { orders: { x: 1, y: 2 } })
  assert.equal(written.setAside!.get('orders')!.get('y')!.type, null)
})

const MOODS = `CREATE SCHEMA shop; CREATE TYPE shop.mood AS ENUM ('fine');
  CREATE TABLE shop.orders (id int PRIMARY KEY, mood shop.mood, moods shop.mood[])`

onEachTarget(
  'a label that an enum lacks lies aside; one that it got since is used without a restart',
  async (t, openRelay) => {
    const { database, knows, write } = await openRelay(t, { layout: null })
    await database.query(MOODS)
    knows(sourceTable({}))
    const rows = () => database.query('SELECT id, mood::text, moods::text, cdc_extra FROM shop.orders ORDER BY id')
    await write(dmsPut(1, 1, { data: { mood: 'fine' } }))
    await database.query(`ALTER TYPE shop.mood ADD VALUE 'angry'`)
    const added = await write(dmsPut(1, 2, { data: { mood: 'angry', moods: '{fine,angry}' } }))
    assert.equal(added.setAside, undefined)
    assert.deepEqual(await rows(), [{ id: 1, mood: 'angry', moods: '{fine,angry}', cdc_extra: null }])
    const unknown = Array.from({ length: 30 }, (_, id) => dmsPut(id, 3, { data: { mood: 'sad', moods: '{sad}' } }))
    assert.deepEqual(countsOf(await write(...unknown)), { 'shop.orders': { mood: 30, moods: 30 } })
    assert.deepEqual((await rows())[1], { id: 1, mood: null, moods: null, cdc_extra: { mood: 'sad', moods: '{sad}' } })
  },
)

onEachTarget(
  'a column that is NOT NULL: what it does not hold costs the row, and the reason names the column',
  async (t, openRelay) => {
    const { database, knows, write } = await openRelay(t, { layout: null, onError: 'dead-letter' })
    await database.query(`CREATE SCHEMA shop; CREATE DOMAIN shop.name AS varchar(3) NOT NULL;
    CREATE TABLE shop.orders (id int PRIMARY KEY, qty smallint NOT NULL, name shop.name)`)
    knows(sourceTable({}))
    const written = await write(
      dmsPut(1, 1, { data: { qty: 1, name: 'one' } }),
      dmsPut(2, 1, { data: { qty: 40_000, name: 'two' } }),
      dmsPut(3, 1, { data: { qty: null, name: 'two' } }),
      dmsPut(4, 1, { data: { name: 'two' } }),
      dmsPut(5, 1, { data: { qty: 1, name: 'five' } }),
      dmsPatch(1, 2, { data: { qty: null } }),
      dmsPatch(1, 3, { data: { name: 'uno' } }),
    )
    assert.deepEqual([totals(written), written.deadLettered, written.setAside], [[1, 1], 5, undefined])
    assert.deepEqual(await database.query('SELECT id, qty, name FROM shop.orders'), [{ id: 1, qty: 1, name: 'uno' }])
    const letters = await database.query<{ detail: string }>('SELECT detail FROM cdc_relay.dead_letters ORDER BY id')
    assert.deepEqual(
      letters.map(({ detail }) =>
        detail.replace(/^Column "(.*?)" of table shop.orders is NOT NULL, and (.*?)(: .*)?$/, '$1: $2'),
      ),
      [
        'qty: it does not hold the value',
        'qty: the change has no value for it',
        'qty: the change has no value for it',
        'name: it does not hold the value',
        'qty: the change has no value for it',
      ],
    )
  },
)

onEachTarget(
  'more digits of the second than the column has: nothing is rounded, the value is set aside and reported',
  async (t, openRelay) => {
    const { database, knows, write } = await openRelay(t, { layout: null })
    await database.query(
      `CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY, at timestamptz, day timestamp(0))`,
    )
    knows(sourceTable({}))
    const written = await write(
      dmsPut(1, 1, { data: { at: '2024-02-28T20:59:22.1234567Z', day: '2024-02-28T20:59:22.5Z' } }),
      dmsPut(2, 1, { data: { at: '2024-02-28T20:59:22.123456789Z' } }),
      dmsPut(3, 1, { data: { at: '2024-02-28T20:59:22.1234560Z', day: '2024-02-28T20:59:22.000Z' } }),
    )
    assert.deepEqual(countsOf(written), { 'shop.orders': { at: 2, day: 1 } })
    const why = [...written.setAside!.get('shop.orders')!.values()].map(
      ({ reason, fix }) => `${reason}. ${fix.split(',')[0]}`,
    )
    assert.deepEqual(why, [
      "timestamp with time zone holds times with at most 6 digits of the second's fraction. Make it a column of text",
      "timestamp(0) without time zone holds times with at most 0 digits of the second's fraction. Give the column a type that holds these values",
    ])
    assert.deepEqual(
      await database
        .query(`SELECT at AT TIME ZONE 'UTC' AS at, cdc_extra->>'at' AS extra FROM shop.orders ORDER BY id`)
        .then((rows) => rows.map(({ at, extra }) => [at === null, extra])),
      [
        [true, '2024-02-28T20:59:22.1234567Z'],
        [true, '2024-02-28T20:59:22.123456789Z'],
        [false, null],
      ],
    )
  },
)
