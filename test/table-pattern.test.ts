import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TableName } from '../src/change.ts'
import { splitName, tablePattern } from '../src/table-pattern.ts'

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
