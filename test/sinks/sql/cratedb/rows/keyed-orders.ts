import type { TestContext } from 'node:test'
import { sql } from 'kysely'
import { openCrate } from '../../../../../src/sinks/sql/cratedb/connection.ts'
import { type CrateRow, MIRRORED, type WrittenTable } from '../../../../../src/sinks/sql/cratedb/rows/written-table.ts'
import { startCrate } from '../../../../support/crate/crate.ts'

/** A table of nothing but keys. @param element what an answered key is taken for */
export const tableWith = (element: (answer: unknown) => string): WrittenTable => ({
  target: { source: 'orders', schema: 'doc', name: 'orders' },
  keys: [{ id: sql`"id"`, read: { asked: (id) => id, element } }],
  keyColumns: [{ name: 'id', travelsAs: 'array(bigint)', castTo: null, elementOf: ({ tokens }) => tokens[0]! }],
  columns: [],
  own: MIRRORED,
})

export const rowOf = (id: string, version: string): CrateRow => ({
  key: { text: id, tokens: [id] },
  version,
  isDeleted: false,
  elements: [],
  patch: null,
})

/** That table, with row 1 of version 5. */
export async function openOrders(t: TestContext) {
  const crate = await startCrate()
  t.after(crate.stop)
  crate.query('CREATE TABLE orders (id BIGINT PRIMARY KEY, cdc_version BIGINT, cdc_deleted BOOLEAN)')
  crate.query('INSERT INTO orders (id, cdc_version) VALUES (1, 5)')
  const { db, close } = openCrate(crate.url)
  t.after(close)
  return { crate, db }
}
