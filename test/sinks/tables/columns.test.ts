import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { SourceTable } from '../../../src/batch.ts'
import { Binary, type Change, Numeric, type Value } from '../../../src/change.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink-options.ts'
import { dmsDel, dmsMove, dmsPatch, dmsPut, put, sourceTable } from '../../support/changes.ts'
import { totals } from '../conformance/answers.ts'
import { onEachTarget } from '../sql/each-target.ts'
import type { OpenRelay, TestRelay } from '../sql/test-relay.ts'
import { cases, move, patch, whole, wrong } from './columns-cases.ts'

/** How values and images lie in the layout `columns`. */

onEachTarget('values of a DMS feed in the columns of a table that is ready', async (t, openRelay) => {
  const { database, knows, write } = await openRelay(t, { layout: null })
  await database.query(`CREATE SCHEMA shop; CREATE TYPE shop.mood AS ENUM ('fine', 'so so');
    CREATE DOMAIN shop.percent AS numeric(5, 2) CHECK (value <= 100);
    CREATE TABLE shop.orders (id int PRIMARY KEY, j json, jb jsonb, raw bytea, ok boolean, n numeric, money numeric(10, 2),
      moment timestamptz, local timestamp, day date, clock time, u uuid, mood shop.mood, part shop.percent, list int[],
      texts text[], net inet, f float8, c char(4))`)
  knows(sourceTable({}))
  const data: Record<string, Value> = {
    j: '{"b": 1.10, "a": [null]}',
    jb: '{"b": 1, "a": null}',
    raw: '0aFF',
    ok: 'true',
    n: new Numeric('12345678901234567890.123456789012345678'),
    money: new Numeric('99999999.99'),
    moment: '2024-07-12T01:17:42.123456Z',
    local: '2024-07-12T01:17:42.5Z',
    day: '2024-02-29',
    clock: '23:59:59.999999',
    u: 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
    mood: 'so so',
    part: '99.50',
    list: '{1,NULL,3}',
    texts: '{a,"b c"}',
    net: '10.0.0.0/8',
    f: 0.1,
    c: 'ab',
  }
  const expected = [
    '1 {"b": 1.10, "a": [null]} {"a": null, "b": 1} \\x0aff true 12345678901234567890.123456789012345678 99999999.99',
    '2024-07-12 01:17:42.123456 2024-07-12 01:17:42.5 2024-02-29 23:59:59.999999 a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    'so so 99.50 {1,NULL,3} {a,"b c"} 10.0.0.0/8 0.1 ab',
  ].join(' ')
  const texts = Object.keys(data).map((name) =>
    name === 'moment' ? `(moment AT TIME ZONE 'UTC')::text` : `${name}::text`,
  )
  const seen = async (): Promise<string | undefined> => {
    const [found] = await database.query<{ line: string }>(
      `SELECT concat_ws(' ', id, ${texts.join(', ')}, cdc_extra) AS line FROM shop.orders`,
    )
    return found?.line
  }
  await write(dmsPut(1, 1, { data }))
  assert.equal(await seen(), expected)
  // Each alone, by a partial image over an empty row.
  await write(dmsPut(1, 2, { data: {} }))
  assert.equal(await seen(), '1')
  await write(...Object.entries(data).map(([name, value], i) => dmsPatch(1, 3 + i, { data: { [name]: value } })))
  assert.equal(await seen(), expected)
})

for (const { title, batches, rows, deletes = 'hard' } of cases) {
  onEachTarget(`values that do not fit, and pieces: ${title}`, async (t, openRelay) => {
    const { database, write } = await openOrders(t, openRelay, { deletes })
    for (const batch of batches) await write(...batch)
    const table = deletes === 'soft' ? 'shop.orders_live' : 'shop.orders'
    assert.deepEqual(await rowsOf(database, 'qty, note, cdc_extra', table), rows)
  })
}

onEachTarget('DynamoDB: a value of another type lies aside until one fits', async (t, openRelay) => {
  const { database, write } = await openRelay(t, { layout: 'columns' })
  const binary = Binary.from([1]) as Binary
  await write(put('a', 1, { data: { x: 1 } }))
  for (const [i, [x, expected]] of [
    ['1', 'null {"x": "1"}'],
    [true, 'null {"x": true}'],
    [[1, null], 'null {"x": [1, null]}'],
    [binary, 'null {"x": "AQ=="}'],
    [null, 'null null'],
    [2, '2 null'],
  ].entries() as Iterable<[number, [Value, string]]>) {
    await write(put('a', 2 + i, { data: { x } }))
    assert.deepEqual(await rowsOf(database, 'x, cdc_extra', 'orders'), [expected])
  }
})

onEachTarget(
  'without a column cdc_extra, what does not fit is a dead letter, and its neighbours are written',
  async (t, openRelay) => {
    const { database, write } = await openOrders(
      t,
      openRelay,
      { createTables: 'never', onError: 'dead-letter' },
      'qty int, note text, cdc_version bigint',
    )
    await write(whole(1, { qty: 1, note: 'one' }))
    const bad = [whole(3, wrong), patch(5, wrong), { ...move(6, wrong), complete: true }]
    const written = await write(
      whole(2, { qty: 2 }),
      bad[0]!,
      patch(4, { note: 'four' }),
      ...bad.slice(1),
      dmsPut(3, 1, { data: { qty: 3 } }),
    )
    assert.deepEqual(totals(written), [2, 1])
    assert.equal(written.deadLettered, 3)
    assert.deepEqual(await rowsOf(database, 'id, qty, note'), ['1 2 four', '3 3 null'])
    const letters = await database.query<{ detail: string; version: string }>(
      'SELECT detail, version FROM cdc_relay.dead_letters ORDER BY id',
    )
    assert.deepEqual(
      letters.map(({ version }) => version),
      ['3', '5', '6'],
    )
    for (const { detail } of letters) {
      assert.match(detail, /Column "qty" of table shop\.orders cannot hold the value, and there is no column cdc_extra/)
      assert.doesNotMatch(detail, /no number/)
    }
  },
)

onEachTarget(
  'a key that does not fit its column is a dead letter: also one that a row would move to',
  async (t, openRelay) => {
    const { database, write } = await openOrders(t, openRelay, { onError: 'dead-letter' })
    await write(whole(1, { qty: 1 }))
    const moved = dmsMove({ id: 1 }, { id: 'x' }, 2, { data: {} })
    const written = await write(
      dmsPut(2 ** 40, 2),
      dmsPut(1.5, 2),
      dmsDel('hunter2', 2),
      moved,
      { ...moved, complete: false },
      whole(3, { qty: 3 }),
    )
    assert.deepEqual(totals(written), [1, 0])
    assert.equal(written.deadLettered, 5)
    assert.deepEqual(await rowsOf(database, 'id, qty'), ['1 3'])
    const letters = await database.query<{ code: string; detail: string }>(
      'SELECT code, detail FROM cdc_relay.dead_letters',
    )
    for (const { code, detail } of letters) {
      assert.equal(code, 'SINK_REFUSED')
      assert.match(detail, /Key column "id" of table shop\.orders, integer, cannot hold the key/)
      assert.doesNotMatch(detail, /hunter2/)
    }
  },
)

onEachTarget(
  'an integer that DMS rounded is a dead letter, with and without a key; a number of floating point is none',
  async (t, openRelay) => {
    for (const known of [ORDERS, { ...ORDERS, key: [] }]) {
      const { database, knows, write } = await openRelay(t, { layout: null, onError: 'dead-letter' })
      await database.query('CREATE SCHEMA shop; CREATE TABLE shop.orders (id int NOT NULL, qty bigint, f float8)')
      if (known.key!.length > 0) await database.query('ALTER TABLE shop.orders ADD PRIMARY KEY (id)')
      knows(known)
      const rounded: Change = { ...whole(1, { qty: 1.2e18 }), inExponentForm: ['qty'] }
      const written = await write(rounded, { ...dmsPut(2, 1, { data: { f: 1.2e18 } }), inExponentForm: ['f'] })
      assert.deepEqual([totals(written), written.deadLettered], [[1, 0], 1])
      const [letter] = await database.query<{ code: string; detail: string }>(
        'SELECT code, detail FROM cdc_relay.dead_letters',
      )
      assert.equal(letter!.code, 'DECODE_VALUE')
      assert.match(
        letter!.detail,
        /DMS rounded the integer in column "qty" of table shop\.orders: set UseLargeIntegerValue=true/,
      )
    }
  },
)

onEachTarget('keys of several columns: told apart, moved by one part, and by all', async (t, openRelay) => {
  const { database, knows, write } = await openRelay(t, { layout: null })
  knows(sourceTable({ a: 'text', b: 'int32', n: 'int32', m: 'int32' }, { key: ['b', 'a'] }))
  const key = (a: string, b: number) => ({ a, b })
  await write(
    dmsPut(null, 1, { key: key('x', 1), data: { n: 1, m: 1 } }),
    dmsPut(null, 1, { key: key('x', 11), data: { n: 2, m: 2 } }),
    dmsPut(null, 1, { key: key('x,1', 1), data: { n: 3, m: 3 } }),
  )
  const one = dmsMove(key('x', 1), key('x', 2), 2, { data: { n: 10 } })
  await write(
    // The part that stays need not be in the image.
    { ...one, complete: false, after: { b: 2, n: 10 } },
    { ...dmsMove(key('x', 11), key('y', 1), 2, { data: { n: 20 } }), complete: false },
    dmsMove(key('x,1', 1), key('x', 1), 2, { data: { n: 30 } }),
  )
  assert.deepEqual(await rowsOf(database, 'a, b, n, m'), ['x 1 30 null', 'x 2 10 1', 'y 1 20 2'])
  assert.deepEqual(
    totals(await write(dmsPut(null, 1, { key: key('x', 11) }), dmsDel(null, 1, { key: key('x', 2) }))),
    [0, 2],
  )
})

const ORDERS: SourceTable = sourceTable({})

/** `shop.orders` with an int key and typed columns. */
async function openOrders(
  t: TestContext,
  openRelay: OpenRelay,
  options: Partial<SqlSinkOptions>,
  columns = 'qty int, note text',
) {
  const relay = await openRelay(t, { layout: null, ...options })
  await relay.database.query(`CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY, ${columns})`)
  relay.knows(ORDERS)
  return relay
}

type Database = TestRelay['database']

async function rowsOf(database: Database, what: string, table = 'shop.orders'): Promise<string[]> {
  const found = await database.query<{ line: string }>(
    `SELECT (SELECT string_agg(coalesce(value, 'null'), ' ' ORDER BY n)
       FROM json_each_text(row_to_json(r)) WITH ORDINALITY AS one(name, value, n)) AS line
     FROM (SELECT ${what} FROM ${table} ORDER BY ${/^id|^a,/.test(what) ? '1, 2' : '1'}) r`,
  )
  return found.map(({ line }) => line)
}
