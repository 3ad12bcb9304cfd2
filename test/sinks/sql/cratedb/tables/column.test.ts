import assert from 'node:assert/strict'
import { test } from 'node:test'
import { declarations } from '../../../../../src/sinks/sql/cratedb/tables/column.ts'
import { readCreateTable } from '../../../../../src/sinks/sql/cratedb/tables/create-table.ts'

const TABLE = `CREATE TABLE IF NOT EXISTS "doc"."t" (
   "id" BIGINT NOT NULL,
   "price" NUMERIC(10, 2),
   "count" NUMERIC(10) NOT NULL,
   "o" OBJECT(DYNAMIC) AS (
      "price" NUMERIC(3, 1),
      "s" OBJECT(STRICT)
   ),
   "q""uote (x" OBJECT(IGNORED),
   "long" TEXT INDEX OFF STORAGE WITH (
      columnstore = false
   ),
   "off" TEXT INDEX OFF,
   "limited" TEXT,
   PRIMARY KEY ("id")
)
CLUSTERED INTO 4 SHARDS
WITH (
   column_policy = 'strict'
)`

test('what SHOW CREATE TABLE tells of the columns of a table', () => {
  const none = { precision: null, scale: null, policy: null, isIndexed: true }
  assert.deepEqual(Object.fromEntries(declarations(readCreateTable(TABLE))), {
    id: none,
    price: { ...none, precision: 10, scale: 2 },
    count: { ...none, precision: 10, scale: 0 },
    o: { ...none, policy: 'dynamic' },
    'q"uote (x': { ...none, policy: 'ignored' },
    long: { ...none, isIndexed: false },
    off: none,
    limited: none,
  })
})
