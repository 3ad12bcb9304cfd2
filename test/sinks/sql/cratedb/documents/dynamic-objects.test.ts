import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Binary, type Change, Numeric, type Row, toJson, type Value } from '../../../../../src/change.ts'
import { canonicalJson, del, dmsPatch, put, row, sourceTable } from '../../../../support/changes.ts'
import { liveRows } from '../../../../support/targets/crate-target.ts'
import { totals } from '../../../conformance/answers.ts'
import { lines, openCrateRelay } from '../test-relay.ts'

/** `objects=dynamic` in the URL: whatever comes, in whatever order, comes back; what a column would alter lies in `aux`. */
const big = new Numeric('12345678901234567890123456789012345678')
const images: readonly Readonly<Record<string, Value>>[] = [
  { n: 1, s: 'x', b: true, o: row({ p: 1, q: row({ r: 'deep' }) }), l: [1, 2], t: ['a'], e: [], z: null },
  { n: 1.5, s: '42', b: false, o: row({ p: 2.5, q: null }), l: [0.5], t: [], e: ['now'], z: 'now' },
  { n: 'a text', s: 42, b: 'true', o: 'no object', l: 'no list', t: [1], e: [1], z: 1 },
  {
    n: big,
    s: big,
    l: [1, big],
    big,
    small: new Numeric('0.12345678901234567890123456789012345678'),
    nested: row({ big }),
  },
  {
    n: -0.1,
    huge: 1e125,
    tiny: 1e-130,
    max: new Numeric('9223372036854775807'),
    past: new Numeric('9223372036854775808'),
  },
  { mixed: [1, 'x', null, true, [1], row({ y: 1 })], objects: [row({ a: 1 }), row({ a: 'x' })], lists: [[1], [2]] },
  { objects: [row({ a: 1 }), row({ b: 'x' })], lists: [], mixed: ['only', 'texts'] },
  {
    text: 'x'.repeat(32_766),
    long: 'x'.repeat(32_767),
    wide: 'ä'.repeat(20_000),
    bytes: Binary.from([0, 255]) as Binary,
  },
  {
    'a.b': 1,
    'c[d]': 2,
    '': 3,
    ['__proto__']: 4,
    ' ': 5,
    'tab\t': 6,
    _id: 7,
    'quote"\'': 8,
    '%2E': 9,
    cdc_numbers: ['x'],
  },
  { o: row({ 'a.b': 1, 'c[0]': row({ '': big }), ['__proto__']: 'x' }), cdc_numbers: big },
  { ö: 'Ö', N: 'upper', S: 1, data: 'data', aux: 'aux', cdc_version: 'mine', cdc_deleted: 'mine' },
]

const TOOLKIT = `CREATE TABLE "doc"."orders" ("pk" OBJECT(STRICT) AS ("id" TEXT PRIMARY KEY),
  "data" OBJECT(DYNAMIC), "aux" OBJECT(IGNORED))`

for (const [title, tables] of [
  ['a table of the relay', []],
  ['a table of the toolkit', [TOOLKIT]],
] as const) {
  for (const inOneBatch of [true, false]) {
    test(`${title}, ${inOneBatch ? 'in one batch' : 'each in its own, with restarts'}: every kind of value comes back`, async (t) => {
      const { crate, write, restart } = await openCrateRelay(t, { objects: 'dynamic' }, { tables })
      const changes = images.map((data, i) => put(`k${i}`, 1, { data: data }))
      if (inOneBatch) await write(...changes)
      else
        for (const [i, change] of changes.entries()) {
          if (i % 3 === 2) await restart()
          assert.deepEqual(totals(await write(change)), [1, 0])
        }
      const keyIsApart = tables.length > 0
      assert.deepEqual(stored(crate), expected(changes, keyIsApart))

      // Then every key holds every image in turn, so that each attribute meets each type.
      for (let shift = 1; shift < images.length; shift += 3) {
        await write(...images.map((_, i) => put(`k${i}`, 1 + shift, { data: images[(i + shift) % images.length]! })))
      }
      await restart()
      const last = images.map((_, i) => put(`k${i}`, 99, { data: images[images.length - 1 - i]! }))
      await write(...last, del('k0', 100))
      assert.deepEqual(stored(crate), expected(last.slice(1), keyIsApart))
      // It is no test if nothing lies in columns, or nothing aside.
      for (const column of [`"data"['n']`, `"aux"`]) {
        assert.ok(lines(crate, `SELECT "cdc_version" FROM "doc"."orders" WHERE ${column} IS NOT NULL`).length > 0)
      }
    })
  }
}

/** One member each, new to the table; every row of a batch has one of the values there. */
const disagreeing: Readonly<Record<string, readonly Value[]>> = {
  'a list, an empty one': [['x'], [], [1], [null]],
  'numbers, an empty list': [[1.5], []],
  'a list, null': [['x'], null],
  'a list, an empty one, null': [[true], [], null],
  'objects, an empty list': [[row({ a: 1 })], [], [row({})], [row({ a: 'x' })]],
  'objects with a list': [[row({ q: ['x'] })], [row({ q: [] })], [row({ q: null })]],
  'an object with a list': [row({ q: [1] }), row({ q: [] }), row({ q: null }), row({}), null],
  'a list further down': [row({ s: row({ q: ['x'] }) }), row({ s: row({ q: [] }) }), row({ s: null })],
  'lists of another depth': [[1], [[1]], [[[1]]], [[]], []],
  'a number, a text': [1, '1', '1.0', 'x'],
  'a whole number, another': [1, 1.5, 1e21, 2 ** 53, big],
  'a boolean, its text': [true, 'true', 't', 1],
  'an object, a text': [row({ a: 1 }), '{"a":1}', 'x', [row({ a: 1 })]],
  'a list, one of them': [['x'], 'x', '{x}'],
  'moments as text': ['2024-01-01', '2024-01-01T00:00:00Z', 1_704_067_200_000, '10:00'],
  'names in another case': [row({ A: 1 }), row({ a: 'x' }), row({ A: 'x', a: 1 })],
  'bytes, a text': [Binary.from([0, 255]) as Binary, 'AP8=', [Binary.from([0]) as Binary]],
  'now and then': ['x', 1],
}

for (const [title, open] of Object.entries({
  document: [{ objects: 'dynamic' }, []],
  columns: [
    { layout: 'columns' },
    [
      `CREATE TABLE "doc"."orders" ("id" TEXT PRIMARY KEY, "o" OBJECT(DYNAMIC), "cdc_extra" OBJECT(IGNORED),
        "cdc_version" BIGINT, "cdc_deleted" BOOLEAN)`,
    ],
  ],
} as const)) {
  test(`${title}: rows of one batch disagree about members that are new to the table, and all come back`, async (t) => {
    for (const turn of [0, 1, 2]) {
      const relay = await openCrateRelay(t, open[0], { tables: open[1] })
      const { crate, write } = relay
      // Prime numbers of rows and values: every value meets every other one.
      const changes = Array.from({ length: 60 }, (_, i) => {
        const members = Object.entries(disagreeing).map(([name, values], j) => {
          return [name, values[Math.floor((i + turn) / (1 + (j % 3))) % values.length]!] as const
        })
        const some = Object.fromEntries(members.filter(([name]) => name !== 'now and then' || i % 2 === turn % 2))
        // Of a column for them all, one member out of place would put the others aside as well.
        const one = members[i % members.length]!
        return put(`k${i}`, 1, { data: title === 'document' ? some : { o: row({ [one[0]]: one[1] }) } })
      })
      assert.deepEqual(totals(await write(...changes)), [60, 0])
      assert.deepEqual(stored(crate), expected(changes, false))
      const later = changes.map(({ after, key }) => put(key!.id as string, 2, { data: after! }))
      assert.deepEqual(totals(await write(...later)), [60, 0])
      assert.deepEqual(stored(crate), expected(later, false))
    }
  })
}

test('an empty list lies in the column of its member once the table has that', async (t) => {
  const { crate, write } = await openCrateRelay(t, { objects: 'dynamic' })
  const three = (version: number) => [['x'], [], null].map((tags, i) => put(`k${i}`, version, { data: { tags } }))
  const aside = () => lines(crate, 'SELECT "id" FROM "doc"."orders" WHERE "aux" IS NOT NULL ORDER BY 1')
  await write(...three(1))
  assert.deepEqual(aside(), ['k1', 'k2'])
  await write(...three(2))
  assert.deepEqual(aside(), [])
  assert.deepEqual(lines(crate, `SELECT "id", "data"['tags'] FROM "doc"."orders" ORDER BY 1`), [
    'k0 ["x"]',
    'k1 []',
    'k2 null',
  ])
})

test('members are columns that can be searched by their type', async (t) => {
  const { crate, write } = await openCrateRelay(t, { objects: 'dynamic' })
  await write(put('a', 1, { data: { n: 1, tags: ['x'] } }), put('b', 1, { data: { n: 2.5, tags: [1, 'x'] } }))
  assert.deepEqual(lines(crate, `SELECT "id" FROM "doc"."orders" WHERE "data"['n'] > 1.5`), ['b'])
  assert.deepEqual(
    lines(
      crate,
      `SELECT data_type FROM information_schema.columns WHERE table_name = 'orders' AND column_name = 'data[''n'']'`,
    ),
    ['double precision'],
  )
})

test('another writer gave a member its column between two batches: what it would alter lies in aux after a restart', async (t) => {
  const { crate, write, restart } = await openCrateRelay(t, { objects: 'dynamic' })
  await write(put('a', 1, { data: { x: 1 } }))
  crate.query(`ALTER TABLE "doc"."orders" ADD COLUMN "data"['late'] BIGINT`)
  await restart()
  await write(put('a', 2, { data: { late: 1.5 } }), put('b', 2, { data: { late: 2 } }))
  assert.deepEqual(lines(crate, 'SELECT "data", "aux" FROM "doc"."orders" ORDER BY "id"'), [
    '{"id":"a"} {"late":1.5}',
    '{"id":"b","late":2} null',
  ])
})

test('a partial image changes its attributes wherever they lie', async (t) => {
  const { crate, knows, write } = await openCrateRelay(t, { layout: 'document', objects: 'dynamic' })
  knows(sourceTable({}))
  const patch = (version: number, data: Readonly<Record<string, Value>>) => dmsPatch('a', version, { data })
  const seen = () => lines(crate, 'SELECT "data", "aux" FROM "shop"."orders"')
  await write(patch(1, { n: 1, list: [1, 'x'], big }))
  assert.deepEqual(seen(), [`{"id":"a","n":1} {"big":"${big.text}","cdc_numbers":["/big"],"list":[1,"x"]}`])
  await write(patch(2, { n: 'text', big: 5 }), patch(3, { list: null }))
  assert.deepEqual(canonicalDocuments(liveRows(crate, { schema: 'shop', name: 'orders' })), [
    '{"big":5,"id":"a","list":null,"n":"text"}',
  ])
})

const canonicalDocuments = (rows: readonly { readonly data: string }[]): string[] =>
  rows.map(({ data }) => canonicalJson(data)).sort()

const stored = (crate: Parameters<typeof liveRows>[0]): string[] =>
  canonicalDocuments(liveRows(crate, { schema: null, name: 'orders' }))

function expected(changes: readonly Change[], keyIsApart: boolean): string[] {
  const rows = changes.map(({ after, key }) => {
    const rest = row({ ...after! })
    if (!keyIsApart) return after!
    return Object.fromEntries(Object.entries(rest).filter(([name]) => !(name in key!))) as Row
  })
  return rows.map((one) => canonicalJson(withoutExponents(toJson(one)))).sort()
}

/** As the digits that they are. */
const withoutExponents = (json: string): string =>
  json
    .replace(/(?<=[:,[])1e\+(\d+)(?=[,}\]])/g, (_, power: string) => `1${'0'.repeat(Number(power))}`)
    .replace(/(?<=[:,[])1e-(\d+)(?=[,}\]])/g, (_, power: string) => `0.${'0'.repeat(Number(power) - 1)}1`)
