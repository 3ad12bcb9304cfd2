import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { lettersScene, lines } from './letters-scene.ts'

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
  put(record('orders', 'a', 1), record('users', 'u', 1), record('orders', 'a', 2), record('orders', 'b', 3), record('users', 'u', 4))

  const parked = await scene.drain()
  assert.equal(parked.exitCode, 2, parked.stderr)
  assert.match(parked.stderr, /Table orders is parked, and the other tables go on: SINK_TABLE/)
  assert.match(parked.stderr, /TABLE_PARKED: .*orders \(3\)/)
  const [summary] = lines(parked) as [Record<string, unknown>]
  assert.deepEqual([summary.read, summary.applied, summary.superseded, summary.deadLettered], [5, 1, 1, 3])
  assert.deepEqual(summary.parked, { orders: 3 })
  assert.deepEqual(await database.query("SELECT id, data->>'n' AS n FROM users"), [{ id: 'u', n: '4' }])
  const kept = await database.query('SELECT code, source, version FROM cdc_relay.dead_letters ORDER BY id')
  assert.deepEqual(kept, [1, 2, 3].map((n) => ({ code: 'TABLE_PARKED', source: 'orders', version: String(1754300000000000 + n) })))

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
  scene.kinesis.put(scene.shard, ['a', 'b', 'c'].map((id, n) => record('orders', id, n)))
  const ended = await scene.drain('--park-limit', '2,1MiB')
  assert.equal(ended.exitCode, 1, ended.stderr)
  assert.match(ended.stderr, /PARK_LIMIT: 3 changes of table orders are kept by now\. It was parked for SINK_TABLE/)
})
