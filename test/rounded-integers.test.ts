import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Change, Numeric, type Value } from '../src/change.ts'
import { refuseRoundedIntegers } from '../src/rounded-integers.ts'

const table = { schema: 'harbour', name: 'berths' }

const change = (values: Readonly<Record<string, Value>>, inExponentForm?: readonly string[]): Change => ({
  kind: 'change',
  op: 'insert',
  table,
  key: null,
  before: null,
  after: values,
  complete: true,
  version: '1767300000123456',
  time: '2026-01-01T20:40:00.123456Z',
  source: { format: 'dms', stream: 's', shard: '0', sequence: '1' },
  ...(inExponentForm === undefined ? {} : { inExponentForm }),
})

test('an integer in exponent form was rounded, and the message names column, table and fix, not the value', () => {
  const rounded = change({ id: 1.234567890123457e18, weight: 1e18, n: 2 }, ['id', 'weight'])
  assert.throws(
    () => refuseRoundedIntegers(rounded, (column) => column !== 'weight'),
    (error: Error) => {
      assert.match(
        error.message,
        /^DECODE_VALUE: DMS rounded the integer in column "id" of table harbour\.berths: set UseLargeIntegerValue=true/,
      )
      assert.doesNotMatch(error.message, /123456|weight/)
      return true
    },
  )
  assert.throws(() => refuseRoundedIntegers(rounded, () => true), /column "id", "weight"/)
})

test('a floating point number in exponent form, and an integer with all its digits, are what they are', () => {
  refuseRoundedIntegers(change({ weight: 1e18 }, ['weight']), () => false)
  refuseRoundedIntegers(change({ id: new Numeric('1234567890123456789') }), () => true)
})
