import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Written } from '../../src/batch.ts'
import { requireAccounted } from '../../src/deliver/accounted.ts'
import { put } from '../support/changes.ts'

const written = (parts: Partial<Written>): Written => ({ kind: 'written', tables: new Map(), ...parts })

const orders = (applied: number, superseded: number): Written['tables'] =>
  new Map([['orders', { applied, superseded }]])

test('an answer must say of each change how it ended, of none twice', () => {
  const batch = { changes: [put('a', 1), put('b', 2), put('c', 3)] }
  const answers: readonly Partial<Written>[] = [
    {},
    { tables: orders(2, 0) },
    { tables: orders(2, 2) },
    { tables: orders(2, 0), skips: new Map([['a', 2]]) },
    { tables: orders(2, 0), skips: new Map([['a', 1]]), deadLettered: 1 },
    { deadLettered: 2 },
  ]
  for (const answer of answers) {
    assert.throws(() => requireAccounted(batch, written(answer)), /counters do not match: the batch had 3 changes/)
  }
  for (const answer of [{ tables: orders(2, 1) }, { skips: new Map([['a', 3]]) }, { deadLettered: 3 }]) {
    requireAccounted(batch, written(answer))
  }
})
