import assert from 'node:assert/strict'
import { test } from 'node:test'
import type pg from 'pg'
import { connectTo } from './client.ts'
import { openScene } from './scene.ts'
import { parse, SYNC } from './wire-client.ts'

const SET = `"s" = CASE WHEN excluded."v" > coalesce("v", -1) THEN excluded."s" ELSE "s" END,
  "v" = CASE WHEN excluded."v" > coalesce("v", -1) THEN excluded."v" ELSE "v" END`
const UPSERT = `INSERT INTO "doc"."a" ("k", "s", "v")
  (SELECT "k", "s", "v" FROM unnest($1::array(bigint), $2::array(text), $3::array(bigint)) AS u ("k", "s", "v"))
  ON CONFLICT ("k") DO UPDATE SET ${SET} RETURNING "k", "v"`
const LONG = 'x'.repeat(40_000)

test('applied, superseded and failed rows are told apart by RETURNING', async (t) => {
  const { client, rows, crate } = await openScene(t)
  await client.query("INSERT INTO a (k, s, v) VALUES (1, 'new', 9), (3, 'none', NULL)")
  const answer = await rows(UPSERT, [
    [1, 2, 3, 4],
    ['old', LONG, 'some', 'fresh'],
    [5, 5, 5, 5],
  ])
  assert.deepEqual(answer, [
    { k: '1', v: '9' },
    { k: '3', v: '5' },
    { k: '4', v: '5' },
  ])
  assert.deepEqual(crate.query('SELECT k, s FROM a ORDER BY k'), [
    { k: 1n, s: 'new' },
    { k: 3n, s: 'some' },
    { k: 4n, s: 'fresh' },
  ])
})

test('with insert_select_fail_fast the first row that fails raises, and what was written stays', async (t) => {
  const { client, crate } = await openScene(t)
  await client.query('SET insert_select_fail_fast = true')
  const parameters = [
    [1, 2, 3],
    ['a', LONG, 'c'],
    [1, 1, 1],
  ]
  await assert.rejects(client.query(UPSERT, parameters), /immense term/)
  assert.deepEqual(crate.query('SELECT k FROM a'), [{ k: 1n }])
})

test('a guarded write that changes nothing counts, and gives the row a new _seq_no', async (t) => {
  const { rows, count } = await openScene(t)
  await count("INSERT INTO a (k, s, v) VALUES (1, 'new', 9)")
  const before = await rows('SELECT _seq_no FROM a WHERE k = 1')
  assert.equal(await count(UPSERT, [[1], ['old'], [4]]), 1)
  assert.notDeepEqual(await rows('SELECT _seq_no FROM a WHERE k = 1'), before)
})

test('the same key twice is applied one after the other', async (t) => {
  const { count, crate } = await openScene(t)
  assert.equal(
    await count("INSERT INTO a (k, s) VALUES (1, 'a'), (1, 'b') ON CONFLICT (k) DO UPDATE SET s = excluded.s"),
    2,
  )
  assert.deepEqual(crate.query('SELECT s FROM a'), [{ s: 'b' }])
})

test('assignments see the old row, whatever their order', async (t) => {
  const { client, crate } = await openScene(t)
  await client.query('INSERT INTO a (k, n, v) VALUES (1, 1, 2)')
  await client.query('INSERT INTO a (k) VALUES (1) ON CONFLICT (k) DO UPDATE SET n = v, v = n')
  assert.deepEqual(crate.query('SELECT n, v FROM a'), [{ n: 2n, v: 1n }])
})

test('DO NOTHING leaves the row, and returns nothing for it', async (t) => {
  const { client, rows, crate } = await openScene(t)
  await client.query("INSERT INTO a (k, s) VALUES (1, 'a')")
  const answer = await rows("INSERT INTO a (k, s) VALUES (1, 'b'), (2, 'b') ON CONFLICT DO NOTHING RETURNING k")
  assert.deepEqual(answer, [{ k: '2' }])
  assert.deepEqual(crate.query('SELECT s FROM a ORDER BY k'), [{ s: 'a' }, { s: 'b' }])
})

const REFUSED: readonly (readonly [rule: string, statement: string, words: RegExp])[] = [
  [
    'existing values are named without a table',
    'INSERT INTO a (k, v) VALUES (1, 2) ON CONFLICT (k) DO UPDATE SET v = CASE WHEN excluded.v > a.v THEN excluded.v ELSE a.v END',
    /has too many parts/,
  ],
  [
    'the target is exactly the primary key',
    'INSERT INTO a (k, v) VALUES (1, 2) ON CONFLICT (v) DO UPDATE SET s = excluded.s',
    /did not match the primary key/,
  ],
  [
    'no column of the key may be assigned',
    'INSERT INTO a (k, v) VALUES (1, 2) ON CONFLICT (k) DO UPDATE SET k = excluded.k',
    /Updating a primary key is not supported/,
  ],
  ['unknown columns', 'INSERT INTO a (k, x) VALUES (1, 2)', /Column x unknown/],
  ['the key is among the columns', 'INSERT INTO a (s) VALUES (1)', /"k" is required but is missing/],
  ['parameters of unnest need a cast', 'INSERT INTO a (k) (SELECT k FROM unnest($1) AS u (k))', /unnest/],
]
for (const [rule, statement, words] of REFUSED)
  test(`refused: ${rule}`, async (t) => {
    const { wire } = await openScene(t)

    assert.match((await wire.exchange(parse(statement), SYNC))[0]!, words)
  })

test('one row, one statement: its error reaches the client', async (t) => {
  const { client } = await openScene(t)
  await assert.rejects(client.query('INSERT INTO a (k, s) VALUES ($1, $2)', [1, LONG]), /immense term/)
  await client.query('INSERT INTO a (k) VALUES (1)')
  await assert.rejects(client.query('INSERT INTO a (k) VALUES (1)'), { code: '23505' })
  await assert.rejects(client.query('INSERT INTO a (k) VALUES ($1)', [null]), /Missing primary key value/)
})

test('of several VALUES the coordinator refuses all, a shard only its own, silently', async (t) => {
  const { client, count, crate } = await openScene(t)
  const insert = 'INSERT INTO a (k, s) VALUES ($1, $2), ($3, $4)'
  await assert.rejects(client.query(insert, [1, 'a', 'two', 'b']), /For input string: "two"/)
  assert.deepEqual(crate.query('SELECT k FROM a'), [])
  assert.equal(await count(insert, [1, 'a', 2, LONG]), 1)
  assert.deepEqual(crate.query('SELECT k FROM a'), [{ k: 1n }])
})

test('a row of INSERT … SELECT that fits no column is skipped, or raises: both are played', async (t) => {
  const { client, crate } = await openScene(t)
  await client.query('CREATE TABLE strict (k BIGINT PRIMARY KEY, s TEXT NOT NULL)')
  const insert =
    'INSERT INTO strict (k, s) (SELECT k, s FROM unnest($1::array(bigint), $2::array(text)) AS u (k, s)) RETURNING k'
  const parameters = [
    [1, 2],
    ['a', null],
  ]
  assert.deepEqual((await client.query(insert, parameters)).rows, [{ k: '1' }])
  crate.settings.badSelectedRow = 'error'
  crate.settings.crateVersion = '5.10.16'
  await assert.rejects(client.query(insert, parameters), /"s" must not be null/)
})

test('an element that its array cannot hold fails the statement', async (t) => {
  const { client, crate } = await openScene(t)
  await assert.rejects(client.query(UPSERT, [['x'], ['a'], [1]]), /For input string: "x"/)
  assert.deepEqual(crate.query('SELECT k FROM a'), [])
})

test('casts and expressions in the SELECT of an INSERT', async (t) => {
  const { client, crate } = await openScene(t)
  await client.query(
    `INSERT INTO a (k, i, n, s) (SELECT key::bigint, document::object(ignored), CASE WHEN v > 5 THEN v ELSE NULL END, coalesce(s, 'none')
     FROM unnest($1::array(text), $2::array(text), $3::array(bigint), $4::array(text)) AS u (key, document, v, s))`,
    [
      ['1', '2'],
      ['{"x":1.0}', null],
      [5, 6],
      [null, 'some'],
    ],
  )
  assert.deepEqual(crate.query("SELECT k, i['x'] AS x, n, s FROM a ORDER BY k"), [
    { k: 1n, x: 1, n: null, s: 'none' },
    { k: 2n, x: null, n: 6n, s: 'some' },
  ])
})

test('two writers of one key: the highest version stands', async (t) => {
  const { crate, client } = await openScene(t)
  const other = await connectTo(crate)
  const versions = Array.from({ length: 200 }, (_, at) => (at * 77) % 200)
  const writing = async (writer: pg.Client, mine: readonly number[]) => {
    for (const version of mine) await writer.query(UPSERT, [[1], [`${version}`], [version]])
  }
  await Promise.all([writing(client, versions.slice(0, 100)), writing(other, versions.slice(100))])
  assert.deepEqual(crate.query('SELECT s, v FROM a'), [{ s: '199', v: 199n }])
})

test('the key may lie in an object', async (t) => {
  const { client, rows, crate } = await openScene(t)
  await client.query(
    'CREATE TABLE toolkit (pk OBJECT(STRICT) AS ("id" STRING PRIMARY KEY), data OBJECT(DYNAMIC), aux OBJECT(IGNORED))',
  )
  const upsert = `INSERT INTO toolkit (pk, data) (SELECT pk, data FROM unnest($1::array(object), $2::array(object)) AS u (pk, data))
    ON CONFLICT (pk['id']) DO UPDATE SET data = excluded.data RETURNING pk['id'] AS id`
  assert.deepEqual(await rows(upsert, [[{ id: 'a' }], [{ x: 1 }]]), [{ id: 'a' }])
  assert.deepEqual(await rows(upsert, [[{ id: 'a' }], [{ x: 2 }]]), [{ id: 'a' }])
  assert.deepEqual(await rows("SELECT data['x'] AS x FROM toolkit WHERE pk['id'] = $1", ['a']), [{ x: '2' }])
  const keys = "SELECT column_name FROM information_schema.key_column_usage WHERE table_name = 'toolkit'"
  assert.deepEqual(crate.query(keys), [{ column_name: 'pk' }])
})
