import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../../../../src/change.ts'
import { del, dmsPatch, dmsPut, put, sourceTable } from '../../../support/changes.ts'
import type { CrateOptions } from '../../../support/crate/crate.ts'
import { rejection, totals } from '../../conformance.ts'
import { deadLetters, lines, openCrateRelay } from './test-relay.ts'

/** What the relay cannot know to be too much for a table: a member that somebody made a column of since it looked. */
const TABLE = `CREATE TABLE "doc"."orders" ("id" TEXT PRIMARY KEY, "data" OBJECT(DYNAMIC), "aux" OBJECT(IGNORED),
  "cdc_version" BIGINT, "cdc_deleted" BOOLEAN)`
const LATE = `ALTER TABLE "doc"."orders" ADD COLUMN "data"['late'] BIGINT`
const bad = (id: string, version = 2): Change => put(id, version, { data: { late: 'hunter2' }, sequence: id.slice(1) })
const good = (id: string, version = 2): Change => put(id, version, { data: { n: 1 }, sequence: id.slice(1) })
const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `k${i}`)

/** In an INSERT … SELECT CrateDB skips a row that does not fit, or raises an error: its documentation leaves it open. */
for (const badSelectedRow of ['skip', 'error'] as const) {
  const crate: CrateOptions = { badSelectedRow }

  test(`bad rows that the coordinator finds (${badSelectedRow}): first, in the middle, last; their neighbours are written`, async (t) => {
    const relay = await openCrateRelay(t, {}, { tables: [TABLE], crate })
    await relay.write(put('k0', 1))
    relay.crate.query(LATE)
    const places = new Set([0, 17, 18, 40])
    const changes = ids(41).map((id, i) => (places.has(i) ? bad(id) : good(id)))
    const written = await relay.write(...changes, good('k5', 3), del('k6', 3))
    const [applied, superseded] = totals(written)
    assert.deepEqual([applied + superseded, written.deadLettered], [39, 4])
    const found = lines(relay.crate, 'SELECT "id" FROM "doc"."orders_live" WHERE "cdc_version" > 1')
    const expected = ids(41).filter((_, i) => !places.has(i) && i !== 6)
    assert.deepEqual(found.sort(), expected.sort())
    const letters = deadLetters(relay.crate)
    assert.deepEqual(
      letters.map(({ code, sequence, version, after }) => ({ code, sequence, version, after })),
      [...places].map((i) => ({
        code: 'SINK_REFUSED',
        sequence: `${i}`,
        version: '2',
        after: { id: `k${i}`, late: 'hunter2' },
      })),
    )
    for (const { detail } of letters) {
      assert.equal(detail, 'CrateDB refused a row: a value cannot be cast to the type of its column (SQLSTATE XX000)')
    }
    // The next batch is written as any other.
    assert.deepEqual(totals(await relay.write(good('k17', 4))), [1, 0])
  })

  test(`--on-error stop (${badSelectedRow}): the position stays, and the message tells no value`, async (t) => {
    const relay = await openCrateRelay(t, { onError: 'stop' }, { tables: [TABLE], crate })
    await relay.write(put('k0', 1))
    relay.crate.query(LATE)
    const before = lines(relay.crate, 'SELECT "positions" FROM "cdc_relay"."relays"')
    const failure = await rejection(relay.write(good('k1'), bad('k2'), good('k3')), 'SINK_REFUSED')
    assert.match(failure.message, /a value cannot be cast to the type of its column.*sequence 2/)
    assert.doesNotMatch(`${failure.message} ${failure.stack} ${String(failure.cause)}`, /hunter2/)
    assert.deepEqual(deadLetters(relay.crate), [])
    assert.deepEqual(lines(relay.crate, 'SELECT "positions" FROM "cdc_relay"."relays"'), before)
  })
}

const TABLE_OF = (
  note: string,
  key = ' PRIMARY KEY',
) => `CREATE TABLE "shop"."orders" ("id" INTEGER${key}, "note" ${note},
  "qty" INTEGER, "o" OBJECT(IGNORED), "cdc_version" BIGINT, "cdc_deleted" BOOLEAN, "cdc_extra" OBJECT(IGNORED))`
const KNOWN = sourceTable({})
const LONG = 'hunter2'.repeat(5_000)

test('a text that is too long, of which CrateDB says nothing: its shard finds it, in a table that was made anew', async (t) => {
  const first = TABLE_OF('TEXT INDEX OFF STORAGE WITH (columnstore = false)')
  const { crate, knows, write } = await openCrateRelay(t, {}, { tables: [first] })
  knows(KNOWN)
  await write(dmsPut(1, 1, { data: { note: LONG } }))
  crate.query('DROP TABLE "shop"."orders"')
  crate.query(TABLE_OF('TEXT'))
  const changes = [1, 2, 3].map((id) => dmsPut(id, 2, { data: { note: id === 2 ? LONG : 'x' }, sequence: `${id}` }))
  const written = await write(...changes, dmsPatch(3, 3, { data: { note: LONG }, sequence: '4' }))
  assert.deepEqual([totals(written), written.deadLettered], [[2, 0], 2])
  assert.deepEqual(lines(crate, 'SELECT "id", "note" FROM "shop"."orders" ORDER BY "id"'), ['1 x', '3 x'])
  for (const { detail } of deadLetters(crate)) {
    assert.equal(detail, 'CrateDB refused a row: a text is too long for its column (SQLSTATE XX000)')
  }
})

test('a table whose columns are at their limit is told of, and no row is to blame', async (t) => {
  const { crate, write } = await openCrateRelay(t, { objects: 'dynamic' })
  await write(good('k0'))
  crate.settings.columnLimit = 5
  const failure = await rejection(write(put('k1', 2, { data: { more: 1 } })), 'SINK_TABLE')
  assert.match(failure.detail, /Limit of total columns \[5\] in table \[doc\.orders\] exceeded/)
})

test('a table that takes none of more than a hundred rows looks wrong itself', async (t) => {
  const { crate, write } = await openCrateRelay(t, {}, { tables: [TABLE] })
  await write(put('k0', 1))
  crate.query(LATE)
  let next = 1
  const batch = (goods: number, bads: number): Change[] =>
    Array.from({ length: goods + bads }, (_, i) => (i < goods ? good : bad)(`k${next++}`))
  assert.equal((await write(...batch(0, 100))).deadLettered, 100)
  assert.equal((await write(...batch(1, 101))).deadLettered, 101)
  const before = lines(crate, 'SELECT "positions" FROM "cdc_relay"."relays"')
  const failure = await rejection(write(...batch(0, 101)), 'TOO_MANY_REFUSED')
  assert.match(failure.message, /All 101 changes of one batch are refused, each because: CrateDB refused/)
  assert.equal(deadLetters(crate).length, 201)
  assert.deepEqual(lines(crate, 'SELECT "positions" FROM "cdc_relay"."relays"'), before)
})

test('several tables in a batch: each keeps its own', async (t) => {
  const tables = ['orders', 'others', 'third']
  const { crate, write } = await openCrateRelay(t, {}, { tables: tables.map((name) => TABLE.replace('orders', name)) })
  await write(...tables.map((table) => put('k0', 1, { table })))
  for (const name of tables.slice(0, 2)) crate.query(LATE.replace('orders', name))
  const changes = tables.flatMap((table, i) =>
    ['k1', 'k2', 'k3'].map((id, k) => ({
      ...(k === i && i < 2 ? bad(id) : good(id)),
      table: { schema: null, name: table },
    })),
  )
  const written = await write(...changes)
  assert.deepEqual([...written.tables].sort(), [
    ['orders', { applied: 2, superseded: 0 }],
    ['others', { applied: 2, superseded: 0 }],
    ['third', { applied: 3, superseded: 0 }],
  ])
  assert.deepEqual(lines(crate, 'SELECT "source" FROM "cdc_relay"."dead_letters" ORDER BY "source"'), [
    'orders',
    'others',
  ])
})

test('a table with a column that must not be null is refused: a deleted row could not stay there', async (t) => {
  const { knows, write } = await openCrateRelay(t, {}, { tables: [TABLE_OF('TEXT NOT NULL')] })
  knows(KNOWN)
  const failure = await rejection(write(dmsPut(1, 1, { data: { note: 'x' } })), 'SINK_TABLE')
  assert.match(failure.detail, /column "note" is NOT NULL, and the relay leaves it empty/)
})

for (const layout of ['columns', 'document'] as const) {
  test(`${layout}: a key of more than 32,765 bytes is a dead letter, one of just so many is not`, async (t) => {
    const { crate, write } = await openCrateRelay(t, { layout })
    const most = `x${'ä'.repeat(16_382)}`
    const written = await write(
      put(most, 1, { sequence: '1' }),
      put(`${most}x`, 1, { sequence: '2' }),
      del(LONG, 1, { sequence: '3' }),
      put('a', 1, { sequence: '4' }),
    )
    assert.deepEqual([totals(written), written.deadLettered], [[2, 0], 2])
    assert.deepEqual(
      crate
        .query('SELECT "id" FROM "doc"."orders"')
        .map(({ id }) => id)
        .sort(),
      ['a', most].sort(),
    )
    for (const { detail } of deadLetters(crate)) {
      assert.match(
        detail,
        /The key of table orders is too long|Key column "id" of table orders, text, cannot hold the key/,
      )
      assert.doesNotMatch(detail, /hunter2|ä/)
    }
  })
}

/** Tables that somebody else made without a key: a row that is written twice is there twice. */
const KEYLESS = sourceTable({}, { key: [] })
const insert = (id: number, note: string, sequence = `${id}`): Change => ({
  ...dmsPut(id, 1, { data: { note, qty: id % 3, o: '{"b": 1, "a": [1.0]}' }, sequence }),
  key: null,
})

for (const badSelectedRow of ['skip', 'error'] as const) {
  test(`without key (${badSelectedRow}): the healthy rows are written once, the bad ones are dead letters`, async (t) => {
    const tables = [TABLE_OF('TEXT', '')]
    const { crate, knows, write } = await openCrateRelay(t, {}, { tables, crate: { badSelectedRow } })
    knows(KEYLESS)
    await write(insert(0, 'x'))
    crate.query('DROP TABLE "shop"."orders"')
    crate.query(TABLE_OF('INTEGER', ''))
    // Equal rows are rows of their own.
    const bads = [insert(2, 'hunter2'), insert(5, 'hunter2')]
    const written = await write(insert(1, '1'), bads[0]!, insert(3, '3'), insert(3, '3', '4'), bads[1]!, insert(6, '6'))
    assert.deepEqual([totals(written), written.deadLettered], [[4, 0], 2])
    assert.deepEqual(lines(crate, 'SELECT "id", "note" FROM "shop"."orders" ORDER BY "id"'), [
      '1 1',
      '3 3',
      '3 3',
      '6 6',
    ])
    assert.deepEqual(
      deadLetters(crate).map(({ sequence }) => sequence),
      ['2', '5'],
    )
  })
}

test('without key: a shard that did not answer costs no row, and repeats none', async (t) => {
  const { crate, knows, write } = await openCrateRelay(t, {}, { tables: [TABLE_OF('TEXT', '')] })
  knows(KEYLESS)
  crate.faults.next({ kind: 'lost-shard' }, { matching: /INSERT INTO "shop"/ })
  const rows = Array.from({ length: 40 }, (_, i) => insert(i, `${i}`))
  const written = await write(...rows)
  assert.deepEqual([totals(written), written.deadLettered], [[40, 0], 0])
  const found = lines(crate, 'SELECT "id" FROM "shop"."orders" ORDER BY "id"')
  assert.deepEqual(
    found,
    rows.map((_, id) => `${id}`),
  )
})

for (const badSelectedRow of ['skip', 'error'] as const) {
  test(`append to one column of documents (${badSelectedRow}): the healthy records lie there once`, async (t) => {
    const tables = ['CREATE TABLE "doc"."orders" ("data" OBJECT(DYNAMIC), "aux" OBJECT(IGNORED))']
    const options = { mode: 'append' } as const
    const { crate, write } = await openCrateRelay(t, options, { tables, crate: { badSelectedRow } })
    await write(put('k0', 1, { sequence: '0' }))
    crate.query(`ALTER TABLE "doc"."orders" ADD COLUMN "data"['after']['late'] BIGINT`)
    const written = await write(good('k1'), bad('k2'), good('k3'), bad('k4'), good('k5'))
    assert.deepEqual([totals(written), written.deadLettered], [[3, 0], 2])
    assert.deepEqual(lines(crate, `SELECT "data"['key']['id'] AS id FROM "doc"."orders" ORDER BY id`), [
      'k0',
      'k1',
      'k3',
      'k5',
    ])
    assert.deepEqual(
      deadLetters(crate).map(({ sequence }) => sequence),
      ['2', '4'],
    )
  })
}

test('append to one column of documents: a shard that did not answer costs no record, and repeats none', async (t) => {
  const { crate, write } = await openCrateRelay(
    t,
    { mode: 'append' },
    { tables: ['CREATE TABLE "doc"."orders" ("data" OBJECT(DYNAMIC))'] },
  )
  crate.faults.next({ kind: 'lost-shard' }, { matching: /INSERT INTO "doc"/ })
  // Of one content but for their place.
  const changes = ids(40).map((id) => put('a', 1, { data: { list: [1, 'x'] }, sequence: id.slice(1) }))
  assert.deepEqual(totals(await write(...changes)), [40, 0])
  const found = lines(crate, `SELECT "data"['source']['sequence'] AS s FROM "doc"."orders"`)
  assert.deepEqual(found.sort(), changes.map(({ source }) => source.sequence).sort())
})
