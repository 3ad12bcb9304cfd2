import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Binary, type Change, Numeric, type Value } from '../../../src/change.ts'
import {
  KEY_TYPES,
  type KeyType,
  keyTexts,
  keyToken,
  plainDecimal,
  type TypedKey,
} from '../../../src/sinks/tables/keys.ts'
import { put } from '../../support/changes.ts'
import { rejection } from '../conformance/answers.ts'

const decimals: readonly [number, string][] = [
  [0, '0'],
  [-0, '0'],
  [1.5, '1.5'],
  [-12, '-12'],
  [1e21, '1000000000000000000000'],
  [1.25e22, '12500000000000000000000'],
  [-1e-7, '-0.0000001'],
  [1.25e-7, '0.000000125'],
  [5e-324, `0.${'0'.repeat(323)}5`],
]
for (const [value, text] of decimals) {
  test(`the number ${value} is written ${text.slice(0, 30)}`, () => assert.equal(plainDecimal(value), text))
}

test('a number written plainly is the same number', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = plainDecimal(value)
      assert.match(text, /^-?\d+(\.\d+)?$/)
      assert.equal(Number(text), value === 0 ? 0 : value)
    }),
  )
})

test('one text for one key: numbers by value, bytes by content, uuid by any spelling', () => {
  const same: readonly [KeyType, Value, Value][] = [
    ['numeric', 1, new Numeric('1')],
    ['int8', 1e21, new Numeric('1000000000000000000000')],
    ['bytea', Binary.from([1, 2]) as Binary, Binary.fromBase64Text('AQI=')],
    ['uuid', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{a0eebc999c0b4ef8bb6d6bb9bd380a11}'],
  ]
  for (const [type, a, b] of same)
    assert.equal(text([column('id', type)], { id: a }), text([column('id', type)], { id: b }), type)
})

test('two texts for two keys, whatever is in their parts', () => {
  const columns = [column('a', 'text'), column('b', 'text')]
  const pair = fc.tuple(fc.string(), fc.string())
  fc.assert(
    fc.property(pair, pair, ([a, b], [c, d]) => {
      const isSame = text(columns, { a, b }) === text(columns, { a: c, b: d })
      assert.equal(isSame, a === c && b === d)
    }),
  )
  assert.notEqual(text(columns, { a: '1:', b: '' }), text(columns, { a: '', b: '1:' }))
})

test('a key of other attributes or types than the table has is refused with both', async () => {
  const refused = async (key: Readonly<Record<string, Value>>) =>
    (
      await rejection(
        Promise.resolve().then(() => text([column('id', 'text')], key)),
        'SINK_TABLE',
      )
    ).message
  assert.match(await refused({ id: 1 }), /The key of table orders is "id" text, and a change has the key "id" number/)
  assert.match(await refused({ other: 'x' }), /has the key "other" text/)
  assert.match(await refused({ id: 'x', more: Binary.from([1]) as Binary }), /has the key "id" text, "more" bytes/)
  assert.match(await refused({ id: true }), /has the key "id" of no key type/)
})

test('a key longer than its column is refused in front of the database, which would cut blanks off', async () => {
  const columns = [{ ...column('id', 'varchar'), declared: 'character varying(3)', maxLength: 3 }]
  assert.equal(text(columns, { id: 'abc' }), 'abc')
  const astral = String.fromCodePoint(0x1f600).repeat(3)
  assert.equal(text(columns, { id: astral }), astral)
  const failure = await rejection(
    Promise.resolve().then(() => text(columns, { id: 'abc ' })),
    'SINK_REFUSED',
  )
  assert.match(failure.message, /table orders.*"id", character varying\(3\) \(shard shard-0, sequence 1\)/)
  assert.doesNotMatch(failure.message, /abc/)
})

test('values travel as tokens that the column type reads', () => {
  const key = { t: 'q"uote', n: new Numeric('0.10'.slice(0, 3)), b: Binary.from([0, 255]) as Binary }
  assert.equal(keyToken(column('t', 'text'), key), '"q\\"uote"')
  assert.equal(keyToken(column('n', 'numeric'), key), '0.1')
  assert.equal(keyToken(column('b', 'bytea'), key), '"\\\\x00ff"')
})

function column(attribute: string, type: KeyType): TypedKey {
  const { family } = KEY_TYPES[type]
  return {
    attribute,
    column: attribute,
    family,
    type,
    travelsAs: KEY_TYPES[type].travelsAs,
    declared: type,
    collation: null,
    maxLength: null,
  }
}

const keyed = (key: Readonly<Record<string, Value>>): Change => put(null, 1, { key })

const text = (columns: readonly TypedKey[], key: Readonly<Record<string, Value>>): string =>
  keyTexts('orders', columns)(keyed(key))
