import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { status } from '@grpc/grpc-js'
import { RelayError } from '../../../src/errors.ts'
import { gpssAddress } from '../../../src/sinks/gpss/address.ts'
import { type Gpss, openGpss } from '../../../src/sinks/gpss/connection.ts'
import { RowEncoder } from '../../../src/sinks/gpss/rows.ts'
import type { Load } from '../../../src/sinks/gpss/session.ts'
import { type Answer, type ScriptedGpss, startScriptedGpss, usual } from './scripted-gpss.ts'

const internal = (details: string): Answer => ({ code: status.INTERNAL, details })
const unavailable: Answer = { code: status.UNAVAILABLE, details: 'gone' }

const urlOf = (port: number, parameters = ''): string =>
  `gpss://gp:secret-1@127.0.0.1:${port}/db?deadline=2${parameters}`

/** A scripted GPSS and the connection to it; `script` overrules what it usually answers. */
async function start(
  t: TestContext,
  script: (method: string, nth: number) => Answer | undefined = () => undefined,
  parameters = '',
): Promise<{ gpss: Gpss; server: ScriptedGpss }> {
  const otherwise = usual()
  const counts: Record<string, number> = {}
  const server = await startScriptedGpss((method, request) => {
    counts[method] = (counts[method] ?? 0) + 1
    return script(method, counts[method]) ?? otherwise(method, request)
  })
  t.after(server.stop)
  const gpss = openGpss(gpssAddress(urlOf(server.port, parameters), {}))
  t.after(gpss.close)
  return { gpss, server }
}

function load(rows = 2, more: Partial<Load> = {}): Load {
  const encoder = new RowEncoder(['int32', 'string'])
  for (let i = 0; i < rows; i++) encoder.add([i, 'x'.repeat(rows > 2 ? 1_000_000 : 1)])
  return { table: { schema: 'public', name: 't' }, columns: ['a', 'b'], rows: encoder.finish(), ...more }
}

const failure = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof RelayError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, words)
  assert.doesNotMatch(error.message, /secret/)
  return true
}

test('loads one after another share a session, which ends at the end', async (t) => {
  const { gpss, server } = await start(t, undefined, '&staging-schema=stage&session-timeout=77')
  assert.deepEqual(await gpss.load(load(2, { preSql: 'SELECT 1', postSql: 'SELECT 2' })), { kind: 'loaded' })
  assert.deepEqual(await gpss.load(load(7)), { kind: 'loaded' })
  await gpss.close()
  await gpss.close()
  assert.deepEqual(server.calls, [
    'Connect',
    ...['Open 1', 'Write 1', 'Close 1'],
    ...['Open 1', 'Write 1', 'Write 1', 'Write 1', 'Close 1'],
    'Disconnect 1',
  ])
  assert.deepEqual(server.requests.slice(0, 2), [
    { Host: '127.0.0.1', Port: 5432, Username: 'gp', Password: 'secret-1', DB: 'db', SessionTimeout: 77 },
    {
      Session: { ID: '1' },
      SchemaName: 'public',
      TableName: 't',
      PreSQL: 'SELECT 1',
      PostSQL: 'SELECT 2',
      StagingSchema: 'stage',
      InsertOption: { InsertColumns: ['a', 'b'] },
    },
  ])
  await assert.rejects(gpss.load(load()), /is closed/)
})

test('loads at the same time have a session each', async (t) => {
  const { gpss, server } = await start(t)
  await Promise.all([gpss.load(load(7)), gpss.load(load(7)), gpss.load(load(7))].map((one) => one.catch(() => null)))
  assert.equal(server.calls.filter((call) => call === 'Connect').length, 3)
  for (const session of ['1', '2', '3']) {
    const calls = server.calls.filter((call) => call.endsWith(` ${session}`)).map((call) => call.split(' ')[0])
    assert.deepEqual(calls.slice(0, 5), ['Open', 'Write', 'Write', 'Write', 'Close'])
  }
})

test('a session that the server has forgotten is replaced before anything was sent', async (t) => {
  const { gpss, server } = await start(t, (method, nth) =>
    method === 'Open' && nth === 2 ? internal('session not found') : undefined,
  )
  await gpss.load(load())
  assert.deepEqual(await gpss.load(load()), { kind: 'loaded' })
  assert.deepEqual(server.calls.slice(4), ['Open 1', 'Disconnect 1', 'Connect', 'Open 2', 'Write 2', 'Close 2'])
})

test('a server that was started again is found again', async (t) => {
  const { gpss, server } = await start(t)
  await gpss.load(load())
  server.stop()
  await assert.rejects(gpss.load(load()), failure('SINK_UNREACHABLE', /Connect failed with UNAVAILABLE/))
  const next = await startScriptedGpss(usual(), { port: server.port })
  t.after(next.stop)
  assert.deepEqual(await gpss.load(load()), { kind: 'loaded' })
  // The old session may still hold locks in a server that lives on: the first thing is to end it.
  assert.deepEqual(next.calls, ['Connect', 'Disconnect 1', 'Open 1', 'Write 1', 'Close 1'])
})

for (const method of ['Open', 'Write'] as const) {
  test(`a load whose ${method} fails is given up by Disconnect, never by Close`, async (t) => {
    const words = 'pq: invalid input syntax for type integer: "secret"'
    const { gpss, server } = await start(t, (called, nth) =>
      called === method && nth === 1 ? internal(words) : undefined,
    )
    await assert.rejects(gpss.load(load()), failure('SINK_REFUSED', /invalid input syntax for type integer: "…"/))
    const calls = ['Connect', 'Open 1', 'Write 1'].slice(0, method === 'Open' ? 2 : 3)
    assert.deepEqual(server.calls, [...calls, 'Disconnect 1'])
    assert.deepEqual(await gpss.load(load()), { kind: 'loaded' })
  })
}

for (const [title, answer] of [
  ['is cut off', unavailable],
  ['is not answered', 'hang'],
  ['meets a server that ends', internal('pq: terminating connection due to administrator command')],
  ['is answered in words not known', internal('stream reset')],
] as const) {
  test(`a Close that ${title} leaves the outcome unknown`, async (t) => {
    const { gpss, server } = await start(t, (method) => (method === 'Close' ? answer : undefined))
    const outcome = await gpss.load(load())
    assert.equal(outcome.kind, 'unknown')
    assert.equal(outcome.kind === 'unknown' && outcome.failure.code, 'SINK_UNREACHABLE')
    assert.equal(server.calls.at(-1), 'Disconnect 1')
  })
}

test('a Close that says no is a failure', async (t) => {
  const words = 'pq: null value in column "a" violates not-null constraint  (seg0 slice1 10.0.0.1:6000 pid=1)'
  const { gpss, server } = await start(t, (method) => (method === 'Close' ? internal(words) : undefined))
  await assert.rejects(gpss.load(load()), failure('SINK_REFUSED', /null value in column "a" violates.*table public\.t/))
  assert.equal(server.calls.at(-1), 'Disconnect 1')
})

test('rows that were left out, or counted otherwise, are no success', async (t) => {
  const rows = ['invalid input syntax for type integer: "secret"', 'secret,row,of,data', 'value too long for type text']
  const stats = [{ SuccessCount: '1', ErrorCount: '1', ErrorRows: rows }, { SuccessCount: '1' }, {}]
  const { gpss } = await start(t, (method, nth) => (method === 'Close' ? stats[nth - 1] : undefined))
  await assert.rejects(
    gpss.load(load()),
    failure('SINK_REFUSED', /1 of 2 rows were left out: invalid input.*: "…": value too long for type text \(/),
  )
  await assert.rejects(gpss.load(load()), failure('SINK_FAILED', /1 rows were loaded, but 2 were sent/))
  await assert.rejects(gpss.load(load()), failure('SINK_FAILED', /0 rows were loaded/))
})

test('a session whose end was not heard is ended by the next one', async (t) => {
  const { gpss, server } = await start(t, (method, nth) =>
    (method === 'Write' || method === 'Disconnect') && nth === 1 ? unavailable : undefined,
  )
  await assert.rejects(gpss.load(load()), failure('SINK_UNREACHABLE', /Write failed with UNAVAILABLE: gone/))
  await gpss.load(load())
  await gpss.load(load())
  const [first, second] = [server.calls.slice(0, 6), server.calls.slice(6)]
  assert.deepEqual(first, ['Connect', 'Open 1', 'Write 1', 'Disconnect 1', 'Connect', 'Disconnect 1'])
  assert.deepEqual(second, ['Open 2', 'Write 2', 'Close 2', 'Open 2', 'Write 2', 'Close 2'])
})

test('a table is described, and one that is missing is null however the server says so', async (t) => {
  const answers: Answer[] = [
    { Columns: [{ Name: 'a', DatabaseType: 'INT4', HasNullable: true }] },
    {},
    internal('pq: relation "public.t" does not exist'),
    internal('table public.t not found'),
    { code: status.NOT_FOUND, details: '' },
    internal('pq: schema "nowhere" does not exist'),
  ]
  const { gpss, server } = await start(t, (method, nth) => (method === 'DescribeTable' ? answers[nth - 1] : undefined))
  const table = { schema: 'public', name: 't' }
  const column = { name: 'a', declared: 'INT4', type: 'int4', modifier: -1, nullable: false }
  assert.deepEqual(await gpss.describe(table), [column])
  for (let i = 0; i < 4; i++) assert.equal(await gpss.describe(table), null)
  await assert.rejects(gpss.describe(table), failure('SINK_TABLE', /schema "nowhere" does not exist/))
  assert.equal(server.calls.filter((call) => call === 'Connect').length, 1)
})

test('logins that fail say so, without the password', async (t) => {
  const refused = internal('pq: password authentication failed for user "gp" (password=secret-1)')
  const { gpss } = await start(t, (method, nth) => (method === 'Connect' ? [refused, {}][nth - 1] : undefined))
  await assert.rejects(gpss.load(load()), failure('SINK_LOGIN', /user "gp".*greenplum 127\.0\.0\.1:5432/))
  await assert.rejects(gpss.load(load()), failure('SINK_FAILED', /without a session/))
})

test('a service that is not GPSS is named as the trouble', async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(404)
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const gpss = openGpss(gpssAddress(urlOf((server.address() as AddressInfo).port), {}))
  t.after(async () => {
    await gpss.close()
    server.close()
  })
  await assert.rejects(gpss.load(load()), failure('SINK_FAILED', /not the Batch Data API of GPSS.*Check host and port/))
})

test('a password file is read at each login', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gpss-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'password')
  const server = await startScriptedGpss((method) =>
    method === 'Connect' ? internal('pq: role "gp" does not exist') : {},
  )
  t.after(server.stop)
  const gpss = openGpss(gpssAddress(`gpss://gp@127.0.0.1:${server.port}/db?password-file=${file}`, {}))
  await assert.rejects(gpss.load(load()), failure('CONFIGURATION', /password-file of GPSS cannot be read/))
  for (const password of ['one', 'two']) {
    await writeFile(file, `${password}\n`)
    await assert.rejects(gpss.load(load()), failure('SINK_LOGIN', /role "gp" does not exist/))
  }
  assert.deepEqual(
    server.requests.map(({ Password }) => Password),
    ['one', 'two'],
  )
})
