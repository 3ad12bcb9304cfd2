import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keyColumnName, liveViewName, targetName, tombstonesName } from '../../../src/sinks/tables/names.ts'
import { anyCharacter } from '../../support/any-character.ts'

const LONG = 'x'.repeat(64)

test('names are kept as they are, whatever is in them', () => {
  for (const name of [
    'orders',
    'Orders',
    'a.b',
    'q"uote',
    "it's",
    ' ',
    '$1',
    '__proto__',
    'ä'.repeat(31),
    'x'.repeat(63),
  ]) {
    assert.equal(targetName(name), name)
  }
})

const mapped: readonly [name: string, target: string][] = [
  // The digits are those of `printf NAME | sha256sum`.
  ['', '_e3b0c442'],
  [LONG, `${'x'.repeat(54)}_7ce10097`],
  ['a\0b', 'ab_59b271ae'],
]
for (const [name, target] of mapped) {
  test(`the name ${JSON.stringify(name.slice(0, 8))} becomes ${target}`, () => assert.equal(targetName(name), target))
}

test('a name is cut at the border of a character', () => {
  // 54 bytes would end in the middle of a character of three.
  assert.match(targetName('€'.repeat(30)), /^€{18}_[0-9a-f]{8}$/)
  assert.match(targetName(`x${'€'.repeat(30)}`), /^x€{17}_[0-9a-f]{8}$/)
})

test('whatever the name, the target can bear it, and two names stay two', () => {
  const name = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.string({ unit: anyCharacter, maxLength: 80 }),
  )
  fc.assert(
    fc.property(name, name, (a, b) => {
      // Half a surrogate pair is no text; such names never come this far.
      fc.pre(a.isWellFormed() && b.isWellFormed() && a !== b)
      for (const made of [
        targetName(a),
        keyColumnName(a),
        liveViewName(targetName(a)),
        tombstonesName('public', targetName(a)),
      ]) {
        assert.ok(made !== '' && Buffer.byteLength(made) <= 63 && !made.includes('\0') && made.isWellFormed(), made)
      }
      assert.notEqual(targetName(a), targetName(b))
      assert.notEqual(tombstonesName('public', targetName(a)), tombstonesName('public', targetName(b)))
    }),
  )
})

test('a key column gives way to the columns that a table needs for itself', () => {
  for (const name of ['data', 'cdc_version', 'cdc_deleted', 'ctid', 'xmin', 'tableoid']) {
    assert.match(keyColumnName(name), new RegExp(`^${name}_[0-9a-f]{8}$`))
    assert.equal(targetName(name), name)
  }
  assert.equal(keyColumnName('Data'), 'Data')
})

test('tombstones of tables whose schema and name run together are two', () => {
  assert.notEqual(tombstonesName('a', 'b.c'), tombstonesName('a.b', 'c'))
})
