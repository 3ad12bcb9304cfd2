import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Change, type RawRecord, toJson, type Value } from '../../src/change.ts'
import { mayHoldRefusedText, screenText } from '../../src/deliver/screen.ts'
import { put, row } from '../support/changes.ts'

test('a record without such an escape is clean at a look', () => {
  assert.equal(mayHoldRefusedText(record('{"a":"plain \\u00e9 ud80 text"}')), false)
  assert.equal(mayHoldRefusedText(record('{"a":"\\u0000"}')), true)
  assert.equal(mayHoldRefusedText(record('{"a":"\\uD83D"}')), true)
  assert.equal(mayHoldRefusedText(record('{"a":"\\ud83d"}')), true)
})

test('U+0000 and half a pair become U+FFFD at every depth, in names too; the rest stays', () => {
  let altered = 0
  const change = insert({ id: '1' }, { id: '1', 'a\0': [{ deep: 'x\0y' }, 'half \ud800'], pair: '\ud83d\ude00', n: 5 })
  const clean = screenText(change, 'replace', () => altered++)
  assert.equal(altered, 1)
  assert.equal(
    toJson(clean.after),
    toJson(row({ id: '1', 'a\uFFFD': [row({ deep: 'x\uFFFDy' }), 'half \uFFFD'], pair: '\ud83d\ude00', n: 5 })),
  )
})

test('a clean change passes as it is', () => {
  const change = insert({ id: '1' }, { id: '1', smile: '\ud83d\ude00' })
  assert.equal(
    screenText(change, 'replace', () => assert.fail('nothing was altered')),
    change,
  )
})

test('a key is never altered', () => {
  const change = insert({ id: 'a\0' }, { id: 'a\0' })
  assert.throws(() => screenText(change, 'replace', () => {}), /TEXT_NUL: The key holds/)
})

test('under dead-letter any such text is refused', () => {
  const change = insert({ id: '1' }, { id: '1', a: '\0' })
  assert.throws(() => screenText(change, 'dead-letter', () => {}), /TEXT_NUL: A value holds/)
})

test('two names are never made one', () => {
  const change = insert({ id: '1' }, { 'a\0': 1, 'a\uFFFD': 2 })
  assert.throws(() => screenText(change, 'replace', () => {}), /TEXT_NUL: Two attribute names/)
})

const record = (text: string): RawRecord => ({ shard: 'a', sequence: '1', arrivedAt: null, data: Buffer.from(text) })

/** A change whose row is `after`, whatever its key is. */
const insert = (key: Record<string, Value>, after: Record<string, Value>): Change => ({
  ...put('k', 1, { key }),
  after: row(after),
})
