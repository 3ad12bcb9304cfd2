import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arrayLiteral, quotedElement } from '../../../../../src/sinks/sql/cratedb/rows/array-literal.ts'
import { readArray } from './read-array.ts'

test('elements stand as they are encoded, null is NULL', () => {
  assert.equal(arrayLiteral([]), '{}')
  assert.equal(arrayLiteral([null]), '{NULL}')
  assert.equal(arrayLiteral(['1', null, quotedElement('a')]), '{1,NULL,"a"}')
})

test('only quotes and backslashes are escaped', () => {
  assert.equal(quotedElement('{"a":"b\\n"}\n,'), '"{\\"a\\":\\"b\\\\n\\"}\n,"')
})

test('any texts come out as they went in', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom('"', '\\', ',', '{', '}', 'n', 'u', '0', '\n', ' ', "'") }),
    fc.constantFrom('NULL', 'null', '', 'true', '\\u0041', '1'),
  )
  fc.assert(
    fc.property(fc.array(fc.option(text)), (texts) => {
      assert.deepEqual(
        readArray(arrayLiteral(texts.map((some) => (some === null ? null : quotedElement(some))))),
        texts,
      )
    }),
    { numRuns: 2_000 },
  )
})
