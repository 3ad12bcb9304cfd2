import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Change } from '../../src/change.ts'
import { fold, type Standing } from '../../src/deliver/fold.ts'
import { del, put } from '../support/changes.ts'

const id = ({ key }: Change): string => String(key!.id)

function folded(...arrivals: readonly Change[][]): Change[] {
  const standing: Standing = new Map()
  for (const changes of arrivals) fold(standing, changes, id)
  return [...standing.values()]
}

const cases: readonly { title: string; changes: Change[]; stands: number[] }[] = [
  { title: 'nothing', changes: [], stands: [] },
  { title: 'each key keeps its own', changes: [put('a', 2), put('b', 1)], stands: [0, 1] },
  { title: 'the greater version, come last', changes: [put('a', 1), put('a', 2)], stands: [1] },
  { title: 'the greater version, come first', changes: [put('a', 2), put('a', 1)], stands: [0] },
  { title: 'versions are numbers, not texts', changes: [put('a', 10), put('a', 9)], stands: [0] },
  { title: 'of equal versions the later arrival', changes: [put('a', 1), put('a', 1)], stands: [1] },
  { title: 'a delete is a change like others', changes: [put('a', 1), del('a', 2), put('a', 1)], stands: [1] },
  { title: 'a row inserted again', changes: [del('a', 2), put('a', 3)], stands: [1] },
]
for (const { title, changes, stands } of cases) {
  test(`fold: ${title}`, () => {
    assert.deepEqual(
      folded(changes),
      stands.map((i) => changes[i]),
    )
  })
}

test('fold: cut anywhere, the same stands', () => {
  const change = fc.record({ id: fc.constantFrom('a', 'b', 'c'), version: fc.nat(4), deletes: fc.boolean() })
  fc.assert(
    fc.property(fc.array(change), fc.nat(), (plans, cut) => {
      const changes = plans.map(({ id, version, deletes }) => (deletes ? del(id, version) : put(id, version)))
      const at = changes.length === 0 ? 0 : cut % changes.length
      assert.deepEqual(folded(changes.slice(0, at), changes.slice(at)), folded(changes))
    }),
  )
})
