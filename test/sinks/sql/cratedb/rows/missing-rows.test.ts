import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RelayError } from '../../../../../src/errors.ts'
import { SilentRefusal } from '../../../../../src/sinks/sql/cratedb/failures.ts'
import { quotedElement } from '../../../../../src/sinks/sql/cratedb/rows/array-literal.ts'
import { missingRows, requireSuperseded } from '../../../../../src/sinks/sql/cratedb/rows/missing-rows.ts'
import { JSON_TEXT } from '../../../../../src/sinks/sql/cratedb/rows/read-back.ts'
import { type CrateRow, MIRRORED, type WrittenTable } from '../../../../../src/sinks/sql/cratedb/rows/written-table.ts'
import { openOrders, rowOf, tableWith } from './keyed-orders.ts'

const column = { travelsAs: 'array(text)', castTo: null, merged: null }
const TABLE: WrittenTable = {
  target: { source: 'orders', schema: 'doc', name: 'orders' },
  keys: [],
  keyColumns: [],
  columns: [
    { ...column, name: 'n', read: { asked: (id) => id, element: String } },
    { ...column, name: 'o', read: JSON_TEXT },
  ],
  own: MIRRORED,
}
const row = (n: string | null, o: string | null, version = '1'): CrateRow => ({
  key: { text: '', tokens: [] },
  version,
  isDeleted: false,
  elements: [n, o === null ? null : quotedElement(o)],
  patch: null,
})
const answer = (n: number | null, o: string | null, v = '1') => ({ c0: n, c1: o, v })
const missing = (rows: readonly CrateRow[], answers: Parameters<typeof missingRows>[3]) =>
  missingRows(TABLE, [0, 1], rows, answers).map((one) => rows.indexOf(one))

test('the rows that the answer lacks, in whatever order it comes', () => {
  const rows = [row('1', null), row('2', null), row(null, '{"a":"\\""}'), row('2', null, '7')]
  assert.deepEqual(missing(rows, [answer(2, null, '7'), answer(1, null)]), [1, 2])
  assert.deepEqual(missing(rows, [answer(null, '{"a":"\\""}')]), [0, 1, 3])
  assert.deepEqual(missing(rows, []), [0, 1, 2, 3])
})

test('of equal rows as many as are missing', () => {
  const rows = [row('1', null), row('2', null), row('1', null), row('1', null)]
  assert.equal(missing(rows, [answer(1, null), answer(2, null)]).length, 2)
  assert.deepEqual(missing(rows, [answer(1, null), answer(1, null), answer(1, null)]), [1])
})

test('an object may come back with its members in another order, and its numbers spelled otherwise', () => {
  const rows = [row('1', '{"a":1,"b":{"d":[1.0,"x"],"c":null}}'), row('1', '{"a":2}')]
  assert.deepEqual(missing(rows, [answer(1, '{ "b": {"c": null, "d": [1, "x"]}, "a": 1.0 }')]), [1])
  // The order of a list is part of it.
  assert.throws(() => missing(rows, [answer(1, '{"a":1,"b":{"d":["x",1],"c":null}}')]), SilentRefusal)
})

test('what reads otherwise than all that was written tells of no row; if none is missing, nobody asks', () => {
  const rows = [row('1', null), row('2', null)]
  assert.throws(() => missing(rows, [answer(3, null)]), SilentRefusal)
  assert.deepEqual(missing(rows, [answer(3, null), answer(4, null)]), [])
})

test('a row that is missing in the answer is refused only if its place is empty or older', async (t) => {
  const { crate, db } = await openOrders(t)
  const orders = tableWith(String)
  await assert.rejects(requireSuperseded(db, orders, rowOf('2', '5')), SilentRefusal)
  await assert.rejects(requireSuperseded(db, orders, rowOf('1', '6')), SilentRefusal)
  await requireSuperseded(db, orders, rowOf('1', '4'))
  const isThere = (error: unknown) => error instanceof RelayError && error.code === 'SINK_UNCLEAR'
  await assert.rejects(requireSuperseded(db, orders, rowOf('1', '5')), isThere)
  crate.faults.next({ kind: 'error', when: 'before', text: 'No shard available for orders' }, { matching: /SELECT/ })
  await assert.rejects(requireSuperseded(db, orders, rowOf('2', '5')), /No shard available/)
})
