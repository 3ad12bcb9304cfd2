import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeRows } from '../../../../../src/sinks/sql/cratedb/rows/write-rows.ts'
import { openOrders, rowOf, tableWith } from './keyed-orders.ts'

test('keys that come back spelled otherwise: each row is written alone, and none is taken for refused', async (t) => {
  const { crate, db } = await openOrders(t)
  const rows = [rowOf('1', '4'), rowOf('2', '5'), rowOf('3', '5')]
  const applied = await writeRows(db, { table: tableWith((answer) => `${answer}.0`), columns: [], rows })
  assert.equal(applied, 2)
  assert.equal(crate.sent.filter((text) => /VALUES/.test(text)).length, 3)
})
