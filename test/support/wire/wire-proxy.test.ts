import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { postgres, testDatabase } from '../postgres/postgres.ts'
import type { TestDatabase } from '../postgres/postgres-server.ts'
import { startWireProxy, type Verdict } from './wire-proxy.ts'
import { type Moment, momentReader } from './wire-proxy-moments.ts'
import type { Seen } from './wire-proxy-protocol.ts'

async function proxied(t: TestContext, watch: (seen: Seen) => Verdict): Promise<[pg.Client, TestDatabase]> {
  const server = await postgres()
  const database = await testDatabase(t)
  await database.query('CREATE TABLE t (id int PRIMARY KEY)')
  const proxy = await startWireProxy({ host: '127.0.0.1', port: server.port }, watch)
  t.after(() => proxy.close())
  const url = new URL(database.url)
  url.port = String(proxy.port)
  const client = new pg.Client(url.href)
  client.on('error', () => {}) // a cut is what these tests are about
  await client.connect()
  return [client, database]
}

test('statements and answers are seen in their order, errors do not mix them up', async (t) => {
  const seen: string[] = []
  const [client] = await proxied(t, ({ kind, statement, ...rest }) => {
    seen.push(kind === 'sent' ? `> ${statement.text}` : `< ${statement.text}: ${(rest as { tag: string }).tag}`)
    return 'pass'
  })
  await client.query('INSERT INTO t VALUES ($1)', [1])
  await assert.rejects(client.query('INSERT INTO t VALUES ($1)', [1]), { code: '23505' })
  await assert.rejects(client.query('nonsense'), { code: '42601' })
  await client.query({ name: 'kept', text: 'DELETE FROM t WHERE id = $1', values: [1] })
  await client.query({ name: 'kept', text: 'DELETE FROM t WHERE id = $1', values: [2] })
  await client.query('BEGIN; COMMIT')
  await client.end()
  assert.deepEqual(seen, [
    '> INSERT INTO t VALUES ($1)',
    '< INSERT INTO t VALUES ($1): INSERT 0 1',
    '> INSERT INTO t VALUES ($1)',
    '> nonsense',
    '> DELETE FROM t WHERE id = $1',
    '< DELETE FROM t WHERE id = $1: DELETE 1',
    '> DELETE FROM t WHERE id = $1',
    '< DELETE FROM t WHERE id = $1: DELETE 0',
    '> BEGIN; COMMIT',
    '< BEGIN; COMMIT: BEGIN',
    '< BEGIN; COMMIT: COMMIT',
  ])
})

const CUTS: readonly { kind: Seen['kind']; verdict: Verdict; answered: boolean; durable: boolean }[] = [
  { kind: 'sent', verdict: 'cut-before', answered: false, durable: false },
  { kind: 'sent', verdict: 'cut-after', answered: false, durable: true },
  { kind: 'answered', verdict: 'cut-before', answered: false, durable: true },
  { kind: 'answered', verdict: 'pass', answered: true, durable: true },
]

for (const { kind, verdict, answered, durable } of CUTS) {
  test(`COMMIT ${kind}, ${verdict}: ${answered ? '' : 'not '}answered, ${durable ? '' : 'not '}durable`, async (t) => {
    const isCommit = (seen: Seen) => seen.kind === kind && seen.statement.text === 'COMMIT'
    const [client, database] = await proxied(t, (seen) => (isCommit(seen) ? verdict : 'pass'))
    await client.query('BEGIN')
    await client.query('INSERT INTO t VALUES (1)')
    const commit = client.query('COMMIT')
    await (answered ? commit : assert.rejects(commit, /terminated/))
    await client.end()
    const others = 'SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'
    while ((await database.query(others)).length > 0) await sleep(5)
    assert.deepEqual(await database.query('SELECT id FROM t'), durable ? [{ id: 1 }] : [])
  })
}

test('the moments of a batch are found, and which shards it finishes', () => {
  const read = momentReader()
  const sent = (text: string, parameters = ''): Moment | null => read({ kind: 'sent', statement: { text, parameters } })
  const answered = (text: string, tag: string): Moment | null =>
    read({ kind: 'answered', statement: { text, parameters: '' }, tag })
  const moves = 'UPDATE cdc_relay.positions p SET …'
  const json = '[{"shard":"s-0","sequence":"12"},{"shard":"s-1","before":"3","sequence":"SHARD_END"}]'

  assert.equal(sent('begin'), null)
  assert.equal(sent('SELECT pg_advisory_xact_lock(1)'), null)
  assert.deepEqual(sent('INSERT INTO "public"."orders" …'), { kind: 'write sent', finished: [] })
  assert.equal(sent('DELETE FROM "public"."orders" …'), null)
  assert.deepEqual(sent(moves, `\0\u0001${json}\0name`), { kind: 'positions sent', finished: ['s-1'] })
  assert.deepEqual(answered(moves, 'SELECT 1'), { kind: 'positions answered', finished: ['s-1'] })
  assert.deepEqual(sent('commit'), { kind: 'commit sent', finished: ['s-1'] })
  assert.deepEqual(answered('commit', 'COMMIT'), { kind: 'commit answered', finished: ['s-1'] })

  assert.equal(sent('start transaction isolation level read committed'), null)
  assert.deepEqual(sent('INSERT INTO "public"."orders" …'), { kind: 'write sent', finished: [] })
  assert.deepEqual(sent(moves, `\0[{"shard":"s-0","sequence":"12"}]\0`), { kind: 'positions sent', finished: [] })
  assert.deepEqual(sent('commit'), { kind: 'commit sent', finished: [] })
  assert.equal(answered('commit', 'ROLLBACK'), null)
})
