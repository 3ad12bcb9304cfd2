import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { inspect, promisify } from 'node:util'
import { sql } from 'kysely'
import pg from 'pg'
import type { Change } from '../../../src/change.ts'
import { FAILURES, type FailureCode, RelayError } from '../../../src/errors.ts'
import { sinkProblem } from '../../../src/sinks/by-url.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { connect } from '../../../src/sinks/sql/connect.ts'
import { inTransaction } from '../../../src/sinks/sql/connection.ts'
import { dialectOf } from '../../../src/sinks/sql/dialect-of.ts'
import { lockKey } from '../../../src/sinks/sql/postgresql/lock-key.ts'
import { at, batchOf, claimOf, put } from '../../support/changes.ts'
import { pgliteFolder } from '../../support/postgres/pglite.ts'
import { postgres, testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { sqlSinkOf } from '../../support/targets/sql-target.ts'
import { startWireProxy, type Verdict } from '../../support/wire/wire-proxy.ts'
import { rejection, totals } from '../conformance/answers.ts'

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

test('a target that cannot be reached or entered is named by what is wrong, and never shows the password', async (t) => {
  const server = await postgres()
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port: closedPort } = listener.address() as { port: number }
  listener.close()

  const wrong: readonly [url: string, code: FailureCode][] = [
    [server.url().replace(/:[^:@]*@/, ':hunter2@'), 'SINK_LOGIN'],
    [server.url('missing'), 'SINK_LOGIN'],
    [`postgresql://app:hunter2@127.0.0.1:${closedPort}/x`, 'SINK_UNREACHABLE'],
    ['postgresql://app:hunter2@no-such-host.invalid/x', 'SINK_UNREACHABLE'],
    ['postgresql://app:hunter2@[bad/x', 'CONFIGURATION'],
    ['mysql://app:hunter2@host/x', 'CONFIGURATION'],
    ['pglite:', 'CONFIGURATION'],
  ]
  for (const [url, code] of wrong) {
    const sink = sqlSinkOf({ url })
    t.after(() => sink.close())
    const failure = await rejection(sink.open(claimOf(), signal()), code)
    assert.doesNotMatch(inspect(failure, { depth: 9, showHidden: true }), /hunter2|password-of-the-test-server/, url)
  }
})

test('each session says who it is and does not wait for ever, also one that comes after a lost one', async (t) => {
  const database = await testDatabase(t)
  const connection = await connect(database.url)
  t.after(() => connection.close())
  await dialectOf(connection, null)
  const settings = async () => {
    const { rows } = await sql<Record<string, string>>`
      SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS statement,
        current_setting('lock_timeout') AS lock, current_setting('idle_in_transaction_session_timeout') AS idle,
        current_setting('TimeZone') AS zone, pg_backend_pid()::text AS pid`.execute(connection.db)
    const { pid, ...found } = rows[0]!
    assert.deepEqual(found, { name: 'cdc-relay', statement: '1min', lock: '10s', idle: '1min', zone: 'UTC' })
    return pid
  }
  const first = await settings()
  await database.query(`SELECT pg_terminate_backend(${first})`)
  // The connection may have to be used, more than once, to be found dead.
  const second = await settings().catch(settings).catch(settings).catch(settings)
  assert.notEqual(second, first)
})

test('the scheme of a URL may stand in capitals', async () => {
  for (const url of ['POSTGRESQL://app@127.0.0.1/d', 'Greenplum://app@127.0.0.1/d', 'CRATE://app@127.0.0.1']) {
    assert.equal(sinkProblem(url, {}), null)
    await (await connect(url)).close()
  }
})

test('the schema of the URL is where tables go', async (t) => {
  const database = await testDatabase(t)
  const sink = sqlSinkOf({ url: `${database.url}?schema=Shop.Data` })
  t.after(() => sink.close())
  await sink.open(claimOf(), signal())
  await write(sink, 1, put('a', 1))
  assert.deepEqual(await database.query('SELECT id FROM "Shop.Data".orders'), [{ id: 'a' }])
})

for (const name of ['postgresql', 'pglite']) {
  test(`${name}: a COMMIT that the server turns into a ROLLBACK is a failure`, async (t) => {
    const place = name === 'pglite' ? await pgliteFolder() : await testDatabase()
    const connection = await connect(place.url)
    t.after(async () => {
      await connection.close()
      await ('drop' in place ? place.drop() : place.empty())
    })
    const { db } = connection
    await sql`CREATE TABLE notes (n int)`.execute(db)
    const swallowing = inTransaction(db, async (trx) => {
      await sql`INSERT INTO notes VALUES (1)`.execute(trx)
      await sql`SELECT 1/0`.execute(trx).catch(() => {})
    })
    await assert.rejects(swallowing)
    assert.deepEqual((await sql`SELECT * FROM notes`.execute(db)).rows, [])
    await inTransaction(db, (trx) => sql`INSERT INTO notes VALUES (2)`.execute(trx))
    assert.deepEqual((await sql`SELECT * FROM notes`.execute(db)).rows, [{ n: 2 }])
  })
}

const cuts: readonly { title: string; at: 'sent' | 'answered'; verdict: Verdict }[] = [
  { title: 'whose answer is lost', at: 'answered', verdict: 'cut-before' },
  { title: 'behind which the connection ends', at: 'sent', verdict: 'cut-after' },
  { title: 'that never arrives', at: 'sent', verdict: 'cut-before' },
]
for (const mode of ['mirror', 'append'] as const) {
  for (const { title, at: moment, verdict } of cuts) {
    test(`${mode}: a COMMIT ${title} does not stop the only relay, and is counted once`, async (t) => {
      const database = await testDatabase(t)
      let cutting = false
      let cut = 0
      const proxy = await startWireProxy({ host: '127.0.0.1', port: (await postgres()).port }, (seen) => {
        if (!cutting || seen.kind !== moment || !/^commit/i.test(seen.statement.text)) return 'pass'
        cutting = false
        cut++
        return verdict
      })
      t.after(() => proxy.close())
      const sink = sqlSinkOf({ url: through(database.url, proxy.port), mode })
      t.after(() => sink.close())
      await sink.open(claimOf(), signal())
      await write(sink, 1, put('a', 1))

      const uncertain = prepare(sink, 2, put('a', 2), put('b', 2), put('b', 1))
      const next = prepare(sink, 3, put('c', 3))
      cutting = true
      const failure = await rejection(uncertain(signal()), 'SINK_UNREACHABLE')
      assert.ok(isRetried(failure))
      assert.equal(cut, 1)
      // What was counted stands, though the same batch would fare otherwise now.
      const isCommitted = verdict !== 'cut-before' || moment === 'answered'
      if (mode === 'mirror' && isCommitted) await database.query(`UPDATE orders SET cdc_version = 9 WHERE id = 'a'`)
      assert.deepEqual(totals(await uncertain(signal())), mode === 'mirror' ? [2, 1] : [3, 0])
      assert.deepEqual(totals(await next(signal())), [1, 0])
      const [{ rows, sequence }] = (await database.query(
        `SELECT (SELECT count(*)::int FROM orders) AS rows, sequence FROM cdc_relay.positions`,
      )) as [{ rows: number; sequence: string }]
      assert.deepEqual({ rows, sequence }, { rows: mode === 'mirror' ? 3 : 5, sequence: '3' })
    })
  }
}

test('a session that is ended costs an attempt, not the process nor the name', async (t) => {
  const database = await testDatabase(t)
  const sink = await openSink(t, database)
  await write(sink, 1, put('a', 1))
  await endSessions(database)
  const second = prepare(sink, 2, put('a', 2))
  const written = await second(signal()).catch(async (error: unknown) => {
    assert.ok(isRetried(error), String(error))
    return await second(signal())
  })
  assert.deepEqual(totals(written), [1, 0])
  // The lock on the name is held again, by the new session, at the latest with the next batch.
  await write(sink, 3, put('a', 3))
  const other = sqlSinkOf({ url: database.url })
  t.after(() => other.close())
  await rejection(other.open(claimOf(), signal()), 'STATE_HELD')
})

test('a session that is ended in the middle of a batch leaves nothing of it', async (t) => {
  const database = await testDatabase(t)
  const sink = await openSink(t, database)
  await write(sink, 1, put('a', 1))
  await database.query(
    `CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'`,
  )
  await database.query('CREATE TRIGGER die AFTER UPDATE ON cdc_relay.positions EXECUTE FUNCTION die()')
  const second = prepare(sink, 2, put('a', 2), put('b', 2))
  const failure = await rejection(second(signal()), 'SINK_UNREACHABLE')
  assert.ok(isRetried(failure))
  // What the server said first, not that the ROLLBACK could not be sent any more.
  assert.match(failure.detail, /terminating connection due to administrator command/)
  assert.deepEqual(await database.query('SELECT id, cdc_version FROM orders'), [{ id: 'a', cdc_version: '1' }])
  await database.query('DROP TRIGGER die ON cdc_relay.positions')
  assert.deepEqual(totals(await second(signal())), [2, 0])
})

test('while a lost session still holds the lock on the name, the relay goes on under its claim', async (t) => {
  const database = await testDatabase(t)
  const sink = await openSink(t, database)
  await write(sink, 1, put('a', 1))
  await endSessions(database)
  const lost = new pg.Client({ connectionString: database.url })
  await lost.connect()
  await lost.query('SELECT pg_advisory_lock($1::bigint)', [lockKey('relay', 'relay')])
  const second = prepare(sink, 2, put('a', 2))
  assert.deepEqual(totals(await second(signal()).catch(() => second(signal()))), [1, 0])
  await lost.end()
})

test('a new process waits a little for the session of a killed one', async (t) => {
  const database = await testDatabase(t)
  const dying = new pg.Client({ connectionString: database.url })
  await dying.connect()
  await dying.query('SELECT pg_advisory_lock($1::bigint)', [lockKey('relay', 'relay')])
  const sink = sqlSinkOf({ url: database.url })
  t.after(() => sink.close())
  const opening = sink.open(claimOf(), signal())
  while (
    (
      await database.query(
        `SELECT FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid()`,
      )
    ).length === 0
  );
  await dying.end()
  assert.deepEqual(await opening, { positions: new Map(), facts: new Map() })
})

test('a relay that is forgotten while it runs stops', async (t) => {
  const database = await testDatabase(t)
  const sink = await openSink(t, database)
  await write(sink, 1, put('a', 1))
  await database.query('DELETE FROM cdc_relay.relays')
  const failure = await rejection(prepare(sink, 2, put('a', 2))(signal()), 'STATE_REMOVED')
  assert.match(failure.message, /removed this relay's name from cdc_relay\.relays/)
  assert.deepEqual(await database.query('SELECT cdc_version FROM orders'), [{ cdc_version: '1' }])
})

async function openSink(t: TestContext, { url }: TestDatabase): Promise<Sink> {
  const sink = sqlSinkOf({ url })
  t.after(() => sink.close())
  await sink.open(claimOf(), signal())
  return sink
}

function prepare(sink: Sink, sequence: number, ...changes: Change[]) {
  return sink.prepare(batchOf({ changes, positions: at({ shard: `${sequence}` }) }))
}

async function write(sink: Sink, sequence: number, ...changes: Change[]): Promise<void> {
  assert.equal((await prepare(sink, sequence, ...changes)(signal())).kind, 'written')
}

/** Ends all sessions of relays, and waits until the server has done so. */
async function endSessions(database: TestDatabase): Promise<void> {
  const ours = `FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'cdc-relay'`
  await database.query(`SELECT pg_terminate_backend(pid) ${ours}`)
  while ((await database.query(`SELECT ${ours}`)).length > 0);
}

const through = (url: string, port: number): string => url.replace(/:\d+\//, `:${port}/`)

test('pglite: without its package says how to install it', async () => {
  const program = `
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(name, context, next) {
        if (name !== '@electric-sql/pglite') return next(name, context)
        throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
      },
    })
    const { connect } = await import(${JSON.stringify(new URL('../../../src/sinks/sql/connect.ts', import.meta.url).href)})
    await connect('pglite:never-made').catch((error) => console.log(error.code, error.detail))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  assert.match(stdout, /^CONFIGURATION .*npm install @electric-sql\/pglite/)
})

const isRetried = (error: unknown): boolean => error instanceof RelayError && FAILURES[error.code].retry === 'always'
