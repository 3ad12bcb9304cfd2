import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requireCrateVersion } from '../../../../src/sinks/sql/cratedb/versions.ts'

const CASES: readonly (readonly [version: string, warnings: number | 'refused'])[] = [
  ['4.8.4', 'refused'],
  ['5.5.2', 'refused'],
  ['5.5.3', 2],
  ['5.10.9', 2],
  ['5.10.10', 1],
  ['5.10.11', 2],
  ['5.10.12', 0],
  ['6.0.0', 3],
  ['6.0.1', 1],
  ['6.2.1', 1],
  ['6.2.2', 0],
  ['6.10.0', 0],
  ['10.0.0', 0],
]

for (const [version, expected] of CASES) {
  test(`CrateDB ${version}: ${expected === 'refused' ? expected : `${expected} warnings`}`, () => {
    const warnings: string[] = []
    const log = { debug() {}, info() {}, error() {}, warn: (_: object, message: string) => warnings.push(message) }
    const require = () => requireCrateVersion(`CrateDB ${version} (built 0e9e7c5/2025-01-01T00:00:00Z, Linux)`, log)
    if (expected === 'refused') {
      assert.throws(require, { code: 'CONFIGURATION', message: /update to 5\.5\.3 or newer/ })
      return
    }
    require()
    assert.equal(warnings.length, expected, warnings.join('\n'))
  })
}

test('a version that cannot be read counts as new', () => {
  requireCrateVersion('CrateDB nightly', null)
})
