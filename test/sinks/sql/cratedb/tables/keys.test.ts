import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Binary, Numeric, type Value } from '../../../../../src/change.ts'
import {
  keyColumnName,
  liveViewName,
  tableName,
  valueColumnName,
} from '../../../../../src/sinks/sql/cratedb/tables/names.ts'
import { del, dmsDel, dmsMove, dmsPatch, dmsPut, put, sourceTable } from '../../../../support/changes.ts'
import { rejection, totals } from '../../../conformance/answers.ts'
import { deadLetters, lines, openCrateRelay } from '../test-relay.ts'

const TEXTS = ['a', 'A', 'a ', ' a', '', '1', '1.0', 'NULL', 'quote"\'\\', '{a,b}', 'ä', '__proto__']

interface KeyType {
  readonly type: string
  /** Each a key of its own. */
  readonly keys: readonly Value[]
  /** Of the first of them, other spellings. */
  readonly same?: readonly Value[]
  /** What the column cannot hold exactly. */
  readonly unfit?: readonly Value[]
}

const ofDms: readonly KeyType[] = [
  { type: 'TEXT', keys: TEXTS },
  { type: 'VARCHAR(3)', keys: ['abc', 'ab ', 'ab'], unfit: ['abcd', 'abc '] },
  { type: 'SMALLINT', keys: [1, -32768], unfit: [32768, 1.5, 'x'] },
  { type: 'INTEGER', keys: [1, 0, 2147483647], unfit: [2 ** 31, 'x'] },
  {
    type: 'BIGINT',
    keys: [1, -1, new Numeric('9223372036854775805'), new Numeric('9223372036854775806')],
    unfit: [new Numeric('9223372036854775807'), new Numeric('9223372036854775808')],
  },
  {
    type: 'NUMERIC(38, 2)',
    keys: [1, 1.5, new Numeric('123456789012345678901234567890123456.25'), -1],
    same: ['1.00'],
    unfit: [0.001],
  },
  { type: 'REAL', keys: [0.5, 0.1, -3] },
  { type: 'DOUBLE PRECISION', keys: [0.1, 1e300, -0.5], same: ['0.10'] },
  {
    type: 'TIMESTAMP WITH TIME ZONE',
    keys: ['2024-07-12T01:17:42.123Z', '2024-07-12T01:17:42.124Z', '1969-12-31T23:59:59.999Z'],
    same: ['2024-07-12T01:17:42.123000Z'],
    unfit: ['2024-07-12T01:17:42.123456Z', 'x'],
  },
  {
    type: 'TIMESTAMP WITHOUT TIME ZONE',
    keys: ['2024-07-12T01:17:42Z', '2024-07-12T01:17:43Z'],
    same: ['2024-07-12T01:17:42.000Z'],
  },
  { type: 'BOOLEAN', keys: ['true', 'false'], same: [true] },
]

for (const { type, keys, same = [], unfit = [] } of ofDms) {
  test(`DMS: the key of an existing table is ${type}`, async (t) => {
    const tables = [`CREATE TABLE "shop"."orders" ("id" ${type} PRIMARY KEY, "n" INTEGER, "m" INTEGER)`]
    const { crate, knows, write, restart } = await openCrateRelay(t, {}, { tables })
    knows(sourceTable({}))
    const all = (version: number) => keys.map((key, n) => dmsPut(key, version, { data: { n, m: 0 } }))
    assert.deepEqual(totals(await write(...all(5))), [keys.length, 0])
    assert.deepEqual(totals(await write(...all(4))), [0, keys.length])
    // A patch, and a late one; a delete, and what is older than it.
    assert.deepEqual(totals(await write(...keys.map((key) => dmsPatch(key, 6, { data: { m: 6 } })))), [keys.length, 0])
    assert.deepEqual(totals(await write(dmsPatch(keys[0]!, 3, { data: { m: 3 } }), dmsDel(keys.at(-1)!, 7))), [1, 1])
    await restart()
    assert.deepEqual(totals(await write(dmsPut(keys.at(-1)!, 6))), [0, 1])
    for (const [i, key] of same.entries()) await write(dmsPut(key, 10 + i, { data: { n: 0, m: 10 + i } }))
    const expected = keys.slice(0, -1).map((_, n) => `${n} ${n === 0 && same.length > 0 ? 9 + same.length : 6}`)
    assert.deepEqual(lines(crate, 'SELECT "n", "m" FROM "shop"."orders_live" ORDER BY "n"'), expected)

    const written = await write(...unfit.map((key) => dmsPut(key, 9)))
    assert.equal(written.deadLettered, unfit.length)
    for (const { detail } of deadLetters(crate))
      assert.match(detail, /Key column "id" of table shop\.orders, .* cannot hold/)
  })
}

const ofDynamodb: readonly KeyType[] = [
  { type: 'TEXT', keys: TEXTS },
  {
    type: 'TEXT',
    keys: [1, 0.1, -5, 1e21, new Numeric('12345678901234567890123456789012345678'), 1e-7],
  },
  {
    type: 'BIGINT',
    keys: [1, -1, new Numeric('9223372036854775806')],
    unfit: [1.5, new Numeric('9223372036854775807'), new Numeric('-9223372036854775808')],
  },
  { type: 'INTEGER', keys: [1, -1], unfit: [2 ** 31] },
  { type: 'NUMERIC(20, 5)', keys: [1, 1.5, new Numeric('123456789012345.12345')], unfit: [0.000001] },
  { type: 'TEXT', keys: [Binary.from([0, 255]), Binary.from([0]), Binary.from([])] as Binary[] },
]

for (const { type, keys, unfit = [] } of ofDynamodb) {
  // Of a member of an object CrateDB does not tell the scale.
  for (const isToolkit of type.startsWith('NUMERIC') ? [false] : [true, false]) {
    const what = `${keys[0] instanceof Binary ? 'bytes' : typeof keys[0]}s in ${type}`
    test(`DynamoDB: the key of ${isToolkit ? 'a table of the toolkit' : 'an existing table'} is ${what}`, async (t) => {
      const key = isToolkit ? `"pk" OBJECT(STRICT) AS ("id" ${type} PRIMARY KEY)` : `"id" ${type} PRIMARY KEY`
      const tables = [`CREATE TABLE "doc"."orders" (${key}, "data" OBJECT(DYNAMIC))`]
      const { crate, write, restart } = await openCrateRelay(t, {}, { tables })
      const all = (version: number) => keys.map((key, n) => put(key, version, { data: { n } }))
      assert.deepEqual(totals(await write(...all(5))), [keys.length, 0])
      await restart()
      assert.deepEqual(totals(await write(...all(4))), [0, keys.length])
      assert.deepEqual(totals(await write(del(keys.at(-1)!, 6))), [1, 0])
      assert.deepEqual(totals(await write(put(keys.at(-1)!, 5))), [0, 1])
      const found = lines(crate, `SELECT "data"['n'] AS n FROM "doc"."orders_live" ORDER BY n`)
      assert.deepEqual(
        found,
        keys.slice(0, -1).map((_, n) => `${n}`),
      )
      const written = await write(...unfit.map((key) => put(key, 9)))
      assert.equal(written.deadLettered, unfit.length)
    })
  }
}

for (const [type, key] of [
  ['DOUBLE PRECISION', 1],
  ['REAL', 1],
  ['BOOLEAN', 1],
  ['TIMESTAMP WITH TIME ZONE', 1],
  ['BIGINT', 'a'],
  ['TIMESTAMP WITH TIME ZONE', 'a'],
  ['BIGINT', Binary.from([1]) as Binary],
] as const) {
  const family = key instanceof Binary ? 'bytes' : typeof key === 'string' ? 'text' : 'number'
  test(`DynamoDB: a key of ${type} does not compare as ${family}`, async (t) => {
    for (const tables of [
      [`CREATE TABLE "doc"."orders" ("id" ${type} PRIMARY KEY, "data" OBJECT(IGNORED))`],
      [`CREATE TABLE "doc"."orders" ("pk" OBJECT(STRICT) AS ("id" ${type} PRIMARY KEY), "data" OBJECT(DYNAMIC))`],
    ]) {
      const { write } = await openCrateRelay(t, {}, { tables })
      const failure = await rejection(write(put(key, 1)), 'SINK_TABLE')
      assert.match(failure.detail, new RegExp(`which does not compare as the ${family} of the source does`))
    }
  })
}

for (const layout of ['columns', 'document'] as const) {
  test(`${layout}: keys of three columns, more than CrateDB looks up at once: what was just written is seen`, async (t) => {
    const { crate, knows, write } = await openCrateRelay(t, { layout })
    const key = (i: number) => ({ a: `${i % 3}`, b: i, c: `2024-07-12T01:17:${10 + (i % 50)}.000Z` })
    knows(sourceTable({ a: 'text', b: 'int64', c: 'timestamp', n: 'int64', m: 'int64' }, { key: ['c', 'a', 'b'] }))
    const rows = Array.from({ length: 70 }, (_, i) => i)
    await write(...rows.map((i) => dmsPut(null, 1, { key: key(i), data: { n: i, m: 0 } })))
    await write(...rows.map((i) => dmsPatch(null, 2, { key: key(i), data: { m: i } })))
    const moves = rows.map((i) => ({ ...dmsMove(key(i), key(i + 1000), 3, { data: {} }), complete: false }))
    assert.deepEqual(totals(await write(...moves)), [70, 0])
    const asked = layout === 'columns' ? '"n", "m"' : `"data"['n'], "data"['m']`
    const found = lines(crate, `SELECT ${asked} FROM "shop"."orders_live"`)
    assert.deepEqual(found.sort(), rows.map((i) => `${i} ${i}`).sort())
  })
}

const NAMES = [
  'quote"s\'',
  'a.b',
  'two words',
  ' ',
  'x'.repeat(70),
  'ö'.repeat(150),
  '__proto__',
  '_leading',
  '_id',
  'Upper',
  'a[0]',
  'per%cent',
  'data',
  'cdc_version',
]

for (const layout of ['columns', 'document'] as const) {
  test(`${layout}: names of every kind, of keys, attributes and tables`, async (t) => {
    const { crate, write, restart } = await openCrateRelay(t, { layout })
    for (const [i, name] of NAMES.entries()) {
      const other = NAMES[(i + 1) % NAMES.length]!
      const parts = { table: name, key: { [name]: 'a' }, data: { [other]: 'held' } }
      await write(put(null, 2, parts))
      await restart()
      assert.deepEqual(totals(await write(put(null, 1, parts), put(null, 3, parts))), [1, 1], name)
      assert.deepEqual(
        totals(await write(put(null, 4, { ...parts, key: { [name]: 'b' } }), del(null, 5, parts))),
        [2, 0],
      )
      const id = (text: string) => `"${text.replaceAll('"', '""')}"`
      const [key, column] =
        layout === 'columns' ? [valueColumnName(name), valueColumnName(other)] : [keyColumnName(name), 'data']
      const [found, ...more] = crate.query(
        `SELECT ${id(key)} AS k, ${id(column)} AS v FROM "doc".${id(liveViewName(tableName(name)))}`,
      )
      assert.equal(more.length, 0)
      assert.equal(found!.k, 'b')
      assert.ok(layout === 'columns' ? found!.v === 'held' : Object.values(found!.v as object).includes('held'), name)
    }
  })
}
