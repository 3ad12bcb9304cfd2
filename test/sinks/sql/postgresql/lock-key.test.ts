import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lockKey } from '../../../../src/sinks/sql/postgresql/lock-key.ts'

test('lock keys differ by kind and part, and fit a bigint', () => {
  const keys = [lockKey('relay', 'a'), lockKey('table', 'a'), lockKey('table', 'a', 'b'), lockKey('table', 'ab')]
  assert.equal(new Set(keys).size, 4)
  for (const key of keys) assert.equal(BigInt.asIntN(64, BigInt(key)).toString(), key)
})
