import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Binary, type Change, type TableName } from '../../../src/change.ts'
import { del, dmsPut, put, sourceTable } from '../../support/changes.ts'
import { rejection, totals } from '../conformance/answers.ts'
import { fixesIn, openRelay } from './test-relay.ts'

test('a new table is made for its keys, and told apart by them', async (t) => {
  const { database, write } = await openRelay(t)
  await write(put(null, 1, { key: { t: 'a', n: 1.5, b: Binary.from([1]) as Binary } }))
  const columns = await database.query(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS required
     FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 ORDER BY attnum`,
  )
  assert.deepEqual(columns, [
    { name: 'b', type: 'bytea', required: true },
    { name: 'n', type: 'numeric', required: true },
    { name: 't', type: 'text', required: true },
    { name: 'data', type: 'jsonb', required: false },
    { name: 'cdc_version', type: 'bigint', required: false },
  ])
})

test('what the relay did with a table is remembered, and found again', async (t) => {
  const { database, write, restart } = await openRelay(t)
  const long = 'ä'.repeat(40)
  await write(put(null, 1, { table: long, key: { data: 'a' } }))
  const [remembered] = await database.query<Record<string, string>>(
    'SELECT source, target_schema, target_table, keys FROM cdc_relay.tables',
  )
  const { target_table: target, ...rest } = remembered!
  assert.match(target!, /^ä{27}_[0-9a-f]{8}$/)
  assert.deepEqual(rest, {
    source: `"${long}"`,
    target_schema: 'public',
    keys: [{ attribute: 'data', column: 'data_3a6eb079', family: 'text' }],
  })
  await restart()
  await write(put(null, 2, { table: long, key: { data: 'a' } }))
  assert.deepEqual(await database.query(`SELECT data_3a6eb079 AS key, cdc_version FROM "${target}"`), [
    { key: 'a', cdc_version: '2' },
  ])
})

test('an existing table is taken when it fits, and its rows count as older than everything', async (t) => {
  const fitting = [
    'id text PRIMARY KEY, data jsonb, cdc_version bigint',
    'cdc_version bigint NOT NULL, data json, id varchar(20) UNIQUE, note text, seen timestamptz NOT NULL DEFAULT now()',
    `id text COLLATE "en-x-icu" PRIMARY KEY, data jsonb NOT NULL, cdc_version bigint, total text GENERATED ALWAYS AS (data->>'at') STORED`,
    'serial bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL, "data" jsonb, cdc_version bigint, UNIQUE (id), UNIQUE (id, data)',
  ]
  for (const [i, columns] of fitting.entries()) {
    const { database, write } = await openRelay(t)
    await database.query(`CREATE TABLE orders (${columns})`)
    if (i === 0) await database.query(`INSERT INTO orders VALUES ('old', '{}', NULL), ('gone', '{}', NULL)`)
    assert.deepEqual(totals(await write(put('old', 1), del('gone', 1), put('new', 1))), [3, 0], columns)
    assert.deepEqual(totals(await write(del('new', 3))), [1, 0])
    assert.deepEqual(totals(await write(put('new', 2), put('old', 0))), [0, 2])
    assert.deepEqual(await database.query('SELECT id, cdc_version FROM orders'), [{ id: 'old', cdc_version: '1' }])
  }
})

test('keys of other types that compare as the source does: integers, uuid, partitions', async (t) => {
  const { database, write } = await openRelay(t)
  await database.query(`
    CREATE TABLE numbers (id bigint PRIMARY KEY, data jsonb, cdc_version bigint);
    CREATE TABLE small (id smallint PRIMARY KEY, data jsonb, cdc_version bigint);
    CREATE TABLE uuids (id uuid PRIMARY KEY, data jsonb, cdc_version bigint);
    CREATE TABLE parts (id int, data jsonb, cdc_version bigint, PRIMARY KEY (id)) PARTITION BY RANGE (id);
    CREATE TABLE parts_1 PARTITION OF parts DEFAULT;`)
  const uuid = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
  const tables: [string, number | string, number | string][] = [
    ['numbers', 5, 5],
    ['small', 5, 5],
    ['uuids', uuid, uuid.toUpperCase()],
    ['parts', 5, 5],
  ]
  for (const [table, id, again] of tables) {
    assert.deepEqual(totals(await write(put(id, 1, { table }), put(again, 2, { table }))), [1, 1], table)
    assert.deepEqual(totals(await write(del(again, 4, { table }))), [1, 0], table)
    assert.deepEqual(totals(await write(put(id, 3, { table }))), [0, 1], table)
    assert.deepEqual(await database.query(`SELECT FROM ${table}`), [])
  }
  // A fraction has no place there, and is not rounded into another row's.
  await rejection(write(put(5.4, 9, { table: 'numbers' })), 'SINK_REFUSED')
  await rejection(write(put(70_000, 9, { table: 'small' })), 'SINK_REFUSED')
})

const mismatches: readonly { title: string; table: string; deletes?: 'soft'; problems: readonly RegExp[] }[] = [
  {
    title: 'everything is missing',
    table: 'CREATE TABLE orders (note text)',
    problems: [
      /key column "id" is missing/,
      /column "data" is missing/,
      /column "cdc_version" is missing/,
      /no primary key or unique/,
    ],
  },
  {
    title: 'a key that takes two keys for one',
    table: 'CREATE TABLE orders (id char(10) PRIMARY KEY, data jsonb, cdc_version bigint)',
    problems: [/key column "id" is character\(10\), which does not compare as the text/],
  },
  {
    title: 'a collation that takes two keys for one',
    table: `CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE TABLE orders (id text COLLATE nocase PRIMARY KEY, data jsonb, cdc_version bigint)`,
    problems: [/key column "id" is text, with a collation that takes different texts for one/],
  },
  {
    title: 'columns of other types',
    table: 'CREATE TABLE orders (id text PRIMARY KEY, data text, cdc_version text)',
    problems: [/column "data" is text: ALTER/, /column "cdc_version" is text: ALTER/],
  },
  {
    title: 'what refuses rows: uniques, foreign keys, columns that nobody fills',
    table: `CREATE TABLE customers (id text PRIMARY KEY);
      CREATE TABLE orders (id text PRIMARY KEY, data jsonb UNIQUE, cdc_version bigint REFERENCES strange.versions, note text NOT NULL);
      CREATE UNIQUE INDEX "By Status" ON orders ((data->>'status'));
      CREATE TABLE lines (order_id text REFERENCES orders)`,
    problems: [
      /unique index "By Status".*DROP INDEX "public"."By Status"/,
      /unique index "orders_data_key".*DROP CONSTRAINT "orders_data_key"/,
      /foreign key "lines_order_id_fkey" of lines to orders/,
      /foreign key "orders_cdc_version_fkey" of orders to strange\.versions/,
      /column "note" is NOT NULL.*ALTER COLUMN "note" DROP NOT NULL/,
    ],
  },
  {
    title: 'a unique index that can wait or leaves rows out is none',
    table: `CREATE TABLE orders (id text UNIQUE DEFERRABLE, data jsonb, cdc_version bigint);
      CREATE UNIQUE INDEX ON orders (id) WHERE data IS NOT NULL`,
    problems: [/no primary key or unique index on exactly the key columns/, /"orders_id_key" is deferrable/],
  },
  {
    title: 'generated columns',
    table: `CREATE TABLE orders (id text PRIMARY KEY, data jsonb, cdc_version bigint GENERATED ALWAYS AS (length(id)) STORED)`,
    problems: [/column "cdc_version" is generated.*DROP EXPRESSION/],
  },
  {
    title: 'numbers that only the table gives',
    table: `CREATE TABLE orders (id text PRIMARY KEY, data jsonb, cdc_version bigint GENERATED ALWAYS AS IDENTITY)`,
    problems: [/column "cdc_version" is generated.*SET GENERATED BY DEFAULT/],
  },
  {
    title: 'soft deletes need room for no data; their mark is added',
    table: 'CREATE TABLE orders (id text PRIMARY KEY, data jsonb NOT NULL, cdc_version bigint)',
    deletes: 'soft',
    problems: [/column "data" is NOT NULL/],
  },
]
for (const { title, table, deletes = 'hard', problems } of mismatches) {
  test(`a table that does not fit, ${title}: said at once, and fixed by what the message says`, async (t) => {
    const { database, write } = await openRelay(t, { deletes })
    await database.query('CREATE SCHEMA strange; CREATE TABLE strange.versions (v bigint PRIMARY KEY)')
    await database.query(table)
    const failure = await rejection(write(put('a', 1)), 'SINK_TABLE')
    assert.match(failure.detail, /^Table public\.orders does not fit/)
    const lines = failure.detail.split('\n').filter((line) => line.startsWith('  - '))
    for (const problem of problems)
      assert.ok(
        lines.some((line) => problem.test(line)),
        `${problem} in ${failure.detail}`,
      )
    assert.equal(lines.length, problems.length, failure.detail)

    for (const statement of fixesIn(failure)) await database.query(statement)
    assert.deepEqual(totals(await write(put('a', 1))), [1, 0])
  })
}

test('what is not a table is named', async (t) => {
  const { database, write } = await openRelay(t)
  await database.query(`CREATE VIEW orders AS SELECT 1; CREATE MATERIALIZED VIEW others AS SELECT 1`)
  assert.match(
    (await rejection(write(put('a', 1)), 'SINK_TABLE')).detail,
    /it is a view; name another target with --table orders=NAME/,
  )
  assert.match(
    (await rejection(write(put('a', 1, { table: 'others' })), 'SINK_TABLE')).detail,
    /it is a materialized view/,
  )
})

test('what is not a table gets no columns either, but its name', async (t) => {
  const { database, write } = await openRelay(t, { layout: 'columns' })
  await database.query(
    `CREATE VIEW orders AS SELECT 'a'::text AS id; CREATE MATERIALIZED VIEW others AS SELECT 'a'::text AS id`,
  )
  for (const [table, what] of [
    ['orders', /it is a view; name another target with --table orders=NAME/],
    ['others', /it is a materialized view/],
  ] as const)
    assert.match((await rejection(write(put('a', 1, { table })), 'SINK_TABLE')).detail, what)
})

test('a column whose sequence has no number left is the fault of the table, and not of each row', async (t) => {
  const { database, write } = await openRelay(t, { layout: 'columns', onError: 'dead-letter' })
  await database.query(`CREATE SEQUENCE numbers MAXVALUE 2; SELECT setval('numbers', 2);
    CREATE TABLE orders (id text PRIMARY KEY, cdc_version bigint, cdc_extra jsonb, n int DEFAULT nextval('numbers'))`)
  assert.match(
    (await rejection(write(put('a', 1), put('b', 1)), 'SINK_TABLE')).detail,
    /maximum value of sequence "numbers"/,
  )
})

test('a table with as many columns as PostgreSQL allows: what the relay needs has no room, and the message says so', async (t) => {
  const { database, write } = await openRelay(t, { layout: 'columns' })
  const columns = Array.from({ length: 1599 }, (_, i) => `c${i} int`)
  await database.query(`CREATE TABLE orders (id text PRIMARY KEY, ${columns.join(', ')})`)
  assert.match((await rejection(write(put('a', 1)), 'SINK_TABLE')).detail, /tables can have at most 1600 columns/)
})

test('a table mirrored with soft deletes is not taken for hard ones', async (t) => {
  const { database, write, close } = await openRelay(t, { deletes: 'soft' })
  await write(put('a', 1), del('b', 1))
  await close()
  const hard = await openRelay(t, {}, database, 'second')
  assert.match((await rejection(hard.write(put('b', 2)), 'SINK_TABLE')).detail, /"cdc_deleted".*--deletes soft/)
})

test('--create-tables never: the statement is in the message, and what it makes fits', async (t) => {
  for (const [options, made] of [
    [{ mode: 'mirror' }, /CREATE TABLE "public"."orders" \("id" text COLLATE "C" NOT NULL, "data" jsonb/],
    [{ mode: 'mirror', deletes: 'soft' }, /"cdc_deleted" boolean/],
    [{ mode: 'append' }, /"before" jsonb/],
    [
      { mode: 'mirror', routes: () => ({ schema: 'new', name: 'orders' }) },
      /CREATE SCHEMA "new"; CREATE TABLE "new"."orders"/,
    ],
  ] as const) {
    const { database, write } = await openRelay(t, { createTables: 'never', ...options })
    const failure = await rejection(write(put('a', 1)), 'SINK_TABLE')
    assert.match(failure.detail, made)
    await database.query(/: (CREATE .*)/s.exec(failure.detail)![1]!)
    assert.deepEqual(totals(await write(put('a', 1))), [1, 0])
  }
})

test('a mirror that is gone is not begun again in silence', async (t) => {
  const { database, write, restart } = await openRelay(t)
  await write(put('a', 1))
  await database.query('DROP TABLE orders')
  const failure = await rejection(write(put('b', 2)), 'SINK_TABLE')
  assert.match(failure.detail, /is gone, though this relay has written it before/)
  await restart()
  assert.equal((await rejection(write(put('b', 2)), 'SINK_TABLE')).detail, failure.detail)
  await database.query(/: (CREATE .*)/s.exec(failure.detail)![1]!)
  assert.deepEqual(totals(await write(put('b', 2))), [1, 0])
})

test('a table that is changed under a running relay is looked at again', async (t) => {
  const { database, write } = await openRelay(t)
  await write(put('a', 1))
  await database.query('ALTER TABLE orders RENAME COLUMN data TO document')
  assert.match((await rejection(write(put('a', 2)), 'SINK_TABLE')).detail, /column "data" is missing/)
  await database.query('ALTER TABLE orders RENAME COLUMN document TO data')
  assert.deepEqual(totals(await write(put('a', 2))), [1, 0])
  // A key type that fits as well: the statement is made again for it.
  await database.query(
    'DROP TABLE orders; CREATE TABLE orders (id varchar(9) PRIMARY KEY, data jsonb, cdc_version bigint)',
  )
  await rejection(write(del('a', 3), put('0123456789', 3)), 'SINK_REFUSED')
})

test('two source tables that would go to one target are refused by both names', async (t) => {
  const routes = ({ name }: TableName): TableName => ({ schema: null, name: name.replace(/-.*/, '') })
  const { write, restart } = await openRelay(t, { routes })
  await write(put('a', 1, { table: 'orders-2025' }))
  const refused = async () => (await rejection(write(put('b', 1, { table: 'orders-2026' })), 'SINK_TABLE')).detail
  assert.match(await refused(), /The source tables orders-2025 and orders-2026 would both go to public\.orders/)
  await restart()
  assert.match(await refused(), /orders-2025 and orders-2026/)
  await rejection(write(put('a', 1, { table: 'others-1' }), put('b', 1, { table: 'others-2' })), 'SINK_TABLE')
})

test('two key attributes that would go to one column are refused by both names', async (t) => {
  const { write } = await openRelay(t)
  const failure = await rejection(write(put(null, 1, { key: { data: 'a', data_3a6eb079: 'b' } })), 'SINK_TABLE')
  assert.match(failure.detail, /The attributes "data" and "data_3a6eb079" would both go to column "data_3a6eb079"/)
})

test('a table that was created again with another key is refused, also after a restart', async (t) => {
  const { write, restart } = await openRelay(t)
  await write(put('a', 1))
  const refused = async (...changes: Change[]) => (await rejection(write(...changes), 'SINK_TABLE')).detail
  assert.match(await refused(put(5, 2)), /The key of table orders is "id" text, and a change has the key "id" number/)
  await restart()
  const said = await refused(put(5, 2))
  assert.match(
    said,
    /The key of the table was "id" text, and is now "id" number\. .*: DROP TABLE "public"\."orders"; .*or alter/,
  )
  assert.match(await refused(put(null, 2, { key: { id: 'a', more: 'b' } })), /is now "id" text, "more" text/)
  assert.match(await refused({ ...put('a', 2), key: null }), /No key is known for table orders/)
  await write(put('a', 2))
})

test('a table whose key is another one is made again once it is gone, and forgets its deleted rows', async (t) => {
  const { database, write, restart } = await openRelay(t)
  await write(put('a', 1), del('b', 5))
  await restart()
  await rejection(write(put(5, 2)), 'SINK_TABLE')
  await database.query('DROP TABLE "public"."orders"')
  await write(put(5, 2), del(6, 3))
  await write(put(6, 2), put(7, 2))
  const rows = await database.query('SELECT id FROM orders ORDER BY id')
  assert.deepEqual(
    rows.map(({ id }) => String(id)),
    ['5', '7'],
  )
})

test('a schema whose name the target keeps for itself is refused with what to do', async (t) => {
  const { write } = await openRelay(t)
  const change = put('a', 1, { table: { schema: 'pg_app', name: 'orders' } })
  const { detail } = await rejection(write(change), 'SINK_TABLE')
  assert.match(detail, /Schema "pg_app" cannot be made, .* `--table 'pg_app\.\*=app\.\*'`/)
})

test('a key with blanks at its end is another one, unless the target is set to take them for one', async (t) => {
  const routes = (): null => null
  const { database, write, knows, restart } = await openRelay(t, { routes, layout: 'columns' })
  knows(sourceTable({ id: 'text' }))
  await write(dmsPut('A', 1), dmsPut('A    ', 2))
  const count = async () => (await database.query('SELECT count(*)::int AS n FROM shop.orders'))[0]!.n
  assert.equal(await count(), 2)

  await database.query('CREATE TABLE public.codes (id char(5) PRIMARY KEY, cdc_version bigint, cdc_extra jsonb)')
  await restart({ routes: () => ({ schema: 'public', name: 'codes' }) })
  await write(dmsPut('A', 1), dmsPut('A    ', 2))
  await write(dmsPut('A', 3))
  assert.deepEqual(await database.query('SELECT id, cdc_version::text AS v FROM codes'), [{ id: 'A    ', v: '3' }])
})

test('tombstones that were made for another key column are not used', async (t) => {
  const { database, write, close } = await openRelay(t)
  await write(del('a', 5))
  await close()
  await database.query('DROP TABLE orders')
  const second = await openRelay(t, {}, database, 'second')
  const failure = await rejection(second.write(put(1, 1)), 'SINK_TABLE')
  assert.match(
    failure.detail,
    /tombstones were made for other key columns.*DROP TABLE "cdc_relay"."tombstones_orders_[0-9a-f]{16}"/,
  )
  for (const statement of fixesIn(failure)) await database.query(statement)
  assert.deepEqual(totals(await second.write(put(1, 1))), [1, 0])
})

test('a table of a log must take what is appended', async (t) => {
  const { database, write } = await openRelay(t, { mode: 'append' })
  await database.query(
    'CREATE TABLE orders (id text PRIMARY KEY, op text, before text, shard text, sequence text, event_id text UNIQUE, UNIQUE (shard, sequence))',
  )
  const failure = await rejection(write(put('a', 1)), 'SINK_TABLE')
  for (const problem of [
    /column "before" is text: ALTER/,
    /column "after" is missing/,
    /"orders_event_id_key"/,
    /column "id" is NOT NULL/,
  ]) {
    assert.match(failure.detail, problem)
  }
  assert.doesNotMatch(failure.detail, /shard_sequence/)
  await database.query('ALTER TABLE orders DROP CONSTRAINT orders_pkey')
  for (const statement of fixesIn(failure)) await database.query(statement)
  assert.deepEqual(totals(await write(put('a', 1))), [1, 0])
})
