import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse, type Tree, thoroughlyRead } from './grammar.ts'
import { openScene } from './scene.ts'

const SYNTAX_ERRORS = [
  'ROLLBACK',
  'SAVEPOINT x',
  'RELEASE SAVEPOINT x',
  'INSERT INTO a (k, v) VALUES (1, 2) ON CONFLICT (k) DO UPDATE SET s = excluded.s WHERE excluded.v > a.v',
  'ALTER TABLE a ADD COLUMN IF NOT EXISTS z TEXT',
  'DELETE FROM a USING b WHERE a.k = b.k',
  'DELETE FROM a WHERE k = 1 RETURNING k',
  'UPDATE a SET s = b.s FROM b',
  'INSERT INTO a AS x (k) VALUES (1)',
  'WITH x AS (SELECT 1) INSERT INTO a (k) SELECT 1',
  'SELECT s COLLATE "C" FROM a',
  'SELECT k FROM a FOR UPDATE',
  'INSERT INTO a (k, s) VALUES (1, DEFAULT)',
  'CREATE TEMP TABLE b (k INT)',
  'LOCK TABLE a',
  'TRUNCATE a',
  'LISTEN x',
  'CREATE INDEX ON a (s)',
  'SELECT k FROM a WHERE s IS NOT TRUE',
  'SELECT (1, 2)',
]

for (const statement of SYNTAX_ERRORS)
  test(`not in CrateDB's grammar: ${statement}`, async (t) => {
    const { client } = await openScene(t)
    await assert.rejects(client.query(statement), { code: '42601' })
  })

test('before 6.0 a text that cannot be read is an error like any other', async (t) => {
  const { client } = await openScene(t, { crateVersion: '5.10.16' })
  await assert.rejects(client.query('ROLLBACK'), { code: 'XX000', message: /^line 1:\d+: / })
})

test('statements that are taken and do nothing', async (t) => {
  const { client } = await openScene(t)
  for (const statement of [
    'BEGIN',
    'START TRANSACTION',
    'COMMIT',
    'END',
    'SET unknown_setting = 5',
    "SET SESSION search_path TO 'x'",
    'SET TRANSACTION READ ONLY',
    'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
    'DISCARD ALL',
    'DEALLOCATE ALL',
  ])
    await client.query(statement)
})

test('CREATE SCHEMA comes with 6.2', async (t) => {
  const { client, crate } = await openScene(t, { crateVersion: '6.1.2' })
  await assert.rejects(client.query('CREATE SCHEMA x'), { code: '42601' })
  crate.settings.crateVersion = '6.2.0'
  await client.query('CREATE SCHEMA IF NOT EXISTS "x y"')
  assert.equal(crate.query("SELECT schema_name FROM information_schema.schemata WHERE schema_name = 'x y'").length, 1)
})

test('COPY parses and fails, without asking for data', async (t) => {
  const { client } = await openScene(t)
  await assert.rejects(client.query('COPY a FROM STDIN'), { code: 'XX000' })
})

test('there are no advisory locks and no functions of jsonb', async (t) => {
  const { client } = await openScene(t)
  await assert.rejects(client.query('SELECT pg_advisory_lock(1)'), { code: '42883' })
  await assert.rejects(client.query("SELECT jsonb_build_object('a', 1)"), { code: '42883' })
})

test('what is not there has the code of PostgreSQL', async (t) => {
  const { client } = await openScene(t)
  await assert.rejects(client.query('SELECT 1 FROM nowhere'), { code: '42P01' })
  await assert.rejects(client.query('SELECT nothing FROM a'), { code: '42703' })
  await assert.rejects(client.query('CREATE TABLE a (k INT)'), { code: '42P07' })
  await assert.rejects(client.query('INSERT INTO a (k) VALUES ($1)'), /enough entries/)
})

test('every text is kept, also what could not be read', async (t) => {
  const { client, crate } = await openScene(t)
  await assert.rejects(client.query('ROLLBACK'))
  await client.query('SELECT 1')
  assert.deepEqual(crate.sent.slice(-2), ['ROLLBACK', 'SELECT 1'])
  assert.deepEqual(crate.executed.at(-1), { text: 'SELECT 1', binds: 1 })
})

test('the quick reading of a text is the thorough one', () => {
  for (const text of [
    'SELECT 1; SELECT k FROM a',
    "SELECT -k + 2 * 3, NOT s = 'x' OR v IS NULL AND n BETWEEN 1 AND 2, o['a']['b']::text[], k IN (1, $2) FROM a t WHERE s ~ 'y'",
    `INSERT INTO "b"."a" ("k", "v") (SELECT x, CASE WHEN y > coalesce(z, -1) THEN y ELSE z END
      FROM unnest($1::array(bigint), $2::array(text), $3) AS u (x, y, z) WHERE x NOT IN (SELECT k FROM a))
      ON CONFLICT ("k") DO UPDATE SET "v" = CASE WHEN excluded."v" > "v" THEN excluded."v" ELSE "v" END RETURNING k, _seq_no`,
    'CREATE TABLE a (k BIGINT PRIMARY KEY, o OBJECT(DYNAMIC) AS (x TEXT INDEX OFF)) CLUSTERED INTO 1 SHARDS WITH (refresh_interval = 0)',
    'DELETE FROM a WHERE (k = 1 AND _seq_no = $1 AND _primary_term = $2) OR k = 2',
    "CREATE OR REPLACE VIEW v AS SELECT k FROM a WHERE s IS DISTINCT FROM 'gone' ORDER BY k DESC LIMIT 3",
    'ALTER TABLE a ADD COLUMN "o"[\'x\'] TEXT',
    'SHOW statement_timeout',
  ]) {
    assert.deepEqual(parse(text).map(plain), thoroughlyRead(text).map(plain))
    assert.ok(parse(text).length > 0)
  }
})

function plain({ rule, text, parts }: Tree): object {
  return { rule, text, parts: parts.map(plain) }
}
