import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Change, type RawRecord, toJson, type Value } from '../../src/change.ts'
import { mayHoldRefusedText, type Screening, screenText } from '../../src/deliver/screen.ts'
import { put, row } from '../support/changes.ts'

test('a record without such an escape is clean at a look', () => {
  assert.equal(mayHoldRefusedText(record('{"a":"plain \\u00e9 ud80 text"}'), REPLACE), false)
  assert.equal(mayHoldRefusedText(record('{"a":"\\u0000"}'), REPLACE), true)
  assert.equal(mayHoldRefusedText(record('{"a":"\\uD83D"}'), REPLACE), true)
  assert.equal(mayHoldRefusedText(record('{"a":"\\ud83d"}'), REPLACE), true)
})

test('U+0000 and half a pair become U+FFFD at every depth, in names too; the rest stays', () => {
  let altered = 0
  const change = insert({ id: '1' }, { id: '1', 'a\0': [{ deep: 'x\0y' }, 'half \ud800'], pair: '\ud83d\ude00', n: 5 })
  const clean = screenText(change, REPLACE, () => altered++)
  assert.equal(altered, 1)
  assert.equal(
    toJson(clean.after),
    toJson(row({ id: '1', 'a\uFFFD': [row({ deep: 'x\uFFFDy' }), 'half \uFFFD'], pair: '\ud83d\ude00', n: 5 })),
  )
})

test('a clean change passes as it is', () => {
  const change = insert({ id: '1' }, { id: '1', smile: '\ud83d\ude00' })
  assert.equal(
    screenText(change, REPLACE, () => assert.fail('nothing was altered')),
    change,
  )
})

test('a key is never altered', () => {
  const change = insert({ id: 'a\0' }, { id: 'a\0' })
  assert.throws(() => screenText(change, REPLACE, () => {}), /TEXT_NUL: The key holds/)
})

test('under dead-letter any such text is refused', () => {
  const change = insert({ id: '1' }, { id: '1', a: '\0' })
  assert.throws(() => screenText(change, { ...REPLACE, policy: 'dead-letter' }, () => {}), /TEXT_NUL: A value holds/)
})

test('two names are never made one', () => {
  const change = insert({ id: '1' }, { 'a\0': 1, 'a\uFFFD': 2 })
  assert.throws(() => screenText(change, REPLACE, () => {}), /TEXT_NUL: Two attribute names/)
})

test('where U+0000 is kept, only half a pair is replaced, also in a key', () => {
  const kept = { ...REPLACE, alsoNul: false }
  assert.equal(mayHoldRefusedText(record('{"a":"\\u0000"}'), kept), false)
  assert.equal(mayHoldRefusedText(record('{"a":"\\ud83d"}'), kept), true)
  let altered = 0
  const change = insert({ id: 'a\0' }, { id: 'a\0', 'a\0': ['x\0', 'half \ud800'] })
  const clean = screenText(change, kept, () => altered++)
  assert.deepEqual([altered, clean.key?.id], [1, 'a\0'])
  assert.equal(toJson(clean.after), toJson(row({ id: 'a\0', 'a\0': ['x\0', 'half \uFFFD'] })))
  const half = insert({ id: '\ud800' }, { id: '\ud800' })
  assert.throws(() => screenText(half, kept, () => {}), /TEXT_NUL: The key holds/)
})

const REPLACE: Screening = { policy: 'replace', alsoNul: true }

const record = (text: string): RawRecord => ({ shard: 'a', sequence: '1', arrivedAt: null, data: Buffer.from(text) })

/** A change whose row is `after`, whatever its key is. */
const insert = (key: Record<string, Value>, after: Record<string, Value>): Change => ({
  ...put('k', 1, { key }),
  after: row(after),
})
