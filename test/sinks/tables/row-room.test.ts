import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Column } from '../../../src/sinks/tables/relation.ts'
import { rowRoom } from '../../../src/sinks/tables/row-room.ts'

const PAGE = { attributes: 502, rowBytes: 8160 }
const names = Array.from({ length: 500 }, (_, n) => `c${n}`)

function texts(strategy: string): Column[] {
  const column = { underlying: { name: 'text', modifier: -1 }, storage: { length: -1, align: 'i', strategy } }
  return ['id', ...names].map((name) => ({ ...column, name }) as Column)
}

/** How many of 500 texts of 100 characters are kept. */
function kept(strategy: string): number {
  const room = rowRoom({ columns: texts(strategy), page: PAGE }, ['id'], names)
  assert.ok(room !== null)
  const tokens = names.map(() => JSON.stringify('abcdefghij'.repeat(10)))
  return names.length - room.withoutRoom(['"a"'], tokens).length
}

test('a text that may be compressed takes up to 24 bytes of its page, one that is only moved out of it 18', () => {
  const left = PAGE.rowBytes - 100
  assert.ok(kept('x') * 24 <= PAGE.rowBytes && kept('x') * 24 > left - 24, `${kept('x')}`)
  assert.ok(kept('e') * 18 <= PAGE.rowBytes && kept('e') * 18 > left - 18, `${kept('e')}`)
})
