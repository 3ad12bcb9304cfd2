import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Value } from '../../../../src/change.ts'
import { del, dmsPatch, dmsPut, put, sourceTable } from '../../../support/changes.ts'
import type { Crate } from '../../../support/crate/crate.ts'
import { onStandInOnly } from '../../../support/crate/real-crate.ts'
import { volume } from '../../../support/volume.ts'
import { rejection, totals } from '../../conformance/answers.ts'
import { lines, openCrateRelay } from './test-relay.ts'

const upserts = ({ executed }: Crate): number => executed.filter(({ text }) => /^INSERT INTO "doc"/.test(text)).length

function assertShort({ sent, settings }: Crate): void {
  for (const text of sent) assert.ok(text.length <= settings.maxStatementLength, text.slice(0, 100))
}

const LIMITS: readonly (readonly [rows: number, statements: number])[] = [
  [5_000, 1],
  [5_001, 2],
]
for (const [rows, statements] of volume(LIMITS, [[4_999, 1], ...LIMITS])) {
  test(`${rows} rows are ${statements} statements`, async (t) => {
    const { crate, write } = await openCrateRelay(t)
    await write(put('first', 1))
    const before = upserts(crate)
    const changes = Array.from({ length: rows }, (_, i) => (i % 10 === 0 ? del(`k${i}`, 1) : put(`k${i}`, 1)))
    assert.deepEqual(totals(await write(...changes)), [rows, 0])
    assert.equal(upserts(crate) - before, statements)
    assert.equal(lines(crate, 'SELECT "id" FROM "doc"."orders"').length, rows + 1)
    assertShort(crate)
  })
}

test('rows of many bytes are cut by these: three of a megabyte and a half are two statements', async (t) => {
  const { crate, write } = await openCrateRelay(t)
  await write(put('first', 1))
  const before = upserts(crate)
  const data = { text: 'x'.repeat(1_500_000) }
  await write(...['a', 'b', 'c'].map((id) => put(id, 1, { data })))
  assert.equal(upserts(crate) - before, 2)
  assert.equal(lines(crate, 'SELECT "id" FROM "doc"."orders"').length, 4)
})

test('what is too much for the memory of CrateDB is written in parts', {
  skip: onStandInOnly('a fault'),
}, async (t) => {
  const { crate, write } = await openCrateRelay(t)
  await write(put('first', 1))
  const text = '[parent] Data too large, data for [x] would be larger than the limit'
  for (const skip of [0, 0])
    crate.faults.next({ kind: 'error', when: 'before', text }, { skip, matching: /INTO "doc"/ })
  const before = upserts(crate)
  assert.deepEqual(totals(await write(...Array.from({ length: 8 }, (_, i) => put(`k${i}`, 1)))), [8, 0])
  // All, half and quarter; the other quarter, the other half.
  assert.equal(upserts(crate) - before, 5)
})

/** With the key, and three of the relay, 900. */
const WIDE = 896
const wideColumns = Object.fromEntries(Array.from({ length: WIDE }, (_, i) => [`column ${i}`, 'text' as const]))
const wideRow = (text: string): Record<string, Value> =>
  Object.fromEntries(Object.keys(wideColumns).map((name) => [name, text]))

test(`a table of ${WIDE} columns: whole rows, partial ones, and one alone`, async (t) => {
  const { crate, knows, write } = await openCrateRelay(t)
  knows(sourceTable({ id: 'int64', ...wideColumns }))
  await write(...[1, 2, 3].map((id) => dmsPut(id, 1, { data: wideRow('x') })))
  await write(dmsPatch(1, 2, { data: { ...wideRow('y'), 'column 7': 'x'.repeat(32_767) } }))
  // Missing in the answer, it is written alone.
  crate.faults.next({ kind: 'lost-shard' }, { matching: /INSERT INTO "shop"/ })
  await write(dmsPut(3, 2, { data: wideRow('z') }))
  const found = lines(crate, 'SELECT "id", "column 0", "column 895" FROM "shop"."orders_live" ORDER BY "id"')
  assert.deepEqual(found, ['1 y y', '2 x x', '3 z z'])
  assertShort(crate)
  assert.ok(crate.sent.some((text) => text.length > 50_000))
})

test('columns of such long names that a statement would be too long are refused before anything is sent', async (t) => {
  const { crate, knows, write } = await openCrateRelay(t)
  const name = (i: number) => `${'x'.repeat(240)} ${i}`
  knows(sourceTable({ id: 'int64', ...Object.fromEntries(Array.from({ length: 400 }, (_, i) => [name(i), 'text'])) }))
  const failure = await rejection(write(dmsPut(1, 1, { data: { [name(0)]: 'x' } })), 'SINK_TABLE')
  assert.match(failure.detail, /statement_max_length\): use --layout document/)
  assertShort(crate)
})

test('of 1,200 attributes a table gets as many as make 900 columns, when it is made and when it grows', async (t) => {
  const data = Object.fromEntries(Array.from({ length: 1_200 }, (_, i) => [`a${i}`, `v${i}`]))
  for (const first of [data, { a0: 'v0' }]) {
    const { crate, write } = await openCrateRelay(t, { layout: 'columns' })
    await write(put('a', 1, { data: first }))
    await write(put('b', 2, { data }), put('c', 2, { data: { ...data, a1199: null } }))
    const [count] = lines(
      crate,
      `SELECT count(*) FROM information_schema.columns WHERE table_schema = 'doc' AND table_name = 'orders'`,
    )
    assert.equal(count, '900')
    for (const [id, ...more] of [['b', 'v1199'], ['c']]) {
      const [row] = crate.query(`SELECT * FROM "doc"."orders" WHERE "id" = '${id}'`)
      const extra = row!.cdc_extra as Record<string, string>
      assert.deepEqual([row!.a0, row!.a895, extra.a896, extra.a1198], ['v0', 'v895', 'v896', 'v1198'])
      assert.equal(Object.keys(extra).length, 303 + more.length)
    }
    assert.ok(crate.executed.filter(({ text }) => text.startsWith('ALTER TABLE "doc"')).length <= 3)
  }
})

test('members of objects are columns, too', async (t) => {
  const members = Array.from({ length: 893 }, (_, i) => `"m${i}" BIGINT`).join(', ')
  const table = `CREATE TABLE "doc"."orders" ("id" TEXT PRIMARY KEY, "o" OBJECT(DYNAMIC) AS (${members}))`
  const { crate, write } = await openCrateRelay(t, { layout: 'columns' }, { tables: [table] })
  const data = { a: 1, b: 2, c: 3, d: 4 }
  await write(put('a', 1, { data }))
  // 895 and three of the relay leave room for two.
  assert.deepEqual(lines(crate, 'SELECT "a", "b", "cdc_extra" FROM "doc"."orders"'), [
    '1.0000000000 2.0000000000 {"c":3,"d":4}',
  ])
})

test('1,200 attributes of DynamoDB are a document without question', async (t) => {
  const data = Object.fromEntries(Array.from({ length: 1_200 }, (_, i) => [`a${i}`, `v${i}`]))
  for (const objects of ['ignored', 'dynamic'] as const) {
    const { crate, write } = await openCrateRelay(t, { layout: 'document', objects })
    await write(put('a', 1, { data }))
    const [row] = crate.query('SELECT * FROM "doc"."orders"')
    assert.deepEqual({ ...(row!.data as object), ...(row!.aux as object | undefined) }, { ...data, id: 'a' })
  }
})

for (const [layout, objects] of [
  ['columns', 'ignored'],
  ['document', 'ignored'],
  ['document', 'dynamic'],
] as const) {
  test(`${layout}, ${objects}: texts around 32,766 bytes come back, patched and moved aside`, async (t) => {
    const { crate, write } = await openCrateRelay(t, { layout, objects })
    const texts = ['x'.repeat(32_766), 'x'.repeat(32_767), 'ä'.repeat(16_383), 'ä'.repeat(16_384), '€'.repeat(11_000)]
    const rows = texts.map((text, i) => put(`k${i}`, 1, { data: { text } }))
    await write(...rows)
    // Each key with a text of the other kind.
    await write(...texts.map((text, i) => put(`k${(i + 1) % texts.length}`, 2, { data: { text } })))
    const held = crate.query('SELECT * FROM "doc"."orders" ORDER BY "id"').map((row) => {
      const {
        text: column,
        data,
        aux,
        cdc_extra: extra,
      } = row as Record<string, { readonly text?: string } | string | null>
      return [column, data, aux, extra].map((held) => (typeof held === 'object' ? held?.text : held)).find(Boolean)
    })
    assert.deepEqual(held, [texts.at(-1), ...texts.slice(0, -1)])
  })
}
