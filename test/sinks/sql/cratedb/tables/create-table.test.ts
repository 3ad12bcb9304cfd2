import assert from 'node:assert/strict'
import { test } from 'node:test'
import { primaryKeyIn, readCreateTable } from '../../../../../src/sinks/sql/cratedb/tables/create-table.ts'

/** As CrateDB 6.4.3 answered for a table with all that can mislead a reader. */
const ODD = `CREATE TABLE IF NOT EXISTS "x"."t2" (
   "p""k" OBJECT(STRICT) AS (
      "i'd" TEXT NOT NULL,
      "n" OBJECT(DYNAMIC) AS (
         "m" BIGINT NOT NULL
      )
   ),
   "a   PRIMARY KEY (b" TEXT,
   "d" TEXT DEFAULT 'x,
   PRIMARY KEY (''',
   "g" TIMESTAMP WITHOUT TIME ZONE GENERATED ALWAYS AS date_trunc('month', "ts") NOT NULL,
   "ts" TIMESTAMP WITHOUT TIME ZONE,
   "l" ARRAY(TEXT) DEFAULT ['a', 'b'],
   "o" ARRAY(OBJECT(DYNAMIC) AS (
      "z" INTEGER
   )),
   "plain" TEXT INDEX OFF STORAGE WITH (
      columnstore = false
   ),
   "num" NUMERIC(10, 2),
   CONSTRAINT my"pk PRIMARY KEY ("p""k"['i''d'], "p""k"['n']['m'], "g"),
   INDEX "ftx" USING FULLTEXT ("ft") WITH (
      analyzer = 'standard'
   ),
   CONSTRAINT ck CHECK(("c" < 10) AND ("d" <> 'a''b'))
)
CLUSTERED BY ("p""k"['n']['m']) INTO 3 SHARDS
PARTITIONED BY ("g")
WITH (
   column_policy = 'strict',
   number_of_replicas = '0-1'
)`

test('the columns of a table, whatever stands in their names and defaults', () => {
  const { columns } = readCreateTable(ODD)
  assert.deepEqual([...columns.keys()], ['p"k', 'a   PRIMARY KEY (b', 'd', 'g', 'ts', 'l', 'o', 'plain', 'num'])
  assert.equal(columns.get('d'), "TEXT DEFAULT 'x,\n   PRIMARY KEY ('''")
  assert.equal(columns.get('l'), "ARRAY(TEXT) DEFAULT ['a', 'b']")
  assert.equal(columns.get('num'), 'NUMERIC(10, 2)')
})

test('the paths of a primary key, with or without a name of its own', () => {
  const table = readCreateTable(ODD)
  assert.deepEqual(primaryKeyIn(table, 'my"pk'), [['p"k', "i'd"], ['p"k', 'n', 'm'], ['g']])
  const toolkit = `CREATE TABLE IF NOT EXISTS "x"."t" (
   "pk" OBJECT(STRICT) AS (
      "id" TEXT NOT NULL,
      "n" BIGINT NOT NULL
   ),
   PRIMARY KEY ("pk"['id'], "pk"['n'])
)
CLUSTERED INTO 4 SHARDS`
  assert.deepEqual(primaryKeyIn(readCreateTable(toolkit), 't_pkey'), [
    ['pk', 'id'],
    ['pk', 'n'],
  ])
})

test('what is not known is no key', () => {
  const of = (elements: string) =>
    primaryKeyIn(readCreateTable(`CREATE TABLE IF NOT EXISTS "x"."t" (${elements})`), 'n')
  assert.equal(of(`\n   "id" TEXT\n`), null)
  assert.equal(of(`\n   "id" TEXT,\n   PRIMARY KEY ("pk"["id"])\n`), null)
  assert.equal(of(`\n   "id" TEXT,\n   PRIMARY KEY ("id", `), null)
  assert.equal(of(`\n   "id" TEXT,\n   CONSTRAINT other PRIMARY KEY ("id")\n`), null)
  assert.equal(primaryKeyIn(readCreateTable('CREATE VIEW "x"."t"'), 'n'), null)
})
