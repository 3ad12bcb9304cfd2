import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SILENT } from '../../../../src/observe/log.ts'
import {
  addColumn,
  createTable,
  dmsDel,
  dmsPatch,
  dmsPut,
  dropTable,
  put,
  sourceTable,
} from '../../../support/changes.ts'
import type { Crate } from '../../../support/crate/crate.ts'
import { rejection, totals } from '../../conformance/answers.ts'
import { FIRST, FOLLOWED, MORE, OTHERS } from '../schema-changes-cases.ts'
import { type CrateRelay, lines, openCrateRelay } from './test-relay.ts'

/** CrateDB can add columns, and nothing else. */

test('add-only: what is new is added to the table and its view, the rest is counted and changes nothing', async (t) => {
  const { crate, knows, write } = await openMade(t, 'add-only')
  knows(MORE)
  const written = await write(...FOLLOWED, dmsPut(2, 2, { data: { qty: 5 } }), ...OTHERS)
  assert.deepEqual(totals(written), [5, 0])
  assert.deepEqual([...written.skips!], [['schema-change-not-followed', 5]])
  assert.deepEqual(columns(crate), [
    'id integer',
    'note text',
    'cdc_version bigint',
    'cdc_extra object',
    'cdc_deleted boolean',
    'qty bigint',
  ])
  assert.deepEqual(lines(crate, 'SELECT "id", "note", "qty" FROM "shop"."orders_live" ORDER BY "id"'), [
    '1 one null',
    '2 null 5',
  ])
})

test('add-only: a type that the source changes is not altered: what fits stays there, what does not lies aside', async (t) => {
  const { crate, knows, write } = await openMade(t, 'add-only', sourceTable({ id: 'int32', note: 'int32' }), {
    note: 1,
  })
  knows(sourceTable({ id: 'int32', note: 'text' }))
  const change = { ...OTHERS[4]!, columns: [{ name: 'note', type: 'text', nullable: true }] } as const
  await write(change, dmsPut(2, 2, { data: { note: 'two' } }), dmsPut(3, 2, { data: { note: '3' } }))
  assert.ok(columns(crate).includes('note integer'))
  assert.deepEqual(lines(crate, 'SELECT "id", "note", "cdc_extra" FROM "shop"."orders" ORDER BY "id"'), [
    '1 1 null',
    '2 null {"note":"two"}',
    '3 3 null',
  ])
})

test('add-only: somebody else adds the column at the same moment', async (t) => {
  const { crate, knows, write } = await openMade(t, 'add-only')
  crate.faults.next(
    { kind: 'error', when: 'after', text: 'The table shop.orders already has a column named qty' },
    { matching: /ALTER TABLE "shop"/ },
  )
  knows(MORE)
  assert.deepEqual(totals(await write(addColumn({ qty: 'int64' }, 2), dmsPut(2, 2, { data: { qty: 5 } }))), [2, 0])
  assert.deepEqual(lines(crate, 'SELECT "qty" FROM "shop"."orders" WHERE "id" = 2'), ['5'])
})

test('widen: no type is altered, which is said once; what is new is added', async (t) => {
  const said: object[] = []
  const warn = (fields: object, message: string): void => void said.push({ ...fields, message })
  const { crate, knows, write } = await openCrateRelay(t, { onSchemaChange: 'widen', log: { ...SILENT, warn } })
  knows(sourceTable({ id: 'int32', note: 'int32' }))
  await write(dmsPut(1, 1, { data: { note: 1 } }))
  knows(sourceTable({ id: 'int32', note: 'int64' }))
  await write(dmsPut(2, 2, { data: { note: 2 ** 40 } }))
  knows(sourceTable({ id: 'int32', note: 'int64', qty: 'int64' }))
  await write(dmsPut(3, 3, { data: { note: 2 ** 40, qty: 2 ** 40 } }))
  assert.deepEqual(columns(crate).slice(0, 2), ['id integer', 'note integer'])
  assert.deepEqual(lines(crate, 'SELECT "id", "note", "qty", "cdc_extra" FROM "shop"."orders" ORDER BY "id"'), [
    '1 1 null null',
    `2 null null {"note":${2 ** 40}}`,
    `3 null ${2 ** 40} {"note":${2 ** 40}}`,
  ])
  assert.deepEqual(said, [
    {
      code: 'COLUMNS_NARROW',
      source: 'shop.orders',
      table: 'shop.orders',
      columns: ['note: integer → BIGINT'],
      message:
        'Columns are narrower than those of the source and stay so. The target cannot alter their types. What they cannot hold goes to cdc_extra until they are altered, or is a dead letter where that has no place',
    },
  ])
})

test('ignore: nothing is added; what the new column holds lies in cdc_extra, also after a restart', async (t) => {
  const { crate, knows, write, restart } = await openMade(t, 'ignore')
  const before = columns(crate)
  knows(MORE)
  const written = await write(...FOLLOWED, ...OTHERS, dmsPut(2, 2, { data: { qty: 5, note: 'two' } }))
  assert.deepEqual([totals(written), [...written.skips!]], [[5, 0], [['schema-change-not-followed', 5]]])
  assert.deepEqual(columns(crate), before)
  const seen = () => lines(crate, 'SELECT "note", "cdc_extra" FROM "shop"."orders" WHERE "id" = 2')
  await restart()
  await write(dmsPatch(2, 3, { data: { note: 'TWO' } }))
  assert.deepEqual(seen(), ['TWO {"qty":5}'])
  await write(dmsPatch(2, 4, { data: { qty: null } }))
  assert.deepEqual(seen(), ['TWO null'])
})

test('stop: what only tells passes; a new column stops with the statement, and nothing is written', async (t) => {
  const { crate, knows, write } = await openMade(t, 'stop')
  assert.deepEqual(totals(await write(createTable({ id: 'int32', note: 'text' }, 1), dropTable(1))), [2, 0])
  knows(MORE)
  const change = dmsPut(2, 2, { data: { qty: 5 } })
  const failure = await rejection(write(addColumn({ qty: 'int64' }, 2), change), 'SCHEMA_CHANGE')
  assert.match(failure.detail, /lacks:\n {2}- ALTER TABLE "shop"."orders" ADD COLUMN "qty" BIGINT;/)
  assert.equal(crate.query('SELECT "id" FROM "shop"."orders"').length, 1)
  crate.query(/ALTER TABLE .*(?=;)/.exec(failure.detail)![0])
  assert.deepEqual(totals(await write(addColumn({ qty: 'int64' }, 2), change)), [2, 0])
})

for (const other of OTHERS) {
  test(`stop: ${other.op} stops in front of the batch`, async (t) => {
    const { crate, write } = await openMade(t, 'stop')
    const failure = await rejection(write(dmsPut(2, 2), other), 'SCHEMA_CHANGE')
    assert.match(failure.message, new RegExp(`The source table had a ${other.op}.*table shop\\.orders`))
    assert.equal(crate.query('SELECT "id" FROM "shop"."orders"').length, 1)
  })
}

test('DynamoDB under stop: a new attribute stops, too', async (t) => {
  const { write } = await openCrateRelay(t, { layout: 'columns', onSchemaChange: 'stop' })
  await write(put('a', 1, { data: { x: 1 } }))
  const failure = await rejection(write(put('a', 2, { data: { y: 1 } })), 'SCHEMA_CHANGE')
  assert.match(failure.detail, /ADD COLUMN "y" NUMERIC\(38, 10\);/)
})

for (const layout of ['columns', 'document'] as const) {
  test(`${layout}: below the floor of a reload no row is written, and deletes still take theirs away`, async (t) => {
    const { crate, knows, write } = await openFilled(t, layout, 'keep')
    knows({ ...FIRST, floor: '10' })
    await write(dropTable(10))
    const late = [dmsPut(9, 9), dmsPut(1, 9), dmsPatch(1, 9), dmsDel(2, 9), dmsDel(3, 1), dmsPut(4, 10)]
    const counts = []
    for (const change of late) counts.push(totals(await write(change))[0])
    assert.deepEqual(counts, [0, 0, 0, 1, 0, 1])
    assert.deepEqual(alive(crate), ['1@5', '3@5', '4@10', '7@null'])
  })

  test(`${layout}: --on-reload sweep removes what is older than the floor, and no more`, async (t) => {
    const { crate, knows, write } = await openFilled(t, layout, 'sweep')
    await write(dmsPut(20, 20), dmsDel(21, 21), dmsDel(2, 6))
    // The floor alone sweeps nothing: it is the drop-table that does.
    knows({ ...FIRST, floor: '10' })
    await write(dmsPut(22, 22))
    assert.equal(alive(crate).length, 5)
    crate.refresh()
    assert.deepEqual(totals(await write(dmsPut(1, 12), dropTable(10), dmsPut(2, 9))), [2, 1])
    assert.deepEqual(alive(crate), ['1@12', '20@20', '22@22'])
    assert.deepEqual(totals(await write(dmsPut(21, 11), dmsPut(2, 11))), [1, 1])
    assert.deepEqual(alive(crate), ['1@12', '2@11', '20@20', '22@22'])
  })
}

/** `shop.orders` as the relay makes it, with one row. */
async function openMade(
  t: TestContext,
  onSchemaChange: 'add-only' | 'stop' | 'ignore',
  known = FIRST,
  data: { readonly note: string | number } = { note: 'one' },
): Promise<CrateRelay> {
  const relay = await openCrateRelay(t, { onSchemaChange })
  relay.knows(known)
  await relay.write(dmsPut(1, 1, { data }))
  return relay
}

/** `shop.orders` with three rows at version 5, and one that nobody knows the version of. */
async function openFilled(
  t: TestContext,
  layout: 'columns' | 'document',
  onReload: 'keep' | 'sweep',
): Promise<CrateRelay> {
  const relay = await openCrateRelay(t, { layout, onReload })
  relay.knows(FIRST)
  await relay.write(...[1, 2, 3].map((id) => dmsPut(id, 5, { data: { note: 'first' } })))
  relay.crate.query('INSERT INTO "shop"."orders" ("id") VALUES (7)')
  relay.crate.refresh()
  return relay
}

/** In order of their keys, which in the layout `document` are texts. */
const alive = (crate: Crate): string[] =>
  [...crate.query('SELECT "id", "cdc_version" FROM "shop"."orders_live"')]
    .sort((a, b) => Number(a.id) - Number(b.id))
    .map(({ id, cdc_version }) => `${id}@${cdc_version}`)

const columns = (crate: Crate): string[] =>
  lines(
    crate,
    `SELECT column_name, data_type FROM information_schema.columns
     WHERE table_schema = 'shop' AND table_name = 'orders' ORDER BY ordinal_position`,
  )
