import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { startCrate } from '../support/crate/crate.ts'
import { postgres, testDatabase } from '../support/postgres/postgres.ts'
import { newDatabase, type TestDatabase } from '../support/postgres/postgres-server.ts'
import { runProgramAgain } from '../support/processes/many-runs.ts'
import { startRelay } from '../support/processes/relay-process.ts'

test('PostgreSQL: a line for each check, exit code 0, nothing left, no password', async (t) => {
  const database = await testDatabase(t)
  const { exitCode, stdout, stderr } = await startRelay(['check', '--sink', database.url]).ended
  assert.equal(exitCode, 0, stdout + stderr)
  assert.match(stdout, /^PostgreSQL 18\.\d+ at postgresql:\/\/postgres:\*\*\*@/)
  assert.match(stdout, /^P-07 · as expected · .* · found: INSERT 0 0, INSERT 0 1 · decides: which change wins/m)
  assert.match(stdout, /^18 as expected · 0 differs · 1 open · 0 not permitted$/m)
  assert.ok(!`${stdout}${stderr}`.includes('password-of-the-test-server'), stdout)
  assert.deepEqual(await schemas(database), [])
})

test('--json: one object with every check', async (t) => {
  const database = await testDatabase(t)
  const { exitCode, stdout } = await runProgramAgain(['check', '--sink', database.url, '--json'])
  assert.equal(exitCode, 0)
  const { server, summary, checks } = JSON.parse(stdout) as {
    server: string
    summary: object
    checks: { id: string; verdict: string; found: string }[]
  }
  assert.equal(server, 'PostgreSQL')
  assert.deepEqual(summary, { 'as expected': 18, differs: 0, open: 1, 'not permitted': 0 })
  assert.equal(checks.find(({ id }) => id === 'P-16')!.verdict, 'open')
  assert.ok(!stdout.includes('password-of-the-test-server'), stdout)
})

test('PGlite in a folder that is not there: checked, and not there afterwards', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-check-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { exitCode, stdout, stderr } = await runProgramAgain(['check', '--sink', `pglite:${join(folder, 'data')}`])
  assert.equal(exitCode, 0, stdout + stderr)
  assert.match(stdout, /^PGlite \d/)
  assert.match(stdout, /^13 as expected · 0 differs · 1 open · 0 not permitted$/m)
  assert.deepEqual(readdirSync(folder), [])
})

test('a user who may make nothing at all: what cannot be tried is said, and what to do, exit code 1', async (t) => {
  const database = await testDatabase(t)
  const role = `reader_${database.name}`
  await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 's3cret'`)
  t.after(async () => {
    // Roles belong to the server, not to the database.
    const server = await newDatabase(await postgres())
    await server.query(`DROP ROLE ${role}`)
    await server.drop()
  })
  const url = new URL(database.url)
  url.username = role
  url.password = 's3cret'
  const { exitCode, stdout } = await runProgramAgain(['check', '--sink', url.href])
  assert.equal(exitCode, 1)
  assert.match(
    stdout,
    /^P-00 · not permitted · .*found: not permitted \(no schema can be made, and no table in the schema/m,
  )
  assert.match(stdout, /^P-07 · not permitted · /m)
  assert.match(stdout, /^P-08 · as expected · /m)
  assert.match(
    stdout,
    /^P-05 differs: it is not there and cannot be made\. .* GRANT USAGE, CREATE ON SCHEMA cdc_relay/m,
  )
})

test('a server whose settings are wrong: what differs is said with what follows, exit code 1', async (t) => {
  const database = await testDatabase(t)
  await database.query(`ALTER ROLE ALL IN DATABASE ${database.name} SET synchronous_commit TO off`)
  const readOnly = await newDatabase(await postgres(), '-c default_transaction_read_only=off')
  t.after(readOnly.drop)
  await readOnly.query(`ALTER DATABASE ${readOnly.name} SET default_transaction_read_only TO on`)
  const off = await runProgramAgain(['check', '--sink', database.url])
  assert.equal(off.exitCode, 0)
  assert.match(off.stdout, /^P-16 · open · .* · found: off · /m)
  const refused = await runProgramAgain(['check', '--sink', readOnly.url])
  assert.equal(refused.exitCode, 1)
  assert.match(refused.stdout, /^P-00 differs: not made \(25006: /m)
})

test('SIGINT in the middle: what was made is removed, exit code 130', async (t) => {
  const database = await testDatabase(t)
  const hold = await holdCreateTable(database)
  t.after(hold.release)
  const { child, ended } = startRelay(['check', '--sink', database.url])
  await hold.isWaitedFor()
  child.kill('SIGINT')
  await hold.release()
  const { exitCode, stdout, stderr } = await ended
  assert.equal(exitCode, 130, stdout + stderr)
  assert.equal(stdout, '')
  assert.match(stderr, /Stopped before all was checked; what was made is removed/)
  assert.deepEqual(await schemas(database), [])
})

test('SIGTERM while CrateDB does not answer: the same, exit code 143', async (t) => {
  const crate = await startCrate()
  t.after(crate.stop)
  crate.faults.next({ kind: 'delay', ms: 3000 }, { matching: /^EXPLAIN/ })
  const { child, ended } = startRelay(['check', '--sink', crate.url])
  while (!crate.executed.some(({ text }) => text.startsWith('EXPLAIN'))) await wait(20)
  child.kill('SIGTERM')
  const { exitCode, stdout, stderr } = await ended
  assert.equal(exitCode, 143, stdout + stderr)
  assert.deepEqual(
    crate.query("SELECT table_name FROM information_schema.tables WHERE table_schema LIKE 'cdc_relay_check%'"),
    [],
  )
})

test('usage and configuration: every problem in one message, exit code 2', async () => {
  for (const [args, words] of [
    [[], /--sink is missing/],
    [
      ['--sink', 'jsonl:-', '--mode', 'append'],
      /--mode is not an option of check; --sink is nothing that can be checked/,
    ],
    [['--sink', 'crate://app:s3cret@db:4200'], /4200 is the HTTP port of CrateDB/],
    [['--sink', 'postgresql://app:s3cret@'], /is not a URL/],
  ] as const) {
    const { exitCode, stdout, stderr } = await runProgramAgain(['check', ...args])
    assert.equal(exitCode, 2, stderr)
    assert.equal(stdout, '')
    assert.match(stderr, words)
    assert.ok(!stderr.includes('s3cret'), stderr)
  }
})

test('a login that fails is a matter of configuration, a server that is away is a failure; neither shows the password', async (t) => {
  const database = await testDatabase(t)
  const wrong = new URL(database.url)
  wrong.password = 'wr0ng'
  const login = await runProgramAgain(['check', '--sink', wrong.href])
  assert.equal(login.exitCode, 2, login.stderr)
  assert.match(login.stderr, /SINK_LOGIN/)
  const file = join(mkdtempSync(join(tmpdir(), 'cdc-relay-check-')), 'password')
  t.after(() => rmSync(dirname(file), { recursive: true }))
  writeFileSync(file, `${new URL(database.url).password}\n`)
  const without = new URL(database.url)
  without.password = ''
  const byFile = await runProgramAgain(['check', '--sink', without.href, '--sink-password-file', file])
  assert.equal(byFile.exitCode, 0, byFile.stderr)
  const away = await runProgramAgain(['check', '--sink', 'postgresql://app:wr0ng@127.0.0.1:9/w'])
  assert.equal(away.exitCode, 1, away.stderr)
  assert.match(away.stderr, /SINK_UNREACHABLE/)
  assert.ok(!`${login.stderr}${away.stderr}`.includes('wr0ng'))
})

const schemas = (database: TestDatabase) =>
  database.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'cdc_relay_check%'")

/** Lets every CREATE TABLE wait, until it is released: the first of many statements, so that a signal is heard before the last. */
async function holdCreateTable(
  database: TestDatabase,
): Promise<{ isWaitedFor(): Promise<void>; release(): Promise<void> }> {
  await database.query(`
    CREATE FUNCTION wait_for_release() RETURNS event_trigger LANGUAGE plpgsql
      AS $$ BEGIN PERFORM pg_advisory_xact_lock(42); END $$;
    CREATE EVENT TRIGGER held ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION wait_for_release()`)
  const holder = new pg.Client({ connectionString: database.url })
  await holder.connect()
  await holder.query('SELECT pg_advisory_lock(42)')
  let released: Promise<void> | undefined
  return {
    async isWaitedFor() {
      const waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted"
      while ((await holder.query(waiting)).rowCount === 0) await wait(20)
    },
    release: () => {
      released ??= holder.end()
      return released
    },
  }
}
