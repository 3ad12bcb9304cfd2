import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import pg from 'pg'
import { statementsOf } from '../sql-tokens.ts'
import { type GreenplumDatabase, type GreenplumKind, greenplumDatabase, withoutStandIn } from './greenplum.ts'
import { lockOrder } from './locks.ts'
import { refusals } from './rules.ts'

const KINDS: readonly GreenplumKind[] = ['6', '7', 'cloudberry']

async function connected(
  t: TestContext,
  kind: GreenplumKind,
  settings: pg.ClientConfig = {},
): Promise<[pg.Client, GreenplumDatabase]> {
  const database = await greenplumDatabase(undefined, kind)
  const connectionString = database.url.replace('greenplum:', 'postgresql:')
  const client = new pg.Client({ connectionString, ...settings })
  client.on('error', () => {})
  t.after(async () => {
    await client.end()
    await database.drop()
  })
  await client.connect()
  return [client, database]
}

const SAYS: Record<GreenplumKind, RegExp> = {
  '6': /^PostgreSQL 9\.4\.26 \(Greenplum Database 6\./,
  '7': /^PostgreSQL 12\.12 \(Greenplum Database 7\./,
  cloudberry: /^PostgreSQL 14\.4 \(Apache Cloudberry 2\./,
}
const NUMBERS: Record<GreenplumKind, string> = { '6': '90426', '7': '120012', cloudberry: '140004' }

for (const kind of KINDS) {
  const skip = withoutStandIn(kind)

  test(`Greenplum ${kind}: says what it is and knows its settings`, { skip }, async (t) => {
    const [client] = await connected(t, kind, { options: '-c TimeZone=UTC -c gp_autostats_mode=none' })
    const rows = async (text: string, values: string[] = []) => (await client.query(text, values)).rows
    assert.match((await rows('SELECT version()'))[0].version, SAYS[kind])
    assert.deepEqual(await rows('SHOW server_version_num'), [{ server_version_num: NUMBERS[kind] }])
    assert.deepEqual(await rows('SHOW gp_enable_global_deadlock_detector'), [
      { gp_enable_global_deadlock_detector: 'off' },
    ])
    assert.deepEqual(await rows('SHOW gp_autostats_mode'), [{ gp_autostats_mode: 'none' }])
    await client.query('SET optimizer = off; SET gp_autostats_mode TO on_change')
    assert.deepEqual(await rows(`SELECT current_setting('optimizer') AS o, $1::text AS t`, ['optimizer']), [
      { o: 'off', t: 'optimizer' },
    ])
    assert.deepEqual(await rows(`SELECT set_config('optimizer', 'on', false)`), [{ set_config: 'on' }])
    assert.deepEqual(await rows('SHOW TimeZone'), [{ TimeZone: 'UTC' }])
  })

  test(`Greenplum ${kind}: tables are distributed; what was sent is known`, { skip }, async (t) => {
    const [client, database] = await connected(t, kind)
    const made = `CREATE TABLE "t;" (id int, "B" text, PRIMARY KEY (id, "B")) DISTRIBUTED BY (id); -- DISTRIBUTED BY
      CREATE TEMP TABLE stage (LIKE "t;") ON COMMIT DELETE ROWS DISTRIBUTED BY (id)`
    await client.query(made)
    await client.query('INSERT INTO "t;" VALUES ($1, $2)', [1, 'CREATE TABLE x ()'])
    assert.deepEqual(await database.query('SELECT * FROM "t;"'), [{ id: 1, B: 'CREATE TABLE x ()' }])
    assert.deepEqual(database.statements(), [made, 'INSERT INTO "t;" VALUES ($1, $2)'])

    await assert.rejects(client.query('CREATE UNIQUE INDEX ON "t;" ("B")'), { code: '42601' })
    await assert.rejects(client.query('SELECT $1::int; MERGE INTO x'), /refuses MERGE/)
    assert.equal(database.takeRefusals().length, 2)
    assert.deepEqual(database.takeRefusals(), [])
  })
}

test('a refusal that nobody takes shows when the database goes', { skip: withoutStandIn('6') }, async (t) => {
  const database = await greenplumDatabase(undefined, '6')
  const client = new pg.Client(database.url.replace('greenplum:', 'postgresql:'))
  client.on('error', () => {})
  t.after(() => client.end())
  await client.connect()
  await assert.rejects(client.query({ text: 'CREATE TABLE t (id int PRIMARY KEY)', values: [] }), { code: '42601' })
  await assert.rejects(database.drop(), /CREATE TABLE t without DISTRIBUTED/)
})

test('the kernel of 6 is without what came after 9.4, but not for the test', {
  skip: withoutStandIn('6'),
}, async (t) => {
  const [client, database] = await connected(t, '6')
  const lacking = [
    `jsonb_set('{}', '{a}', '1')`,
    'to_jsonb(1)',
    `'{}'::jsonb || '{}'::jsonb`,
    `'{"a":1}'::jsonb - 'a'`,
    `to_regnamespace('public')`,
    `current_setting('x.y', true)`,
    `array_position(ARRAY[1], 1)`,
    `'public'::regnamespace`,
  ]
  for (const expression of lacking) {
    await assert.rejects(client.query(`SELECT ${expression}`), { code: /^42(883|704|725)$/ }, expression)
    await database.query(`SELECT ${expression}`)
  }
  await client.query(`SELECT 'a' || 'b', ARRAY[1] || 2, 3 - 2, jsonb_array_elements('[1]'), to_regclass('pg_class')`)
})

test('6 ends a connection that brings a setting newer than 9.4', { skip: withoutStandIn('6') }, async (t) => {
  const settings = { idle_in_transaction_session_timeout: 1000 }
  await assert.rejects(connected(t, '6', settings), { code: '42704' })
  await connected(t, '7', settings)
})

const REFUSED: readonly { sql: string; by: readonly GreenplumKind[] }[] = [
  { sql: 'SELECT 1', by: [] },
  { sql: `SELECT 'MERGE INTO x ON CONFLICT' AS "SERIALIZABLE" -- REFERENCES`, by: [] },
  { sql: 'WITH s AS (SELECT 1) INSERT INTO t SELECT * FROM s', by: [] },
  { sql: 'WITH s AS (INSERT INTO t VALUES (1) RETURNING id) SELECT * FROM s', by: KINDS },
  { sql: 'WITH s AS MATERIALIZED (SELECT 1) SELECT * FROM s', by: ['6'] },
  { sql: 'DO $$ BEGIN MERGE INTO t; END $$', by: KINDS },
  { sql: 'BEGIN ISOLATION LEVEL SERIALIZABLE', by: KINDS },
  { sql: 'CREATE TABLE t (id int REFERENCES u) DISTRIBUTED BY (id)', by: KINDS },
  { sql: 'CREATE TABLE IF NOT EXISTS s.t (id int PRIMARY KEY, a text) DISTRIBUTED BY (id)', by: [] },
  { sql: 'CREATE TABLE s.t (id int PRIMARY KEY, a text) DISTRIBUTED BY (a)', by: KINDS },
  { sql: 'CREATE TABLE s.t (id int, a text, CONSTRAINT x PRIMARY KEY (id)) DISTRIBUTED BY (id, a)', by: KINDS },
  { sql: 'CREATE TABLE s.t (id int, a text) DISTRIBUTED BY (b)', by: KINDS },
  { sql: 'CREATE TABLE s.t (id int PRIMARY KEY) DISTRIBUTED RANDOMLY', by: KINDS },
  { sql: 'CREATE TABLE s.t (id int) DISTRIBUTED RANDOMLY', by: [] },
  { sql: 'CREATE TABLE s.t (id int PRIMARY KEY) DISTRIBUTED REPLICATED', by: [] },
  { sql: 'CREATE TEMP TABLE t (id int) DISTRIBUTED BY (id) ON COMMIT DROP', by: KINDS },
  { sql: 'CREATE TABLE t (id int)', by: KINDS },
  { sql: 'INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = excluded.id', by: ['6'] },
  { sql: 'INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET "id" = excluded.id', by: KINDS },
  { sql: 'INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET (a, id) = (1, 2)', by: KINDS },
  { sql: 'INSERT INTO d.t VALUES (1) ON CONFLICT ON CONSTRAINT k DO UPDATE SET spread = 1', by: KINDS },
  { sql: 'INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = (SELECT 1)', by: KINDS },
  {
    sql: 'INSERT INTO t SELECT v FROM (SELECT value AS v FROM jsonb_array_elements($1)) s WHERE NOT EXISTS (SELECT 1 FROM t)',
    by: KINDS,
  },
  { sql: 'UPDATE d.t SET a = 1 FROM s WHERE spread = 2', by: [] },
  { sql: 'UPDATE d.t AS x SET a = f(1, 2), spread = 1 WHERE x.a = 1', by: ['6'] },
  { sql: 'CREATE UNIQUE INDEX i ON d.t (lower(spread))', by: KINDS },
  { sql: 'CREATE UNIQUE INDEX i ON d.t (a, spread)', by: [] },
  { sql: 'ALTER TABLE t ADD COLUMN IF NOT EXISTS a int', by: ['6'] },
  { sql: 'CREATE INDEX IF NOT EXISTS i ON t (a)', by: ['6'] },
  { sql: 'CREATE SCHEMA IF NOT EXISTS cdc_relay', by: [] },
  { sql: 'CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY) DISTRIBUTED BY (id)', by: ['6'] },
  { sql: 'SELECT a."attidentity" FROM pg_attribute a', by: ['6'] },
  { sql: `SELECT to_regclass('a'), to_regclass($1)`, by: [] },
  { sql: 'SELECT to_regclass($1::text)', by: ['6'] },
  { sql: 'SELECT make_interval(secs => 1)', by: ['6'] },
  { sql: `SET idle_in_transaction_session_timeout = '1s'`, by: ['6'] },
  { sql: 'SET gp_enable_global_deadlock_detector = on', by: KINDS },
  { sql: 'SELECT FROM t FOR UPDATE SKIP LOCKED', by: ['6'] },
]

for (const { sql, by } of REFUSED) {
  test(`${by.length === 0 ? 'none refuses' : `refused by ${by.join(', ')}`}: ${sql}`, () => {
    const tables = new Map([['d.t', ['spread']]])
    const refuse = (kind: GreenplumKind) => statementsOf(sql).some((s) => refusals(kind, s, tables).length > 0)
    assert.deepEqual(KINDS.filter(refuse), by)
  })
}

const LOCKS: readonly { title: string; statements: readonly string[]; faults: number }[] = [
  { title: 'the same order', statements: ['BEGIN', 'UPDATE s.a SET x = 1', 'DELETE FROM s.b', 'COMMIT'], faults: 0 },
  {
    title: 'a weaker lock later',
    statements: ['BEGIN', 'LOCK TABLE s.b IN EXCLUSIVE MODE', 'INSERT INTO s.b'],
    faults: 0,
  },
  { title: 'a stronger lock later', statements: ['BEGIN', 'INSERT INTO s.b', 'UPDATE s.b SET x = 1'], faults: 1 },
  { title: 'the same in two transactions', statements: ['INSERT INTO s.b', 'UPDATE s.b SET x = 1'], faults: 0 },
  { title: 'another order', statements: ['BEGIN', 'SELECT FROM s.b FOR SHARE', 'INSERT INTO s.a'], faults: 1 },
  {
    title: 'another order, of locks that do not conflict',
    statements: ['BEGIN', 'INSERT INTO s.d', 'COPY s.c FROM STDIN'],
    faults: 0,
  },
]

for (const { title, statements, faults } of LOCKS) {
  test(`locks of whole tables: ${title}`, () => {
    const order = lockOrder()
    const [one, other] = [{}, {}]
    const send = (connection: object, text: string) => order.sent(connection, statementsOf(text)[0]!)
    for (const text of ['BEGIN', 'DELETE FROM s.e', 'UPDATE s.a SET x = 1', 'DELETE FROM s.b', 'COMMIT'])
      send(one, text)
    for (const text of ['BEGIN', 'INSERT INTO s.c', 'INSERT INTO s.d', 'COMMIT']) send(one, text)
    assert.equal(statements.flatMap((text) => send(other, text)).length, faults)
  })
}
