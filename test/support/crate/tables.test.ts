import assert from 'node:assert/strict'
import { test } from 'node:test'
import { message, text } from './protocol.ts'
import { openScene } from './scene.ts'

test('the catalogue shows tables, columns, keys, schemas and views at once', async (t) => {
  const { client, rows } = await openScene(t)
  const answer = await client.query(`CREATE TABLE IF NOT EXISTS "sx"."t" (
    "k1" TEXT NOT NULL, "K2" BIGINT NOT NULL, "doc" OBJECT(IGNORED), "tags" ARRAY(TEXT), list OBJECT(DYNAMIC)[],
    "n" NUMERIC(38,10), "at" TIMESTAMP WITH TIME ZONE, "c" VARCHAR(5), "f" BOOLEAN, PRIMARY KEY ("k1", "K2")
  ) CLUSTERED INTO 6 SHARDS WITH (number_of_replicas = '0-1', column_policy = 'strict', "translog.durability" = 'ASYNC')`)
  assert.equal(answer.command, 'CREATE')
  const columns = await rows(
    `SELECT column_name, data_type, is_nullable FROM information_schema.columns
     WHERE table_schema = $1 AND table_name = $2 AND column_details['path'] = [] ORDER BY ordinal_position`,
    ['sx', 't'],
  )
  assert.deepEqual(
    columns.map((column) => Object.values(column)),
    [
      ['k1', 'text', 'NO'],
      ['K2', 'bigint', 'NO'],
      ['doc', 'object', 'YES'],
      ['tags', 'text_array', 'YES'],
      ['list', 'object_array', 'YES'],
      ['n', 'numeric', 'YES'],
      ['at', 'timestamp with time zone', 'YES'],
      ['c', 'text', 'YES'],
      ['f', 'boolean', 'YES'],
    ],
  )
  const key =
    "SELECT column_name FROM information_schema.key_column_usage WHERE table_schema = 'sx' ORDER BY ordinal_position"
  assert.deepEqual(await rows(key), [{ column_name: 'k1' }, { column_name: 'K2' }])
  await client.query('CREATE VIEW sx.v AS SELECT k1 FROM sx.t')
  assert.deepEqual(
    await rows("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'sx' ORDER BY 1"),
    [
      { table_name: 't', table_type: 'BASE TABLE' },
      { table_name: 'v', table_type: 'VIEW' },
    ],
  )
  assert.deepEqual(await rows("SELECT view_definition FROM information_schema.views WHERE table_name = 'v'"), [
    { view_definition: 'SELECT k1 FROM sx.t' },
  ])
  assert.equal((await rows("SELECT 1 FROM information_schema.schemata WHERE schema_name = 'sx'")).length, 1)
})

test('IF NOT EXISTS counts what was made', async (t) => {
  const { wire } = await openScene(t)

  const create = message('Q', text('CREATE TABLE IF NOT EXISTS b (k BIGINT PRIMARY KEY)'))
  assert.deepEqual(await wire.exchange(create), ['C CREATE 1', 'Z I'])
  assert.deepEqual(await wire.exchange(create), ['C CREATE 0', 'Z I'])
})

test('columns are added several at a time, and only once', async (t) => {
  const { client, rows } = await openScene(t)
  await client.query("ALTER TABLE a ADD COLUMN x BIGINT, ADD COLUMN y TEXT, ADD COLUMN o['z'] TEXT")
  await client.query('INSERT INTO a (k, x, y) VALUES (1, 2, 3)')
  assert.deepEqual(await rows('SELECT x, y FROM a WHERE k = 1'), [{ x: '2', y: '3' }])
  await assert.rejects(
    client.query('ALTER TABLE a ADD COLUMN w TEXT, ADD COLUMN x TEXT'),
    /already has a column named x/,
  )
  await assert.rejects(client.query("ALTER TABLE a ADD COLUMN o['z'] TEXT"), /already has a column named o\['z'\]/)
  await assert.rejects(client.query('SELECT w FROM a'), { code: '42703' })
})

const REFUSED_COLUMNS: readonly (readonly [definition: string, words: RegExp])[] = [
  ['n NUMERIC', /precision and scale/],
  ['n NUMERIC(39, 2)', /at most 38/],
  ['d DATE', /does not support storage/],
  ['z TIME WITH TIME ZONE', /does not support storage/],
  ['j JSON', /does not support storage/],
  ['b BYTEA', /Cannot find data type: bytea/],
  ['_seq_no BIGINT', /conflicts with system column/],
  ['"a.b" TEXT', /contains a dot/],
  ['"a[b]" TEXT', /square brackets/],
  ['"a\tb" TEXT', /illegal whitespace/],
  ['o OBJECT PRIMARY KEY', /Cannot use columns of type "object" as primary key/],
]
for (const [definition, words] of REFUSED_COLUMNS)
  test(`no such column: ${definition}`, async (t) => {
    const { client } = await openScene(t)
    await assert.rejects(client.query(`CREATE TABLE b (${definition})`), words)
  })

test('newer versions have more types, and a leading underscore', async (t) => {
  const { client, crate } = await openScene(t, { crateVersion: '6.1.2' })
  await assert.rejects(client.query('CREATE TABLE b (u UUID)'), /does not support storage/)
  await assert.rejects(client.query('CREATE TABLE b (_x TEXT)'), /conflicts with system column/)
  crate.settings.crateVersion = '6.5.0'
  await client.query('CREATE TABLE b (d DATE, u UUID, _x TEXT)')
  crate.settings.crateVersion = '6.2.0'
  await client.query('CREATE TABLE c (u UUID)')
  await assert.rejects(client.query('CREATE TABLE d (d DATE)'), /does not support storage/)
})

test('names of tables', async (t) => {
  const { client } = await openScene(t)
  for (const name of ['"a/b"', '"a b"', '"a.b"', '"a#b"', `"${'x'.repeat(253)}"`])
    await assert.rejects(client.query(`CREATE TABLE ${name} (k INT)`), /is invalid|too long/, name)
  await assert.rejects(client.query('CREATE TABLE sys.t (k INT)'), /read-only schema/)
  await client.query(`CREATE TABLE "${'x'.repeat(252)}" (k INT)`)
})

test('values are cast to their columns', async (t) => {
  const { client, rows } = await openScene(t)
  await client.query(`CREATE TABLE typed (k BIGINT PRIMARY KEY, n NUMERIC(5,2), at TIMESTAMP WITH TIME ZONE, plain TIMESTAMP,
    c VARCHAR(3), i SMALLINT, d DOUBLE PRECISION, tags ARRAY(TEXT), grid ARRAY(ARRAY(BIGINT)))`)
  const insert = (column: string, value: unknown) =>
    client.query(
      `INSERT INTO typed (k, ${column}) VALUES (1, $1) ON CONFLICT (k) DO UPDATE SET ${column} = excluded.${column}`,
      [value],
    )
  const kept = async (column: string, value: unknown) => {
    await insert(column, value)
    return (await rows(`SELECT ${column}::text AS x FROM typed WHERE k = 1`))[0]!.x
  }
  assert.equal(await kept('n', '1.005'), '1.01')
  assert.equal(await kept('n', '-1.005'), '-1.01')
  assert.equal(await kept('at', '2024-01-01T00:00:00.123999+02'), String(Date.parse('2023-12-31T22:00:00.123Z')))
  assert.equal(await kept('plain', '2024-01-01 00:00:00.5'), String(Date.parse('2024-01-01T00:00:00.500Z')))
  assert.equal(await kept('tags', ['a', 'b,"c']), '["a","b,\\"c"]')
  assert.equal(await kept('grid', '[[1,2],[3]]'), '[[1,2],[3]]')
  await assert.rejects(insert('n', '1000'), /Cannot cast value `1000` to type `numeric\(5,2\)`/)
  await assert.rejects(insert('c', 'four'), /too long for the text type of length: 3/)
  await assert.rejects(insert('i', 32_768), /Value out of range. Value:"32768" Radix:10/)
  await assert.rejects(insert('d', 'x'), /illegal syntax/)
  await assert.rejects(insert('at', 'yesterday'), /Invalid format: "yesterday"/)
})

test('SHOW CREATE TABLE tells the policies of objects', async (t) => {
  const { rows } = await openScene(t)
  const [shown] = await rows('SHOW CREATE TABLE a')
  assert.match(String(shown!['SHOW CREATE TABLE doc.a']), /"i" OBJECT\(IGNORED\)/)
})

test('what is dropped is gone', async (t) => {
  const { client } = await openScene(t)
  await client.query('DROP TABLE a')
  await assert.rejects(client.query('SELECT k FROM a'), { code: '42P01' })
  await assert.rejects(client.query('DROP TABLE a'), { code: '42P01' })
  await client.query('DROP TABLE IF EXISTS a')
})

test('of a view whose table, or a column of that, is gone the catalogue shows no columns, and the view stays', async (t) => {
  const { client, rows } = await openScene(t)
  await client.query('CREATE TABLE sx.t (k TEXT PRIMARY KEY, d BIGINT)')
  await client.query('CREATE VIEW sx.v AS SELECT k, d FROM sx.t')
  const shown = async (): Promise<readonly unknown[]> =>
    (
      await rows("SELECT column_name FROM information_schema.columns WHERE table_schema = 'sx' AND table_name = 'v'")
    ).map(({ column_name }) => column_name)
  assert.deepEqual(await shown(), ['k', 'd'])
  await client.query('DROP TABLE sx.t')
  assert.deepEqual(await shown(), [])
  await client.query('CREATE TABLE sx.t (k TEXT PRIMARY KEY)')
  assert.deepEqual(await shown(), [])
  const views = await rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'sx' ORDER BY 1")
  assert.deepEqual(views, [{ table_name: 't' }, { table_name: 'v' }])
})
