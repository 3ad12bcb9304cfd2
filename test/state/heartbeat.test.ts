import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RelayError } from '../../src/errors.ts'
import { startHeartbeat, watchHeartbeat } from '../../src/state/heartbeat.ts'

const BEAT = 1_754_300_000_000

/** What each look says: the beat that is seen, and when. */
const cases: { title: string; looks: [beat: number, afterMs: number][]; signs: string[] }[] = [
  { title: 'given up', looks: [[0, 0]], signs: ['dead'] },
  {
    title: 'given up while we wait',
    looks: [
      [BEAT, 1],
      [0, 1000],
    ],
    signs: ['unknown', 'dead'],
  },
  { title: 'older than a minute', looks: [[BEAT, 60_000]], signs: ['dead'] },
  {
    title: 'stands still',
    looks: [
      [BEAT, 59_000],
      [BEAT, 59_999],
      [BEAT, 60_000],
    ],
    signs: ['unknown', 'unknown', 'dead'],
  },
  {
    title: 'goes on',
    looks: [
      [BEAT, 59_000],
      [BEAT + 59_500, 59_600],
    ],
    signs: ['unknown', 'alive'],
  },
  {
    title: 'goes on after more than a minute',
    looks: [
      [BEAT, 59_000],
      [BEAT + 70_000, 70_000],
    ],
    signs: ['unknown', 'alive'],
  },
  {
    title: 'lies in the future and stands still',
    looks: [
      [BEAT + 1_000_000, 0],
      [BEAT + 1_000_000, 59_999],
      [BEAT + 1_000_000, 60_000],
    ],
    signs: ['unknown', 'unknown', 'dead'],
  },
]

for (const { title, looks, signs } of cases) {
  test(`a heartbeat that is ${title}`, () => {
    let time = BEAT + looks[0]![1]
    const look = watchHeartbeat(() => time)
    const seen = looks.map(([beat, afterMs]) => {
      time = BEAT + afterMs
      return look(beat)
    })
    assert.deepEqual(seen, signs)
  })
}

test('a beat that fails is followed by others, one at a time, and stopping waits for the last', async () => {
  let beats = 0
  let underWay = 0
  const enough = Promise.withResolvers<void>()
  const heartbeat = startHeartbeat(async () => {
    assert.equal(++underWay, 1)
    await new Promise((done) => setTimeout(done, 5))
    underWay--
    if (++beats === 3) enough.resolve()
    throw new RelayError('STATE_UNREACHABLE', 'away')
  }, 1)
  // The heart does not keep the process alive.
  const keepAlive = setInterval(() => {}, 1000)
  await enough.promise
  await heartbeat.stop()
  clearInterval(keepAlive)
  assert.equal(underWay, 0)
  const last = beats
  await new Promise((done) => setTimeout(done, 20))
  assert.equal(beats, last)
  await heartbeat.stop()
})
