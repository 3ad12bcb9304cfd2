import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Binary, type ColumnType, Numeric, type Value, type ValueKind } from '../../../src/change.ts'
import { declaredType, inferredType, newColumnType } from '../../../src/sinks/tables/column-types.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'

const sqlTypes: Readonly<Record<ColumnType, string>> = {
  boolean: 'boolean',
  int8: 'smallint',
  int16: 'smallint',
  int32: 'integer',
  int64: 'bigint',
  uint8: 'smallint',
  uint16: 'integer',
  uint32: 'bigint',
  uint64: 'numeric',
  float32: 'real',
  float64: 'double precision',
  numeric: 'numeric',
  text: 'text',
  bytes: 'bytea',
  json: 'jsonb',
  uuid: 'uuid',
  date: 'date',
  time: 'time without time zone',
  timestamp: 'timestamp with time zone',
  'local-timestamp': 'timestamp without time zone',
}

test('a new column gets the type that holds every value, as PostgreSQL names it', async (t) => {
  const database = await testDatabase(t)
  const types = Object.keys(sqlTypes) as ColumnType[]
  const columns = types.map(
    (type) => `"${type}" ${newColumnType(type, false)}, "key ${type}" ${newColumnType(type, true)}`,
  )
  await database.query(`CREATE TABLE made (${columns})`)
  const made = await database.query<{ name: string; type: string; collation: string | null }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, collname AS collation
     FROM pg_attribute LEFT JOIN pg_collation c ON c.oid = attcollation
     WHERE attrelid = 'made'::regclass AND attnum > 0 ORDER BY attnum`,
  )
  assert.deepEqual(
    made,
    types.flatMap((type) => [
      { name: type, type: sqlTypes[type], collation: type === 'text' ? 'default' : null },
      { name: `key ${type}`, type: sqlTypes[type], collation: type === 'text' ? 'C' : null },
    ]),
  )
})

const bytes = Binary.fromBase64Text('AQI=')
const inferences: readonly [Value[], ValueKind, ColumnType | null][] = [
  [[], 'textual', null],
  [[null, null], 'typed', null],
  [[null, 'a'], 'typed', 'text'],
  [[1, new Numeric('12345678901234567890')], 'textual', 'numeric'],
  [[false], 'textual', 'boolean'],
  [[bytes], 'typed', 'bytes'],
  [[{ a: 1 }, []], 'typed', 'json'],
  [[null, 1, 'a'], 'typed', 'numeric'],
  [[null, 1, null, 'a', 2], 'textual', 'text'],
]
for (const [values, feed, expected] of inferences) {
  test(`${JSON.stringify(values)} of ${feed} are ${expected}`, () => assert.equal(inferredType(values, feed), expected))
}

test('what an operator may write', () => {
  const names: Readonly<Record<string, ColumnType | undefined>> = {
    text: 'text',
    VARCHAR: 'text',
    bool: 'boolean',
    smallint: 'int16',
    int: 'int32',
    integer: 'int32',
    bigint: 'int64',
    int8: 'int64',
    decimal: 'numeric',
    real: 'float32',
    double: 'float64',
    ' Double  Precision ': 'float64',
    bytea: 'bytes',
    jsonb: 'json',
    uuid: 'uuid',
    date: 'date',
    time: 'time',
    timestamp: 'local-timestamp',
    timestamptz: 'timestamp',
    'timestamp with time zone': 'timestamp',
    money: undefined,
    constructor: undefined,
    '': undefined,
  }
  for (const [name, type] of Object.entries(names)) assert.equal(declaredType(name), type, name)
})
