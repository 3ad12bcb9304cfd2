import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../../../../src/change.ts'
import { del, dmsPatch, dmsPut, put, sourceTable } from '../../../support/changes.ts'
import type { Crate, CrateOptions } from '../../../support/crate/crate.ts'
import { onStandInOnly } from '../../../support/crate/real-crate.ts'
import { writeJson } from '../../../support/crate/values.ts'
import { rejection, totals } from '../../conformance/answers.ts'
import { deadLetters, lines, openCrateRelay } from './test-relay.ts'

const TABLE = `CREATE TABLE "doc"."orders" ("id" TEXT PRIMARY KEY, "data" OBJECT(DYNAMIC), "aux" OBJECT(IGNORED),
  "cdc_version" BIGINT, "cdc_deleted" BOOLEAN)`
/** Somebody made a column of a member since the relay looked. */
const LATE = `ALTER TABLE "doc"."orders" ADD COLUMN "data"['late'] BIGINT`
const bad = (id: string, version = 2): Change => put(id, version, { data: { late: 'hunter2' }, sequence: id.slice(1) })
const good = (id: string, version = 2): Change => put(id, version, { data: { n: 1 }, sequence: id.slice(1) })
const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `k${i}`)

/** What the relay cannot know: a table that refuses rows which hold this, wherever it stands. */
const refusing = (words: string): NonNullable<CrateOptions['refusal']> => {
  return (table, row) => (!table.includes('letters') && writeJson(new Map(row)).includes('hunter2') ? words : null)
}
const CONSTRAINT = "Failed CONSTRAINT orders_check CHECK (\"data\"['late'] <> 'hunter2') for values: [k, hunter2]"

/** In an INSERT … SELECT CrateDB skips a row that does not fit, or raises an error: its documentation leaves it open. */
for (const badSelectedRow of ['skip', 'error'] as const) {
  const crate: CrateOptions = { badSelectedRow, refusal: refusing(CONSTRAINT) }

  test(`bad rows that the coordinator finds (${badSelectedRow}): first, in the middle, last; their neighbours are written`, async (t) => {
    const relay = await openCrateRelay(t, {}, { tables: [TABLE], crate })
    await relay.write(put('k0', 1))
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
      assert.equal(detail, 'CrateDB refused a row: a CHECK constraint of the table does not hold (SQLSTATE XX000)')
    }
    // The next batch is written as any other.
    assert.deepEqual(totals(await relay.write(good('k17', 4))), [1, 0])
  })

  test(`--on-error stop (${badSelectedRow}): the position stays, and the message tells no value`, async (t) => {
    const relay = await openCrateRelay(t, { onError: 'stop' }, { tables: [TABLE], crate })
    await relay.write(put('k0', 1))
    const before = lines(relay.crate, 'SELECT "positions" FROM "cdc_relay"."relays"')
    const failure = await rejection(relay.write(good('k1'), bad('k2'), good('k3')), 'SINK_REFUSED')
    assert.match(failure.message, /a CHECK constraint of the table does not hold.*sequence 2/)
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

test('a text that is too long, of which CrateDB says nothing: its shard finds it, in a table that was made again', async (t) => {
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

test('a table whose columns are at a limit of its own: what would be one more lies in aux', {
  skip: onStandInOnly('a limit that falls meanwhile'),
}, async (t) => {
  const { crate, write } = await openCrateRelay(t, { objects: 'dynamic' })
  await write(good('k0'))
  crate.settings.columnLimit = 5
  const changes = ids(60).map((id, i) => put(id, 2, { data: i % 2 === 0 ? { n: 1, more: 1 } : { n: 1 } }))
  assert.deepEqual(totals(await write(...changes)), [60, 0])
  assert.deepEqual(deadLetters(crate), [])
  const found = crate.query('SELECT "data", "aux" FROM "doc"."orders"') as { data: object; aux: object | null }[]
  assert.equal(found.filter(({ aux }) => aux !== null).length, 30)
})

for (const badSelectedRow of ['skip', 'error'] as const) {
  test(`a member that somebody made a column of (${badSelectedRow}): its values lie in aux, and its table is looked at again`, async (t) => {
    const relay = await openCrateRelay(t, {}, { tables: [TABLE], crate: { badSelectedRow } })
    await relay.write(put('k0', 1))
    relay.crate.query(LATE)
    const before = upserts(relay.crate)
    const changes = ids(200).map((id, i) => (i % 5 < 2 ? bad(id) : good(id)))
    assert.deepEqual([totals(await relay.write(...changes)), deadLetters(relay.crate)], [[200, 0], []])
    // What is raised as an error is looked for by halving.
    if (badSelectedRow === 'skip') assert.ok(upserts(relay.crate) - before < 20)
    const seen = () => lines(relay.crate, `SELECT "data", "aux" FROM "doc"."orders" WHERE "id" = 'k1'`)
    assert.deepEqual(seen(), ['{} {"id":"k1","late":"hunter2"}'])
    // By now it is known what the column takes.
    const middle = upserts(relay.crate)
    await relay.write(...changes.map((one) => ({ ...one, version: '3' })))
    assert.equal(upserts(relay.crate) - middle, 1)
    assert.deepEqual(seen(), ['{"id":"k1"} {"late":"hunter2"}'])
  })
}

const upserts = ({ executed }: Crate): number => executed.filter(({ text }) => /^INSERT INTO "doc"/.test(text)).length

/** What versions 5.10 and 6.4 were seen to say of a row, and what nobody has seen. */
const WORDS = [
  'For input string: "hunter2"',
  'Value out of range. Value:"hunter2" Radix:10',
  'Invalid format: "hunter2"',
  'illegal syntax',
  'Character h is neither a decimal digit number, decimal point, nor "e" notation exponential mark.',
  'Invalid UUID string: hunter2',
  'Limit of max column depth [100] in table [orders] exceeded',
  '/ by zero',
  'Cannot cast value `hunter2` to type `integer`',
  'Cannot invoke "io.crate.metadata.ColumnIdent.isChildOf(io.crate.metadata.ColumnIdent)" because "columnIdent" is null',
  'Something that nobody has heard before: hunter2',
  'Odd value "no master, blocked by: hunter2, primary shard is not active"',
] as const

for (const words of WORDS) {
  for (const mode of ['document', 'columns', 'append'] as const) {
    test(`${mode}: a row is refused with the words ${words.slice(0, 50)}, at once and whatever they are`, async (t) => {
      const options = mode === 'append' ? { mode } : { layout: mode }
      const { crate, write } = await openCrateRelay(t, options, { crate: { refusal: refusing(words) } })
      const rows = (version: number) =>
        ids(30).map((id, i) =>
          put(id, version, { data: { s: i % 7 === 3 ? 'hunter2' : 'x' }, sequence: `${version}${i}` }),
        )
      for (const version of [1, 2]) {
        const written = await write(...rows(version))
        assert.deepEqual([totals(written), written.deadLettered], [[26, 0], 4])
      }
      const [alone] = rows(3).slice(3)
      assert.equal((await write(alone!)).deadLettered, 1)
      assert.equal(
        lines(crate, `SELECT "${mode === 'append' ? 'sequence' : 'id'}" FROM "doc"."orders"`).length,
        mode === 'append' ? 52 : 26,
      )
      for (const { code, detail } of deadLetters(crate)) {
        assert.equal(code, 'SINK_REFUSED')
        assert.doesNotMatch(detail, /hunter2/)
      }
    })
  }
}

for (const layout of ['document', 'columns'] as const) {
  test(`${layout}: many rows are refused, each for itself; behind one that is refused an older one of its key is taken`, async (t) => {
    const { crate, write } = await openCrateRelay(t, { layout }, { crate: { refusal: refusing('Odd: hunter2') } })
    const of = (id: string, version: number, s: string) =>
      put(id, version, { data: { s }, sequence: `${version}${id.slice(1)}` })
    await write(of('k0', 1, 'x'))
    const before = upserts(crate)
    const some = await write(...ids(500).map((id, i) => of(id, 2, i % 5 === 3 ? 'hunter2' : 'x')))
    assert.deepEqual([totals(some), some.deadLettered], [[400, 0], 100])
    // All, those that fail again, and each of these alone, twice.
    assert.equal(upserts(crate) - before, 202)

    const two = await write(of('k900', 1, 'x'), of('k901', 1, 'x'), of('k900', 2, 'hunter2'), of('k902', 1, 'x'))
    assert.deepEqual([totals(two), two.deadLettered], [[3, 0], 1])
    const found = lines(crate, `SELECT "id" FROM "doc"."orders" WHERE "cdc_version" = 1`)
    assert.deepEqual(found.sort(), ['k900', 'k901', 'k902'])
  })
}

test('partial images that are refused are known each for itself, too', async (t) => {
  const { crate, knows, write } = await openCrateRelay(t, {}, { crate: { refusal: refusing('Odd: hunter2') } })
  knows(sourceTable({ note: 'text', qty: 'int32' }))
  const numbers = Array.from({ length: 100 }, (_, i) => i)
  await write(...numbers.map((id) => dmsPut(id, 1, { data: { note: 'x', qty: id } })))
  const count = () => crate.executed.filter(({ text }) => /^INSERT INTO "shop"/.test(text)).length
  const before = count()
  const patches = numbers.map((id) =>
    dmsPatch(id, 2, { data: { note: id % 5 === 3 ? 'hunter2' : 'y' }, sequence: `${id}` }),
  )
  const written = await write(...patches)
  assert.deepEqual([totals(written), written.deadLettered], [[80, 0], 20])
  assert.equal(count() - before, 42)
  const found = lines(crate, `SELECT "id", "qty" FROM "shop"."orders" WHERE "note" = 'y'`)
  assert.deepEqual(
    found.sort(),
    numbers
      .filter((id) => id % 5 !== 3)
      .map((id) => `${id} ${id}`)
      .sort(),
  )
})

test('--on-error stop: words that are not known end the run in front of the row, without its values', async (t) => {
  const crate = { refusal: refusing('Odd: hunter2') }
  const { write } = await openCrateRelay(t, { onError: 'stop' }, { crate })
  const failure = await rejection(write(good('k1'), bad('k2'), good('k3')), 'SINK_REFUSED')
  assert.match(failure.message, /in words that the relay does not know.*sequence 2/)
  assert.doesNotMatch(`${failure.message} ${failure.stack} ${String(failure.cause)}`, /hunter2/)
})

test('a table that takes none of more than a hundred rows looks wrong itself', async (t) => {
  const { crate, write } = await openCrateRelay(t, {}, { crate: { refusal: refusing(CONSTRAINT) } })
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
  const { crate, write } = await openCrateRelay(t, {}, { crate: { refusal: refusing(CONSTRAINT) } })
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

test('without key: a table that is gone makes no dead letters', async (t) => {
  const { crate, knows, write } = await openCrateRelay(t, { createTables: 'never' }, { tables: [TABLE_OF('TEXT', '')] })
  knows(KEYLESS)
  await write(insert(0, 'x'))
  crate.query('DROP TABLE "shop"."orders"')
  await rejection(write(insert(1, 'x'), insert(2, 'x')), 'SINK_TABLE')
  assert.deepEqual(deadLetters(crate), [])
})

test('without key: a member that somebody made a column of: each row is there once, its object in cdc_extra', async (t) => {
  const table = TABLE_OF('OBJECT(DYNAMIC)', '')
  const { crate, knows, write } = await openCrateRelay(t, {}, { tables: [table] })
  knows(sourceTable({ note: 'json' }, { key: [] }))
  await write(insert(0, '{"a":1}'))
  crate.query(`ALTER TABLE "shop"."orders" ADD COLUMN "note"['late'] BIGINT`)
  const notes = ['{"late":"x"}', '{"a":2}', '{"late":"x"}', '{"late":"y"}', '{"a":3}']
  const written = await write(...notes.map((note, i) => insert(i + 1, note)))
  assert.deepEqual([totals(written), written.deadLettered], [[5, 0], 0])
  assert.equal(written.setAside?.get('shop.orders')?.get('note')?.count, 3)
  const found = lines(crate, 'SELECT "id", "note", "cdc_extra" FROM "shop"."orders" ORDER BY "id"')
  assert.deepEqual(
    found.map((line) => line.slice(0, 8)),
    ['0 {"a":1', '1 null {', '2 {"a":2', '3 null {', '4 null {', '5 {"a":3'],
  )
})

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
