import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import pg from 'pg'
import { testCrate } from '../../support/crate/real-crate.ts'
import { GREENPLUM_KINDS, greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { pgliteFolder } from '../../support/postgres/pglite.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { runProgramAgain } from '../../support/processes/many-runs.ts'
import { dmsTable, dynamodbInsert } from '../field/records.ts'
import { order, scene } from './scene.ts'

const SECRET = 'sEcr3t-v4lue'

/** Writes a file with these records, and more behind them; resolves to what runs the program over it. */
async function fileOf(t: TestContext, records: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-dry-run-'))
  t.after(() => rm(folder, { recursive: true }))
  let lines = ''
  const put = async (...more: readonly string[]): Promise<void> => {
    lines += more.map((line) => `${line}\n`).join('')
    await writeFile(join(folder, 'in.jsonl'), lines)
  }
  await put(...records)
  const source = ['run', '--source', 'file:in.jsonl', '--name', 'shop']
  const run = async (...args: string[]) => await runProgramAgain([...source, ...args], { cwd: folder })
  return {
    run,
    put,
    /** What a dry run prints. */
    async dry(...args: string[]): Promise<string> {
      const { exitCode, stdout, stderr } = await run('--dry-run', ...args)
      assert.equal(exitCode, 0, stderr)
      return stdout
    },
  }
}

/** What is printed outside of comments, one statement after another. */
const statementsIn = (printed: string): string[] =>
  printed
    .split('\n')
    .filter((line) => !line.startsWith('-- '))
    .join('\n')
    .split(/;\n/)
    .map((text) => text.trim())
    .filter((text) => text !== '')

const commentsIn = (printed: string): string =>
  printed
    .split('\n')
    .filter((line) => line.startsWith('-- '))
    .map((line) => `${line.slice(3)}\n`)
    .join('')

/** A table of DMS with everything that a batch can do to it. */
function orders(): string[] {
  const [x, lines] = [dmsTable('app', 'orders'), dmsTable('app', 'lines')]
  return [
    lines.create({ id: 'INT32', line: 'INT32' }, ['id', 'line']),
    x.create({ id: 'INT32', name: 'STRING', total: 'NUMERIC', at: 'TIMESTAMP' }, ['id']),
    x.load({ id: 1, name: SECRET, total: '1.50', at: '2026-01-01T00:00:00Z' }),
    x.insert({ id: 2, name: SECRET, total: '2', at: null }),
    x.update({ id: 2, name: `${SECRET} again`, total: '3', at: null }),
    x.update({ id: 3, name: SECRET, total: '3', at: null }, { 'before-image': { id: 2 } }),
    x.remove({ id: 1 }),
    lines.load({ id: 1, line: 1 }),
  ]
}

const SNAPSHOT = `
  SELECT n.nspname || '.' || c.relname AS name, c.relkind::text AS kind,
    CASE WHEN c.relkind IN ('r', 'v') THEN (xpath('/table/row/text', query_to_xml(
      format('SELECT coalesce(string_agg(r::text, E''\\n'' ORDER BY r::text), '''') AS text FROM %I.%I r', n.nspname, c.relname),
      true, false, '')))[1]::text END AS rows
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1, 2`
const SCHEMAS = `SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' ORDER BY 1`

test('postgresql: it makes nothing; what it prints makes all that a run needs', async (t) => {
  const { url, query } = await testDatabase(t)
  const { dry, run } = await fileOf(t, [...orders(), dynamodbInsert('items', { id: { S: SECRET } })])
  const before = await query(SCHEMAS)

  const printed = await dry('--sink', url)

  assert.deepEqual([await query(SCHEMAS), await query(SNAPSHOT)], [before, []])
  assert.doesNotMatch(printed, new RegExp(SECRET))
  const said = commentsIn(printed)
  assert.match(
    said,
    /dry run: nothing was written\nThe relay "shop" on PostgreSQL: it is new there, and begins at earliest/,
  )
  assert.match(said, /Table app\.orders: 5 changes\n/)
  assert.match(said, /\d rows?:\nINSERT INTO "app"\."orders"/)
  assert.match(said, /Table items: 1 change\n1 row:\nINSERT INTO "public"\."items"/)
  for (const statement of statementsIn(printed)) await query(statement)
  const { exitCode, stderr } = await run('--sink', url, '--create-tables', 'never')
  assert.equal(exitCode, 0, stderr)
  assert.deepEqual(await query('SELECT id, name FROM app.orders'), [{ id: 3, name: SECRET }])
  assert.doesNotMatch(await dry('--sink', url), /CREATE|ALTER/)
})

for (const kind of GREENPLUM_KINDS) {
  test(`greenplum ${kind}: it makes nothing; what it prints makes all that a run needs`, {
    skip: withoutGreenplum(kind),
  }, async (t) => {
    const { url, query } = await greenplumDatabase(t, kind)
    const { dry, run } = await fileOf(t, orders())
    const before = await query(SCHEMAS)
    const printed = await dry('--sink', url)
    assert.deepEqual(await query(SCHEMAS), before)
    assert.doesNotMatch(printed, new RegExp(SECRET))
    assert.match(commentsIn(printed), /COPY "cdc_relay_stage" \(cdc_load, k0, cdc_row\) FROM STDIN;/)
    // By the URL, for the server that stands in for Greenplum takes its clauses there alone.
    const client = new pg.Client(url.replace('greenplum:', 'postgresql:'))
    await client.connect()
    for (const statement of statementsIn(printed)) await client.query(statement)
    await client.end()
    const { exitCode, stderr } = await run('--sink', url, '--create-tables', 'never')
    assert.equal(exitCode, 0, stderr)
    assert.deepEqual(await query('SELECT id, name FROM app.orders'), [{ id: 3, name: SECRET }])
  })
}

test('cratedb: it makes nothing; what it prints makes all that a run needs', async (t) => {
  const crate = await testCrate({ refresh: 'always' })
  t.after(crate.stop)
  const { dry, run } = await fileOf(t, [...orders(), dynamodbInsert('items', { id: { S: SECRET } })])
  const tables = `SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_schema NOT IN ('sys', 'information_schema', 'pg_catalog', 'blob') ORDER BY 1, 2`
  const before = await crate.query(tables)
  const printed = await dry('--sink', crate.url)
  assert.deepEqual(await crate.query(tables), before)
  assert.doesNotMatch(printed, new RegExp(SECRET))
  assert.match(commentsIn(printed), /\d rows?:\nINSERT INTO "app"\."orders"/)
  for (const statement of statementsIn(printed)) await crate.query(statement)
  const { exitCode, stderr } = await run('--sink', crate.url, '--create-tables', 'never')
  assert.equal(exitCode, 0, stderr)
  assert.equal((await crate.query('SELECT id FROM app.orders_live')).length, 1)
})

test('pglite: the folder stays as it is, and so does one that is not there', async (t) => {
  const folder = await pgliteFolder()
  const { dry, run } = await fileOf(t, orders())
  const missing = `pglite:${folder.url.slice('pglite:'.length)}-missing`
  assert.match(await dry('--sink', missing), /CREATE TABLE "app"\."orders"/)
  await assert.rejects(readdir(missing.slice('pglite:'.length)))
  const first = await run('--sink', folder.url)
  assert.equal(first.exitCode, 0, first.stderr)
  const path = folder.url.slice('pglite:'.length)
  const before = await hashOf(path)
  const printed = await dry('--sink', folder.url)
  assert.match(printed, /The source has nothing to give now/)
  assert.equal(await hashOf(path), before)
})

async function hashOf(folder: string): Promise<string> {
  const hash = createHash('sha256')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const { parentPath, name } of entries.filter((entry) => entry.isFile()).toSorted(byPath)) {
    hash.update(join(parentPath, name)).update(await readFile(join(parentPath, name)))
  }
  return hash.digest('hex')
}

const byPath = (a: { parentPath: string; name: string }, b: typeof a): number =>
  join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1

test('beside a relay that runs, nothing of it changes, and it goes on', async (t) => {
  const { url, query } = await testDatabase(t)
  const { kinesis, start, command, statusOnce } = await scene(t, () => ['--sink', url])
  const [shard] = kinesis.open(1) as [string]
  kinesis.put(shard, [order(1)])
  const source = ['--source', kinesis.name, '--endpoint-url', kinesis.url]
  const relay = start()
  await statusOnce((status) => status.tables.length === 1)
  const before = await query(SNAPSHOT)
  kinesis.put(shard, [])

  const { exitCode, stdout, stderr } = await command('run', ...source, '--dry-run')

  assert.equal(exitCode, 0, stderr)
  assert.match(stdout, new RegExp(`Process ${relay.child.pid} on .* has the name now`))
  assert.match(stdout, /it goes on from where 1 shard stands/)
  assert.deepEqual(await query(SNAPSHOT), before)
  kinesis.put(shard, [order(2)])
  for (let looks = 0; (await query('SELECT FROM orders')).length < 2; looks++) assert.ok(looks < 10_000)
})

test('it says in words what is left out, refused, parked, and what would end the run', async (t) => {
  const { url, query } = await testDatabase(t)
  await query(`CREATE SCHEMA app; CREATE TABLE app.keyed (other int PRIMARY KEY);
    CREATE TABLE app.small (id smallint PRIMARY KEY, v smallint, cdc_version bigint, cdc_extra jsonb)`)
  const [keyed, small, left] = [dmsTable('app', 'keyed'), dmsTable('app', 'small'), dmsTable('app', 'left_out')]
  const records = [
    keyed.create({ id: 'INT32' }, ['id']),
    keyed.insert({ id: 1 }),
    small.create({ id: 'INT32', v: 'INT32' }, ['id']),
    small.insert({ id: 70_000, v: 1 }),
    small.insert({ id: 1, v: 70_000 }),
    left.insert({ id: 1 }),
  ]
  const { dry } = await fileOf(t, ['{}', ...records])
  const good = await fileOf(t, records)
  const before = await query(SNAPSHOT)
  const options = ['--sink', url, '--exclude', 'app.left_out', '--on-schema-change']

  const said = commentsIn(await dry(...options, 'add-only'))
  assert.match(said, /1 left out: /)
  assert.match(said, /1 dead letter: DECODE_/)
  assert.match(said, /Table app\.keyed: 1 change\nIt would be parked, its changes kept as dead letters\. SINK_TABLE: /)
  assert.match(said, /Table app\.small: 2 changes\n1 row:\n(.*\n)+1 dead letter: SINK_REFUSED: /)
  assert.match(said, /1 value of column "v" would go to cdc_extra: smallint holds whole numbers/)
  const stopping = commentsIn(
    await good.dry(...options, 'add-only', '--on-table-trouble', 'stop', '--on-error', 'stop'),
  )
  assert.match(stopping, /The run would end here, with exit code 3\. SINK_REFUSED: /)
  assert.match(stopping, /The run would end here, with exit code 2\. SINK_TABLE: /)
  assert.deepEqual(await query(SNAPSHOT), before)
})

test('a table that is parked, and one that was left out for a while, are not looked into', async (t) => {
  const { url, query } = await testDatabase(t)
  await query('CREATE SCHEMA app; CREATE TABLE app.keyed (other int PRIMARY KEY)')
  const [keyed, left] = [dmsTable('app', 'keyed'), dmsTable('app', 'left_out')]
  const first = [keyed.create({ id: 'INT32' }, ['id']), keyed.insert({ id: 1 }), left.create({ id: 'INT32' }, ['id'])]
  const { dry, run, put } = await fileOf(t, [...first, left.insert({ id: 1 })])
  await run('--sink', url)
  await put(left.insert({ id: 2 }))
  await run('--sink', url, '--exclude', 'app.left_out')
  await put(keyed.insert({ id: 2 }), left.insert({ id: 3 }), left.insert({ id: 4 }))
  const before = await query(SNAPSHOT)
  const said = commentsIn(await dry('--sink', url))
  assert.match(said, /Table app\.keyed: 1 change\nIt is parked: .* 1 changes of it are kept already/)
  assert.match(
    said,
    /Table app\.left_out: 2 changes\nIt would be parked, its changes kept as dead letters\. TABLE_GAP: /,
  )
  const stopping = commentsIn(await dry('--sink', url, '--on-table-trouble', 'stop'))
  assert.match(stopping, /Table app\.keyed: 1 change\nThe run would end here, with exit code 2\. SINK_TABLE: /)
  assert.deepEqual(await query(SNAPSHOT), before)
})

test('rows that wait for a key say so, and sinks that cannot be seen are refused', async (t) => {
  const { url } = await testDatabase(t)
  const { dry, run } = await fileOf(t, [dmsTable('app', 'unknown').insert({ id: 1 })])
  const printed = await dry('--sink', url, '--key-wait', '10ms')
  assert.match(commentsIn(printed), /Table app\.unknown: 0 changes\nIt would be parked.*KEY_UNKNOWN: /)
  const refused = await run('--dry-run', '--sink', 'jsonl:-')
  assert.deepEqual([refused.exitCode, refused.stdout], [2, ''])
  assert.match(refused.stderr, /--dry-run is not possible with this sink: .*jsonl:- shows them/)
})
