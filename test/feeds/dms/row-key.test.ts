import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Row, toJson } from '../../../src/change.ts'
import { parseExact } from '../../../src/decode/exact-json.ts'
import { keyOf } from '../../../src/feeds/dms/row-key.ts'

const table = { schema: 'harbour', name: 'berths' }
const rowOf = (json: string | null): Row | null => (json === null ? null : (parseExact(json) as Row))

const keys: readonly {
  readonly title: string
  readonly columns: readonly string[]
  readonly before: string | null
  readonly after: string | null
  readonly key: string
}[] = [
  { title: 'of an insert', columns: ['id'], before: null, after: '{"v":1,"id":7}', key: '{"id":7}' },
  { title: 'of a delete', columns: ['id'], before: '{"id":7}', after: null, key: '{"id":7}' },
  { title: 'of an update', columns: ['id'], before: null, after: '{"id":7,"v":null}', key: '{"id":7}' },
  {
    title: 'that changed is the old one',
    columns: ['id'],
    before: '{"id":7}',
    after: '{"id":8}',
    key: '{"id":7}',
  },
  {
    title: 'of which one part changed, in the order of the key columns',
    columns: ['port', 'berth', 'side'],
    before: '{"berth":14}',
    after: '{"side":"N","berth":15,"port":"SEGOT","v":1}',
    key: '{"port":"SEGOT","berth":14,"side":"N"}',
  },
  {
    title: 'null in the before image means that it is not given',
    columns: ['id'],
    before: '{"id":null,"v":1}',
    after: '{"id":8}',
    key: '{"id":8}',
  },
  {
    title: 'of values that are false, empty or nought',
    columns: ['a', 'b', 'c'],
    before: '{"a":0,"b":"","c":false}',
    after: '{"a":1,"b":"b","c":true}',
    key: '{"a":0,"b":"","c":false}',
  },
  {
    title: 'of many digits',
    columns: ['id'],
    before: null,
    after: '{"id":9007199254740993}',
    key: '{"id":9007199254740993}',
  },
  {
    title: 'named like properties of objects',
    columns: ['__proto__', 'toString'],
    before: '{"__proto__":1}',
    after: '{"toString":2,"__proto__":3}',
    key: '{"__proto__":1,"toString":2}',
  },
  { title: 'of no columns', columns: [], before: null, after: '{"id":1}', key: '{}' },
]

for (const { title, columns, before, after, key } of keys) {
  test(`the key ${title}`, () => {
    assert.equal(toJson(keyOf({ table, before: rowOf(before), after: rowOf(after) }, columns)), key)
  })
}

const incomplete: readonly (readonly [string | null, string | null, string])[] = [
  [null, '{"v":1}', 'Key column "id" of table harbour.berths is missing'],
  [null, '{"id":null}', 'Key column "id" of table harbour.berths is null'],
  ['{"v":1}', null, 'Key column "id" of table harbour.berths is missing'],
  [null, null, 'Key column "id" of table harbour.berths is missing'],
  ['{"id":null}', '{"id":null}', 'Key column "id" of table harbour.berths is null'],
]

for (const [before, after, words] of incomplete) {
  test(`no key without all of its parts: before ${before}, after ${after}`, () => {
    assert.throws(
      () => keyOf({ table, before: rowOf(before), after: rowOf(after) }, ['id']),
      (error: Error) => {
        assert.ok(error.message.startsWith(`DECODE_EVENT: ${words}`), error.message)
        return true
      },
    )
  })
}

test('a missing part is no property that every object has', () => {
  assert.throws(() => keyOf({ table, before: null, after: rowOf('{}') }, ['constructor']), /"constructor".* is missing/)
})
