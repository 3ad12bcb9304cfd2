import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeadLetter } from '../../src/change.ts'
import { LetterWatch } from '../../src/deliver/letter-limit.ts'

const letters = (count: number): DeadLetter[] =>
  Array.from({ length: count }, (_, i) => ({
    kind: 'dead-letter',
    code: 'DECODE_NOT_JSON',
    detail: 'it is no JSON',
    source: { format: 'unknown', stream: 'changes', shard: 'shard-0', sequence: `${i}` },
  }))

function scene(count: number) {
  const clock = { ms: 0 }
  return { clock, watch: new LetterWatch({ count, intervalMs: 1000 }, () => clock.ms) }
}

test('as many as are allowed pass, and one more does not', () => {
  const { watch } = scene(3)
  watch.requireRoom(letters(3))
  watch.kept(letters(2), 1)
  watch.requireRoom([])
  assert.throws(() => watch.requireRoom(letters(1)), {
    code: 'TOO_MANY_DEAD_LETTERS',
    detail:
      '4 dead letters in 1s, where --max-dead-letters allows 3, as DECODE_NOT_JSON: it is no JSON. The batch with them is not written',
    place: { shard: 'shard-0', sequence: '0' },
  })
})

test('those that the target refused count behind their batch', () => {
  const { watch } = scene(3)
  assert.throws(() => watch.kept([], 4), {
    detail:
      '4 dead letters in 1s, where --max-dead-letters allows 3. All of them are kept, and the positions stand behind them',
  })
})

test('what is older than the interval does not count', () => {
  const { clock, watch } = scene(3)
  watch.kept(letters(2), 0)
  clock.ms = 600
  watch.kept(letters(1), 0)
  assert.throws(() => watch.requireRoom(letters(1)))
  clock.ms = 1000
  watch.requireRoom(letters(2))
  assert.throws(() => watch.requireRoom(letters(3)))
  clock.ms = 1600
  watch.requireRoom(letters(3))
})
