import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { ChannelCredentials } from '@grpc/grpc-js'
import { certificateAuthority } from './certificates.ts'
import { rawClient, writeRequest } from './raw-client.ts'
import { startGpss } from './server.ts'
import type { Fault, GpssSettings, Moment } from './settings.ts'
import { type TestGpss, testGpss } from './test-gpss.ts'

const AB = { InsertColumns: ['a', 'b'] }
const UNAVAILABLE = 14
const gone = { code: 'UNAVAILABLE' }
const notFound = { code: 'INTERNAL', message: 'session not found' }

/** One fault, at the nth call of a method. */
function once(method: string, nth: number, moment: Moment, fault: Fault): Pick<GpssSettings, 'fault'> {
  return {
    fault: ({ call, moment: now }) =>
      call.method === method && call.nth === nth && now === moment ? fault : undefined,
  }
}

/** Opens a load and writes two rows, one at a time. */
async function opened({ client, session }: TestGpss): Promise<string> {
  const id = await session()
  await client.open(id, 'Insert', 'public.t', AB)
  await client.write(id, [1, 'x'])
  return id
}

test('an error at the second Write fails the load', async (t) => {
  const message = 'pq: out of memory'
  const tested = await testGpss(t, 'a int, b text', once('Write', 2, 'start', { kind: 'error', message }))
  const id = await opened(tested)
  await assert.rejects(tested.client.write(id, [2, 'x']), { code: 'INTERNAL', message })
  await assert.rejects(tested.client.write(id, [3, 'x']), { message: `the load has failed: ${message}` })
  await tested.client.close(id)
  assert.deepEqual(await tested.rows(), [])
})

test('UNAVAILABLE at the second Write: the load is as it was, and what comes again is not known as such', async (t) => {
  for (const [moment, rows] of [
    ['start', 2],
    ['end', 3],
  ] as const) {
    const fault = { kind: 'error', code: UNAVAILABLE, message: 'connection refused' } as const
    const tested = await testGpss(t, 'a int, b text', once('Write', 2, moment, fault))
    const id = await opened(tested)
    await assert.rejects(tested.client.write(id, [2, 'x']), gone)
    await tested.client.write(id, [2, 'x'])
    await tested.client.close(id)
    assert.equal((await tested.rows()).length, rows)
  }
})

test('a reset at the second Write: the session and its load are still there for a new connection', async (t) => {
  const tested = await testGpss(t, 'a int, b text', once('Write', 2, 'start', { kind: 'reset' }))
  const id = await opened(tested)
  await assert.rejects(tested.client.write(id, [2, 'x']), gone)
  assert.equal(tested.gpss.calls.at(-1)!.outcome, 'no answer')
  await tested.client.ready()
  await tested.client.write(id, [2, 'x'])
  await tested.client.close(id)
  assert.equal((await tested.rows()).length, 2)
})

/** What is in the table when the answer to Close is lost, and whether the session is still known. */
const CLOSES: readonly [fault: 'die' | 'restart' | 'reset', moment: Moment, committed: boolean][] = [
  ['restart', 'start', false],
  ['restart', 'before commit', false],
  ['restart', 'after commit', true],
  ['restart', 'end', true],
  ['die', 'before commit', false],
  ['die', 'after commit', true],
  ['reset', 'start', false],
  ['reset', 'before commit', true],
  ['reset', 'end', true],
]

for (const [kind, moment, committed] of CLOSES) {
  test(`${kind} at ${moment} of Close: the answer is lost, the rows are ${committed ? 'there' : 'not'}`, async (t) => {
    const tested = await testGpss(t, 'a int, b text', once('Close', 1, moment, { kind }))
    const id = await opened(tested)
    await assert.rejects(tested.client.close(id), gone)
    if (kind === 'die') {
      await assert.rejects(tested.session(), gone)
      await tested.gpss.restart()
    }
    await tested.client.ready()
    if (kind === 'reset' && moment === 'start') await tested.client.disconnect(id)
    else if (kind !== 'reset') await assert.rejects(tested.client.write(id, [9, 'x']), notFound)
    await settled(tested)
    assert.deepEqual(await tested.rows(), committed ? [[1, 'x']] : [])
    assert.ok(await tested.session(), 'a new session is to be had')
  })
}

/** Waits until no statement of the server is running. */
async function settled({ database }: TestGpss): Promise<void> {
  const busy = `SELECT 1 FROM pg_stat_activity
     WHERE application_name = 'gpss' AND datname = current_database() AND state <> 'idle'`
  while ((await database.query(busy)).length > 0) await new Promise((resolve) => setTimeout(resolve, 10))
}

test('a PostSQL outside of the transaction is not run when the server dies behind the commit', async (t) => {
  const settings = { postSql: 'outside' as const, ...once('Close', 1, 'after commit', { kind: 'restart' as const }) }
  const tested = await testGpss(t, 'a int, b text', settings)
  const id = await tested.session()
  await tested.client.open(id, 'Insert', 'public.t', AB, { PostSQL: 'DELETE FROM public.t' })
  await tested.client.write(id, [1, 'x'])
  await assert.rejects(tested.client.close(id), gone)
  assert.deepEqual(await tested.rows(), [[1, 'x']])
})

for (const method of ['Connect', 'Open', 'Write', 'Close', 'DescribeTable', 'Disconnect'] as const) {
  test(`${method} hangs for ever; only Disconnect helps`, async (t) => {
    const tested = await testGpss(
      t,
      'a int, b text',
      once(method, method === 'Connect' ? 2 : 1, 'start', { kind: 'hang' }),
    )
    const { client, gpss, login } = tested
    const id = await tested.session()
    const impatient = async (name: typeof method, request: Uint8Array) =>
      assert.rejects(client.call(name, request, 100), { code: 'DEADLINE_EXCEEDED' })
    const session = Buffer.concat([Buffer.from([0x0a, id.length + 2, 0x0a, id.length]), Buffer.from(id)])
    if (method === 'Write' || method === 'Close') await client.open(id, 'Insert', 'public.t', AB)
    if (method === 'Connect')
      await assert.rejects(client.call('Connect', Buffer.alloc(0), 100), { code: 'DEADLINE_EXCEEDED' })
    else if (method === 'Disconnect') await impatient(method, session.subarray(2))
    else await impatient(method, method === 'Write' ? writeRequest(id, [[1, 'x']]) : session)
    assert.equal(gpss.calls.at(-1)!.outcome, null, 'still running')
    if (method !== 'Connect' && method !== 'Disconnect') {
      await assert.rejects(client.close(id), { message: 'another call of this session has not been answered yet' })
    }
    await client.disconnect(id)
    assert.ok(await client.connect(login))
  })
}

test('calls of one session that overlap are refused, or wait for their turn', async (t) => {
  for (const overlap of ['refuse', 'queue'] as const) {
    const slow = once('Write', 1, 'start', { kind: 'delay', milliseconds: 50 })
    const tested = await testGpss(t, 'a int, b text', { overlap, ...slow })
    const id = await tested.session()
    await tested.client.open(id, 'Insert', 'public.t', AB)
    const writes = await Promise.allSettled([1, 2].map((a) => tested.client.write(id, [a, 'x'])))
    assert.equal(writes.filter(({ status }) => status === 'fulfilled').length, overlap === 'queue' ? 2 : 1)
    await tested.client.close(id)
    assert.equal((await tested.rows()).length, overlap === 'queue' ? 2 : 1)
  }
})

test('a session that is lost between two calls is rolled back and unknown', async (t) => {
  const tested = await testGpss(t, 'a int, b text', once('Write', 2, 'start', { kind: 'forget session' }))
  const id = await opened(tested)
  await assert.rejects(tested.client.write(id, [2, 'x']), notFound)
  await assert.rejects(tested.client.close(id), notFound)
  assert.deepEqual(await tested.rows(), [])

  const another = await opened(tested)
  await tested.gpss.forgetSessions()
  await assert.rejects(tested.client.close(another), notFound)
  assert.equal(tested.gpss.sessions, 0)
})

test('a restart rolls back all loads, and forgets all sessions but not the calls', async (t) => {
  const tested = await testGpss(t, 'a int, b text')
  const { port } = tested.gpss
  const [first, second] = [await opened(tested), await opened(tested)]
  await tested.gpss.restart()
  assert.equal(tested.gpss.port, port)
  // The channel notices the loss of its connection only with this call.
  await assert.rejects(tested.client.close(first))
  await tested.client.ready()
  for (const id of [first, second]) await assert.rejects(tested.client.close(id), notFound)
  await settled(tested)
  assert.deepEqual(await tested.rows(), [])
  assert.equal(tested.gpss.calls.filter(({ method }) => method === 'Open').length, 2)
})

test('a session that is idle for longer than its SessionTimeout is released, in a load, too', async (t) => {
  for (const openLoadsExpire of [true, false]) {
    let now = 0
    const tested = await testGpss(t, 'a int, b text', { now: () => now, openLoadsExpire })
    const { client, login, gpss } = tested
    const idle = await client.connect({ ...login, SessionTimeout: 10 })
    const busy = await client.connect({ ...login, SessionTimeout: 10 })
    const patient = await client.connect({ ...login, SessionTimeout: 100 })
    const unlimited = await client.connect(login)
    await client.open(busy, 'Insert', 'public.t', AB)
    now = 10_000
    await client.write(busy, [1, 'x'])
    assert.equal(gpss.sessions, 4)
    now = 20_000
    await client.write(busy, [2, 'x'])
    await assert.rejects(client.describe(idle, 'public', 't'), notFound)
    now = 30_001
    const closing = client.close(busy)
    if (openLoadsExpire) await assert.rejects(closing, notFound)
    else await closing
    assert.deepEqual(
      await tested.rows(),
      openLoadsExpire
        ? []
        : [
            [1, 'x'],
            [2, 'x'],
          ],
    )
    now = 1_000_000
    await assert.rejects(client.describe(patient, 'public', 't'), notFound)
    assert.equal((await client.describe(unlimited, 'public', 't')).length, 2)
    assert.equal(gpss.sessions, 1)
  }
})

test('a database that ends the connection fails the load, and the session is of no use any more', async (t) => {
  const tested = await testGpss(t, 'a int, b text')
  const id = await opened(tested)
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gpss'`
  await tested.database.query(end)
  await assert.rejects(tested.client.write(id, [2, 'x']), { code: 'INTERNAL' })
  await tested.client.close(id)
  await assert.rejects(tested.client.open(id, 'Insert', 'public.t', AB), { message: 'driver: bad connection' })
  await tested.client.disconnect(id)
  assert.ok(await opened(tested))
})

test('stop leaves no connection to the database', async (t) => {
  const tested = await testGpss(t, 'a int, b text')
  await opened(tested)
  await tested.gpss.stop()
  await tested.gpss.stop()
  const connections = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'gpss'`
  const left = async () => (await tested.database.query(connections)).length
  // PostgreSQL needs a moment to see that a client is gone.
  for (let tries = 0; tries < 200 && (await left()) > 0; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(await left(), 0)
})

test('TLS: only with the right authority, and with a certificate where the server demands one', async (t) => {
  const authority = certificateAuthority()
  const stranger = certificateAuthority('somebody else')
  const { certificate, key } = authority.issue('localhost')
  const ours = Buffer.from(authority.certificate)
  const pair = (issued: { certificate: string; key: string }) =>
    [Buffer.from(issued.key), Buffer.from(issued.certificate)] as const
  const trusted = ChannelCredentials.createSsl(ours)
  const shown = ChannelCredentials.createSsl(ours, ...pair(authority.issue('client')))
  const forged = ChannelCredentials.createSsl(ours, ...pair(stranger.issue('client')))
  const suspicious = ChannelCredentials.createSsl(Buffer.from(stranger.certificate))
  const { login } = await testGpss(t, 'a int')

  const cases: [title: string, mutual: boolean, credentials: ChannelCredentials, accepted: boolean][] = [
    ['server certificate', false, trusted, true],
    ['another authority', false, suspicious, false],
    ['plaintext', false, ChannelCredentials.createInsecure(), false],
    ['client certificate', true, shown, true],
    ['no client certificate', true, trusted, false],
    ['client certificate of another authority', true, forged, false],
  ]
  for (const [title, mutual, credentials, accepted] of cases) {
    const tls = { certificate, key, ...(mutual ? { clientAuthority: authority.certificate } : {}) }
    const gpss = await startGpss({ tls })
    const client = rawClient(`localhost:${gpss.port}`, credentials)
    try {
      if (accepted) assert.ok(await client.connect(login), title)
      else await assert.rejects(client.connect(login), gone, title)
    } finally {
      client.end()
      await gpss.stop()
    }
  }
})

test('a port that is taken is reported', async (t) => {
  const { gpss } = await testGpss(t, 'a int')
  await assert.rejects(startGpss({ port: gpss.port }), { code: 'EADDRINUSE' })
})

test('the server shares nothing with a client: no .proto, nothing from src', async () => {
  const files = ['wire.ts', 'wire-messages.ts', 'server.ts', 'transport.ts', 'load.ts', 'sessions.ts', 'target.ts']
  for (const file of files) {
    const text = await readFile(new URL(file, import.meta.url), 'utf8')
    assert.doesNotMatch(text, /from '[^']*(src\/|proto-loader|protobufjs)/, file)
  }
})
