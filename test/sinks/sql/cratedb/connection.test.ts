import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import type { Env } from '../../../../src/env.ts'
import { SILENT } from '../../../../src/observe/log.ts'
import { connect } from '../../../../src/sinks/sql/connect.ts'
import type { Connection } from '../../../../src/sinks/sql/connection.ts'
import { openCrate } from '../../../../src/sinks/sql/cratedb/connection.ts'
import { dialectOf } from '../../../../src/sinks/sql/dialect-of.ts'
import { type Crate, startCrate } from '../../../support/crate/crate.ts'

test('it is CrateDB by what it says, in the schema of the URL, with a limit of time for statements', async (t) => {
  const { connection } = await place(t)
  assert.equal(connection.schema, 'doc')
  assert.equal((await dialectOf(connection, SILENT)).title, 'CrateDB')
  assert.equal(await setting(connection, 'statement_timeout'), '1m')
})

test('what `options` of the URL sets holds', async (t) => {
  const { crate } = await place(t)
  const other = await connect(`${crate.url}?options=-c%20statement_timeout%3D5000`)
  t.after(() => other.close())
  assert.equal(await setting(other, 'statement_timeout'), '5s')
})

test('a URL that promised another database is warned of, and the server believed', async (t) => {
  const { crate } = await place(t)
  const connection = await connect(crate.url.replace('crate:', 'greenplum:'))
  t.after(() => connection.close())
  const warnings: string[] = []
  const dialect = await dialectOf(connection, { ...SILENT, warn: (_, message) => warnings.push(message) })
  assert.equal(dialect.title, 'CrateDB')
  assert.match(warnings[0]!, /says Greenplum, but the server is CrateDB/)
})

test('a version that would damage rows is refused', async (t) => {
  const { crate, connection } = await place(t)
  crate.settings.crateVersion = '5.5.2'
  await assert.rejects(dialectOf(connection, SILENT), { code: 'CONFIGURATION' })
})

test('after a lost connection, or an error, the next statement is answered, by a new session or the same', async (t) => {
  const { crate, connection } = await place(t)
  const one = () => sql<{ one: number }>`SELECT 1 AS one`.execute(connection.db).then(({ rows }) => rows[0]!.one)
  assert.equal(await one(), 1)
  const session = connection.session()
  await assert.rejects(sql`SELECT nothing FROM nowhere`.execute(connection.db), { code: '42P01' })
  assert.equal(await one(), 1)
  assert.equal(connection.session(), session)
  crate.disconnect()
  for (let attempts = 0; attempts < 10; attempts++) {
    if ((await one().catch(() => null)) === 1) break
  }
  assert.equal(await one(), 1)
  assert.ok(connection.session() > session)
})

async function setting(connection: Connection, name: string): Promise<string> {
  const { rows } = await sql<Record<string, string>>`SHOW ${sql.raw(name)}`.execute(connection.db)
  return Object.values(rows[0]!)[0]!
}

async function place(t: TestContext): Promise<{ crate: Crate; connection: Connection }> {
  const crate = await startCrate()
  const connection = await connect(crate.url)
  t.after(async () => {
    await connection.close()
    await crate.stop()
  })
  return { crate, connection }
}

test('PGPASSWORD is what the caller hands in: one that only the process has is never sent, for its way was not looked at', async (t) => {
  const { port, passwords } = await serverThatAsks(t)
  const url = `crate://writer@127.0.0.1:${port}/doc`
  process.env.PGPASSWORD = 'of-the-process'
  t.after(() => delete process.env.PGPASSWORD)
  const login = async (env: Env) => {
    const { db, close } = openCrate(url, null, env)
    await assert.rejects(sql`SELECT 1`.execute(db))
    await close()
  }
  await login({})
  assert.deepEqual(passwords, [])
  await login({ PGPASSWORD: 'handed-in' })
  assert.deepEqual(passwords, ['handed-in'])
})

/** Asks each client for its password, and hangs up. */
async function serverThatAsks(t: TestContext) {
  const passwords: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3])) // AuthenticationCleartextPassword
      socket.once('data', (message: Buffer) => {
        if (message[0] === 0x70) passwords.push(message.toString('utf8', 5, message.length - 1))
        socket.destroy()
      })
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  return { port: (server.address() as AddressInfo).port, passwords }
}
