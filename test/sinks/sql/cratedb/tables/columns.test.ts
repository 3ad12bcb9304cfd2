import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Binary, type Change, Numeric, type Value } from '../../../../../src/change.ts'
import { dmsDel, dmsMove, dmsPatch, dmsPut, put, sourceTable } from '../../../../support/changes.ts'
import { totals } from '../../../conformance/answers.ts'
import { cases, move, patch, whole, wrong } from '../../../tables/columns-cases.ts'
import { deadLetters, lines, openCrateRelay } from '../test-relay.ts'

const ORDERS = sourceTable({})
const TABLE = 'CREATE TABLE "shop"."orders" ("id" INTEGER PRIMARY KEY, "qty" INTEGER, "note" TEXT)'

for (const { title, batches, rows } of cases) {
  test(`values that do not fit, and pieces: ${title}`, async (t) => {
    const { crate, knows, write } = await openCrateRelay(t, {}, { tables: [TABLE] })
    knows(ORDERS)
    for (const batch of batches) await write(...batch)
    assert.deepEqual(
      lines(crate, 'SELECT "qty", "note", "cdc_extra" FROM "shop"."orders_live" ORDER BY "id"'),
      rows.map(asStored),
    )
  })
}

/** Without blanks, and a number that CrateDB would round as the text that it lies there as. */
const asStored = (line: string): string =>
  line.replaceAll(/([:,]) /g, '$1').replace(/("qty"):(\d{20,})\}/, '"cdc_numbers":["/qty"],$1:"$2"}')

test('values of a DMS feed in the columns of a table that is ready', async (t) => {
  const definitions = {
    ok: 'BOOLEAN',
    s: 'SMALLINT',
    i: 'INTEGER',
    b: 'BIGINT',
    r: 'REAL',
    f: 'DOUBLE PRECISION',
    n: 'NUMERIC(38, 10)',
    at: 'TIMESTAMP WITH TIME ZONE',
    local: 'TIMESTAMP WITHOUT TIME ZONE',
    u: 'UUID',
    v: 'VARCHAR(4)',
    note: 'TEXT',
    long: 'TEXT INDEX OFF STORAGE WITH (columnstore = false)',
    o: 'OBJECT(IGNORED)',
  }
  const columns = Object.entries(definitions).map(([name, type]) => `"${name}" ${type}`)
  const { crate, knows, write } = await openCrateRelay(
    t,
    {},
    {
      tables: [`CREATE TABLE "shop"."orders" ("id" INTEGER PRIMARY KEY, ${columns.join(', ')})`],
      crate: { crateVersion: '6.2.2' },
    },
  )
  knows(ORDERS)
  const data: Record<string, Value> = {
    ok: 'true',
    s: -32768,
    i: 2147483647,
    b: new Numeric('9223372036854775806'),
    r: 0.5,
    f: 0.1,
    n: new Numeric('1234567890123456789012345678.0123456789'),
    at: '2024-07-12T01:17:42.123Z',
    local: '2024-07-12T01:17:42.500000Z',
    u: 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
    v: 'äöüß',
    note: 'x'.repeat(32_766),
    long: 'y'.repeat(40_000),
    o: '{"b": 1.10, "a": [null, 36893488147419103232]}',
  }
  const asked = Object.keys(data).map((name) => (name === 'at' || name === 'local' ? `"${name}"::bigint` : `"${name}"`))
  const query = `SELECT ${asked.join(', ')}, "cdc_extra" FROM "shop"."orders"`
  const expected = [
    'true -32768 2147483647 9223372036854775806 0.5 0.1 1234567890123456789012345678.0123456789',
    `${Date.UTC(2024, 6, 12, 1, 17, 42, 123)} ${Date.UTC(2024, 6, 12, 1, 17, 42, 500)}`,
    `a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 äöüß ${data.note} ${data.long}`,
    '{"a":[null,"36893488147419103232"],"b":1.1,"cdc_numbers":["/a/1"]} null',
  ].join(' ')
  await write(dmsPut(1, 1, { data }))
  assert.deepEqual(lines(crate, query), [expected])
  // Each alone, by a partial image over an empty row.
  await write(dmsPut(1, 2, { data: {} }))
  assert.deepEqual(lines(crate, query), [
    asked
      .map(() => 'null')
      .join(' ')
      .concat(' null'),
  ])
  await write(...Object.entries(data).map(([name, value], i) => dmsPatch(1, 3 + i, { data: { [name]: value } })))
  assert.deepEqual(lines(crate, query), [expected])
  // What each of them would have rounded, cut or refused.
  const unfit: Record<string, Value> = {
    s: 32768,
    i: 2147483648,
    b: new Numeric('9223372036854775808'),
    n: new Numeric('0.12345678901'),
    at: '2024-07-12T01:17:42.123456Z',
    v: 'abcde',
    note: 'x'.repeat(32_767),
    o: '[1]',
  }
  for (const [i, [name, value]] of Object.entries(unfit).entries()) {
    await write(dmsPut(1, 100 + i, { data: { [name]: value } }))
    const [row] = crate.query(`SELECT "${name}" AS "column", "cdc_extra" FROM "shop"."orders"`)
    assert.equal(row!.column, null, name)
    assert.deepEqual(Object.keys(row!.cdc_extra as object)[0], name)
  }
})

test('DynamoDB: a value of another type lies aside until one fits', async (t) => {
  const { crate, write } = await openCrateRelay(t, { layout: 'columns' })
  await write(put('a', 1, { data: { x: 1 } }))
  const values: readonly (readonly [Value, string])[] = [
    ['1', 'null {"x":"1"}'],
    [true, 'null {"x":true}'],
    [[1, null], 'null {"x":[1,null]}'],
    [Binary.from([1]) as Binary, 'null {"x":"AQ=="}'],
    [null, 'null null'],
    [2, '2.0000000000 null'],
  ]
  for (const [i, [x, expected]] of values.entries()) {
    await write(put('a', 2 + i, { data: { x } }))
    assert.deepEqual(lines(crate, 'SELECT "x", "cdc_extra" FROM "doc"."orders"'), [expected])
  }
})

test('without a column cdc_extra, what does not fit is a dead letter, and its neighbours are written', async (t) => {
  const { crate, knows, write } = await openCrateRelay(
    t,
    { createTables: 'never' },
    { tables: [TABLE.replace('"note" TEXT', '"note" TEXT, "cdc_version" BIGINT, "cdc_deleted" BOOLEAN')] },
  )
  knows(ORDERS)
  await write(whole(1, { qty: 1, note: 'one' }))
  const bad = [whole(3, wrong), patch(5, wrong), { ...move(6, wrong), complete: true }]
  const written = await write(
    whole(2, { qty: 2 }),
    bad[0]!,
    patch(4, { note: 'four' }),
    ...bad.slice(1),
    dmsPut(3, 1, { data: { qty: 3 } }),
  )
  assert.deepEqual([totals(written), written.deadLettered], [[3, 0], 3])
  assert.deepEqual(lines(crate, 'SELECT "id", "qty", "note" FROM "shop"."orders" ORDER BY "id"'), [
    '1 2 four',
    '3 3 null',
  ])
  const letters = deadLetters(crate)
  assert.deepEqual(
    letters.map(({ version }) => version),
    ['3', '5', '6'],
  )
  for (const { detail } of letters) {
    assert.match(detail, /Column "qty" of table shop\.orders cannot hold the value, and there is no column cdc_extra/)
    assert.doesNotMatch(detail, /no number/)
  }
})

test('a key that does not fit its column is a dead letter: also one that a row would move to', async (t) => {
  const { crate, knows, write } = await openCrateRelay(t, {}, { tables: [TABLE] })
  knows(ORDERS)
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
  assert.deepEqual([totals(written), written.deadLettered], [[1, 0], 5])
  assert.deepEqual(lines(crate, 'SELECT "id", "qty" FROM "shop"."orders"'), ['1 3'])
  for (const { code, detail } of deadLetters(crate)) {
    assert.equal(code, 'SINK_REFUSED')
    assert.match(detail, /Key column "id" of table shop\.orders, integer, cannot hold the key/)
    assert.doesNotMatch(detail, /hunter2/)
  }
})

test('an integer that DMS rounded is a dead letter; a number of floating point is none', async (t) => {
  const { crate, knows, write } = await openCrateRelay(
    t,
    {},
    { tables: ['CREATE TABLE "shop"."orders" ("id" INTEGER PRIMARY KEY, "qty" BIGINT, "f" DOUBLE PRECISION)'] },
  )
  knows(ORDERS)
  const rounded: Change = { ...whole(1, { qty: 1.2e18 }), inExponentForm: ['qty'] }
  const written = await write(rounded, { ...dmsPut(2, 1, { data: { f: 1.2e18 } }), inExponentForm: ['f'] })
  assert.deepEqual([totals(written), written.deadLettered], [[1, 0], 1])
  const [letter] = deadLetters(crate)
  assert.equal(letter!.code, 'DECODE_VALUE')
  assert.match(letter!.detail, /DMS rounded the integer in column "qty" of table shop\.orders/)
})

test('keys of several columns: told apart, moved by one part, and by all', async (t) => {
  const { crate, knows, write } = await openCrateRelay(t)
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
  assert.deepEqual(lines(crate, 'SELECT "a", "b", "n", "m" FROM "shop"."orders_live" ORDER BY "a", "b"'), [
    'x 1 30 null',
    'x 2 10 1',
    'y 1 20 2',
  ])
  assert.deepEqual(
    totals(await write(dmsPut(null, 1, { key: key('x', 11) }), dmsDel(null, 1, { key: key('x', 2) }))),
    [0, 2],
  )
})

test('values set aside are counted by column', async (t) => {
  const { knows, write } = await openCrateRelay(t, {}, { tables: [TABLE] })
  knows(ORDERS)
  const written = await write(
    dmsPut(1, 1, { data: { ...wrong, note: 'a' } }),
    dmsPut(2, 1, { data: { ...wrong, note: 'b' } }),
    dmsPatch(3, 1, { data: wrong }),
    dmsPut(4, 1, { data: { qty: 4 } }),
  )
  const { count, type, reason } = written.setAside!.get('shop.orders')!.get('qty')!
  assert.deepEqual([count, type, reason], [3, 'integer', 'integer holds whole numbers from -2147483648 to 2147483647'])
})
