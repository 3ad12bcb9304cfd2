import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Carried,
  MAX_MESSAGE_BYTES,
  MAX_ROW_BYTES,
  type Member,
  RowEncoder,
  SESSION_BYTES,
} from '../../../src/sinks/gpss/rows.ts'
import { METHODS } from '../../../src/sinks/gpss/service.ts'
import { anySeed } from '../../support/life/random.ts'
import { decodeMessage, type Message } from './contract.ts'

/** The values of the rows of a part, as the contract reads them. */
function rowsIn(part: Buffer): Message[][] {
  const { Rows } = decodeMessage('WriteRequest', part) as { Rows: { Data: Buffer }[] }
  return Rows.map(({ Data }) => (decodeMessage('Row', Data) as { Columns?: Message[] }).Columns ?? [])
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.integer({ min: 100, max: 20_000 }).map((length) => 'é'.repeat(length)),
)
/** Member → values, and how the contract shows them. */
const members: Readonly<Record<Member, { value: fc.Arbitrary<Carried>; shown: (value: never) => Message }>> = {
  int32: { value: fc.integer(), shown: (value: number) => ({ Int32Value: value }) },
  int64: {
    value: fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    shown: (value: number | bigint) => ({ Int64Value: String(value) }),
  },
  float32: { value: fc.float({ noNaN: true }), shown: (value: number) => ({ Float32Value: value }) },
  float64: { value: fc.double({ noNaN: true }), shown: (value: number) => ({ Float64Value: value }) },
  string: { value: text, shown: (value: string) => ({ StringValue: value }) },
  bytes: {
    value: fc.uint8Array({ maxLength: 300 }),
    shown: (value: Uint8Array) => ({ BytesValue: Buffer.from(value) }),
  },
}

const table = fc
  .array(fc.constantFrom(...(Object.keys(members) as Member[])), { minLength: 1, maxLength: 12 })
  .chain((columns) =>
    fc.record({
      columns: fc.constant(columns),
      rows: fc.array(fc.tuple(...columns.map((member) => fc.option(members[member].value))), { maxLength: 12 }),
    }),
  )

test('any rows are what the contract reads', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  fc.assert(
    fc.property(table, ({ columns, rows }) => {
      const encoder = new RowEncoder(columns)
      for (const row of rows) assert.ok(encoder.add(row))
      const { count, parts } = encoder.finish()
      assert.equal(count, rows.length)
      const shown = rows.map((row) =>
        row.map((value, i) =>
          value === null ? { NullValue: 'NULL_VALUE' } : members[columns[i]!].shown(value as never),
        ),
      )
      assert.deepEqual(parts.flatMap(rowsIn), shown)
    }),
    { seed, numRuns: 150 },
  )
})

test('parts are cut at row borders, below the limit of a message whatever the session', () => {
  const encoder = new RowEncoder(['string', 'int32'])
  const large = 'é'.repeat(500_000)
  for (let i = 0; i < 10; i++) assert.ok(encoder.add([large, i]))
  const { count, parts } = encoder.finish()
  assert.equal(count, 10)
  assert.equal(parts.length, 4)
  for (const part of parts) {
    const message = METHODS.write.encode({ session: 's'.repeat(SESSION_BYTES - 10), rows: part })
    assert.ok(message.length <= MAX_MESSAGE_BYTES)
  }
  const numbers = parts.flatMap(rowsIn).map(([, second]) => second)
  assert.deepEqual(
    numbers,
    Array.from({ length: 10 }, (_, i) => ({ Int32Value: i })),
  )
  assert.deepEqual(encoder.finish(), { count: 0, parts: [] })
})

test('a row is refused exactly if no message can hold it, and leaves no trace', () => {
  const encoder = new RowEncoder(['string'])
  // The heads of Rows, Data, Column and of the text, four bytes of length each.
  const most = MAX_ROW_BYTES - 4 * 5
  assert.ok(encoder.add(['first']))
  assert.equal(encoder.add(['x'.repeat(most + 1)]), false)
  assert.ok(encoder.add(['x'.repeat(most)]))
  assert.ok(encoder.add(['last']))
  const { count, parts } = encoder.finish()
  assert.equal(count, 3)
  assert.deepEqual(
    parts.map((part) => rowsIn(part).length),
    [1, 1, 1],
  )
  assert.equal(parts[1]!.length, MAX_ROW_BYTES)
})

test('a row must have a value for each column', () => {
  assert.throws(() => new RowEncoder(['string', 'string']).add(['a']), TypeError)
})
