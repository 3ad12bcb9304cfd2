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
    looks.missed('mood')
    const from = now
    while (!looks.isDue()) now += 500
    waits.push(now - from)
    looks.looked(moods('fine'))
  }
  assert.deepEqual(waits, [0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
  looks.missed('mood')
  looks.looked(moods('fine', 'angry'))
  looks.missed('mood')
  assert.equal(looks.isDue(), true, 'another one')
})

test('labels: those that a column lacks are remembered until its type has them, and no more than some', () => {
  const [type] = moods('fine')
  const looks = new LabelLooks(() => 0)
  for (const label of ['angry', 'sad', 'angry']) looks.missed('mood', label)
  assert.deepEqual(looks.lackedBy('mood', type!), ['angry', 'sad'])
  assert.deepEqual(looks.lackedBy('mood', moods('fine', 'sad')[0]!), ['angry'])
  assert.deepEqual(looks.lackedBy('other', type!), [])
  for (let i = 0; i < 1_000; i++) looks.missed('mood', `${i}`)
  assert.equal(looks.lackedBy('mood', type!).length, 100)
})
