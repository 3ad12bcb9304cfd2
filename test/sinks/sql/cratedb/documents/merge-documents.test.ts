import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeDocuments } from '../../../../../src/sinks/sql/cratedb/documents/merge-documents.ts'

type Case = readonly [stored: string | null, sets: string[], image: string | null, merged: string]

const cases: readonly Case[] = [
  [null, [], null, '{}'],
  [null, ['a'], '{"a":1}', '{"a":1}'],
  ['{"a":1,"b":2}', ['a'], null, '{"b":2}'],
  ['{"a":{"x":1},"b":2}', ['a'], '{"a":{"y":1}}', '{"b":2,"a":{"y":1}}'],
  ['{"n":9007199254740993,"d":1.0,"e":1.0E-7}', [], '{"x":1}', '{"n":9007199254740993,"d":1.0,"e":1.0E-7,"x":1}'],
  ['{"__proto__":1,"b":"\\u0000"}', ['x'], null, '{"__proto__":1,"b":"\\u0000"}'],
  [
    '{"a":"1","b":{"c":"2"},"a/~":"3","cdc_numbers":["/a","/b/c","/a~1~0"]}',
    ['a/~'],
    '{"b":"text","z":"4","cdc_numbers":["/z"]}',
    '{"a":"1","b":"text","z":"4","cdc_numbers":["/a","/z"]}',
  ],
  ['{"a":"1","cdc_numbers":["/a"]}', ['a'], '{"a":1}', '{"a":1}'],
]

for (const [stored, sets, image, merged] of cases) {
  test(`${stored} with ${sets} and ${image}`, () => assert.equal(mergeDocuments(stored, sets, image), merged))
}
