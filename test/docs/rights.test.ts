import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { postgres, testDatabase } from '../support/postgres/postgres.ts'
import { newDatabase, type TestDatabase } from '../support/postgres/postgres-server.ts'
import { runProgramAgain } from '../support/processes/many-runs.ts'

const PAGE = readFileSync(new URL('../../docs/postgresql.md', import.meta.url), 'utf8')

const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-rights-'))
after(() => rmSync(folder, { recursive: true }))

/** A row that stays, one that is deleted, and a record that is none. */
const CAPTURE = `file:${join(folder, 'capture.jsonl')}`
const record = (name: string, id: string, at: number): string =>
  JSON.stringify({
    awsRegion: 'eu-north-1',
    eventID: `${name}${id}${at}`,
    eventName: name,
    userIdentity: null,
    recordFormat: 'application/json',
    tableName: 'orders',
    dynamodb: {
      ApproximateCreationDateTime: 1_754_300_000_000 + at,
      Keys: { id: { S: id } },
      [name === 'REMOVE' ? 'OldImage' : 'NewImage']: { id: { S: id } },
      SizeBytes: 9,
    },
    eventSource: 'aws:dynamodb',
  })
writeFileSync(
  join(folder, 'capture.jsonl'),
  [record('INSERT', 'a', 1), record('INSERT', 'b', 2), record('REMOVE', 'b', 3), 'no record', ''].join('\n'),
)

const TABLE =
  'CREATE SCHEMA landing; CREATE TABLE landing.orders (id text COLLATE "C" PRIMARY KEY, data jsonb, cdc_version bigint)'
const NEVER = ['--create-tables', 'never', '--table', 'orders=landing.orders']

test('the relay makes schemas and tables', async (t) => {
  const { database, url } = await asUser(t, 'The relay makes schemas and tables')
  await runs(url('?schema=landing'))
  assert.deepEqual(await found(database, 'landing.orders'), ONCE)
  await checks(url(), /^P-00 · as expected .* found: made · /m)
})

test('the relay makes tables in schemas that are there', async (t) => {
  const { database, url } = await asUser(t, 'The relay makes tables in schemas that are there')
  await runs(url('?schema=landing'))
  assert.deepEqual(await found(database, 'landing.orders'), ONCE)
  const { stdout } = await checks(url('?schema=landing'), /^P-00 · as expected .* found: made \(in landing: /m)
  assert.match(stdout, / 0 differs · 1 open · 0 not permitted$/m)
  assert.deepEqual(await database.query("SELECT FROM pg_class WHERE relname LIKE 'cdc_relay_check%'"), [])
})

test('the relay fills tables that are there', async (t) => {
  const { database, url } = await asUser(t, 'The relay fills tables that are there', TABLE)
  await runs(url(), ...NEVER)
  assert.deepEqual(await found(database, 'landing.orders'), ONCE)
  await checks(url('?schema=landing'), /^P-00 · as expected .* found: made \(in cdc_relay: /m)
})

test('the relay makes nothing at all', async (t) => {
  const { database, url } = await asUser(t, 'The relay makes nothing at all', TABLE, async (admin) => {
    await runs(admin, ...NEVER)
  })
  await runs(url(), ...NEVER, '--name', 'again')
  assert.deepEqual(await found(database, 'landing.orders'), { rows: ['a'], tombstones: ['b'], deadLetters: 2 })
  const { stdout } = await checks(url('?schema=landing'), /^P-00 · not permitted .* no table in /m)
  assert.match(stdout, /^P-05 · as expected .* its tables can be written/m)
  assert.match(stdout, / 0 differs · /)

  await database.query('DROP TABLE cdc_relay.schema_version')
  const { stderr } = await runProgramAgain(['run', '--source', CAPTURE, '--sink', url(), ...NEVER])
  assert.match(stderr, /SINK_DENIED: The relay's own tables in cdc_relay have no recorded version/)
  await checks(url(), /^P-05 · differs .* found: no tables can be made in it/m, 1)
})

test('the relay keeps its state alone', async (t) => {
  const { database, url } = await asUser(t, 'The relay keeps its state alone')
  const lines = join(folder, 'lines.jsonl')
  await runs(`jsonl:${lines}`, '--state', url(), '--dead-letters', `file:${join(folder, 'letters.jsonl')}`)
  assert.equal(readFileSync(lines, 'utf8').trimEnd().split('\n').length, 3)
  const positions = await database.query('SELECT name FROM cdc_relay.positions')
  assert.deepEqual(positions, [{ name: 'capture.jsonl' }])
})

test('append takes SELECT and INSERT on its table', async (t) => {
  const { database, url } = await asUser(t, 'The relay makes tables in schemas that are there')
  await runs(url('?schema=landing'), '--mode', 'append')
  await database.query('ALTER TABLE landing.orders OWNER TO postgres')
  const user = new URL(url()).username
  await database.query(
    `GRANT SELECT, INSERT ON landing.orders TO ${user}; REVOKE CREATE ON SCHEMA landing FROM ${user}`,
  )
  await runs(url('?schema=landing'), '--mode', 'append', '--name', 'again', '--create-tables', 'never')
  assert.equal((await database.query('SELECT FROM landing.orders')).length, 6)
})

const ONCE = { rows: ['a'], tombstones: ['b'], deadLetters: 1 }

async function found(database: TestDatabase, table: string) {
  const ids = async (from: string) =>
    (await database.query<{ id: string }>(`SELECT id FROM ${from} ORDER BY id`)).map(({ id }) => id)
  const [tombstones] = await database.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relname LIKE 'tombstones_%' AND relkind = 'r'",
  )
  const letters = await database.query('SELECT FROM cdc_relay.dead_letters')
  return {
    rows: await ids(table),
    tombstones: await ids(`cdc_relay."${tombstones!.name}"`),
    deadLetters: letters.length,
  }
}

/**
 * A database in which a user has just the rights that a section of the page gives.
 * @param before what is there before, of another user
 */
async function asUser(
  t: TestContext,
  section: string,
  before = '',
  prepare: (adminUrl: string) => Promise<void> = async () => {},
): Promise<{ database: TestDatabase; url: (query?: string) => string }> {
  const database = await testDatabase(t)
  const app = `app_${database.name}`
  // As since PostgreSQL 15, whatever version this is.
  await database.query(`REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE ROLE ${app} LOGIN PASSWORD 'pw'; ${before}`)
  t.after(async () => {
    const server = await newDatabase(await postgres())
    await server.query(`DROP ROLE ${app}`)
    await server.drop()
  })
  await prepare(database.url)
  const [, sql] = new RegExp(`### ${section}\\n(?:[^#]*?)\`\`\`sql\\n([^\`]*)\`\`\``).exec(PAGE) ?? []
  assert.ok(sql !== undefined, `${section} is not in docs/postgresql.md`)
  await database.query(sql.replaceAll('warehouse', database.name).replaceAll(/\bapp\b/g, app))
  return {
    database,
    url(query = '') {
      const url = new URL(`${database.url}${query}`)
      url.username = app
      url.password = 'pw'
      return url.href
    },
  }
}

async function runs(sink: string, ...options: string[]): Promise<void> {
  const { exitCode, stderr } = await runProgramAgain(['run', '--source', CAPTURE, '--sink', sink, ...options])
  assert.equal(exitCode, 0, stderr)
}

async function checks(sink: string, words: RegExp, exitCode = 0) {
  const end = await runProgramAgain(['check', '--sink', sink])
  assert.equal(end.exitCode, exitCode, `${end.stdout}${end.stderr}`)
  assert.match(end.stdout, words)
  return end
}
