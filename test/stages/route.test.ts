import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change, TableName } from '../../src/change.ts'
import { route, splitName, tablePattern } from '../../src/stages/route.ts'
import { dropTable, put } from '../support/changes.ts'

const named = (name: string, schema: string | null = null): TableName => ({ schema, name })

const PATTERNS: { pattern: string; table: TableName; stars: readonly string[] | null }[] = [
  { pattern: 'orders', table: named('orders'), stars: [] },
  { pattern: 'orders', table: named('orders', 'public'), stars: [] },
  { pattern: 'orders', table: named('Orders'), stars: null },
  { pattern: 'ord*', table: named('orders'), stars: ['ers'] },
  { pattern: '*_*', table: named('eu_orders'), stars: ['eu', 'orders'] },
  { pattern: 'public.*', table: named('orders', 'public'), stars: ['orders'] },
  { pattern: 'public.*', table: named('orders'), stars: null },
  { pattern: '"a.b"', table: named('a.b'), stars: [] },
  { pattern: 'a.b', table: named('a.b'), stars: null },
  { pattern: '"say ""hi"""', table: named('say "hi"'), stars: [] },
  { pattern: 'a+b', table: named('aab'), stars: null },
]

for (const { pattern, table, stars } of PATTERNS) {
  test(`the pattern ${pattern} and the table ${JSON.stringify(table)}`, () => {
    assert.deepEqual(tablePattern(pattern)(table), stars)
  })
}

test('names that cannot be read are refused', () => {
  for (const text of ['', '.', 'a.', '.a', '"a', 'a"b"', 'a..b'])
    assert.throws(() => splitName(text), SyntaxError, text)
  assert.throws(() => tablePattern('a.b.c'), /more than two parts/)
})

const SKIPS: {
  title: string
  change: Partial<Change>
  options: Partial<Parameters<typeof route>[0]>
  reason: string | null
}[] = [
  { title: 'a table that is not included', change: {}, options: { include: ['other'] }, reason: 'table-not-wanted' },
  { title: 'an included table', change: {}, options: { include: ['other', 'ord*'] }, reason: null },
  {
    title: 'exclude wins over include',
    change: {},
    options: { include: ['*'], exclude: ['orders'] },
    reason: 'table-not-wanted',
  },
  { title: 'a delete', change: { op: 'delete' }, options: {}, reason: null },
  {
    title: 'a delete under --deletes ignore',
    change: { op: 'delete' },
    options: { deletes: 'ignore' },
    reason: 'delete-ignored',
  },
  { title: 'an expiry', change: { op: 'delete', expired: true }, options: {}, reason: null },
  {
    title: 'an expiry under --expired keep',
    change: { op: 'delete', expired: true },
    options: { expired: 'keep' },
    reason: 'expired-kept',
  },
  {
    title: 'a delete by a user under --expired keep',
    change: { op: 'delete' },
    options: { expired: 'keep' },
    reason: null,
  },
]

for (const { title, change, options, reason } of SKIPS) {
  test(`${title} ${reason === null ? 'passes' : `is skipped as ${reason}`}`, () => {
    const apply = route({ include: [], exclude: [], deletes: 'hard', expired: 'delete', ...options })
    const item = { ...INSERT, ...change }
    const result = apply(item)
    if (reason === null) assert.equal(result, item)
    else assert.deepEqual(result, { kind: 'skip', reason, source: item.source })
  })
}

test('schema changes of a table that is not wanted are skipped, of others pass, whatever is done with deletes', () => {
  const apply = route({ include: [], exclude: ['shop.*'], deletes: 'ignore', expired: 'keep' })
  const dropped = dropTable(5)
  assert.deepEqual(apply(dropped), { kind: 'skip', reason: 'table-not-wanted', source: dropped.source })
  const other = dropTable(5, { table: { schema: 'harbour', name: 'berths' } })
  assert.equal(apply(other), other)
})

const INSERT = put('k', 1)
