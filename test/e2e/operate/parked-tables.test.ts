import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../../../src/sinks/sql/connect.ts'
import { testCrate } from '../../support/crate/real-crate.ts'
import { greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { pgliteFolder } from '../../support/postgres/pglite.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { gpssPlace } from '../../support/targets/gpss-target.ts'
import { isDealt } from '../../support/volume.ts'
import { dmsTable } from '../field/records.ts'
import { asOwner, lettersScene, lines } from './letters-scene.ts'

/** A record of DynamoDB. */
function record(tableName: string, id: string, n: number): string {
  const Keys = { id: { S: id } }
  const dynamodb = {
    Keys,
    NewImage: { ...Keys, n: { N: `${n}` } },
    ApproximateCreationDateTime: 1754300000000000 + n,
    ApproximateCreationDateTimePrecision: 'MICROSECOND',
  }
  return JSON.stringify({ eventID: `${n}`, eventSource: 'aws:dynamodb', eventName: 'MODIFY', tableName, dynamodb })
}

test('a table that does not fit is parked: its changes are kept in order, the others go on, and what the message says brings them back', async (t) => {
  const database = await testDatabase(t)
  const scene = await lettersScene(t, () => ['--sink', database.url])
  await database.query('CREATE TABLE orders (id bytea PRIMARY KEY, data jsonb, cdc_version bigint)')
  const put = (...records: string[]): void => void scene.kinesis.put(scene.shard, records)
  put(
    record('orders', 'a', 1),
    record('users', 'u', 1),
    record('orders', 'a', 2),
    record('orders', 'b', 3),
    record('users', 'u', 4),
  )

  const parked = await scene.drain()
  assert.equal(parked.exitCode, 2, parked.stderr)
  assert.match(parked.stderr, /Table orders is parked, and the other tables go on: SINK_TABLE/)
  assert.match(parked.stderr, /TABLE_PARKED: .*orders \(3\)/)
  const [summary] = lines(parked) as [Record<string, unknown>]
  assert.deepEqual([summary.read, summary.applied, summary.superseded, summary.deadLettered], [5, 1, 1, 3])
  assert.deepEqual(summary.parked, { orders: 3 })
  assert.deepEqual(await database.query("SELECT id, data->>'n' AS n FROM users"), [{ id: 'u', n: '4' }])
  const kept = await database.query('SELECT code, source, version FROM cdc_relay.dead_letters ORDER BY id')
  assert.deepEqual(
    kept,
    [1, 2, 3].map((n) => ({ code: 'TABLE_PARKED', source: 'orders', version: String(1754300000000000 + n) })),
  )

  // Later runs know it without another try of the batch.
  put(record('orders', 'b', 5), record('users', 'v', 6))
  const again = await scene.drain()
  assert.equal(again.exitCode, 2, again.stderr)
  assert.match(again.stderr, /Table orders is parked, since an earlier run: 3 of its changes are dead letters/)
  assert.equal((await database.query('SELECT FROM users')).length, 2)
  assert.equal((await database.query("SELECT FROM cdc_relay.dead_letters WHERE code = 'TABLE_PARKED'")).length, 4)

  // While it is not mended, a replay leaves them parked.
  const vain = await scene.letters('replay', '--code', 'TABLE_PARKED')
  assert.equal(vain.exitCode, 1, vain.stderr)
  assert.equal((await database.query("SELECT FROM cdc_relay.dead_letters WHERE code = 'TABLE_PARKED'")).length, 4)

  await database.query('DROP TABLE orders')
  const replayed = await scene.letters('replay', '--code', 'TABLE_PARKED')
  assert.equal(replayed.exitCode, 0, replayed.stderr)
  put(record('orders', 'c', 7))
  const mended = await scene.drain()
  assert.equal(mended.exitCode, 0, mended.stderr)
  assert.deepEqual(await database.query("SELECT id, data->>'n' AS n FROM orders ORDER BY id"), [
    { id: 'a', n: '2' },
    { id: 'b', n: '5' },
    { id: 'c', n: '7' },
  ])
  assert.deepEqual(await database.query('SELECT FROM cdc_relay.dead_letters'), [])
})

test('a relay that is started again after its table was mended writes what it kept, and goes on', async (t) => {
  const database = await testDatabase(t)
  const scene = await lettersScene(t, () => ['--sink', database.url])
  await database.query('CREATE TABLE orders (id bytea PRIMARY KEY, data jsonb, cdc_version bigint)')
  scene.kinesis.put(scene.shard, [record('orders', 'a', 1), record('orders', 'a', 2)])
  assert.equal((await scene.drain()).exitCode, 2)
  await database.query('DROP TABLE orders')
  scene.kinesis.put(scene.shard, [record('orders', 'b', 3)])
  const mended = await scene.drain()
  assert.equal(mended.exitCode, 0, mended.stderr)
  assert.match(mended.stderr, /Table orders takes rows again/)
  assert.deepEqual(await database.query("SELECT id, data->>'n' AS n FROM orders ORDER BY id"), [
    { id: 'a', n: '2' },
    { id: 'b', n: '3' },
  ])
})

test('a right on one table that is gone fails its letters, and no others', async (t) => {
  const database = await testDatabase(t)
  const url = await asOwner(database)
  const scene = await lettersScene(t, () => ['--sink', url])
  scene.kinesis.put(scene.shard, [record('orders', 'a', 1), record('users', 'u', 2)])
  assert.equal((await scene.drain()).exitCode, 0)
  scene.kinesis.put(scene.shard, [record('orders', 'a', 3), record('users', 'u', 4)])
  assert.equal((await scene.drain('--format', 'dms')).exitCode, 0)
  await database.query('REVOKE INSERT, UPDATE ON orders FROM owner_of_tables')
  const replayed = await scene.letters('replay')
  assert.equal(replayed.exitCode, 1, replayed.stderr)
  const [{ read, applied, failed }] = lines(replayed) as [Record<string, unknown>]
  assert.deepEqual([read, applied, failed], [2, 1, 1], replayed.stderr)
  const left = await database.query('SELECT code, source, attempts FROM cdc_relay.dead_letters')
  assert.deepEqual(left, [{ code: 'SINK_DENIED', source: 'orders', attempts: 1 }])
})

test('--on-table-trouble stop stands in front of the batch', async (t) => {
  const database = await testDatabase(t)
  const scene = await lettersScene(t, () => ['--sink', database.url])
  await database.query('CREATE TABLE orders (id bytea PRIMARY KEY, data jsonb, cdc_version bigint)')
  scene.kinesis.put(scene.shard, [record('orders', 'a', 1), record('users', 'u', 1)])
  const stopped = await scene.drain('--on-table-trouble', 'stop')
  assert.equal(stopped.exitCode, 2)
  assert.match(stopped.stderr, /SINK_TABLE/)
  assert.deepEqual(await database.query('SELECT FROM cdc_relay.dead_letters'), [])
  const wrong = await scene.drain('--park-limit', 'much')
  assert.equal(wrong.exitCode, 2)
  assert.match(wrong.stderr, /--park-limit .*is not a number of changes and a size such as 1000000,1GiB/)
})

test('--park-limit ends the relay when more is kept of a table', async (t) => {
  const database = await testDatabase(t)
  const scene = await lettersScene(t, () => ['--sink', database.url])
  await database.query('CREATE TABLE orders (id bytea PRIMARY KEY, data jsonb, cdc_version bigint)')
  scene.kinesis.put(
    scene.shard,
    ['a', 'b', 'c'].map((id, n) => record('orders', id, n)),
  )
  const ended = await scene.drain('--park-limit', '2,1MiB')
  assert.equal(ended.exitCode, 1, ended.stderr)
  assert.match(ended.stderr, /PARK_LIMIT: 3 changes of table orders are kept by now\. It was parked for SINK_TABLE/)
})

/** A target other than PostgreSQL, and a table there that does not fit. */
interface Place {
  options(folder: string): readonly string[]
  /** Makes a table of another key. */
  spoil(): Promise<void>
  mend(): Promise<void>
  /** Of `orders`: id and number. */
  rows(): Promise<readonly (readonly [string, number])[]>
}

const PLACES: Readonly<Record<string, { readonly skip?: string | false; open(t: TestContext): Promise<Place> }>> = {
  'greenplum 6': {
    skip: withoutGreenplum('6'),
    async open(t) {
      const database = await greenplumDatabase(t, '6')
      return {
        options: () => ['--sink', database.url],
        spoil: async () =>
          void (await database.query('CREATE TABLE orders (id bytea PRIMARY KEY, data json, cdc_version bigint)')),
        mend: async () => void (await database.query('DROP TABLE orders')),
        rows: async () => numbered(await database.query("SELECT id, data->>'n' AS n FROM orders ORDER BY id")),
      }
    },
  },
  cratedb: {
    async open(t) {
      const crate = await testCrate({ refresh: 'always' })
      t.after(crate.stop)
      return {
        options: () => ['--sink', crate.url],
        spoil: async () =>
          void (await crate.query(
            'CREATE TABLE "doc"."orders" ("id" BIGINT PRIMARY KEY, "data" OBJECT(IGNORED), "cdc_version" BIGINT)',
          )),
        mend: async () => void (await crate.query('DROP TABLE "doc"."orders"')),
        rows: async () =>
          numbered(await crate.query(`SELECT "id", "data"['n'] AS "n" FROM "doc"."orders" ORDER BY "id"`)),
      }
    },
  },
  gpss: {
    async open(t) {
      const place = await gpssPlace()
      t.after(() => place.close())
      const { database } = place
      return {
        options: (folder) => [
          ...['--sink', place.url, '--state', `file:${join(folder, 'state.json')}`],
          ...['--dead-letters', `file:${join(folder, 'letters.jsonl')}`],
        ],
        spoil: async () =>
          void (await database.query(
            'CREATE TABLE orders (id bytea PRIMARY KEY, data json, cdc_version bigint, cdc_deleted boolean)',
          )),
        mend: async () => void (await database.query('DROP TABLE orders')),
        rows: async () => numbered(await database.query("SELECT id, data->>'n' AS n FROM orders_live ORDER BY id")),
      }
    },
  },
  pglite: {
    async open(t) {
      const folder = await pgliteFolder()
      t.after(() => folder.empty())
      // One process at a time has it open, and the relay is another.
      const query = async (text: string): Promise<readonly Readonly<Record<string, unknown>>[]> => {
        const connection = await connect(folder.url)
        try {
          return await folder.query(text, connection)
        } finally {
          await connection.close()
        }
      }
      return {
        options: () => ['--sink', folder.url],
        spoil: async () =>
          void (await query('CREATE TABLE orders (id bytea PRIMARY KEY, data jsonb, cdc_version bigint)')),
        mend: async () => void (await query('DROP TABLE orders')),
        rows: async () => numbered(await query("SELECT id, data->>'n' AS n FROM orders ORDER BY id")),
      }
    },
  },
}

const numbered = (rows: readonly Readonly<Record<string, unknown>>[]): (readonly [string, number])[] =>
  rows.map(({ id, n }) => [String(id), Number(n)])

for (const [index, [title, { skip = false, open }]] of Object.entries(PLACES).entries()) {
  if (!isDealt(index)) continue
  test(`${title}: a table that does not fit is parked, and lacks nothing once it is mended`, { skip }, async (t) => {
    const place = await open(t)
    const scene = await lettersScene(t, (folder) => place.options(folder))
    await place.spoil()
    scene.kinesis.put(scene.shard, [
      record('orders', 'a', 1),
      record('users', 'u', 2),
      record('orders', 'a', 3),
      record('orders', 'b', 4),
    ])
    const parked = await scene.drain()
    assert.equal(parked.exitCode, 2, parked.stderr)
    const [summary] = lines(parked) as [Record<string, unknown>]
    assert.deepEqual([summary.read, summary.deadLettered, summary.parked], [4, 3, { orders: 3 }], parked.stderr)
    scene.kinesis.put(scene.shard, [record('orders', 'c', 5)])
    const again = await scene.drain()
    assert.equal(again.exitCode, 2, again.stderr)
    await place.mend()
    const replayed = await scene.letters('replay', '--code', 'TABLE_PARKED')
    assert.equal(replayed.exitCode, 0, replayed.stderr)
    assert.equal((lines(replayed)[0] as Record<string, unknown>).read, 4)
    scene.kinesis.put(scene.shard, [record('orders', 'd', 6)])
    const mended = await scene.drain()
    assert.equal(mended.exitCode, 0, mended.stderr)
    assert.deepEqual(await place.rows(), [
      ['a', 3],
      ['b', 4],
      ['c', 5],
      ['d', 6],
    ])
    assert.deepEqual(lines(await scene.letters('list')), [])
  })
}

test('a table whose key does not come in time is parked, and gets its rows once the operator names the key', async (t) => {
  const database = await testDatabase(t)
  const scene = await lettersScene(t, () => ['--sink', database.url, '--key-wait', '1ms'])
  const [good, lost] = [dmsTable('shop', 'good'), dmsTable('shop', 'lost')]
  const put = (records: readonly string[]): void => void scene.kinesis.put(scene.shard, records)
  put([
    good.create({ id: 'INT32' }, ['id']),
    lost.load({ id: 1, v: 'a' }),
    good.insert({ id: 1 }),
    lost.update({ id: 1, v: 'b' }),
    good.insert({ id: 2 }),
  ])
  const parked = await scene.drain()
  assert.equal(parked.exitCode, 2, parked.stderr)
  assert.match(parked.stderr, /Table shop\.lost is parked, and the other tables go on: KEY_UNKNOWN/)
  assert.deepEqual(await database.query('SELECT id FROM shop.good ORDER BY id'), [{ id: 1 }, { id: 2 }])
  put([lost.insert({ id: 2, v: 'c' })])
  assert.equal((await scene.drain()).exitCode, 2)
  const named = await scene.drain('--key', 'shop.lost=id')
  assert.equal(named.exitCode, 0, named.stderr)
  assert.deepEqual(await database.query('SELECT id, v FROM shop.lost ORDER BY id'), [
    { id: '1', v: 'b' },
    { id: '2', v: 'c' },
  ])
  assert.deepEqual(await database.query('SELECT FROM cdc_relay.dead_letters'), [])
})

test('a relay that runs notices that a table was let go, makes it again with its new key, and goes on', async (t) => {
  const database = await testDatabase(t)
  const scene = await lettersScene(t, () => ['--sink', database.url])
  const items = dmsTable('shop', 'items')
  const put = (...records: readonly string[]): void => void scene.kinesis.put(scene.shard, records)
  const columns = { id: 'INT32', r: 'STRING', v: 'STRING' }
  const relay = scene.start()
  const rows = async (): Promise<string[]> =>
    (await database.query('SELECT id, r, v FROM shop.items ORDER BY id, r')).map(({ id, r, v }) => `${id} ${r} ${v}`)
  const untilRows = async (...expected: string[]): Promise<void> => {
    for (let looks = 1; ; looks++) {
      const found = await rows().catch((): string[] => [])
      if (found.join() === expected.join()) return
      if (looks === MOST_LOOKS) assert.deepEqual(found, expected)
      await sleep(50)
    }
  }
  put(items.create(columns, ['id']), items.load({ id: 1, r: 'eu', v: 'a' }))
  await untilRows('1 eu a')
  put(
    items.drop(),
    items.create(columns, ['id', 'r']),
    items.load({ id: 1, r: 'eu', v: 'b' }),
    items.load({ id: 1, r: 'us', v: 'b' }),
  )
  const late = items.insert({ id: 9, r: 'us', v: 'late' })
  put(items.remove({ id: 9, r: 'us' }))
  for (let looks = 1; (await database.query('SELECT FROM cdc_relay.dead_letters')).length < 3; looks++) {
    assert.ok(looks < MOST_LOOKS, 'nothing is parked')
    await sleep(50)
  }
  await database.query('DROP TABLE shop.items')
  await untilRows('1 eu b', '1 us b')
  // What was deleted while the table was parked stays so.
  put(late, items.remove({ id: 1, r: 'us' }), items.insert({ id: 2, r: 'us', v: 'c' }))
  await untilRows('1 eu b', '2 us c')
  put(items.update({ id: 2, r: 'us', v: 'd' }))
  await untilRows('1 eu b', '2 us d')
  assert.deepEqual(await database.query('SELECT FROM cdc_relay.dead_letters'), [])
  relay.child.kill('SIGTERM')
  const { exitCode, stderr } = await relay.ended
  assert.equal(exitCode, 0, stderr)
  assert.match(stderr, /Table shop\.items is parked no longer/)
})

/** Some minutes. */
const MOST_LOOKS = 3_000
