import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openScene } from './scene.ts'

const CASES: readonly (readonly [expression: string, value: unknown])[] = [
  ['1 < 2', true],
  ['1 < NULL', null],
  ['NULL AND false', false],
  ['NULL AND true', null],
  ['NULL OR true', true],
  ['NOT (NULL = 1)', null],
  ['1 IN (2, NULL)', null],
  ['1 IN (1, NULL)', true],
  ['1 NOT IN (2, 3)', true],
  ['2 = ANY([1, 2])', true],
  ['2 <> ALL([1, 2])', false],
  ['NULL IS NULL', true],
  ['1 IS NOT NULL', true],
  ['NULL IS DISTINCT FROM true', true],
  ['true IS NOT DISTINCT FROM true', true],
  ['CASE WHEN NULL THEN 1 ELSE 2 END', 2],
  ['CASE 3 WHEN 3 THEN 4 END', 4],
  ['CASE WHEN false THEN 1 END', null],
  ['coalesce(NULL, 5)', 5],
  ["'5' = 5", true],
  ["'a' || 'b'", 'ab'],
  ['7 / 2', '3'],
  ['1 + 2 * 3', '7'],
  ['1 BETWEEN 0 AND 2', true],
  ["'abc' LIKE 'a%'", true],
  ["'abc' NOT LIKE 'a_'", true],
  ["TRY_CAST('x' AS bigint)", null],
  ["'9007199254740993'::bigint > 9007199254740992", true],
  ["'B' < 'a'", true],
  ["length('äb')", 2],
  ['({"a" = 1})::object = \'{"a":1}\'::object', true],
]
test('expressions follow the three values of SQL', async (t) => {
  const { rows } = await openScene(t)
  for (const [expression, value] of CASES)
    assert.deepEqual((await rows(`SELECT ${expression} AS x`))[0]!.x, value, expression)
})

test('count, min and max, also of nothing; order and limit', async (t) => {
  const { client, rows } = await openScene(t, { refresh: 'always' })
  const totals = 'SELECT count(*) AS c, count(n) AS cn, min(n) AS low, max(n) AS high FROM a'
  assert.deepEqual(await rows(totals), [{ c: '0', cn: '0', low: null, high: null }])
  await client.query('INSERT INTO a (k, n) VALUES (1, 5), (2, NULL), (3, 4)')
  assert.deepEqual(await rows(totals), [{ c: '3', cn: '2', low: '4', high: '5' }])
  assert.deepEqual(await rows('SELECT max(n) + 1 AS next FROM a'), [{ next: '6' }])
  const keys = async (tail: string) => (await rows(`SELECT k FROM a ${tail}`)).map(({ k }) => k)
  assert.deepEqual(await keys('ORDER BY n'), ['3', '1', '2'])
  assert.deepEqual(await keys('ORDER BY n DESC'), ['2', '1', '3'])
  assert.deepEqual(await keys('ORDER BY k DESC LIMIT 1 OFFSET 1'), ['2'])
})

test('what the fake has not learned is said to be a gap of the fake', async (t) => {
  const { client } = await openScene(t)
  for (const statement of [
    'SELECT 1 FROM a x JOIN a y ON x.k = y.k',
    'WITH x AS (SELECT 1) SELECT * FROM x',
    'ALTER TABLE a RENAME TO b',
  ])
    await assert.rejects(client.query(statement), /The CrateDB fake does not know/)
})
