import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Change } from '../../../src/change.ts'
import type { Write } from '../../../src/sinks/sink.ts'
import { at, batchOf, claimOf, del, put } from '../../support/changes.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { mirrorRows, sqlSinkOf } from '../../support/targets/sql-target.ts'
import { totals } from '../conformance/answers.ts'

const ORDERS = { schema: null, name: 'orders' }
const signal = (): AbortSignal => AbortSignal.timeout(30_000)

const remove = del('a', 2)
const lateInsert = put('a', 1)
const orders: readonly { title: string; first: Change; second: Change; superseded: number }[] = [
  { title: 'the REMOVE first', first: remove, second: lateInsert, superseded: 1 },
  { title: 'the late, older INSERT first', first: lateInsert, second: remove, superseded: 0 },
]

for (const { title, first, second, superseded } of orders) {
  test(`two transactions of one key, ${title}: the second waits, and no ghost row is left`, async (t) => {
    const database = await testDatabase(t)
    const [one, two] = [await openRelay(t, database, 'one'), await openRelay(t, database, 'two')]

    // The first has written its row, and waits for its own relay to be let go before it moves its position.
    const holder = await holding(database, `SELECT FROM cdc_relay.relays WHERE name = 'one' FOR NO KEY UPDATE`)
    const firstWrite = one(first)(signal())
    await untilWaits(database, ({ waitsFor, query }) => waitsFor !== 'advisory' && /cdc_relay\.positions/.test(query))

    const secondWrite = two(second)(signal())
    await untilWaits(database, ({ waitsFor }) => waitsFor === 'advisory')
    assert.deepEqual(await mirrorRows((text) => database.query(text), ORDERS, 'hard'), [])

    await holder.letGo()
    assert.deepEqual(totals(await firstWrite), [1, 0])
    assert.deepEqual(totals(await secondWrite), [1 - superseded, superseded])
    assert.deepEqual(await mirrorRows((text) => database.query(text), ORDERS, 'hard'), [])
  })
}

test('relays that write the same tables in different order do not lock each other out', async (t) => {
  const database = await testDatabase(t)
  const [one, two] = [await openRelay(t, database, 'one'), await openRelay(t, database, 'two')]
  const ids = Array.from({ length: 300 }, (_, i) => `id-${i}`)
  const tables = ['orders', 'others']
  const batch = (order: (ids: string[]) => string[], version: number): Change[] =>
    order([...tables]).flatMap((table) => order([...ids]).map((id) => put(id, version, { table })))

  for (let version = 1; version <= 10; version++) {
    const writes = [one(...batch((ids) => ids, version)), two(...batch((ids) => ids.reverse(), version))]
    // A deadlock would reject.
    for (const counts of (await Promise.all(writes.map((write) => write(signal())))).map(totals)) {
      assert.deepEqual(counts, [600, 0])
    }
  }
})

test('two relays that meet a new target at the same moment both make it, once', async (t) => {
  const database = await testDatabase(t)
  const relays = await Promise.all(['one', 'two', 'three'].map((name) => openRelay(t, database, name)))
  const written = await Promise.all(relays.map((relay, i) => relay(put(`id-${i}`, 1))(signal())))
  assert.deepEqual(written.map(totals), [
    [1, 0],
    [1, 0],
    [1, 0],
  ])
  assert.equal((await mirrorRows((text) => database.query(text), ORDERS, 'hard')).length, 3)
})

test('a takeover waits for the batch that is being written, and then stands behind it', async (t) => {
  const database = await testDatabase(t)
  const one = await openRelay(t, database, 'one')
  await database.query(
    `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END'`,
  )
  await database.query('CREATE TRIGGER slow AFTER UPDATE ON cdc_relay.positions EXECUTE FUNCTION slow()')
  await one(put('a', 1))(signal())
  const holder = await holding(database, 'SELECT pg_advisory_lock(1)')
  const write = one(put('a', 2))(signal())
  await untilWaits(database, ({ query }) => /cdc_relay\.positions/.test(query))

  const other = sqlSinkOf({ url: database.url })
  t.after(() => other.close())
  const opening = other.open(claimOf({ name: 'one' }, { takeOver: true }), signal())
  await untilWaits(database, ({ query }) => /FROM cdc_relay\.relays.*FOR UPDATE/s.test(query))
  await holder.letGo()
  assert.deepEqual(totals(await write), [1, 0])
  assert.equal((await opening).positions.get('shard')?.sequence, '2')
})

/** Prepares a batch of a relay's own shard, whose position moves by one. */
type TestRelay = (...changes: Change[]) => Write

async function openRelay(t: TestContext, database: TestDatabase, name: string): Promise<TestRelay> {
  const sink = sqlSinkOf({ url: database.url })
  t.after(() => sink.close())
  await sink.open(claimOf({ name }), signal())
  let position = 0
  return (...changes) => sink.prepare(batchOf({ changes, positions: at({ shard: `${++position}` }) }))
}

/** Runs a statement in a transaction that stays open, on a connection of its own. */
async function holding({ url }: TestDatabase, statement: string): Promise<{ letGo(): Promise<void> }> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('BEGIN')
  await client.query(statement)
  return { letGo: () => client.end() }
}

interface Waiting {
  readonly waitsFor: string
  readonly query: string
}

/** Looks until the server shows a session of a relay that waits for a lock. */
async function untilWaits(database: TestDatabase, isIt: (waiting: Waiting) => boolean): Promise<void> {
  for (const patience = signal(); !patience.aborted; await sleep(10)) {
    const waiting = await database.query<Waiting>(
      `SELECT wait_event AS "waitsFor", query FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'cdc-relay' AND wait_event_type = 'Lock'`,
    )
    if (waiting.some(isIt)) return
  }
  assert.fail('nobody waits')
}
