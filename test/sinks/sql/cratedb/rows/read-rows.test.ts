import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { dmsDel, dmsPatch, dmsPut, row, SHOP_ORDERS, sourceTable } from '../../../../support/changes.ts'
import { rejection } from '../../../conformance/answers.ts'
import { lines, openCrateRelay } from '../test-relay.ts'

const ROWS = 120

/** A table of DMS as documents, with a key of so many columns, and the key of its i-th row. */
async function openWith(t: TestContext, keyColumns: number, table?: string) {
  const names = Array.from({ length: keyColumns }, (_, i) => `k${i}`)
  const columns = Object.fromEntries(names.map((name) => [name, 'text' as const]))
  const relay = await openCrateRelay(t, { layout: 'document' }, { tables: table === undefined ? [] : [table] })
  relay.knows(sourceTable({ ...columns, note: 'text', at: 'int64' }, { key: names }))
  const keyOf = (i: number) => row(Object.fromEntries(names.map((name) => [name, `${name} ${i}`])))
  return { ...relay, keyOf }
}

for (const columns of [1, 2, 3, 4, 5, 6, 7, 11]) {
  test(`${ROWS} rows are found by keys of ${columns} columns as they were written a moment ago`, async (t) => {
    const { crate, write, keyOf } = await openWith(t, columns)
    const all = Array.from({ length: ROWS }, (_, i) => keyOf(i))
    await write(...all.map((key) => dmsPut(null, 1, { key, data: { ...key, note: 'kept' } })))
    await write(...all.map((key) => dmsPatch(null, 2, { key, data: { ...key, at: 2 } })))
    const kept = lines(crate, `SELECT count(*) FROM "shop"."orders" WHERE "data"['note'] = 'kept' AND "data"['at'] = 2`)
    assert.deepEqual(kept, [`${ROWS}`])
  })
}

test('a key of twelve columns is refused before its table is made, and where one is there', async (t) => {
  const made = await openWith(t, 12)
  const key = made.keyOf(1)
  const { detail } = await rejection(made.write(dmsPut(null, 1, { key, data: { ...key } })), 'SINK_TABLE')
  assert.match(detail, /its key has 12 columns, and CrateDB looks rows up by 11 at most: .*--mode append.*--key/)
  assert.equal(made.crate.query(`SELECT 1 FROM information_schema.tables WHERE table_schema = 'shop'`).length, 0)

  const names = Array.from({ length: 12 }, (_, i) => `"k${i}"`)
  const table = `CREATE TABLE "shop"."orders" (${names.map((name) => `${name} TEXT`)}, PRIMARY KEY (${names}))`
  const there = await openWith(t, 12, table)
  const again = await rejection(there.write(dmsDel(null, 1, { key, table: SHOP_ORDERS })), 'SINK_TABLE')
  assert.match(again.detail, /its key has 12 columns/)
})
