import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServiceClock } from '../../src/aws/service-clock.ts'

/** The header that a service writes at `ms`: it counts whole seconds. */
const header = (ms: number): string => new Date(Math.floor(ms / 1000) * 1000).toUTCString()
const YEAR_2030 = Date.parse('2030-01-01T00:00:00Z')

test('before the first answer it is our own clock', () => {
  const clock = new ServiceClock()
  const before = Date.now()
  assert.ok(Math.abs(clock.earliest() - before) < 60_000)
  assert.ok(Math.abs(clock.latest() - before) < 60_000)
})

test('the bounds hold the service time, however wrong our clock is', () => {
  const clock = new ServiceClock()
  // Service time is YEAR_2030 + reading.
  clock.learn(header(YEAR_2030 + 5_700), 5_600, 5_800)
  for (const reading of [5_700, 9_000]) {
    assert.ok(clock.earliest(reading) <= YEAR_2030 + reading)
    assert.ok(clock.latest(reading) >= YEAR_2030 + reading)
    assert.ok(clock.latest(reading) - clock.earliest(reading) <= 2_300)
  }
})

test('answers narrow the bounds', () => {
  const clock = new ServiceClock()
  for (const sent of [100, 1_350, 2_990, 4_010]) clock.learn(header(YEAR_2030 + sent + 5), sent, sent + 10)
  assert.ok(clock.earliest(5_000) <= YEAR_2030 + 5_000)
  assert.ok(clock.latest(5_000) >= YEAR_2030 + 5_000)
  assert.ok(clock.latest(5_000) - clock.earliest(5_000) < 1_200)
})

test('after a jump of the service clock the last answer is right', () => {
  const clock = new ServiceClock()
  clock.learn(header(YEAR_2030), 0, 10)
  clock.learn(header(YEAR_2030 + 3_600_000), 20, 30)
  for (const bound of [clock.earliest(30), clock.latest(30)]) {
    assert.ok(Math.abs(bound - YEAR_2030 - 3_600_000) < 2_100)
  }
  clock.learn(header(YEAR_2030), 40, 50)
  for (const bound of [clock.earliest(50), clock.latest(50)]) assert.ok(Math.abs(bound - YEAR_2030) < 2_100)
})

test('what is no date is ignored', () => {
  const clock = new ServiceClock()
  clock.learn(header(YEAR_2030), 0, 0)
  clock.learn('yesterday', 0, 0)
  assert.equal(clock.earliest(0), YEAR_2030)
})
