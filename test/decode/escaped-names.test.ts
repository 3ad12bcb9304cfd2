import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change, Row } from '../../src/change.ts'
import { recordDecoder } from '../../src/decode/decoder.ts'
import { parseExact } from '../../src/decode/exact-json.ts'
import { factsFromJson, factsToJson } from '../../src/feeds/dms/source-facts.ts'

const decode = recordDecoder({ format: 'auto', stream: 'feed', binary: 'double', beforeImageField: 'before-image' })

const changeOf = (json: string): Change =>
  decode({ shard: 's', sequence: '1', arrivedAt: null, data: Buffer.from(json) })[0] as Change

const namesOf = (row: Row | null): string[] => Object.keys(row ?? {})

const dynamodb = (name: string): string =>
  `{"eventID":"e","eventName":"MODIFY","tableName":"t","dynamodb":{"ApproximateCreationDateTime":1720740233012995,"Keys":{"id":{"S":"a"}},
   "NewImage":{"id":{"S":"a"},"${name}":{"M":{"k":{"N":"1"},"${name}":{"S":"v"}}}},"OldImage":{"id":{"S":"a"},"${name}":{"S":"v"}},
   "ApproximateCreationDateTimePrecision":"MICROSECOND"},"eventSource":"aws:dynamodb"}`

const dms = (name: string, value: string): string =>
  `{"data":{"id":1,"${name}":${value}},"before-image":{"id":0,"${name}":${value}},"metadata":{"timestamp":"2026-01-01T20:40:01.000000Z",
   "record-type":"data","operation":"update","partition-key-type":"schema-table","schema-name":"s","table-name":"t"}}`

test('a row with a backslash in a name leaves the names of later rows alone', () => {
  for (const [first, then, name] of [
    ['\\\\', '\\u4e2d', '中'],
    ['\\\\\\"', '\\"x', '"x'],
    ['\\\\u4e', '\\u4e2dabc', '中abc'],
  ] as const) {
    changeOf(dynamodb(first))
    const { after, before } = changeOf(dynamodb(then))
    assert.deepEqual(namesOf(after), ['id', name])
    assert.deepEqual(namesOf(after![name] as Row), ['k', name])
    assert.deepEqual(namesOf(before), ['id', name])
    // Numbers of many digits take another way through the parser.
    for (const value of ['1', '9007199254740993']) {
      changeOf(dms(first, value))
      const row = changeOf(dms(then, value))
      assert.deepEqual(
        [namesOf(row.after), namesOf(row.before)],
        [
          ['id', name],
          ['id', name],
        ],
      )
      parseExact(`{"k":${value},"${first}":1}`)
      assert.deepEqual(namesOf(parseExact(`{"k":${value},"${then}":1}`) as Row), ['k', name])
    }
  }
})

test('a fact keeps the names of its columns', () => {
  const told = (name: string) => ({
    key: ['k'],
    columns: new Map([
      ['k', 'text'],
      [name, 'text'],
    ] as const),
    floor: null,
    version: null,
  })
  factsFromJson('t', factsToJson(told('\\')))
  assert.deepEqual(factsFromJson('t', factsToJson(told('"'))), told('"'))
})
