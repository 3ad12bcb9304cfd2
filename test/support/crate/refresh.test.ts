import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectTo } from './client.ts'
import { openScene } from './scene.ts'

test('a search sees what was refreshed, a look-up by the full key sees everything', async (t) => {
  const { client, rows, crate } = await openScene(t)
  await client.query("INSERT INTO a (k, s) VALUES (1, 'x'), (2, 'x')")
  const seen = async (where: string, values: unknown[] = []) =>
    (await rows(`SELECT k FROM a WHERE ${where}`, values)).length
  assert.equal(await seen('k = 1'), 1)
  assert.equal(await seen('$1 = k', [2]), 1)
  assert.equal(await seen('k = $1 OR k = $2', [1, 2]), 2)
  assert.equal(await seen('k IN (1, 2)'), 2)
  assert.equal(await seen('k = ANY([1, 2])'), 2)

  const searches: readonly (readonly [string, unknown[]])[] = [
    ["s = 'x'", []],
    ['k = ANY($1)', [[1, 2]]],
    ['k IN ($1, $2)', [1, 2]],
    ["k = 1 AND s = 'x'", []],
    ["k = 1 OR s = 'x'", []],
    ['k >= 1', []],
  ]
  for (const [where, values] of searches) assert.equal(await seen(where, values), 0, where)
  await client.query('REFRESH TABLE a')
  for (const [where, values] of searches) assert.notEqual(await seen(where, values), 0, where)

  await client.query("INSERT INTO a (k, s) VALUES (3, 'y')")
  assert.equal(await seen("s = 'y'"), 0)
  crate.refresh()
  assert.equal(await seen("s = 'y'"), 1)
})

test('refresh can be always', async (t) => {
  const { client, rows } = await openScene(t, { refresh: 'always' })
  await client.query("INSERT INTO a (k, s) VALUES (1, 'x')")
  assert.equal((await rows("SELECT k FROM a WHERE s = 'x'")).length, 1)
})

test('EXPLAIN tells a look-up from a search, and 10,000 combinations from more', async (t) => {
  const { client, rows } = await openScene(t)
  await client.query('CREATE TABLE two (k1 BIGINT, k2 BIGINT, PRIMARY KEY (k1, k2))')
  const explained = async (keys: number) => {
    const where = Array.from({ length: keys }, (_, at) => `(k1 = ${at} AND k2 = ${at})`).join(' OR ')
    return Object.values((await rows(`EXPLAIN SELECT k1 FROM two WHERE ${where}`))[0]!)[0]
  }
  assert.match(String(await explained(98)), /^Get\[/)
  assert.match(String(await explained(99)), /^Collect\[/)
  await assert.rejects(rows('EXPLAIN SELECT k1 FROM two WHERE k1 = $1', [1]), /exceeds the number of parameters/)
  assert.match(String(Object.values((await rows('EXPLAIN SELECT k1 FROM two WHERE k1 = 1'))[0]!)[0]), /^Collect\[/)
})

test('UPDATE and DELETE with a guard miss rows that are not refreshed', async (t) => {
  const { client, count } = await openScene(t)
  await client.query('INSERT INTO a (k, v) VALUES (22, 1)')
  assert.equal(await count('DELETE FROM a WHERE k = 22 AND v < 2'), 0)
  assert.equal(await count('UPDATE a SET n = 1 WHERE k = 22 AND v < 2'), 0)
  await client.query('REFRESH TABLE a')
  assert.equal(await count('UPDATE a SET n = 1 WHERE k = 22 AND v < 2'), 1)
  assert.equal(await count('DELETE FROM a WHERE k = 22 AND v < 2'), 1)
})

test('tokens beside the full key guard a delete', async (t) => {
  const { rows, count } = await openScene(t)
  const [tokens] = await rows('INSERT INTO a (k) VALUES (23) RETURNING _seq_no, _primary_term')
  const guarded = 'DELETE FROM a WHERE k = 23 AND _seq_no = $1 AND _primary_term = $2'
  await count('UPDATE a SET n = 1 WHERE k = 23')
  assert.equal(await count(guarded, [tokens!._seq_no, tokens!._primary_term]), 0)
  const [now] = await rows('SELECT _seq_no, _primary_term FROM a WHERE k = 23')
  assert.equal(await count(guarded, [now!._seq_no, now!._primary_term]), 1)
  assert.equal(await count(guarded, [now!._seq_no, now!._primary_term]), 0)
})

test('of two updates with the same tokens one finds the row', async (t) => {
  const { client, rows, crate } = await openScene(t)
  const other = await connectTo(crate)
  const [{ _seq_no, _primary_term }] = (await rows(
    'INSERT INTO a (k) VALUES (1) RETURNING _seq_no, _primary_term',
  )) as [Record<string, unknown>]
  const update =
    'UPDATE a SET s = $3 WHERE k = 1 AND _seq_no = $1 AND _primary_term = $2 RETURNING _seq_no, _primary_term'
  const answers = await Promise.all([client, other].map((one, at) => one.query(update, [_seq_no, _primary_term, at])))
  assert.deepEqual(answers.map(({ rowCount }) => rowCount).sort(), [0, 1])
})

test('tokens need the full key and each other', async (t) => {
  const { client } = await openScene(t)
  await assert.rejects(client.query('SELECT k FROM a WHERE _seq_no = 1'), /can only be used together/)
  await assert.rejects(client.query('DELETE FROM a WHERE k = 1 AND _seq_no = 1'), /can only be used together/)
  await assert.rejects(client.query('UPDATE a SET s = 1 WHERE n = 1 AND _seq_no = 1 AND _primary_term = 1'), /together/)
})

test('tokens change when primaries move', async (t) => {
  const { client, rows, crate } = await openScene(t)
  await client.query("INSERT INTO a (k, s) VALUES (1, 'x')")
  const tokens = 'SELECT s, _seq_no, _primary_term FROM a WHERE k = 1'
  const [before] = await rows(tokens)
  crate.movePrimaries()
  const [after] = await rows(tokens)
  assert.equal(after!.s, 'x')
  assert.notEqual(after!._seq_no, before!._seq_no)
  assert.notEqual(after!._primary_term, before!._primary_term)
})

test('a view is a search', async (t) => {
  const { client, rows } = await openScene(t)
  await client.query('CREATE OR REPLACE VIEW "v" AS SELECT k, s FROM a WHERE s IS DISTINCT FROM \'gone\'')
  await client.query("INSERT INTO a (k, s) VALUES (1, 'x'), (2, 'gone'), (3, NULL)")
  assert.deepEqual(await rows('SELECT k FROM v WHERE k = 1'), [])
  await client.query('REFRESH TABLE a')
  assert.deepEqual(await rows('SELECT k FROM v ORDER BY k'), [{ k: '1' }, { k: '3' }])
  await assert.rejects(client.query('INSERT INTO v (k) VALUES (1)'), /doesn't support or allow INSERT/)
})
