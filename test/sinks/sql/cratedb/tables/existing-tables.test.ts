import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Numeric } from '../../../../../src/change.ts'
import type { SqlSinkOptions } from '../../../../../src/sinks/sql/sink-options.ts'
import { del, dmsPut, put, row, sourceTable } from '../../../../support/changes.ts'
import type { CrateOptions } from '../../../../support/crate/crate.ts'
import { parse } from '../../../../support/crate/grammar.ts'
import { REAL_CRATE } from '../../../../support/crate/real-crate.ts'
import { rejection, totals } from '../../../conformance/answers.ts'
import { type CrateRelay, openCrateRelay } from '../test-relay.ts'

/** Over tables that are there, in the feed's own layout. */
async function openOver(
  t: TestContext,
  tables: readonly string[],
  options: Partial<SqlSinkOptions> = {},
  crate: CrateOptions = {},
): Promise<CrateRelay> {
  const relay = await openCrateRelay(t, options, { tables, crate })
  relay.knows(KEYLESS)
  return relay
}

const KEYLESS = sourceTable({ id: 'int32', note: 'text' }, { key: [] })
const TOOLKIT = `CREATE TABLE "doc"."orders" ("pk" OBJECT(STRICT) AS ("id" TEXT PRIMARY KEY, "n" BIGINT PRIMARY KEY),
  "data" OBJECT(DYNAMIC), "aux" OBJECT(IGNORED))`
const pair = (id: string, n: number) => ({ key: { id, n } })

test('a table of the toolkit is mirrored into as it is', async (t) => {
  const { crate, write } = await openOver(t, [TOOLKIT])
  const data = { temperature: 42.42, count: 5, tags: [1, 'x'], big: new Numeric('36893488147419103232') }
  await write(put(null, 2, { ...pair('a', 1), data }), put(null, 2, pair('a', 2)), del(null, 3, pair('b"\'\\', 1)))
  await write(put(null, 1, pair('a', 1)), put(null, 2, pair('b"\'\\', 1)))
  const rows = crate.query(
    `SELECT "pk", "data", "aux", "cdc_version", "cdc_deleted" FROM "doc"."orders" ORDER BY 4, "pk"['n']`,
  )
  const plain = JSON.parse(JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? Number(value) : value)))
  assert.deepEqual(plain, [
    {
      pk: { id: 'a', n: 1 },
      data: { temperature: 42.42, count: 5 },
      aux: { tags: [1, 'x'], big: '36893488147419103232', cdc_numbers: ['/big'] },
      cdc_version: 2,
      cdc_deleted: false,
    },
    { pk: { id: 'a', n: 2 }, data: { at: 2 }, aux: null, cdc_version: 2, cdc_deleted: false },
    { pk: { id: 'b"\'\\', n: 1 }, data: null, aux: null, cdc_version: 3, cdc_deleted: true },
  ])
  assert.equal(crate.query('SELECT * FROM "doc"."orders_live"').length, 2)
})

test('a table of the toolkit with another key is refused, and with --create-tables never the message has the ALTER', async (t) => {
  const other = await openOver(t, [TOOLKIT])
  const failure = await rejection(other.write(put('a', 1)), 'SINK_TABLE')
  assert.match(failure.detail, /its primary key is \(pk\['id'\], pk\['n'\]\), where \(pk\['id'\]\) is needed/)
  const never = await openOver(t, [TOOLKIT], { createTables: 'never' })
  const told = await rejection(never.write(put(null, 1, pair('a', 1))), 'SINK_TABLE')
  assert.match(told.detail, /ALTER TABLE "doc"."orders" ADD COLUMN "cdc_version" BIGINT/)
})

for (const crateVersion of ['6.0.4', '6.4.3']) {
  test(`CrateDB ${crateVersion}: what must not be null would refuse a deleted row, so such a table is refused at once`, async (t) => {
    const own = '"cdc_version" BIGINT, "cdc_deleted" BOOLEAN'
    for (const [layout, column, told] of [
      ['columns', '"note" TEXT NOT NULL', 'column "note" is NOT NULL'],
      ['columns', '"other" OBJECT(DYNAMIC) AS ("x" TEXT NOT NULL)', "other['x'] is NOT NULL"],
      ['document', '"data" OBJECT(IGNORED), "note" TEXT NOT NULL', 'column "note" is NOT NULL'],
      ['document', '"data" OBJECT(DYNAMIC) AS ("x" TEXT NOT NULL)', "data['x'] is NOT NULL"],
    ] as const) {
      const table = `CREATE TABLE "doc"."orders" ("id" TEXT PRIMARY KEY, ${column}, ${own})`
      const relay = await openOver(t, [table], { layout }, { crateVersion })
      const { detail } = await rejection(relay.write(put('a', 1, { data: { note: 'x' } })), 'SINK_TABLE')
      assert.ok(detail.includes(`${told}, and the relay leaves it empty`), detail)
      assert.doesNotMatch(detail, /"id" is NOT NULL/)
    }
  })
}

const DOCUMENTS = 'CREATE TABLE "doc"."orders" ("data" OBJECT(DYNAMIC))'

test('a table of one column without key: append takes it, mirror tells how to move it', async (t) => {
  const log = await openOver(t, [DOCUMENTS], { mode: 'append' })
  const written = await log.write(put('a', 1), put('b', 2, { data: { list: [1, 'x'] } }), del('a', 3))
  assert.deepEqual(totals(written), [3, 0])
  const rows = log.crate.query(
    `SELECT "data"['op'] AS op, "data"['key']['id'] AS id, "aux" FROM "doc"."orders" ORDER BY 2, 1 DESC`,
  )
  assert.deepEqual(
    rows.map(({ op, id, aux }) => [op, id, aux === null ? null : Object.keys(aux as object)]),
    [
      ['insert', 'a', null],
      ['delete', 'a', null],
      ['insert', 'b', ['after']],
    ],
  )

  const mirror = await openOver(t, [DOCUMENTS])
  const failure = await rejection(mirror.write(put(1, 1)), 'SINK_TABLE')
  const fix = /key: (CREATE TABLE .*);$/m.exec(failure.detail)![1]!
  assert.match(
    fix,
    /"data" OBJECT\(DYNAMIC\).*PRIMARY KEY \("id"\).*INSERT INTO "doc"."orders_keyed" .*SELECT .*ALTER CLUSTER SWAP/,
  )
  for (const statement of fix.split(';')) assert.equal(parse(statement).length, 1)
  assert.deepEqual(
    mirror.crate.query(
      "SELECT column_name FROM information_schema.columns WHERE table_schema = 'doc' AND table_name = 'orders'",
    ),
    [{ column_name: 'data' }],
  )
})

test('rows that CrateDB refuses are found, and the others written; a shard that did not answer costs no row', async (t) => {
  const table =
    'CREATE TABLE "doc"."orders" ("id" TEXT PRIMARY KEY, "data" OBJECT(DYNAMIC) AS ("n" BIGINT), "aux" OBJECT(IGNORED), "cdc_version" BIGINT, "cdc_deleted" BOOLEAN)'
  const refusal: CrateOptions['refusal'] = (_, row) =>
    row.get('id') === 'id 7' && row.get('cdc_version') === 2n ? 'Failed CONSTRAINT' : null
  const { crate, write } = await openOver(t, [table], {}, { refusal })
  crate.faults.next({ kind: 'lost-shard' }, { matching: /INSERT INTO "doc"/ })
  const ids = Array.from({ length: 50 }, (_, i) => `id ${i}`)
  const first = await write(...ids.map((id) => put(id, 1, { data: { x: 1 } })))
  assert.deepEqual([totals(first), first.deadLettered], [[50, 0], 0])
  const second = await write(...ids.map((id) => put(id, 2, { data: { late: null } })))
  assert.deepEqual([totals(second), second.deadLettered], [[49, 0], 1])
  assert.equal(crate.query('SELECT "id" FROM "doc"."orders" WHERE "cdc_version" = 2').length, 49)
})

test('rows that a CHECK of the table refuses are found, and the others written', {
  skip: REAL_CRATE === undefined && 'the stand-in has no CHECK',
}, async (t) => {
  const own = '"cdc_version" BIGINT, "cdc_deleted" BOOLEAN'
  const { crate, write } = await openOver(t, [
    `CREATE TABLE "doc"."orders" ("id" TEXT PRIMARY KEY CHECK ("id" <> 'id 7'), "data" OBJECT(IGNORED), ${own})`,
  ])
  const ids = Array.from({ length: 50 }, (_, i) => `id ${i}`)
  const written = await write(...ids.map((id) => put(id, 2, { data: { x: 1 } })))
  assert.deepEqual([totals(written), written.deadLettered], [[49, 0], 1])
  const stored = crate.query('SELECT "id" FROM "doc"."orders" WHERE "cdc_version" = 2').map(({ id }) => id)
  assert.deepEqual(stored.sort(), ids.filter((id) => id !== 'id 7').sort())
})

test('without key: a repeated record is one row in a table of the relay, and told apart by its place', async (t) => {
  const { crate, write } = await openOver(t, [], { layout: 'columns' })
  const insert = (sequence: string) => ({ ...dmsPut(1, 5, { data: { note: 'x' }, sequence }), key: null })
  await write(insert('7'), insert('8'))
  await write(insert('7'), { ...insert('9'), after: row({ id: 2, note: null }) })
  assert.deepEqual(
    crate.query('SELECT "cdc_origin" FROM "shop"."orders" ORDER BY 1').map(({ cdc_origin }) => cdc_origin),
    ['changes/shard-0/7', 'changes/shard-0/8', 'changes/shard-0/9'],
  )
})

test('a log: the same batch again changes nothing', async (t) => {
  const { crate, write } = await openOver(t, [], { mode: 'append' })
  for (let i = 0; i < 2; i++) await write(put('a', 1_720_742_302_233_719), put('a', 2))
  const rows = crate.query('SELECT "sequence", "time", "sub_sequence" FROM "doc"."orders"')
  assert.deepEqual(
    rows.map(({ sequence, sub_sequence }) => [sequence, sub_sequence]),
    [
      ['1720742302233719', -1n],
      ['2', -1n],
    ],
  )
})

test('texts over 32,766 bytes, odd names and 38 digits survive in both layouts', async (t) => {
  for (const layout of ['columns', 'document'] as const) {
    const { crate, write } = await openOver(t, [], { layout })
    const long = `${'ä'.repeat(20_000)} "\\`
    await write(
      put('a', 1, { data: { long, 'a.b["c"]': 1, n: new Numeric('12345678901234567890123456789012345678') } }),
    )
    const [found] = crate.query(`SELECT ${layout === 'columns' ? '"cdc_extra"' : '"data"'} AS o FROM "doc"."orders"`)
    const { long: held, n } = found!.o as { long: string; n: string }
    assert.deepEqual([held, n], [long, '12345678901234567890123456789012345678'])
  }
})
