import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { versionText } from '../../src/decode/version-text.ts'
import { anySeed } from '../support/life/random.ts'

test('microseconds as text are what String makes of them', () => {
  const near = fc.constantFrom(0, 1, 999_999, 1_000_000, 1e12, 1e12 + 1, 1_793_606_402_000_000, Number.MAX_SAFE_INTEGER)
  const whole = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
  const time = fc.integer({ min: 1_793_606_402_000_000, max: 1_793_606_404_000_000 })
  fc.assert(
    fc.property(fc.oneof(near, whole, time), (us) => assert.equal(versionText(us), String(us))),
    { seed: anySeed(), numRuns: 2000 },
  )
})
