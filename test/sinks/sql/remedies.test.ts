import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Blame } from '../../../src/sinks/sql/failures.ts'
import { type Course, type Manner, remedyFor, type Where } from '../../../src/sinks/sql/remedies.ts'

const ALL = 'apart, with all constraints'

/** `look`: the tables are looked at, and the batch is written together. `null`: nothing helps. */
const cases: readonly (readonly [Blame, Where, Manner, hasLooked: boolean, then: Manner | 'look' | null])[] = [
  ['target', 'rows', 'together', false, null],
  ['target', 'rows', 'apart', false, null],
  ['target', 'commit', 'together', false, null],
  ['target', 'elsewhere', 'together', false, null],

  ['row', 'rows', 'together', false, 'apart'],
  ['rule', 'rows', 'together', true, 'apart'],
  ['unknown', 'rows', 'together', false, 'apart'],
  // Dead letters, positions, DDL: no row is to blame.
  ['row', 'elsewhere', 'together', false, null],
  ['rule', 'elsewhere', 'apart', true, null],
  ['unknown', 'elsewhere', 'together', false, null],
  // No row was found at fault.
  ['row', 'rows', 'apart', false, null],
  ['rule', 'rows', ALL, false, null],
  ['unknown', 'rows', 'apart', false, 'look'],
  ['unknown', 'rows', 'apart', true, null],

  ['table', 'rows', 'together', false, 'look'],
  ['table', 'elsewhere', 'together', false, 'look'],
  ['table', 'elsewhere', 'together', true, null],
  ['table', 'rows', 'together', true, 'apart'],
  ['table', 'rows', 'apart', true, null],

  // What is checked at the end only.
  ['rule', 'commit', 'together', false, ALL],
  ['unknown', 'commit', 'together', false, ALL],
  ['rule', 'commit', 'apart', false, ALL],
  ['rule', 'commit', ALL, false, null],
  ['rule', 'rows', ALL, true, null],
  ['table', 'commit', 'together', false, 'look'],
  ['table', 'commit', 'together', true, ALL],
]

for (const [blame, where, manner, hasLooked, then] of cases) {
  const title = `${blame} blamed by ${where}, written ${manner}${hasLooked ? ', tables looked at' : ''}`
  test(`${title}: ${then ?? 'nothing helps'}`, () => {
    const course: Course = { manner, hasLooked, attemptsBefore: 0 }
    const expected =
      then === null
        ? null
        : then === 'look'
          ? { ...course, manner: 'together', hasLooked: true }
          : { ...course, manner: then }
    assert.deepEqual(remedyFor({ blame, code: 'SINK_FAILED', patience: 0 }, where, course), expected)
  })
}

test('an error that may pass is waited for before rows are suspected', () => {
  const meaning = { blame: 'unknown', code: 'SINK_BUSY', patience: 2 } as const
  const after = (attemptsBefore: number) =>
    remedyFor(meaning, 'rows', { manner: 'together', hasLooked: false, attemptsBefore })?.manner
  assert.deepEqual([after(0), after(1), after(2)], [undefined, undefined, 'apart'])
})
