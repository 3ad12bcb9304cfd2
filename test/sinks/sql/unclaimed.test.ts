import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Batch, Written } from '../../../src/batch.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { connect } from '../../../src/sinks/sql/connect.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink-options.ts'
import { sqlStateStore } from '../../../src/sinks/sql/state-store.ts'
import {
  at,
  batchOf,
  canonicalJson,
  claimOf,
  dmsPut,
  dropTable,
  knownTables,
  put,
  SHOP_ORDERS,
  sourceTable,
  unclaimedOf,
} from '../../support/changes.ts'
import { startCrate } from '../../support/crate/crate.ts'
import { greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { cratePlace } from '../../support/targets/crate-target.ts'
import { rowsBy, sqlSinkOf } from '../../support/targets/sql-target.ts'
import { rejection, totals } from '../conformance/answers.ts'

const signal = (): AbortSignal => AbortSignal.timeout(30_000)
const ORDERS = { schema: null, name: 'orders' }

const places = [
  {
    name: 'postgresql',
    deletes: 'hard' as const,
    async open() {
      const { url, query, drop } = await testDatabase()
      return { url, sink: sqlSinkOf, rows: rowsBy((text) => query(text)), close: drop }
    },
  },
  { name: 'cratedb', deletes: 'soft' as const, open: () => cratePlace(null) },
]

for (const { name, deletes, open } of places) {
  test(`${name}: a column that another process met is emptied by images that lack it`, async (t) => {
    const place = await open()
    t.after(place.close)
    const how = { layout: 'columns', deletes } as const
    const [one, two] = await processes(t, place.sink, { url: place.url, ...how }, 'mirror')
    await write(two, { changes: [put('x', 1, { data: { a: 1 } })] })
    await write(one, { changes: [put('k', 1, { data: { a: 1, late: 'text' } })] })
    await write(two, { changes: [put('k', 2, { data: { a: 2 } })] })
    const rows = await place.rows(ORDERS, how)
    const expected = ['{"a":1,"id":"x"}', '{"a":2,"id":"k"}']
    assert.deepEqual(rows.map(({ data }) => canonicalJson(data)).sort(), expected)
  })

  test(`${name}: a relay whose name is given to an engine stops at its next batch, and says who has it`, async (t) => {
    const place = await open()
    t.after(place.close)
    const relay = place.sink({ url: place.url, deletes })
    t.after(() => relay.close())
    await relay.open(claimOf(), signal())
    await write(relay, { changes: [put('a', 1)], positions: at({ 'shard-0': '1' }) })
    const [one] = await processes(t, place.sink, { url: place.url, deletes }, 'mirror', true)
    const late = write(relay, { changes: [put('b', 2)], positions: at({ 'shard-0': '2' }) })
    assert.match((await rejection(late, 'STATE_HELD')).message, /an engine \(Lambda, KCL\)/)
    assert.deepEqual(totals(await write(one, { changes: [put('c', 3)] })), [1, 0])
  })

  test(`${name}: a floor that another process learned holds for all, and the caller gets it`, async (t) => {
    const place = await open()
    t.after(place.close)
    const how = { layout: 'columns', deletes } as const
    const [one, two] = await processes(t, place.sink, { url: place.url, ...how }, 'mirror')
    const tables = (floor: string | null) => knownTables(sourceTable({ id: 'text', at: 'int64' }, { floor }))
    await write(two, { changes: [dmsPut('a', 5)], tables: tables(null) })
    const facts = new Map([['table shop.orders', '{"version":1,"floor":"10"}']])
    await write(one, { changes: [dropTable(10), dmsPut('b', 11)], tables: tables('10'), facts })
    const late = await write(two, { changes: [dmsPut('c', 9), dmsPut('d', 12)], tables: tables(null) })
    assert.deepEqual(totals(late), [1, 1])
    assert.deepEqual(late.facts, facts)
    const rows = await place.rows(SHOP_ORDERS, how)
    assert.deepEqual(rows.map(({ key }) => key.id).sort(), ['a', 'b', 'd'])
    assert.equal((await write(two, { changes: [dmsPut('e', 13)], tables: tables('10') })).facts, undefined)
  })

  test(`${name}: a floor that another process learned holds for a batch that was prepared before, too`, async (t) => {
    const place = await open()
    t.after(place.close)
    const how = { layout: 'columns', deletes } as const
    const [one, two] = await processes(t, place.sink, { url: place.url, ...how }, 'mirror')
    const tables = (floor: string | null) => knownTables(sourceTable({ id: 'text', at: 'int64' }, { floor }))
    await write(two, { changes: [dmsPut('a', 5)], tables: tables(null) })
    const [before, after] = [[dmsPut('b', 6)], [dmsPut('c', 9), dmsPut('d', 12)]].map((changes) =>
      two.prepare(batchOf({ changes, tables: tables(null) })),
    )
    const facts = new Map([['table shop.orders', '{"version":1,"floor":"10"}']])
    await write(one, { changes: [dropTable(10)], tables: tables('10'), facts })
    assert.deepEqual(totals(await before!(signal())), [0, 1])
    assert.deepEqual(totals(await after!(signal())), [1, 1])
    assert.ok((await place.rows(SHOP_ORDERS, how)).every(({ key }) => key.id !== 'c'))
  })
}

test('cratedb: what another process learned is learned the next time, if reading it failed', async (t) => {
  const crate = await startCrate()
  t.after(crate.stop)
  const how = { layout: 'columns', deletes: 'soft' } as const
  const [one, two] = await processes(t, sqlSinkOf, { url: crate.url, ...how }, 'mirror')
  await write(two, { changes: [put('x', 1, { data: { a: 1 } })] })
  await write(one, { changes: [put('k', 1, { data: { a: 1, late: 'text' } })] })
  const emptied = two.prepare(batchOf({ changes: [put('k', 2, { data: { a: 2 } })] }))
  crate.faults.next({ kind: 'drop', when: 'before' }, { matching: /SELECT "life" FROM/ })
  await rejection(emptied(signal()), 'SINK_UNREACHABLE')
  assert.equal(crate.faults.happened.get('drop'), 1)
  assert.deepEqual(totals(await emptied(signal())), [1, 0])
  assert.deepEqual(crate.query(`SELECT "late" FROM "doc"."orders" WHERE "id" = 'k'`), [{ late: null }])
})

test('postgresql: a name under an engine holds no lock between two batches', async (t) => {
  const database = await testDatabase(t)
  const [one] = await processes(t, sqlSinkOf, { url: database.url }, 'mirror')
  await write(one, { changes: [put('a', 1)] })
  const locks = `SELECT count(*)::int AS count FROM pg_locks
    WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
  assert.deepEqual(await database.query(locks), [{ count: 0 }])
})

test('postgresql: a log that lacks the key is refused with the statement that helps', async (t) => {
  const database = await testDatabase(t)
  const relay = await pulled(t, database.url)
  await write(relay, { changes: [put('a', 1)], positions: at({ 'shard-0': '1' }) })
  await relay.close()
  const [one] = await processes(t, sqlSinkOf, { url: database.url }, 'append', true)
  const { detail } = await rejection(write(one, { changes: [put('a', 1)] }), 'SINK_TABLE')
  const [statement] = /CREATE UNIQUE INDEX[^;]*/.exec(detail)!
  await database.query(statement)
  assert.deepEqual(totals(await write(one, { changes: [put('a', 1), put('b', 2)] })), [1, 1])
  assert.deepEqual(await database.query('SELECT count(*)::int AS count FROM orders'), [{ count: 2 }])
})

test('postgresql: a relay that takes a log over from an engine writes nothing twice', async (t) => {
  const database = await testDatabase(t)
  const [one] = await processes(t, sqlSinkOf, { url: database.url }, 'append')
  await write(one, { changes: [put('a', 1), put('b', 2)] })
  const relay = await pulled(t, database.url, true)
  const written = await write(relay, {
    changes: [put('a', 1), put('b', 2), put('c', 3)],
    positions: at({ 'shard-0': '3' }),
  })
  assert.deepEqual(totals(written), [1, 2])
  assert.deepEqual(await database.query('SELECT count(*)::int AS count FROM orders'), [{ count: 3 }])
})

for (const kind of ['6', '7'] as const) {
  test(`greenplum ${kind}: a log that lacks the key is refused with the statements that help`, {
    skip: withoutGreenplum(kind),
  }, async (t) => {
    const database = await greenplumDatabase(t, kind)
    const relay = await pulled(t, database.url)
    await write(relay, { changes: [put('a', 1)], positions: at({ 'shard-0': '1' }) })
    await relay.close()
    const [one] = await processes(t, sqlSinkOf, { url: database.url }, 'append', true)
    const { detail } = await rejection(write(one, { changes: [put('a', 1)] }), 'SINK_TABLE')
    for (const [statement] of detail.matchAll(/(?:ALTER TABLE|CREATE UNIQUE INDEX)[^;]*/g))
      await database.query(statement)
    assert.deepEqual(totals(await write(one, { changes: [put('a', 1), put('b', 2)] })), [1, 1])
  })
}

test('postgresql as the state store of a target without one: facts of several processes are merged', async (t) => {
  const { url } = await testDatabase(t)
  const [one, two] = await Promise.all([url, url].map(async (url) => sqlStateStore(await connect(url))))
  for (const store of [one!, two!]) {
    t.after(() => store.close())
    assert.equal((await store.shared!.join(unclaimedOf())).size, 0)
  }
  await one!.shared!.merge(new Map([['a', '{"version":2}']]))
  await two!.shared!.merge(
    new Map([
      ['a', '{"version":1}'],
      ['b', '{"version":1}'],
    ]),
  )
  assert.deepEqual([...(await one!.shared!.read())].sort(), [
    ['a', '{"version":2}'],
    ['b', '{"version":1}'],
  ])
  await rejection(one!.claim(claimOf(), signal()), 'CONFIGURATION')
})

type OpenSink = (options: Partial<SqlSinkOptions> & { readonly url: string }) => Sink

/** Two processes of one name under an engine. */
async function processes(
  t: TestContext,
  open: OpenSink,
  options: Partial<SqlSinkOptions> & { readonly url: string },
  mode: 'mirror' | 'append',
  takeOver = false,
): Promise<[Sink, Sink]> {
  const sinks: [Sink, Sink] = [open({ ...options, mode }), open({ ...options, mode })]
  for (const sink of sinks) {
    t.after(() => sink.close())
    await sink.open(unclaimedOf({ settings: { mode } }, { takeOver }), signal())
  }
  return sinks
}

/** A relay of that name that keeps its positions itself, with a log. */
async function pulled(t: TestContext, url: string, takeOver = false): Promise<Sink> {
  const sink = sqlSinkOf({ url, mode: 'append' })
  t.after(() => sink.close())
  await sink.open(claimOf({ settings: { mode: 'append' } }, { takeOver }), signal())
  return sink
}

async function write(sink: Sink, parts: Partial<Batch>): Promise<Written> {
  const written = await sink.prepare(batchOf(parts))(signal())
  assert.ok(written.kind === 'written')
  return written
}
