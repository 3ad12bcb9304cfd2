import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { RelayError } from '../../../src/errors.ts'
import { gpssAddress } from '../../../src/sinks/gpss/address.ts'
import { type Gpss, openGpss } from '../../../src/sinks/gpss/connection.ts'
import { RowEncoder } from '../../../src/sinks/gpss/rows.ts'
import type { Load } from '../../../src/sinks/gpss/session.ts'
import { certificateAuthority } from '../../support/gpss/certificates.ts'
import { type Gpss as GpssServer, startGpss } from '../../support/gpss/server.ts'
import type { Fault, GpssSettings, Moment } from '../../support/gpss/settings.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'

const database = await testDatabase()
after(() => database.drop())

interface Parts {
  readonly server: GpssServer
  readonly gpss: Gpss
  readonly table: string
  rows(): Promise<number>
}

let tables = 0

async function start(t: TestContext, settings: GpssSettings = {}, parameters = ''): Promise<Parts> {
  const server = await startGpss(settings)
  t.after(server.stop)
  const table = `t_${++tables}`
  await database.query(`CREATE TABLE ${table} (id integer NOT NULL, name text)`)
  const { username, password, hostname, port, pathname } = new URL(database.url)
  const greenplum = `greenplum-host=${hostname}&greenplum-port=${port}${parameters}`
  const url = `gpss://${username}:${password}@${server.host}:${server.port}${pathname}?${greenplum}`
  const gpss = openGpss(gpssAddress(url, {}))
  t.after(gpss.close)
  const rows = async () => (await database.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`))[0]!.n
  return { server, gpss, table, rows }
}

/** @param nameBytes large names make more than one message */
function load(
  table: string,
  count: number,
  { nameBytes = 1, ...more }: Partial<Load> & { nameBytes?: number } = {},
): Load {
  const encoder = new RowEncoder(['int32', 'string'])
  for (let id = 0; id < count; id++) encoder.add([id, 'x'.repeat(nameBytes)])
  return { table: { schema: 'public', name: table }, columns: ['id', 'name'], rows: encoder.finish(), ...more }
}

const THREE_WRITES = { nameBytes: 1_700_000 }

/** The fault happens once. */
function once(method: string, moment: Moment, fault: Fault, nth = 1): GpssSettings {
  let isDone = false
  return {
    fault: ({ call, moment: now }) => {
      if (isDone || call.method !== method || call.nth !== nth || now !== moment) return undefined
      isDone = true
      return fault
    },
  }
}

const code =
  (wanted: string) =>
  (error: unknown): boolean =>
    error instanceof RelayError && error.code === wanted

test('rows of many messages become durable together, each message below 4 MiB', async (t) => {
  const { server, gpss, table, rows } = await start(t)
  const outcome = await gpss.load(
    load(table, 3, { ...THREE_WRITES, postSql: `UPDATE ${table} SET name = length(name)::text` }),
  )
  assert.deepEqual(outcome, { kind: 'loaded' })
  assert.equal(await rows(), 3)
  const found = await database.query(`SELECT * FROM ${table} ORDER BY id`)
  assert.deepEqual(found[2], { id: 2, name: '1700000' })
  assert.deepEqual(
    server.calls.map(({ method }) => method),
    ['Connect', 'Open', 'Write', 'Write', 'Write', 'Close'],
  )
  for (const { bytes } of server.calls) assert.ok(bytes < 4 * 1024 * 1024)
})

for (const hostile of [{}, { abortIgnored: true, failedWrite: 'keep' }, { before110: true }] as const) {
  test(`a load that fails leaves nothing behind: ${JSON.stringify(hostile)}`, async (t) => {
    const bad = once('Write', 'start', { kind: 'error', message: 'pq: value too long for type text' }, 2)
    const { server, gpss, table, rows } = await start(t, { ...bad, ...hostile })
    await assert.rejects(gpss.load(load(table, 3, THREE_WRITES)), code('SINK_REFUSED'))
    assert.equal(await rows(), 0)
    assert.equal(server.sessions, 0)
    await gpss.load(load(table, 3, THREE_WRITES))
    assert.equal(await rows(), 3)
  })
}

test('a constraint that Close meets is a refusal, and no row stays', async (t) => {
  const { gpss, table, rows } = await start(t, { greenplum: { distributionKeys: new Map() } })
  await database.query(`CREATE UNIQUE INDEX ON ${table} (name)`)
  await assert.rejects(gpss.load(load(table, 2)), code('SINK_REFUSED'))
  assert.equal(await rows(), 0)
})

for (const [moment, kept] of [
  ['before commit', 0],
  ['after commit', 2],
] as const) {
  for (const kind of ['reset', 'restart', 'hang'] as const) {
    test(`Close meets a ${kind} ${moment}: the outcome is unknown, and the next load works`, async (t) => {
      const { server, gpss, table, rows } = await start(
        t,
        once('Close', moment, { kind }),
        kind === 'hang' ? '&deadline=3' : '',
      )
      const { kind: outcome } = await gpss.load(load(table, 2))
      assert.equal(outcome, 'unknown')
      if (kind !== 'reset' || moment === 'after commit') assert.equal(await rows(), kept)
      const before = await rows()
      assert.deepEqual(await gpss.load(load(table, 2)), { kind: 'loaded' })
      assert.ok((await rows()) >= before + 2)
      assert.equal(server.sessions, 1)
    })
  }
}

test('a connection that is reset in a load loses the load, and its session is ended', async (t) => {
  const { server, gpss, table, rows } = await start(t, once('Write', 'start', { kind: 'reset' }, 2))
  await assert.rejects(gpss.load(load(table, 3, THREE_WRITES)), code('SINK_UNREACHABLE'))
  await gpss.load(load(table, 3, THREE_WRITES))
  assert.equal(await rows(), 3)
  assert.equal(server.sessions, 1)
})

test('a session that was idle for too long is replaced', async (t) => {
  let now = 0
  const { server, gpss, table, rows } = await start(t, { now: () => now }, '&session-timeout=60&deadline=30')
  await gpss.load(load(table, 1))
  now += 61_000
  await gpss.load(load(table, 1))
  assert.notEqual(await gpss.describe({ schema: 'public', name: table }), null)
  assert.equal(await rows(), 2)
  assert.equal(server.calls.filter(({ method }) => method === 'Connect').length, 2)
})

test('a server that takes less than 4 MiB has messages refused, not lost', async (t) => {
  const { gpss, table, rows } = await start(t, { maxReceiveBytes: 1_000_000 })
  await assert.rejects(gpss.load(load(table, 3, THREE_WRITES)), code('SINK_REFUSED'))
  assert.equal(await rows(), 0)
})

test('a wrong password, a table, a column and a right that are missing', async (t) => {
  const { server, gpss, table } = await start(t, { describeMissing: 'empty' })
  await assert.rejects(gpss.load(load('nowhere', 1)), code('SINK_TABLE'))
  await assert.rejects(gpss.load({ ...load(table, 1), columns: ['id', 'other'] }), code('SINK_TABLE'))
  assert.equal(await gpss.describe({ schema: 'public', name: 'nowhere' }), null)
  const { hostname, port, pathname } = new URL(database.url)
  const greenplum = `greenplum-host=${hostname}&greenplum-port=${port}`
  const login = (user: string) =>
    openGpss(gpssAddress(`gpss://${user}@${server.host}:${server.port}${pathname}?${greenplum}`, {}))
  await assert.rejects(login('postgres:wrong').load(load(table, 1)), code('SINK_LOGIN'))
  await database.query(`CREATE ROLE reader LOGIN PASSWORD 'pw'`)
  t.after(() => database.query('DROP ROLE reader'))
  const reader = login('reader:pw')
  t.after(reader.close)
  await assert.rejects(reader.load(load(table, 1)), code('SINK_DENIED'))
})

test('TLS: an authority of their own, and a certificate of ours where they ask for one', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gpss-tls-'))
  t.after(() => rm(folder, { recursive: true }))
  const [authority, other] = [certificateAuthority(), certificateAuthority('another authority')]
  const own = authority.issue('cdc-relay')
  const files = { ca: authority.certificate, other: other.certificate, cert: own.certificate, key: own.key, bad: 'x' }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const file = (name: string, of = name): string => `&${name}=${join(folder, of)}`
  const tls = { ...authority.issue('localhost'), clientAuthority: authority.certificate }

  const mutual = await start(t, { tls }, `&tls=on${file('ca')}${file('cert')}${file('key')}`)
  await mutual.gpss.load(load(mutual.table, 1))
  assert.equal(await mutual.rows(), 1)

  const foreign = await start(t, { tls }, `&tls=on${file('ca', 'other')}${file('cert')}${file('key')}`)
  await assert.rejects(
    foreign.gpss.load(load(foreign.table, 1)),
    /SINK_FAILED.*TLS connection was refused. Check tls, ca/,
  )
  for (const wrong of ['bad', 'missing']) {
    const unusable = await start(t, { tls }, `&tls=on${file('ca')}${file('cert', wrong)}${file('key')}`)
    await assert.rejects(unusable.gpss.load(load(unusable.table, 1)), code('CONFIGURATION'))
  }
})
