import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Numeric, type Value } from '../../../../../src/change.ts'
import { dmsMove, dmsPatch, dmsPut, put, row, sourceTable } from '../../../../support/changes.ts'
import { rejection, totals } from '../../../conformance/answers.ts'
import { deadLetters, lines, openCrateRelay } from '../test-relay.ts'

/** OBJECT columns of users in the layout `columns`: a whole object lies in its column, or in `cdc_extra`. */
const MEMBERS = `("n" INTEGER, "s" SMALLINT, "l" BIGINT, "r" REAL, "d" DOUBLE PRECISION, "t" TEXT, "v" VARCHAR(3), "b" BOOLEAN,
  "at" TIMESTAMP WITH TIME ZONE, "o" OBJECT(STRICT) AS ("x" INTEGER), "i" OBJECT(IGNORED), "ns" ARRAY(INTEGER))`

/** By any policy. */
const FITS = [
  '{}',
  '{"n":1,"s":-32768,"l":9223372036854775806,"r":0.5,"d":0.1,"t":"a","v":"abc","b":true}',
  '{"n":null,"o":null,"ns":[]}',
  '{"o":{"x":2147483647},"ns":[1,-1]}',
  '{"i":{"any":[1,"a",{"b":null}]}}',
  '{"t":"\\u0000"}',
]

/** CrateDB would refuse these, or round, cut or turn them into something else. */
const FITS_NOT = [
  '{"n":1.5}',
  '{"n":2147483648}',
  '{"n":"1"}',
  '{"s":32768}',
  '{"l":9223372036854775807}',
  '{"l":-9223372036854775808}',
  '{"r":0.1234567891}',
  '{"d":0.1234567890123456789}',
  '{"d":"0.5"}',
  '{"t":1}',
  '{"t":{"a":1}}',
  '{"v":"abcd"}',
  '{"b":1}',
  '{"at":"2024-07-12T01:17:42.123456Z"}',
  '{"at":1720747062123}',
  '{"o":{"x":1.5}}',
  '{"o":{"y":1}}',
  '{"o":5}',
  '{"ns":[1,1.5]}',
  '{"ns":[1,null]}',
  '{"ns":1}',
  '{"i":{"big":36893488147419103232}}',
  '[1]',
  '5',
  '"text"',
]

/** With members that the table does not know. */
const NEW = ['{"new":{"deep":["x"]}}', '{"z":null}', '{"e":[]}']

for (const policy of ['DYNAMIC', 'STRICT', 'IGNORED'] as const) {
  const isClosed = policy === 'STRICT'
  for (const apart of [false, true]) {
    test(`OBJECT(${policy}), ${apart ? 'each alone' : 'in one statement'}: what fits as it is lies there, else in cdc_extra`, async (t) => {
      const table = `CREATE TABLE "shop"."orders" ("id" INTEGER PRIMARY KEY, "v" OBJECT(${policy}) AS ${MEMBERS})`
      const { crate, knows, write } = await openCrateRelay(t, {}, { tables: [table] })
      knows(sourceTable({ v: 'json' }))
      const fits = isClosed ? FITS : [...FITS, ...NEW]
      const fitsNot = isClosed ? [...FITS_NOT, ...NEW] : FITS_NOT
      const rows = [...fits, ...fitsNot].map((v, id) => dmsPut(id, 1, { data: { v } }))
      for (const some of apart ? rows.map((one) => [one]) : [rows])
        assert.deepEqual(totals(await write(...some)), [some.length, 0])
      assert.deepEqual(deadLetters(crate), [])
      const found = crate.query('SELECT "v"::text AS v, "cdc_extra" FROM "shop"."orders" ORDER BY "id"')
      const held = found.map(({ v, cdc_extra }) => (v === null ? (cdc_extra as { v: unknown }).v : sorted(v as string)))
      assert.deepEqual(held.slice(0, fits.length), fits.map(sorted))
      assert.deepEqual(held.slice(fits.length), fitsNot)
    })
  }
}

/** JSON with members by name, since CrateDB gives them back in an order of its own. */
const sorted = (json: string): string =>
  JSON.stringify(JSON.parse(json), (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )

test('DynamoDB: maps lie in OBJECT(DYNAMIC) and OBJECT(STRICT) columns, and keep their types from row to row', async (t) => {
  const table = `CREATE TABLE "doc"."orders" ("id" TEXT PRIMARY KEY, "d" OBJECT(DYNAMIC), "s" OBJECT(STRICT) AS ("x" DOUBLE PRECISION))`
  const { crate, write, restart } = await openCrateRelay(t, { layout: 'columns' }, { tables: [table] })
  const big = new Numeric('12345678901234567890123')
  const both = (id: string, version: number, member: Value) =>
    put(id, version, { data: { d: row({ x: member }), s: row({ x: member }) } })
  await write(both('a', 1, 1), both('b', 1, 'text'), both('c', 1, big))
  await restart()
  await write(both('d', 1, 2.5), both('e', 1, [1]))
  const seen = (id: string) => lines(crate, `SELECT "d", "s", "cdc_extra" FROM "doc"."orders" WHERE "id" = '${id}'`)
  assert.deepEqual(seen('a'), ['{"x":1} {"x":1} null'])
  assert.deepEqual(seen('d'), ['{"x":2.5} {"x":2.5} null'])
  for (const [id, x] of [
    ['b', '"text"'],
    ['e', '[1]'],
  ] as const)
    assert.deepEqual(seen(id), [`null null {"d":{"x":${x}},"s":{"x":${x}}}`])
  assert.match(seen('c')[0]!, /^null null \{.*"d":\{"x":"12345678901234567890123"\}/)
})

test('a table has room for so many columns; members beyond lie in cdc_extra', async (t) => {
  const table = 'CREATE TABLE "doc"."orders" ("id" TEXT PRIMARY KEY, "d" OBJECT(DYNAMIC), "e" OBJECT(DYNAMIC))'
  const { crate, write } = await openCrateRelay(t, { layout: 'columns' }, { tables: [table] })
  const members = (count: number) => row(Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, 'x'])))
  await write(put('a', 1, { data: { d: members(600), e: members(400) } }))
  await write(put('b', 1, { data: { d: members(600), e: members(200) } }))
  const found = crate.query('SELECT "id", "d", "e", "cdc_extra" FROM "doc"."orders" ORDER BY "id"')
  assert.deepEqual(
    found.map(({ id, d, e, cdc_extra }) => [id, d !== null, e !== null, cdc_extra !== null]),
    [
      ['a', true, false, true],
      ['b', true, true, false],
    ],
  )
})

test('documents: declared members of an OBJECT(IGNORED) keep their types, and what they would alter lies in aux', async (t) => {
  const table =
    'CREATE TABLE "doc"."orders" ("id" TEXT PRIMARY KEY, "data" OBJECT(IGNORED) AS ("n" INTEGER, "t" VARCHAR(3)))'
  const { crate, write } = await openCrateRelay(t, {}, { tables: [table] })
  await write(put('a', 1, { data: { n: 1, t: 'abc', x: [1, 'a'] } }), put('b', 1, { data: { n: 1.5, t: 'abcd' } }))
  assert.deepEqual(lines(crate, 'SELECT "data", "aux" FROM "doc"."orders" ORDER BY "id"'), [
    '{"id":"a","n":1,"t":"abc","x":[1,"a"]} null',
    '{"id":"b"} {"n":1.5,"t":"abcd"}',
  ])
})

test('a column cdc_extra with declared members is refused: it holds values of any type', async (t) => {
  const table = 'CREATE TABLE "doc"."orders" ("id" TEXT PRIMARY KEY, "cdc_extra" OBJECT(IGNORED) AS ("n" INTEGER))'
  const { write } = await openCrateRelay(t, { layout: 'columns' }, { tables: [table] })
  const failure = await rejection(write(put('a', 1)), 'SINK_TABLE')
  assert.match(failure.detail, /column "cdc_extra" declares members/)
})

test('an empty list makes no member, null one whose type comes later: what it cannot become lies in aux', async (t) => {
  const { crate, write, restart } = await openCrateRelay(t, { objects: 'dynamic' })
  await write(put('a', 1, { data: { e: [], z: null } }))
  await write(put('b', 1, { data: { e: 'x', z: [1] } }))
  await restart()
  assert.deepEqual(totals(await write(put('c', 1, { data: { e: row({ y: 1 }), z: [1] } }))), [1, 0])
  assert.deepEqual(totals(await write(put('d', 1, { data: { e: ['x'], z: 'x' } }))), [1, 0])
  assert.deepEqual(deadLetters(crate), [])
  assert.deepEqual(lines(crate, 'SELECT "data", "aux" FROM "doc"."orders" ORDER BY "id"'), [
    '{"id":"a","z":null} {"e":[]}',
    '{"e":"x","id":"b"} {"z":[1]}',
    '{"id":"c"} {"e":{"y":1},"z":[1]}',
    '{"id":"d","z":"x"} {"e":["x"]}',
  ])
})

test('a member that somebody made a column of: the object lies in cdc_extra, is counted, and the table is looked at again', async (t) => {
  const table = 'CREATE TABLE "shop"."orders" ("id" INTEGER PRIMARY KEY, "d" OBJECT(DYNAMIC), "n" INTEGER)'
  const { crate, knows, write } = await openCrateRelay(t, {}, { tables: [table] })
  knows(sourceTable({ d: 'json', n: 'int32' }))
  await write(dmsPut(0, 1, { data: { d: '{"a":1}', n: 1 } }))
  crate.query(`ALTER TABLE "shop"."orders" ADD COLUMN "d"['late'] BIGINT`)
  const bad = '{"late":"x"}'
  const written = await write(
    ...[1, 2, 3].map((id) => dmsPut(id, 1, { data: { d: id === 2 ? '{"a":2}' : bad, n: id } })),
    dmsPatch(0, 2, { data: { d: bad } }),
  )
  assert.deepEqual([totals(written), written.deadLettered], [[4, 0], 0])
  const aside = written.setAside?.get('shop.orders')
  assert.deepEqual([[...aside!.keys()], aside!.get('d')?.count], [['d'], 3])
  const seen = () => lines(crate, 'SELECT "id", "d", "n", "cdc_extra" FROM "shop"."orders" ORDER BY "id"')
  const stored = '{"d":"{\\"late\\":\\"x\\"}"}'
  assert.deepEqual(seen(), [`0 null 1 ${stored}`, `1 null 1 ${stored}`, '2 {"a":2} 2 null', `3 null 3 ${stored}`])
  await write(dmsPut(4, 1, { data: { d: '{"late":5}', n: 4 } }))
  assert.deepEqual(seen().at(-1), '4 {"late":5} 4 null')
})

test('a partial image that moves its row loses no other column where its object is refused', async (t) => {
  const table = 'CREATE TABLE "shop"."orders" ("id" INTEGER PRIMARY KEY, "d" OBJECT(DYNAMIC), "n" INTEGER)'
  const { crate, knows, write } = await openCrateRelay(t, {}, { tables: [table] })
  knows(sourceTable({ d: 'json', n: 'int32' }))
  await write(dmsPut(1, 1, { data: { d: '{"a":1}', n: 7 } }), dmsPut(2, 1, { data: { d: '{"a":1}', n: 8 } }))
  crate.query(`ALTER TABLE "shop"."orders" ADD COLUMN "d"['late'] BIGINT`)
  const move = { ...dmsMove({ id: 1 }, { id: 3 }, 2, { data: { d: '{"late":"x"}' } }), complete: false }
  const written = await write(move, dmsPatch(2, 2, { data: { d: '{"late":"x"}' } }))
  assert.deepEqual([totals(written), written.deadLettered], [[1, 0], 1])
  assert.deepEqual(lines(crate, 'SELECT "id", "n" FROM "shop"."orders_live" ORDER BY "id"'), ['1 7', '2 8'])
})
