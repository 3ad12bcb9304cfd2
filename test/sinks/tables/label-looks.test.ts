import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LabelLooks } from '../../../src/sinks/tables/label-looks.ts'

const moods = (...labels: string[]) => [{ name: 'mood', sql: 'mood', modifier: -1, kind: 'e', labels }]

test('labels: the first that is missed is asked for at once, then ever more seldom, until there are new ones', () => {
  let now = 0
  const looks = new LabelLooks(() => now)
  looks.looked(moods('fine'))
  assert.equal(looks.isDue(), false, 'nothing is missed')
  const waits: number[] = []
  for (let i = 0; i < 9; i++) {
    looks.missed()
    const from = now
    while (!looks.isDue()) now += 500
    waits.push(now - from)
    looks.looked(moods('fine'))
  }
  assert.deepEqual(waits, [0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
  looks.missed()
  looks.looked(moods('fine', 'angry'))
  looks.missed()
  assert.equal(looks.isDue(), true, 'another one')
})
