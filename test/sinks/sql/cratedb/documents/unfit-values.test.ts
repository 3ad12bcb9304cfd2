import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Numeric, type Value } from '../../../../../src/change.ts'
import { plainDecimal } from '../../../../../src/sinks/tables/keys.ts'
import { claimOf, del, dmsPatch, dmsPut, put, sourceTable } from '../../../../support/changes.ts'
import { startCrate } from '../../../../support/crate/crate.ts'
import { crateSinkOf } from '../../../../support/targets/crate-target.ts'
import { totals } from '../../../conformance/answers.ts'
import { deadLetters, lines, openCrateRelay } from '../test-relay.ts'

const exact = (text: string): Numeric => new Numeric(text)

/** Column types of users × values that they do not hold as they are: the row is written, and the value lies in `cdc_extra`. */
const UNFIT: Readonly<Record<string, readonly Value[]>> = {
  BOOLEAN: ['maybe', 2],
  SMALLINT: [32_768, 1.5, 'x', '70000'],
  INTEGER: [2 ** 31, -(2 ** 31) - 1, 'x'],
  BIGINT: [exact('9223372036854775807'), exact('-9223372036854775808'), exact('9223372036854775808'), 'x'],
  REAL: [0.1234567891, 1e300, 'NaN'],
  'DOUBLE PRECISION': [exact('0.1234567890123456789'), 'Infinity', 'x'],
  'NUMERIC(5, 2)': [1.234, 1000, 'NaN', 'a'],
  'TIMESTAMP WITH TIME ZONE': ['2024-07-12T01:17:42.123456Z', '0044-03-15 BC', 'infinity', 'x'],
  'TIMESTAMP WITHOUT TIME ZONE': ['2024-07-12T01:17:42.123456', '2024-02-30T00:00:00', '99999-01-01T00:00:00'],
  'VARCHAR(3)': ['abcd', 'abc ', '💩💩'],
  'CHAR(3)': ['abcd', '💩💩'],
  TEXT: ['x'.repeat(32_767), '€'.repeat(10_923)],
  'BIT(4)': ['01', 'x'],
  IP: ['10.0.0.256', 'x'],
  GEO_POINT: ['(1,2', 'x'],
  GEO_SHAPE: ['POINT', 'x'],
  'FLOAT_VECTOR(2)': ['[1,2]', 'x'],
  'ARRAY(INTEGER)': ['{1,2}', '[1,2]'],
  'ARRAY(TEXT)': ['{a,b}'],
  'ARRAY(OBJECT)': ['[{"a":1}]', '{}'],
  'ARRAY(ARRAY(INTEGER))': ['{{1},{2}}'],
}

for (const [type, values] of Object.entries(UNFIT)) {
  test(`${type}: what it cannot hold lies in cdc_extra, in one statement and alone; nulls stop nothing`, async (t) => {
    const table = `CREATE TABLE "shop"."orders" ("id" INTEGER PRIMARY KEY, "v" ${type})`
    const { crate, knows, write } = await openCrateRelay(t, {}, { tables: [table] })
    knows(sourceTable({}))
    const all = [null, ...values]
    const rows = (version: number) => all.map((v, id) => dmsPut(id, version, { data: { v } }))
    const written = await write(...rows(1))
    assert.deepEqual(totals(written), [all.length, 0])
    assert.equal(written.setAside?.get('shop.orders')?.get('v')?.count, values.length)
    for (const row of rows(2)) assert.deepEqual(totals(await write(row)), [1, 0])
    const patches = all.map((v, id) => dmsPatch(id, 3, { data: { v } }))
    assert.deepEqual(totals(await write(...patches)), [all.length, 0])
    assert.deepEqual(deadLetters(crate), [])
    const held = crate.query('SELECT "v", "cdc_extra" FROM "shop"."orders" ORDER BY "id"')
    assert.deepEqual(
      held.map(({ v, cdc_extra }) => [v, (cdc_extra as { v?: unknown } | null)?.v]),
      [[null, undefined], ...values.map((v) => [null, asStored(v)])],
    )
  })
}

/** CrateDB keeps a whole number of 64 bits in an object, and the relay writes a longer one as text. */
function asStored(value: Value): unknown {
  if (typeof value === 'number' && !Number.isInteger(value)) return value
  if (typeof value !== 'number' && !(value instanceof Numeric)) return value
  const text = plainDecimal(value)
  return !text.includes('.') && BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? BigInt(text) : text
}

test('the two ends of BIGINT: aside as a value, a dead letter as a part of a key, and kept in a document', async (t) => {
  const ends = [exact('9223372036854775807'), exact('-9223372036854775808')]
  const near = [exact('9223372036854775806'), exact('-9223372036854775807')]
  const { crate, write } = await openCrateRelay(
    t,
    {},
    { tables: ['CREATE TABLE "doc"."orders" ("n" BIGINT, "id" TEXT, PRIMARY KEY ("n", "id"))'] },
  )
  const key = (n: Value) => put(null, 1, { key: { n, id: 'a' }, data: { n, list: [n], inner: { n } } as never })
  const written = await write(...ends.map(key), ...near.map(key))
  assert.deepEqual([totals(written), written.deadLettered], [[2, 0], 2])
  for (const { detail } of deadLetters(crate))
    assert.match(detail, /Key column "n" of table orders, bigint, cannot hold/)
  const inDocument = await write(put(null, 2, { key: { n: 1, id: 'a' }, data: { ends, low: ends[1]! } }))
  assert.deepEqual([totals(inDocument), inDocument.deadLettered], [[1, 0], 0])
})

test('a key that the id of CrateDB cannot hold is a dead letter of its own, whatever its columns', async (t) => {
  const text = (bytes: number): string => `x.${'y'.repeat(bytes - 2)}`
  const pair = 'CREATE TABLE "shop"."orders" ("id" TEXT, "n" BIGINT, "v" TEXT, PRIMARY KEY ("id", "n"))'
  const { crate, knows, write } = await openCrateRelay(t, {}, { tables: [pair] })
  knows(sourceTable({}, { key: ['id', 'n'] }))
  const of = (bytes: number) => dmsPut(null, 1, { key: { id: text(bytes), n: 1 }, data: { v: 'x' } })
  const written = await write(of(24_567), of(24_568), of(30_000), of(10))
  assert.deepEqual([totals(written), written.deadLettered], [[2, 0], 2])
  for (const { detail } of deadLetters(crate))
    assert.equal(
      detail,
      'The key of table shop.orders is too long: CrateDB takes at most about 24,560 bytes in all columns of a key together',
    )

  const single = await openCrateRelay(t)
  const one = await single.write(put(text(32_765), 1), put(text(32_766), 2), del(text(32_766), 3))
  assert.deepEqual([totals(one), one.deadLettered], [[1, 0], 2])
  assert.match(deadLetters(single.crate)[0]!.detail, /The key of table orders is too long: .* 32,765 bytes$/)
})

for (const layout of ['columns', 'document'] as const) {
  test(`${layout}: U+0000 stays where it is, in keys, values and names`, async (t) => {
    const { crate, write } = await openCrateRelay(t, { layout })
    await write(put('a\0b', 1, { data: { text: 'x\0y', list: ['\0'] } }), put('a', 1, { data: { text: 'x' } }))
    await write(put('a\0b', 2, { data: { text: 'z\0', list: ['\0'] } }))
    const [row] = crate.query(
      `SELECT "id", "${layout === 'document' ? 'data' : 'text'}" AS v FROM "doc"."orders" WHERE "cdc_version" = 2`,
    )
    assert.equal(row!.id, 'a\0b')
    assert.equal(layout === 'document' ? (row!.v as { text: string }).text : row!.v, 'z\0')
    assert.equal(lines(crate, 'SELECT "id" FROM "doc"."orders"').length, 2)
  })
}

test('CrateDB takes U+0000, and no half of a surrogate pair', async (t) => {
  const crate = await startCrate()
  t.after(crate.stop)
  const sink = crateSinkOf({ url: crate.url })
  t.after(() => sink.close())
  await sink.open(claimOf(), AbortSignal.timeout(60_000))
  assert.deepEqual([sink.refusesNul, sink.refusesHalves], [false, true])
})
