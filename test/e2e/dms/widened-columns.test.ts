import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { runProgramAgain } from '../../support/processes/many-runs.ts'
import { type RelayProcess, startRelay } from '../../support/processes/relay-process.ts'
import { dmsTable } from '../field/records.ts'

const LARGE = 2 ** 40

/** A table of DMS, a relay of it that widens, and a session of somebody else in the target. */
async function scene(t: TestContext) {
  const { url, query } = await testDatabase(t)
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-widen-'))
  t.after(() => rm(folder, { recursive: true }))
  const other = new pg.Client(url)
  // The database goes before it does.
  other.on('error', () => {})
  await other.connect()
  t.after(() => other.end())
  const path = join(folder, 'in.jsonl')
  const options = ['--source', `file:${path}`, '--sink', url, '--name', 'shop', '--on-schema-change', 'widen']
  let lines = ''
  return {
    query,
    other,
    /** Writes these records behind the others. */
    async put(...records: string[]) {
      lines += records.map((record) => `${record}\n`).join('')
      await writeFile(path, lines)
    },
    async run(...more: string[]) {
      const { exitCode, stdout, stderr } = await runProgramAgain(['run', ...options, ...more])
      assert.equal(exitCode, 0, stderr)
      return stdout
    },
    start(): RelayProcess {
      const relay = startRelay(['run', ...options])
      t.after(() => relay.child.kill('SIGKILL'))
      return relay
    },
    async type(): Promise<string> {
      const [row] = await query<{ type: string }>(`SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute
        WHERE attrelid = 'app.x'::regclass AND attname = 'n'`)
      return row!.type
    },
  }
}

async function killed({ child, ended }: RelayProcess): Promise<void> {
  child.kill('SIGKILL')
  assert.equal((await ended).signal, 'SIGKILL')
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let looks = 0; !(await isSo()); looks++) {
    assert.ok(looks < 1_000, 'it does not come to that')
    await sleep(20)
  }
}

const WAITING = `SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE NOT l.granted AND d.datname = current_database()`

/** What DMS says of the column: with a reload, or of the change alone. */
for (const told of ['create-table', 'column-type-change'] as const) {
  test(`${told}: killed while it waits to alter, and between the ALTER and its rows: each row is there once`, async (t) => {
    const { query, other, put, run, start, type } = await scene(t)
    const x = dmsTable('app', 'x')
    await put(x.create({ id: 'INT32', n: 'INT32' }, ['id']), x.insert({ id: 1, n: 1 }))
    await run()
    const definition = x.create({ id: 'INT32', n: 'INT64' }, ['id'])
    await put(
      definition.replaceAll('"create-table"', `"${told}"`),
      x.insert({ id: 2, n: LARGE }),
      x.update({ id: 1, n: LARGE }),
    )

    // A report reads the table: nothing can be altered.
    await other.query('BEGIN; SELECT FROM app.x')
    const waiting = start()
    await until(async () => (await query(WAITING)).length > 0)
    await killed(waiting)
    await other.query('COMMIT')
    await until(async () => (await query(WAITING)).length === 0)
    assert.equal(await type(), 'integer')

    // A row waits, behind the ALTER.
    await query(`CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$`)
    await query('CREATE TRIGGER waits BEFORE INSERT ON app.x FOR EACH ROW EXECUTE FUNCTION wait()')
    await other.query('SELECT pg_advisory_lock(1)')
    const writing = start()
    await until(async () => (await query(WAITING)).length > 0)
    assert.equal(await type(), 'bigint')
    await killed(writing)
    await other.query('SELECT pg_advisory_unlock(1)')

    await run()
    assert.deepEqual(await query('SELECT id, n::text, cdc_extra FROM app.x ORDER BY id'), [
      { id: 1, n: `${LARGE}`, cdc_extra: null },
      { id: 2, n: `${LARGE}`, cdc_extra: null },
    ])
  })
}

test('a dry run shows the ALTER, and the view that goes and comes back, and alters nothing', async (t) => {
  const { put, run, query, type } = await scene(t)
  const x = dmsTable('app', 'x')
  const soft = ['--deletes', 'soft']
  await put(x.create({ id: 'INT32', n: 'INT32' }, ['id']), x.insert({ id: 1, n: 1 }))
  await run(...soft)
  await query('GRANT SELECT ON app.x_live TO PUBLIC')
  await put(x.create({ id: 'INT32', n: 'INT64' }, ['id']), x.insert({ id: 2, n: LARGE }))
  const printed = await run(...soft, '--dry-run')
  assert.match(
    printed,
    /\nDROP VIEW "app"\."x_live";\nALTER TABLE "app"\."x" ALTER COLUMN "n" TYPE bigint;\nCREATE OR REPLACE VIEW (.*\n)+GRANT SELECT ON "app"\."x_live" TO PUBLIC;\n/,
  )
  assert.doesNotMatch(printed, /would go to cdc_extra/)
  assert.equal(await type(), 'integer')
  await run(...soft)
  assert.equal(await type(), 'bigint')
})

test('what lay in cdc_extra stays there until its row comes again', async (t) => {
  const { put, run, query } = await scene(t)
  const x = dmsTable('app', 'x')
  const load = (): string[] => [x.load({ id: 1, n: LARGE }), x.load({ id: 2, n: LARGE })]
  await put(x.create({ id: 'INT32', n: 'INT32' }, ['id']), ...load())
  await run()
  await put(x.create({ id: 'INT32', n: 'INT64' }, ['id']), x.update({ id: 1, n: LARGE }))
  await run()
  const rows = () => query('SELECT id, n::text, cdc_extra FROM app.x ORDER BY id')
  assert.deepEqual(await rows(), [
    { id: 1, n: `${LARGE}`, cdc_extra: null },
    { id: 2, n: null, cdc_extra: { n: LARGE } },
  ])
  await put(x.drop(), x.create({ id: 'INT32', n: 'INT64' }, ['id']), ...load())
  await run()
  assert.deepEqual(await rows(), [
    { id: 1, n: `${LARGE}`, cdc_extra: null },
    { id: 2, n: `${LARGE}`, cdc_extra: null },
  ])
})
