import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change, ColumnType, Value } from '../../../src/change.ts'
import { valueColumnName } from '../../../src/sinks/tables/names.ts'
import { addColumn, createTable, del, dmsDel, dmsPatch, dmsPut, put, row, sourceTable } from '../../support/changes.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { rejection, totals } from '../conformance/answers.ts'
import { fixesIn, openRelay } from './test-relay.ts'

/** Tables of the layout `columns`: made, completed, checked. */
const columns = { layout: 'columns' } as const
const dms = { layout: null } as const

test('a new table has the types of create-table, and what the relay needs', async (t) => {
  const { database, knows, write } = await openRelay(t, dms)
  const types = {
    id: 'int64',
    line: 'text',
    b: 'boolean',
    i8: 'int8',
    i16: 'int16',
    i32: 'int32',
    i64: 'int64',
    u8: 'uint8',
    u16: 'uint16',
    u32: 'uint32',
    u64: 'uint64',
    f32: 'float32',
    f64: 'float64',
    n: 'numeric',
    s: 'text',
    raw: 'bytes',
    j: 'json',
    day: 'date',
    clock: 'time',
    moment: 'timestamp',
  } as const
  const key = ['line', 'id']
  knows(sourceTable(types, { key }))
  assert.deepEqual(totals(await write(createTable(types, 1, { key }))), [1, 0])
  assert.deepEqual(await catalogue(database), [
    'line text NOT NULL COLLATE C',
    'id bigint NOT NULL',
    'b boolean',
    'i8 smallint',
    'i16 smallint',
    'i32 integer',
    'i64 bigint',
    'u8 smallint',
    'u16 integer',
    'u32 bigint',
    'u64 numeric',
    'f32 real',
    'f64 double precision',
    'n numeric',
    's text',
    'raw bytea',
    'j jsonb',
    'day date',
    'clock time without time zone',
    'moment timestamp with time zone',
    'cdc_version bigint',
    'cdc_extra jsonb',
    'PRIMARY KEY (line, id)',
    'fillfactor=85',
  ])
})

test('a table is made with its first rows if only the name of its key is known, not before', async (t) => {
  const { database, knows, write } = await openRelay(t, dms)
  knows(sourceTable({}))
  await write(addColumn(null, 1))
  assert.deepEqual(await catalogue(database), [])
  await write(dmsPut(7, 2, { data: { note: 'x', ok: true, empty: null } }))
  assert.deepEqual(await catalogue(database), [
    'id numeric NOT NULL',
    'note text',
    'ok boolean',
    'cdc_version bigint',
    'cdc_extra jsonb',
    'PRIMARY KEY (id)',
    'fillfactor=85',
  ])
})

test('values of a DMS column that differ in type make it text; what the operator declares wins over both', async (t) => {
  const declaredTypes = (): ReadonlyMap<string, ColumnType> =>
    new Map([
      ['doc', 'json'],
      ['day', 'date'],
      ['not there', 'json'],
    ])
  const { database, knows, write } = await openRelay(t, { ...dms, declaredTypes })
  knows(sourceTable({ id: 'int32', day: 'text' }))
  const first = dmsPut(1, 1, { data: { mixed: 1, doc: '{"a": 1}', day: '2024-07-12' } })
  await write(first, dmsPut(2, 2, { data: { mixed: 'x' } }))
  assert.deepEqual((await catalogue(database)).slice(0, 4), [
    'id integer NOT NULL',
    'day date',
    'mixed text',
    'doc jsonb',
  ])
  assert.deepEqual(await rows(database, `id, mixed, doc->'a' AS a, day`), ['1 1 1 2024-07-12', '2 x null null'])
})

test('a table that is ready is completed: nothing dropped, nothing altered', async (t) => {
  const { database, knows, write } = await openRelay(t, dms)
  await database.query(`CREATE SCHEMA shop;
    CREATE TABLE shop.orders (note varchar(5), mine text DEFAULT 'kept', id int PRIMARY KEY, old date);
    INSERT INTO shop.orders VALUES ('n', 'own', 1, '2020-01-01')`)
  const types = { id: 'int64', note: 'text', qty: 'int32' } as const
  knows(sourceTable(types))
  await write(createTable(types, 1))
  assert.deepEqual(await catalogue(database), [
    'note character varying(5)',
    'mine text',
    'id integer NOT NULL',
    'old date',
    'cdc_version bigint',
    'cdc_extra jsonb',
    'qty integer',
    'PRIMARY KEY (id)',
  ])
  // A whole image sets what the source has, and nothing else.
  await write(dmsPut(1, 2, { data: { qty: 5 } }), dmsPut(2, 2, { data: { note: 'two' } }))
  assert.deepEqual(await rows(database, 'id, note, qty, mine, old'), [
    '1 null 5 own 2020-01-01',
    '2 two null kept null',
  ])
})

test('--create-tables never: what is missing is in the message, and then it fits', async (t) => {
  const { database, knows, write } = await openRelay(t, { ...dms, createTables: 'never' })
  const types = { id: 'int64', note: 'text' } as const
  knows(sourceTable(types))
  const missing = await rejection(write(dmsPut(1, 1)), 'SINK_TABLE')
  assert.match(
    missing.detail,
    /CREATE SCHEMA "shop"; CREATE TABLE "shop"."orders" \("id" bigint NOT NULL, "note" text, /,
  )
  await database.query('CREATE SCHEMA shop; CREATE TABLE shop.orders (id bigint PRIMARY KEY)')
  const failure = await rejection(write(dmsPut(1, 1, { data: { note: 'x' } })), 'SINK_TABLE')
  assert.match(failure.detail, /lacks columns, and --create-tables is never/)
  assert.deepEqual(fixesIn(failure), [
    'ALTER TABLE "shop"."orders" ADD COLUMN "cdc_version" bigint',
    'ALTER TABLE "shop"."orders" ADD COLUMN "cdc_extra" jsonb',
    'ALTER TABLE "shop"."orders" ADD COLUMN "note" text',
  ])
  for (const statement of fixesIn(failure)) if (!statement.includes('cdc_extra')) await database.query(statement)
  assert.deepEqual(totals(await write(dmsPut(1, 1, { data: { note: 'x' } }))), [1, 0])
  assert.deepEqual(await rows(database, 'id, note, cdc_version'), ['1 x 1'])
})

test('columns that need no value, and columns of the user, are left alone', async (t) => {
  const { database, knows, write } = await openRelay(t, dms)
  await database.query(`CREATE SCHEMA shop; CREATE TABLE shop.orders (
    serial bigint GENERATED ALWAYS AS IDENTITY, id int PRIMARY KEY, seen date NOT NULL DEFAULT '2020-02-02',
    name text NOT NULL, double int GENERATED ALWAYS AS (id * 2) STORED, status text NOT NULL DEFAULT 'new')`)
  knows(sourceTable({ id: 'int32', name: 'text', status: 'text' }))
  await write(dmsPut(4, 1, { data: { name: 'four', status: 'open' } }))
  await write(dmsPatch(4, 2, { data: { name: 'FOUR' } }))
  assert.deepEqual(await rows(database, 'serial, id, seen, name, double, status'), ['1 4 2020-02-02 FOUR 8 open'])
  // What the source says to be NULL is not the default.
  await rejection(write(dmsPut(5, 1, { data: { name: 'five', status: null } })), 'SINK_REFUSED')
})

const mismatches: readonly { title: string; table: string; deletes?: 'soft'; problems: readonly RegExp[] }[] = [
  {
    title: 'without key',
    table: 'note text',
    problems: [
      /key column "id" is missing: ALTER TABLE "shop"."orders" ADD COLUMN "id" bigint/,
      /no primary key or unique/,
    ],
  },
  {
    title: 'that fills columns itself',
    table: `id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text GENERATED ALWAYS AS ('x') STORED, qty int GENERATED ALWAYS AS IDENTITY`,
    problems: [
      /"id" is generated.*"id" SET GENERATED BY DEFAULT/,
      /"note" is generated.*DROP EXPRESSION/,
      /"qty" is generated.*SET GENERATED BY DEFAULT/,
    ],
  },
  {
    title: 'with what refuses rows',
    table: `id bigint PRIMARY KEY, note text UNIQUE, other text NOT NULL, cdc_version int, cdc_extra json`,
    problems: [
      /column "cdc_version" is integer/,
      /column "cdc_extra" is json: /,
      /unique index "orders_note_key"/,
      /column "other" is NOT NULL/,
    ],
  },
  {
    title: 'for soft deletes',
    table: `id bigint PRIMARY KEY, note text NOT NULL`,
    deletes: 'soft',
    problems: [/column "note" is NOT NULL, and the relay leaves it empty/],
  },
]
for (const { title, table, deletes = 'hard', problems } of mismatches) {
  test(`a table that does not fit, ${title}: said at once, and fixed by what the message says`, async (t) => {
    const { database, knows, write } = await openRelay(t, { ...dms, deletes })
    knows(sourceTable({ id: 'int64', note: 'text', qty: 'int32' }))
    await database.query(`CREATE SCHEMA shop; CREATE TABLE shop.orders (${table})`)
    const change = dmsPut(1, 1, { data: { note: 'n', qty: 1 } })
    const failure = await rejection(write(change), 'SINK_TABLE')
    const lines = failure.detail.split('\n').filter((line) => line.startsWith('  - '))
    for (const problem of problems)
      assert.ok(
        lines.some((line) => problem.test(line)),
        `${problem} in ${failure.detail}`,
      )
    assert.equal(lines.length, problems.length, failure.detail)
    for (const statement of fixesIn(failure)) await database.query(statement)
    assert.deepEqual(totals(await write(change)), [1, 0])
  })
}

test('a key whose values cannot be compared beforehand is refused', async (t) => {
  const { database, knows, write } = await openRelay(t, dms)
  await database.query(`CREATE SCHEMA shop;
    CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE shop.orders (id jsonb PRIMARY KEY);
    CREATE TABLE shop.others (id text COLLATE nocase PRIMARY KEY);`)
  const others = { schema: 'shop', name: 'others' }
  knows(sourceTable({ id: 'text' }), sourceTable({ id: 'text' }, { name: others }))
  const refusal = async (change: Change) => (await rejection(write(change), 'SINK_TABLE')).detail
  assert.match(await refusal(dmsPut('a', 1)), /key column "id" is jsonb, whose values cannot be compared/)
  assert.match(
    await refusal(dmsPut('a', 1, { table: others })),
    /"id" has a collation that takes different texts for one/,
  )
})

test('DynamoDB: a column appears with its first value that is not null', async (t) => {
  const { database, write } = await openRelay(t, columns)
  await write(put('a', 1, { data: { empty: null, n: 1 } }))
  assert.deepEqual(await names(database), ['id', 'n', 'cdc_version', 'cdc_extra'])
  await write(put('b', 2, { data: { empty: { deep: null } } }), put('c', 3, { data: { s: 'x', list: [1], b: false } }))
  assert.deepEqual(await catalogue(database, 'orders'), [
    'id text NOT NULL COLLATE C',
    'n numeric',
    'cdc_version bigint',
    'cdc_extra jsonb',
    'empty jsonb',
    's text',
    'list jsonb',
    'b boolean',
    'PRIMARY KEY (id)',
    'fillfactor=85',
  ])
})

test('an attribute that is not in a later whole image becomes NULL, also after a restart', async (t) => {
  const { database, write, restart } = await openRelay(t, columns)
  await write(put('a', 1, { data: { x: 1, y: 1 } }), put('b', 1, { data: { x: 1, y: 1 } }))
  await write(put('a', 2, { data: { y: 2 } }))
  await restart()
  await write(put('b', 2, { data: { y: 2 } }))
  assert.deepEqual(await rows(database, 'id, x, y', 'orders'), ['a null 2', 'b null 2'])
})

test('a batch that was prepared before a column was added is written with it', async (t) => {
  const { database, write } = await openRelay(t, columns)
  await write(put('a', 1, { data: { x: 1 } }))
  await Promise.all([write(put('a', 2, { data: { x: 2, late: 2 } })), write(put('b', 2, { data: { x: 3 } }))])
  assert.deepEqual(await rows(database, 'id, x, late', 'orders'), ['a 2 2', 'b 3 null'])
})

test('names that mean something elsewhere are only names', async (t) => {
  const { database, knows, write } = await openRelay(t, { layout: 'columns' })
  const long = 'ä'.repeat(40)
  const odd = [
    '__proto__',
    'data',
    'cdc_version',
    'cdc_deleted',
    'cdc_extra',
    'ctid',
    'Odd. "Names"',
    `${long}1`,
    `${long}2`,
    'a$1',
    '?',
  ]
  const data = row(Object.fromEntries(odd.map((name, i) => [name, `value ${i}`])))
  await write(put('a', 1, { data }))
  await write(put('b', 2, { data }), put('b', 1, { data }), del('c', 1))
  const selected = odd.map((name) => `"${valueColumnName(name).replaceAll('"', '""')}"`).join(`, '|', `)
  const values = odd.map((_, i) => `value ${i}`).join('|')
  assert.deepEqual(await rows(database, `id, concat(${selected})`, 'orders'), [`a ${values}`, `b ${values}`])

  knows(sourceTable({ __proto__id: 'text', ['__proto__']: 'text', data: 'int32' }, { key: ['__proto__', 'data'] }))
  const key = row({ ['__proto__']: 'k', data: 1 })
  await write(dmsPut(null, 1, { key, data: { cdc_extra: 'v' } }), dmsPatch(null, 2, { key, data: { cdc_extra: 'w' } }))
  const extra = valueColumnName('cdc_extra')
  assert.deepEqual(await rows(database, `"__proto__", data, ${extra}`), ['k 1 w'])
  await write(dmsDel(null, 3, { key }))
  assert.deepEqual(await rows(database, 'data'), [])
})

test('an attribute whose column another one has is refused by both names', async (t) => {
  const { write } = await openRelay(t, columns)
  const data = { ctid: 1, [valueColumnName('ctid')]: 2 }
  const failure = await rejection(write(put('a', 1, { data })), 'SINK_TABLE')
  assert.match(failure.detail, /The attributes "ctid" and "ctid_[0-9a-f]{8}" would both go to column/)
})

test('more attributes than a table has columns: the rest lies in cdc_extra, and follows the row', async (t) => {
  const { database, write } = await openRelay(t, columns)
  const data: Record<string, Value> = {}
  for (let i = 0; i < 1500; i++) data[`attribute ${i}`] = i
  await write(put('a', 1, { data: { 'attribute 0': 0 } }))
  await write(put('a', 2, { data }), put('b', 2, { data }))
  const count = 'count(*)::int AS columns FROM information_schema.columns'
  const [found] = await database.query<{ columns: number }>(`SELECT ${count} WHERE table_name = 'orders'`)
  assert.equal(found!.columns, 1200)
  const seen = `id, "attribute 0" AS first, "attribute 700" AS middle, cdc_extra->'attribute 1499' AS last,
    (SELECT count(*) FROM jsonb_object_keys(cdc_extra)) AS beside`
  assert.deepEqual(await rows(database, seen, 'orders'), ['a 0 700 1499 303', 'b 0 700 1499 303'])
  await write(put('b', 3, { data: { 'attribute 1': 1, 'attribute 1400': null, 'attribute 1499': 'new' } }))
  assert.deepEqual(
    await rows(database, `id, cdc_extra->>'attribute 1400' AS one, cdc_extra->>'attribute 1499' AS other`, 'orders'),
    ['a 1400 1499', 'b null new'],
  )
})

test('soft deletes: the row stays with its key alone, and the view shows the others, with columns that come later', async (t) => {
  const { database, knows, write } = await openRelay(t, { ...dms, deletes: 'soft' })
  const known = sourceTable({ id: 'int32', note: 'text' })
  knows(known)
  await write(dmsPut(1, 1, { data: { note: 'one' } }), dmsPut(2, 1, { data: { note: 'two' } }))
  await write(dmsDel(1, 2))
  assert.deepEqual(await rows(database, 'id, note, cdc_version, cdc_deleted'), ['1 null 2 true', '2 two 1 false'])
  assert.deepEqual(await rows(database, '*', 'shop.orders_live'), ['2 two 1 null'])
  knows(sourceTable({ id: 'int32', note: 'text', qty: 'int32' }))
  await write(dmsPut(3, 3, { data: { qty: 3 } }), dmsPatch(1, 1, { data: { note: 'late' } }))
  assert.deepEqual(await names(database, 'shop.orders_live'), ['id', 'note', 'cdc_version', 'cdc_extra', 'qty'])
  assert.deepEqual(await rows(database, 'id, note, qty', 'shop.orders_live'), ['2 two null', '3 null 3'])
})

test('the key of a table that is ready: in the order of its primary key; none; no table', async (t) => {
  const { database, keyColumns, write } = await openRelay(t, columns)
  await database.query(`CREATE SCHEMA shop;
    CREATE TABLE shop.orders (c int, a text, b int, d int UNIQUE, PRIMARY KEY (b, c, a));
    CREATE TABLE shop.keyless (id int NOT NULL UNIQUE)`)
  const keyOf = (name: string) => keyColumns({ schema: 'shop', name })
  assert.deepEqual(await keyOf('orders'), ['b', 'c', 'a'])
  assert.equal(await keyOf('keyless'), null)
  assert.equal(await keyOf('missing'), null)
  // A column whose name is not that of its attribute is named by the attribute.
  await write(put(null, 1, { key: { ctid: 'x', id: 'y' } }))
  assert.deepEqual(await keyColumns({ schema: null, name: 'orders' }), ['ctid', 'id'])
})

/** Columns, key and settings of a table. */
async function catalogue(database: TestDatabase, table = 'shop.orders'): Promise<string[]> {
  const found = await database.query<{ line: string }>(
    `SELECT format('%I %s', attname, format_type(atttypid, atttypmod)) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
       || CASE WHEN attcollation NOT IN (0, 100) THEN ' COLLATE ' || (SELECT collname FROM pg_collation WHERE oid = attcollation) ELSE '' END AS line
     FROM pg_attribute WHERE attrelid = to_regclass('${table}') AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
  )
  const more = await database.query<{ line: string }>(
    `SELECT pg_get_constraintdef(oid) AS line FROM pg_constraint WHERE conrelid = to_regclass('${table}') AND contype = 'p'
     UNION ALL SELECT unnest(reloptions) FROM pg_class WHERE oid = to_regclass('${table}')`,
  )
  return [...found, ...more].map(({ line }) => line)
}

async function names(database: TestDatabase, table = 'orders'): Promise<string[]> {
  const found = await database.query<{ attname: string }>(
    `SELECT attname FROM pg_attribute WHERE attrelid = '${table}'::regclass AND attnum > 0 ORDER BY attnum`,
  )
  return found.map(({ attname }) => attname)
}

/** The rows in order of their first column, each in one line. */
async function rows(database: TestDatabase, what: string, table = 'shop.orders'): Promise<string[]> {
  const found = await database.query<{ line: string }>(
    `SELECT (SELECT string_agg(CASE WHEN value IS NULL THEN 'null' ELSE value END, ' ' ORDER BY n)
       FROM json_each_text(row_to_json(r)) WITH ORDINALITY AS one(name, value, n)) AS line
     FROM (SELECT ${what} FROM ${table} ORDER BY 1) r`,
  )
  return found.map(({ line }) => line)
}
