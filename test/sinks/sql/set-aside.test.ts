import assert from 'node:assert/strict'
import type { Written } from '../../../src/sinks/sink.ts'
import { dmsDel, dmsPatch, dmsPut, put, sourceTable } from '../../support/changes.ts'
import { onEachTarget } from './test-relay.ts'

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
