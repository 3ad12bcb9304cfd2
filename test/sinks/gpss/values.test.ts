import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Binary, Numeric, toJson, type Value, type ValueKind } from '../../../src/change.ts'
import { gpssAddress } from '../../../src/sinks/gpss/address.ts'
import { gpssColumn } from '../../../src/sinks/gpss/columns.ts'
import { openGpss } from '../../../src/sinks/gpss/connection.ts'
import { RowEncoder } from '../../../src/sinks/gpss/rows.ts'
import { columnCodec } from '../../../src/sinks/gpss/values.ts'
import { row } from '../../support/changes.ts'
import { type Gpss as GpssServer, startGpss } from '../../support/gpss/server.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'

/** The text as the column prints it; null: the column cannot hold the value. */
type Case = readonly [value: Exclude<Value, null>, feed: ValueKind | 'both', printed: string | null]

const bytes = Binary.fromBase64Text('AP8=')
const exact = (text: string): Numeric => new Numeric(text)
const UUID = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'

const cases: Readonly<Record<string, readonly Case[]>> = {
  boolean: [
    [true, 'both', 'true'],
    [false, 'both', 'false'],
    ['T', 'textual', 'true'],
    [1, 'textual', 'true'],
    ['true', 'typed', null],
    [2, 'both', null],
  ],
  smallint: [
    [-32768, 'both', '-32768'],
    ['7', 'textual', '7'],
    [32768, 'both', null],
  ],
  integer: [
    [0, 'both', '0'],
    [-0, 'both', '0'],
    [2147483647, 'both', '2147483647'],
    [-2147483648, 'both', '-2147483648'],
    ['007', 'textual', '7'],
    ['7', 'typed', null],
    [1.5, 'both', null],
    [2147483648, 'both', null],
  ],
  bigint: [
    [-1, 'both', '-1'],
    [9007199254740991, 'both', '9007199254740991'],
    [exact('9223372036854775807'), 'both', '9223372036854775807'],
    [exact('-9223372036854775808'), 'both', '-9223372036854775808'],
    ['9007199254740993', 'textual', '9007199254740993'],
    [exact('9223372036854775808'), 'both', null],
  ],
  real: [
    [2.2, 'both', '2.2'],
    ['2.20000005', 'textual', '2.2'],
    [1e-45, 'both', '1e-45'],
    ['NaN', 'textual', 'NaN'],
    ['-Infinity', 'textual', '-Infinity'],
    [0.1234567890123, 'both', null],
  ],
  'double precision': [
    [0.1, 'both', '0.1'],
    [5e-324, 'both', '5e-324'],
    [1.7976931348623157e308, 'both', '1.7976931348623157e+308'],
    ['Infinity', 'textual', 'Infinity'],
    [exact('12345678901234567890'), 'both', null],
  ],
  numeric: [
    [exact('12345678901234567890123456789.123456789'), 'both', '12345678901234567890123456789.123456789'],
    [1e-7, 'both', '0.0000001'],
    ['1.50', 'textual', '1.5'],
    ['NaN', 'textual', 'NaN'],
    ['1.5', 'typed', null],
  ],
  'numeric(5,2)': [
    [999.99, 'both', '999.99'],
    [0.5, 'both', '0.50'],
    [0.005, 'both', null],
    [1000, 'both', null],
  ],
  text: [
    ['', 'both', ''],
    ['a "b" \\ \n é 😀 \t', 'both', 'a "b" \\ \n é 😀 \t'],
    [`${'x'.repeat(500)}é`, 'both', `${'x'.repeat(500)}é`],
    [exact('12345678901234567890.5'), 'textual', '12345678901234567890.5'],
    [{ a: ['"'] }, 'textual', '{"a":["\\""]}'],
    [1, 'typed', null],
    [bytes, 'both', null],
  ],
  'varchar(3)': [
    ['a"b', 'both', 'a"b'],
    ['😀😀😀', 'both', '😀😀😀'],
    ['abcd', 'both', null],
  ],
  'char(3)': [
    ['ab ', 'both', 'ab'],
    ['abcd', 'both', null],
  ],
  bytea: [
    [bytes, 'both', '\\x00ff'],
    [new Binary(0), 'both', '\\x'],
    ['0x00FF', 'textual', '\\x00ff'],
    ['', 'textual', '\\x'],
    ['0x0', 'textual', null],
    ['00ff', 'typed', null],
  ],
  jsonb: [
    ['{"a": 1.10}', 'textual', '{"a": 1.10}'],
    ['{"a":1}', 'typed', '"{\\"a\\":1}"'],
    [{ a: [null, exact('12345678901234567890'), bytes] }, 'both', '{"a": [null, 12345678901234567890, "AP8="]}'],
    [1.5, 'both', '1.5'],
    ['null', 'textual', 'null'],
    ['"\\u0000"', 'textual', null],
    ['{', 'textual', null],
  ],
  json: [
    [' {"b" : "\\u0000", "b":1} ', 'textual', ' {"b" : "\\u0000", "b":1} '],
    [{ a: 1 }, 'both', '{"a":1}'],
    ['{', 'textual', null],
  ],
  date: [
    ['2024-07-12', 'both', '2024-07-12'],
    ['2024-07-12T00:00:00Z', 'both', '2024-07-12'],
    ['2024-07-12T00:00:01Z', 'both', null],
    [20240712, 'both', null],
  ],
  time: [
    ['01:17:42.500000', 'both', '01:17:42.5'],
    ['01:17:42+02', 'both', null],
  ],
  timetz: [['01:17:42.25-0330', 'both', '01:17:42.25-03:30']],
  timestamp: [
    ['2024-07-12T01:17:42.250000Z', 'both', '2024-07-12 01:17:42.25'],
    ['infinity', 'textual', 'infinity'],
    ['2024-07-12T01:17:42+02:00', 'both', null],
    ['2024-07-12T01:17:42.1234567Z', 'both', null],
  ],
  timestamptz: [
    ['2024-07-12 03:17:42.50+02', 'both', '2024-07-12 01:17:42.5+00'],
    ['2024-07-12T01:17:42.5', 'both', '2024-07-12 01:17:42.5+00'],
    ['4713-01-01 00:00:00 BC', 'textual', '4713-01-01 00:00:00+00 BC'],
  ],
  uuid: [
    [UUID.toUpperCase(), 'both', UUID],
    ['x', 'both', null],
  ],
  inet: [
    ['10.0.0.1', 'both', '10.0.0.1/32'],
    [1, 'typed', null],
  ],
  interval: [['1 day 02:00:00', 'both', '1 day 02:00:00']],
  'integer[]': [['{1,NULL,3}', 'both', '{1,NULL,3}']],
}

const database = await testDatabase()
after(() => database.drop())
// Texts without a time zone must not fall into this one.
await database.query(`ALTER DATABASE ${database.name} SET TimeZone = 'America/New_York'`)
await database.query(`CREATE FUNCTION printed(anyelement) RETURNS text LANGUAGE sql SET TimeZone = 'UTC'
  AS 'SELECT $1::text'`)

function openTarget(server: GpssServer) {
  const { username, password, hostname, port, pathname } = new URL(database.url)
  const greenplum = `greenplum-host=${hostname}&greenplum-port=${port}`
  const url = `gpss://${username}:${password}@${server.host}:${server.port}${pathname}?${greenplum}`
  return openGpss(gpssAddress(url, {}))
}

for (const databaseType of ['internal', 'upper', 'sql'] as const) {
  test(`what columns hold, their types spelled ${databaseType}`, async (t) => {
    const server = await startGpss({ databaseType })
    t.after(server.stop)
    const gpss = openTarget(server)
    t.after(gpss.close)
    const wrong: unknown[] = []
    for (const [i, [type, values]] of Object.entries(cases).entries())
      wrong.push(...(await checkType(gpss, `t_${databaseType}_${i}`, type, values)))
    assert.deepEqual(wrong, [])
  })
}

async function checkType(gpss: ReturnType<typeof openGpss>, name: string, type: string, values: readonly Case[]) {
  await database.query(`CREATE TABLE ${name} (i integer, v ${type})`)
  const table = { schema: 'public', name }
  const [, column] = (await gpss.describe(table))!
  const expected: (readonly [number, string | null])[] = [[-1, null]]
  const wrong: unknown[] = []
  const codecs = { typed: columnCodec(column!, 'typed'), textual: columnCodec(column!, 'textual') }
  const rows = new RowEncoder(['int32', codecs.textual.member])
  assert.equal(codecs.textual.carry(null), null)
  rows.add([-1, null])
  for (const [value, feed, printed] of values) {
    for (const each of ['typed', 'textual'] as const) {
      if (feed !== 'both' && feed !== each) continue
      const carried = codecs[each].carry(value)
      if ((carried === undefined) !== (printed === null)) wrong.push([type, each, toJson(value), carried])
      if (carried === undefined || printed === null) continue
      rows.add([expected.length, carried])
      expected.push([expected.length, printed])
    }
  }
  await gpss.load({ table, columns: ['i', 'v'], rows: rows.finish() })
  const found = await database.query<{ v: string | null }>(`SELECT printed(v) AS v FROM ${name} ORDER BY i`)
  for (const [at, [, printed]] of expected.entries())
    if (found[at]?.v !== printed) wrong.push([type, printed, found[at]?.v])
  return wrong
}

test('a type that is not known is read from the text of its values', () => {
  const told = { length: null, precisionScale: null, nullable: null }
  for (const databaseType of ['mood', 'record', '_mood', 'constructor', '']) {
    const codec = columnCodec(gpssColumn({ name: 'm', databaseType, ...told }), 'textual')
    assert.equal(codec.member, 'string')
    assert.equal(codec.carry('"o\\k"'), '"o\\k"')
    assert.equal(codec.carry(5), '5')
    assert.equal(codec.carry(row({ a: 1 })), undefined)
  }
})
