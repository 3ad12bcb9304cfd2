import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openScene, type Scene } from './scene.ts'

/** Writes a document into the column under a key of its own, as text, and reads it back as text. */
async function through(scene: Scene, column: 'o' | 'i', document: string): Promise<unknown> {
  const insert = `INSERT INTO a (k, ${column}) VALUES (1, $1) ON CONFLICT (k) DO UPDATE SET ${column} = excluded.${column}`
  await scene.client.query(insert, [document])
  return (await scene.rows(`SELECT ${column}::text AS d FROM a WHERE k = 1`))[0]!.d
}

test('DYNAMIC makes typed columns of new members', async (t) => {
  const scene = await openScene(t)
  await through(scene, 'o', '{"n":1,"d":1.0,"s":"x","b":true,"o":{"p":1},"l":[1],"z":null,"e":[]}')
  const columns =
    "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'a' AND column_name LIKE 'o[%'"
  assert.deepEqual(
    scene.crate.query(columns).map(({ column_name, data_type }) => `${column_name} ${data_type}`),
    [
      "o['n'] bigint",
      "o['d'] double precision",
      "o['s'] text",
      "o['b'] boolean",
      "o['o'] object",
      "o['o']['p'] bigint",
      "o['l'] bigint_array",
      "o['z'] undefined",
      "o['e'] undefined_array",
    ],
  )
})

test('DYNAMIC turns values into what their column has become', async (t) => {
  const scene = await openScene(t)
  await through(scene, 'o', '{"n":1,"s":"x"}')
  assert.equal(await through(scene, 'o', '{"n":1.5}'), '{"n":1}')
  assert.equal(await through(scene, 'o', '{"n":"42"}'), '{"n":42}')
  assert.equal(await through(scene, 'o', '{"s":42}'), '{"s":"42"}')
  assert.equal(await through(scene, 'o', '{"n":null}'), '{"n":null}')
  await assert.rejects(
    through(scene, 'o', '{"n":"abc"}'),
    /Cannot cast object element `n` with value `abc` to type `bigint`/,
  )
  await assert.rejects(through(scene, 'o', '{"m":[1,{}]}'), /Mixed dataTypes inside a list are not supported/)
  await assert.rejects(through(scene, 'o', '{"a.b":1}'), /contains a dot/)
  await assert.rejects(through(scene, 'o', '{"a[b]":1}'), /square brackets are not allowed/)
  await assert.rejects(through(scene, 'o', '{"big":12345678901234567890}'), /Cannot detect the type/)
  await assert.rejects(through(scene, 'o', `{"long":"${'x'.repeat(32_767)}"}`), /immense term/)
})

test('IGNORED keeps what it is given', async (t) => {
  const scene = await openScene(t)
  for (const document of [
    '{"n":1}',
    '{"n":1.5}',
    '{"n":"x"}',
    '{"n":[1,"a",null,{"b":[]}]}',
    '{"a.b":1,"c[d]":2,"":3}',
    '{"__proto__":{"x":1},"constructor":null}',
    `{"s":"${'x'.repeat(40_000)}"}`,
  ])
    assert.deepEqual(JSON.parse(String(await through(scene, 'i', document))), JSON.parse(document))
  assert.equal(
    scene.crate.query("SELECT 1 AS c FROM information_schema.columns WHERE column_name LIKE 'i[%'").length,
    0,
  )
})

test('numbers in objects are BIGINT or DOUBLE', async (t) => {
  const scene = await openScene(t)
  assert.equal(await through(scene, 'i', '{"n":9223372036854775807}'), '{"n":9223372036854775807}')
  assert.equal(await through(scene, 'i', '{"n":0.1234567890123456789}'), '{"n":0.12345678901234568}')
  assert.equal(await through(scene, 'i', '{"n":1.10}'), '{"n":1.1}')
  assert.equal(await through(scene, 'i', '{"n":2.0}'), '{"n":2.0}')
  await assert.rejects(through(scene, 'i', '{"n":9223372036854775808}'), /Cannot detect the type/)
})

test('STRICT takes only what it was declared with', async (t) => {
  const { client } = await openScene(t)
  await client.query('CREATE TABLE st (k BIGINT PRIMARY KEY, o OBJECT(STRICT) AS (x TEXT))')
  await client.query('INSERT INTO st (k, o) VALUES (1, $1)', [{ x: 'a' }])
  await assert.rejects(
    client.query('INSERT INTO st (k, o) VALUES (2, $1)', [{ y: 1 }]),
    /Cannot add column `y` to strict object `o`/,
  )
})

test('a clash over a member that is new in the batch loses its row silently, a known one answers with an error', async (t) => {
  const { client, count, crate } = await openScene(t)
  const insert = 'INSERT INTO a (k, o) VALUES ($1, $2), ($3, $4)'
  assert.equal(await count(insert, [10, { y: 1 }, 11, { y: 'abc' }]), 1)
  await assert.rejects(client.query(insert, [12, { y: 2 }, 13, { y: 'abc' }]), /Cannot cast object element `y`/)
  assert.deepEqual(crate.query('SELECT k FROM a'), [{ k: 10n }])
})

test('a list of nothing goes lost where another row of the statement makes the member a list, with the object around it', async (t) => {
  const { count, crate } = await openScene(t)
  const insert = `INSERT INTO a (k, o) (SELECT x, y::object(dynamic) FROM unnest($1::array(bigint), $2::array(text)) AS u (x, y))`
  const rows = ['{"l":["x"],"o":{"q":[1.0]}}', '{"l":[],"o":{"q":[]},"n":1.0}', '{"l":[null]}', '{"l":["y"]}']
  assert.equal(await count(insert, [['1', '2', '3', '4'], rows]), 4)
  assert.equal(
    await count(insert, [
      ['5', '6'],
      ['{"l":["x"]}', rows[1]],
    ]),
    2,
  )
  const stored = crate.query('SELECT o FROM a ORDER BY k').map(({ o }) => JSON.stringify(o))
  assert.deepEqual(stored, [
    '{"l":["x"],"o":{"q":[1]}}',
    '{"o":{},"n":1}',
    '{}',
    '{"l":["y"]}',
    '{"l":["x"]}',
    '{"l":[],"o":{"q":[]},"n":1}',
  ])
})

test('a guarded upsert may bring a new member', async (t) => {
  const { client, crate } = await openScene(t)
  const upsert = `INSERT INTO a (k, o, v) VALUES (1, $1, $2) ON CONFLICT (k) DO UPDATE SET
    o = CASE WHEN excluded.v > coalesce(v, -1) THEN excluded.o ELSE o END`
  await client.query(upsert, [{ x: 1 }, 1])
  await client.query(upsert, [{ y: 2 }, 2])
  assert.deepEqual(crate.query("SELECT o['x'] AS x, o['y'] AS y FROM a"), [{ x: null, y: 2n }])
})

test('members count towards the limit of columns', async (t) => {
  const { client, count } = await openScene(t, { columnLimit: 10 })
  await assert.rejects(
    client.query('INSERT INTO a (k, o) VALUES (1, $1)', [{ a: 1, b: 2, c: 3, d: 4, e: 5 }]),
    /Limit of total columns \[10\] in table \[doc.a\] exceeded/,
  )
  assert.equal(await count('INSERT INTO a (k, i) VALUES (2, $1)', [{ a: 1, b: 2, c: 3, d: 4, e: 5 }]), 1)
})

test('a long text fits where there is neither index nor column store', async (t) => {
  const { client, count } = await openScene(t)
  await client.query('CREATE TABLE long (k BIGINT PRIMARY KEY, s TEXT INDEX OFF STORAGE WITH (columnstore = false))')
  assert.equal(await count('INSERT INTO long (k, s) VALUES (1, $1)', ['x'.repeat(40_000)]), 1)
  await assert.rejects(client.query('INSERT INTO a (k, s) VALUES (1, $1)', ['x'.repeat(32_767)]), /immense term/)
  assert.equal(await count('INSERT INTO a (k, s) VALUES (1, $1)', ['x'.repeat(32_766)]), 1)
})

test('DYNAMIC: null and empty lists make members of no type, which the first value gives', async (t) => {
  const { crate, count } = await openScene(t)
  let k = 0n
  const write = (json: string) =>
    count(
      `INSERT INTO a (k, o) (SELECT 
    x, y::object(dynamic) FROM unnest($1::array(bigint), $2::array(text)) AS u (x, y))`,
      [[String(++k)], [json]],
    )
  for (const json of ['{"n":null,"e":[],"l":[null]}', '{"n":"x","e":["x"],"l":[1]}', '{"n":null,"m":null}'])
    assert.equal(await write(json), 1, json)
  for (const json of ['{"e":"x"}', '{"m":[1]}', '{"l":1}']) assert.equal(await write(json), 0, json)
  const types = crate.query(
    "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'a' AND column_details['name'] = 'o'",
  )
  assert.deepEqual(types.map((row) => Object.values(row).join(' ')).sort(), [
    'o object',
    "o['e'] text_array",
    "o['l'] bigint_array",
    "o['m'] undefined",
    "o['n'] text",
  ])
})
