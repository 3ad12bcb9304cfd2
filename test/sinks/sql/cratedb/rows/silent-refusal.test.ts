import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { RelayError } from '../../../../../src/errors.ts'
import { openCrate } from '../../../../../src/sinks/sql/cratedb/connection.ts'
import { SilentRefusal } from '../../../../../src/sinks/sql/cratedb/failures.ts'
import { requireSuperseded } from '../../../../../src/sinks/sql/cratedb/rows/missing-rows.ts'
import { writeRows } from '../../../../../src/sinks/sql/cratedb/rows/write-rows.ts'
import { type CrateRow, MIRRORED, type WrittenTable } from '../../../../../src/sinks/sql/cratedb/rows/written-table.ts'
import { startCrate } from '../../../../support/crate/crate.ts'

/** @param element what an answered key is taken for */
const tableWith = (element: (answer: unknown) => string): WrittenTable => ({
  target: { source: 'orders', schema: 'doc', name: 'orders' },
  keys: [{ id: sql`"id"`, read: { asked: (id) => id, element } }],
  keyColumns: [{ name: 'id', travelsAs: 'array(bigint)', castTo: null, elementOf: ({ tokens }) => tokens[0]! }],
  columns: [],
  own: MIRRORED,
})
const TABLE = tableWith(String)

const rowOf = (id: string, version: string): CrateRow => ({
  key: { text: id, tokens: [id] },
  version,
  isDeleted: false,
  elements: [],
  patch: null,
})

async function opened(t: TestContext) {
  const crate = await startCrate()
  t.after(crate.stop)
  crate.query('CREATE TABLE orders (id BIGINT PRIMARY KEY, cdc_version BIGINT, cdc_deleted BOOLEAN)')
  crate.query('INSERT INTO orders (id, cdc_version) VALUES (1, 5)')
  const { db, close } = openCrate(crate.url)
  t.after(close)
  return { crate, db }
}

test('a row that is missing in the answer is refused only if its place is empty or older', async (t) => {
  const { crate, db } = await opened(t)
  await assert.rejects(requireSuperseded(db, TABLE, rowOf('2', '5')), SilentRefusal)
  await assert.rejects(requireSuperseded(db, TABLE, rowOf('1', '6')), SilentRefusal)
  await requireSuperseded(db, TABLE, rowOf('1', '4'))
  const isThere = (error: unknown) => error instanceof RelayError && error.code === 'SINK_UNCLEAR'
  await assert.rejects(requireSuperseded(db, TABLE, rowOf('1', '5')), isThere)
  crate.faults.next({ kind: 'error', when: 'before', text: 'No shard available for orders' }, { matching: /SELECT/ })
  await assert.rejects(requireSuperseded(db, TABLE, rowOf('2', '5')), /No shard available/)
})

test('keys that come back spelled otherwise: each row is written alone, and none is taken for refused', async (t) => {
  const { crate, db } = await opened(t)
  const rows = [rowOf('1', '4'), rowOf('2', '5'), rowOf('3', '5')]
  const applied = await writeRows(db, { table: tableWith((answer) => `${answer}.0`), columns: [], rows })
  assert.equal(applied, 2)
  assert.equal(crate.sent.filter((text) => /VALUES/.test(text)).length, 3)
})
