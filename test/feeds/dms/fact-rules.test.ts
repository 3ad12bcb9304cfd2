import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DMS_FACT_RULES } from '../../../src/feeds/dms/fact-rules.ts'

const { merge, floors } = DMS_FACT_RULES

interface Parts {
  readonly key?: readonly string[] | null
  readonly columns?: Readonly<Record<string, string>>
  readonly floor?: string | null
  readonly version?: string | null
}

const fact = ({ key = null, columns = {}, floor = null, version = null }: Parts): string =>
  JSON.stringify({ key, columns, floor, version })

const of = (one: Parts, other: Parts): unknown => JSON.parse(merge('table shop.orders', fact(one), fact(other)))

test('the later create-table says key and types, columns are only added', () => {
  const older = { key: ['id'], columns: { id: 'int32', gone: 'string' }, version: '9' }
  const younger = { key: ['id', 'region'], columns: { id: 'int64', region: 'string' }, version: '10' }
  const merged = {
    key: ['id', 'region'],
    columns: { id: 'int64', region: 'string', gone: 'string' },
    floor: null,
    version: '10',
  }
  assert.deepEqual(of(older, younger), merged)
  assert.deepEqual(of(younger, older), merged)
  assert.deepEqual(Object.keys((of(older, younger) as typeof merged).columns), ['id', 'region', 'gone'])
})

test('a column that only one of two processes saw added is kept, and so is a key that only one of them knows', () => {
  const created = { key: ['id'], columns: { id: 'int32' }, version: '5' }
  const added = { columns: { id: 'int32', note: 'string' }, version: '5' }
  const merged = { key: ['id'], columns: { id: 'int32', note: 'string' }, floor: null, version: '5' }
  assert.deepEqual(of(created, added), merged)
  assert.deepEqual(of(added, created), merged)
})

test('a type that only one of two processes saw widened is the wider one', () => {
  const created = { key: ['id'], columns: { id: 'int32', n: 'int64' }, version: '5' }
  const widened = { key: ['id'], columns: { id: 'int64', n: 'int32' }, version: '5' }
  const merged = { key: ['id'], columns: { id: 'int64', n: 'int64' }, floor: null, version: '5' }
  assert.deepEqual(of(created, widened), merged)
  assert.deepEqual(of(widened, created), merged)
  const later = { ...created, version: '6' }
  assert.deepEqual(of(later, widened), { ...created, floor: null, version: '6' })
})

test('of two floors the higher counts, whichever process saw the last create-table', () => {
  assert.deepEqual(of({ floor: '100', version: '7' }, { floor: '9', version: '101' }), {
    key: null,
    columns: {},
    floor: '100',
    version: '101',
  })
  assert.deepEqual(
    floors(
      new Map([
        ['table shop.orders', fact({ floor: '100' })],
        ['table shop.items', fact({})],
        ['sends-nulls', 'true'],
      ]),
    ),
    new Map([['shop.orders', '100']]),
  )
})

test('that a feed sends nulls is a fact without parts', () => {
  assert.equal(merge('sends-nulls', 'true', 'true'), 'true')
})

test('merging does not depend on the order, and what is merged already is no news', () => {
  const version = fc.option(fc.integer({ min: 8, max: 12 }).map(String))
  const parts = fc.record({
    key: fc.option(fc.subarray(['a', 'b'])),
    columns: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('int32', 'string')),
    floor: version,
    version,
  })
  const both = (one: string, other: string): string => merge('table t', one, other)
  fc.assert(
    fc.property(parts, parts, parts, (a, b, c) => {
      const [x, y, z] = [fact(a), fact(b), fact(c)]
      assert.equal(both(x, y), both(y, x))
      assert.equal(both(x, x), x)
      const xy = both(x, y)
      assert.equal(both(xy, x), xy)
      assert.equal(both(xy, y), xy)
      const keysOf = (json: string): unknown => Object.keys(JSON.parse(json).columns).sort()
      assert.deepEqual(keysOf(both(xy, z)), keysOf(both(x, both(y, z))))
    }),
  )
})
