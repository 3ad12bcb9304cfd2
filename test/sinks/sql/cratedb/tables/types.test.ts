import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sqlparse } from '@cratedb/cratedb-sqlparse'
import { Binary, type ColumnType, Numeric, newRow, type Value } from '../../../../../src/change.ts'
import { codecFor } from '../../../../../src/sinks/sql/cratedb/tables/codecs.ts'
import { declarations } from '../../../../../src/sinks/sql/cratedb/tables/column.ts'
import { readCreateTable } from '../../../../../src/sinks/sql/cratedb/tables/create-table.ts'
import { newColumnType } from '../../../../../src/sinks/sql/cratedb/tables/types.ts'

/** For each type the largest, smallest or most precise values that a source has. */
const values: Readonly<Record<ColumnType, readonly Exclude<Value, null>[]>> = {
  boolean: [true],
  int8: [-128],
  int16: [-32768],
  int32: [-2147483648],
  int64: [new Numeric('-9223372036854775807'), new Numeric('9223372036854775806')],
  uint8: [255],
  uint16: [65535],
  uint32: [4294967295],
  uint64: [new Numeric('18446744073709551615'), 0],
  float32: [3.4028234663852886e38],
  float64: [5e-324],
  numeric: [new Numeric('1234567890123456789012345678'), new Numeric('123456789012345678.0123456789'), 1.5],
  text: ['x'],
  bytes: [Binary.fromBase64Text('AP8='), '0x00ff'],
  json: [newRow(), '{"a":1}'],
  uuid: ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  date: ['0001-01-01', '9999-12-31'],
  time: ['23:59:59.999999'],
  timestamp: ['2024-07-12T01:17:42.123456Z'],
  'local-timestamp': ['2024-07-12T01:17:42.123456Z'],
}

for (const [type, some] of Object.entries(values) as [ColumnType, readonly Exclude<Value, null>[]][]) {
  for (const isKey of type === 'json' ? [false] : [false, true]) {
    const sql = newColumnType(type, isKey)
    test(`${type}${isKey ? ' as key' : ''}: ${sql} holds it`, () => {
      const table = `CREATE TABLE "s"."t" (\n   "c" ${sql}\n)`
      const [statement] = sqlparse(table)
      assert.equal(statement!.exception, undefined)
      const declaration = declarations(readCreateTable(table)).get('c')!
      const dataType = sql.toLowerCase().replace(/\(.*/, '')
      const codec = codecFor({ dataType, maxLength: null, ...declaration }, 'textual', type)
      assert.equal(codec.isKeyable, type !== 'json')
      for (const value of some) assert.notEqual(codec.encode(value), undefined)
    })
  }
}

test('a key of any number lies in a text', () => {
  assert.equal(newColumnType('numeric', true), 'TEXT')
  assert.equal(newColumnType('int64', true), 'BIGINT')
})

test('the casts of all columns are CrateDB SQL', () => {
  const types = ['boolean', 'bigint', 'double precision', 'numeric', 'text', 'object', 'timestamp with time zone']
  for (const dataType of [...types, 'timestamp without time zone', 'date', 'uuid', 'real', 'smallint', 'integer']) {
    const column = { dataType, maxLength: null, precision: 5, scale: 2, policy: 'ignored' as const, isIndexed: true }
    const { travelsAs, castTo } = codecFor(column, 'textual', null)
    const cast = castTo === null ? 'c' : `CAST(c AS ${castTo})`
    const [statement] = sqlparse(`INSERT INTO t (c) (SELECT ${cast} FROM unnest($1::${travelsAs}) AS u (c))`)
    assert.equal(statement!.exception, undefined, dataType)
  }
})
