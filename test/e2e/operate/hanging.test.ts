import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { order, scene } from './scene.ts'

test('a target that swallows what it is sent ends the relay with exit code 1; the next one loses nothing', async (t) => {
  const database = await testDatabase(t)
  const proxy = await swallowingProxy(t, database)
  const { kinesis, start, drain, statusOnce } = await scene(t, () => ['--sink', proxy.url])
  const [shard] = kinesis.open(1) as [string]
  const [first] = kinesis.put(shard, [order(1)])
  const relay = start('--stall-timeout', '5s')
  await statusOnce(({ shards }) => shards[0]?.sequence === first)
  proxy.swallow(true)
  kinesis.put(shard, [order(2), order(3)])
  const { exitCode, stderr } = await relay.ended
  assert.equal(exitCode, 1, stderr)
  const last = JSON.parse(stderr.trimEnd().split('\n').at(-1)!)
  assert.equal(last.code, 'STALLED')
  assert.match(last.msg, new RegExp(`nothing came of what was read of ${shard}`))

  proxy.swallow(false)
  assert.equal((await drain()).read, 2)
  assert.equal(await ordersIn(database), 3)
})

test('a stop in front of a lock gives up after its time, as a second signal does; the next relay loses nothing', async (t) => {
  const database = await testDatabase(t)
  const { kinesis, start, drain, statusOnce } = await scene(t, () => ['--sink', database.url])
  const [shard] = kinesis.open(1) as [string]
  const [first] = kinesis.put(shard, [order(1)])
  const relay = start('--drain-timeout', '100ms')
  await statusOnce(({ shards }) => shards[0]?.sequence === first)

  const holder = new pg.Client({ connectionString: database.url })
  await holder.connect()
  await holder.query('BEGIN; LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE')
  kinesis.put(shard, [order(2), order(3)])
  while ((await database.query('SELECT 1 FROM pg_locks WHERE NOT granted')).length === 0) await sleep(20)
  relay.child.kill('SIGTERM')
  const { exitCode, stderr } = await relay.ended
  await holder.end()
  assert.equal(exitCode, 143, stderr)
  assert.match(stderr, /The batch in hand does not end: it is given up, and will be read again/)

  assert.equal((await drain()).read, 2)
  assert.equal(await ordersIn(database), 3)
})

test('a stop that ends in time is one in order, and writes what was in hand', async (t) => {
  const database = await testDatabase(t)
  const { kinesis, start, statusOnce } = await scene(t, () => ['--sink', database.url])
  const [shard] = kinesis.open(1) as [string]
  const [first] = kinesis.put(shard, [order(1)])
  const relay = start()
  await statusOnce(({ shards }) => shards[0]?.sequence === first)
  relay.child.kill('SIGTERM')
  const { exitCode, stderr } = await relay.ended
  assert.equal(exitCode, 0, stderr)
  assert.equal(await ordersIn(database), 1)
})

async function ordersIn(database: TestDatabase): Promise<number> {
  const [row] = await database.query('SELECT count(*)::int AS count FROM public.orders')
  return Number(row?.count)
}

/** Stands in front of a database, and takes what it is sent without passing it on for as long as it is told to. */
async function swallowingProxy(t: TestContext, { url }: TestDatabase) {
  const target = new URL(url)
  let swallows = false
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => {})
      from.on('data', (bytes) => void (swallows || to.write(bytes)))
      from.on('close', () => to.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const proxied = new URL(url)
  proxied.hostname = '127.0.0.1'
  proxied.port = String((server.address() as AddressInfo).port)
  return {
    url: proxied.href,
    swallow(isOn: boolean) {
      swallows = isOn
    },
  }
}
