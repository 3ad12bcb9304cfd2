import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { CompiledQuery } from 'kysely'
import { Binary, Numeric, toJson, type Value, type ValueKind } from '../../../../src/change.ts'
import { readRelation } from '../../../../src/sinks/sql/catalogue.ts'
import { connect } from '../../../../src/sinks/sql/connect.ts'
import type { Connection } from '../../../../src/sinks/sql/connection.ts'
import type { Codec } from '../../../../src/sinks/tables/codecs/codec.ts'
import { codecFor } from '../../../../src/sinks/tables/codecs/codec-for.ts'
import type { Column } from '../../../../src/sinks/tables/relation.ts'
import { anySeed } from '../../../support/life/random.ts'
import { pgliteFolder } from '../../../support/postgres/pglite.ts'
import { testDatabase } from '../../../support/postgres/postgres.ts'

type Given = Exclude<Value, null>
/** The text as the column prints it; null: the column cannot hold the value. */
type Case = readonly [value: Given, feed: ValueKind | 'both', printed: string | null]

const bytes = Binary.fromBase64Text('AP8=')
const exact = (text: string): Numeric => new Numeric(text)
const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const zeros = (count: number): string => '0'.repeat(count)
const UUID = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'

const cases: Readonly<Record<string, { keyable: boolean; cases: readonly Case[] }>> = {
  boolean: {
    keyable: true,
    cases: [
      [true, 'both', 'true'],
      [false, 'both', 'false'],
      ['true', 'textual', 'true'],
      ['FALSE', 'textual', 'false'],
      ['y', 'textual', 'true'],
      ['off', 'textual', 'false'],
      ['of', 'textual', 'false'],
      [1, 'textual', 'true'],
      [0, 'textual', 'false'],
      ['1', 'textual', 'true'],
      [2, 'textual', null],
      ['o', 'textual', null],
      ['constructor', 'textual', null],
      [1, 'typed', null],
      ['true', 'typed', null],
      [bytes, 'both', null],
    ],
  },
  smallint: {
    keyable: true,
    cases: [
      [32767, 'both', '32767'],
      [-32768, 'both', '-32768'],
      [-0, 'both', '0'],
      ['-0', 'textual', '0'],
      ['+007', 'textual', '7'],
      ['7.00', 'textual', '7'],
      [32768, 'both', null],
      [-32769, 'both', null],
      [1.5, 'both', null],
      ['', 'textual', null],
      ['1e2', 'textual', null],
      ['7', 'typed', null],
      [true, 'both', null],
      [[1], 'both', null],
    ],
  },
  integer: {
    keyable: true,
    cases: [
      [2147483647, 'both', '2147483647'],
      [-2147483648, 'both', '-2147483648'],
      ['2147483647', 'textual', '2147483647'],
      [2147483648, 'both', null],
      ['-2147483649', 'textual', null],
      [exact('12345678901234567890'), 'both', null],
    ],
  },
  bigint: {
    keyable: true,
    cases: [
      [1e18, 'both', '1000000000000000000'],
      [exact('9223372036854775807'), 'both', '9223372036854775807'],
      [exact('-9223372036854775808'), 'both', '-9223372036854775808'],
      ['9223372036854775807', 'textual', '9223372036854775807'],
      ['09223372036854775807', 'textual', '9223372036854775807'],
      [2 ** 53, 'both', '9007199254740992'],
      [exact('9223372036854775808'), 'both', null],
      [exact('-9223372036854775809'), 'both', null],
      [2 ** 63, 'both', null],
      [1e21, 'both', null],
      [exact('1.2345678901234567890'), 'both', null],
      ['99999999999999999999999999', 'textual', null],
    ],
  },
  real: {
    keyable: true,
    cases: [
      [2.2, 'both', '2.2'],
      [2.20000005, 'both', '2.2'],
      [2.200000047683716, 'both', '2.2'],
      ['2.20000005', 'textual', '2.2'],
      [16777216, 'both', '1.6777216e+07'],
      [3.40282347e38, 'both', '3.4028235e+38'],
      [1e-45, 'both', '1e-45'],
      [1.40129846e-45, 'both', '1e-45'],
      [-0, 'both', '0'],
      ['NaN', 'textual', 'NaN'],
      ['-Infinity', 'textual', '-Infinity'],
      [2.2000001, 'both', null],
      [0.1234567890123, 'both', null],
      [16777217, 'both', null],
      [3.5e38, 'both', null],
      [1e-46, 'both', null],
      [exact('1.23456789012345678901'), 'both', null],
      ['NaN', 'typed', null],
    ],
  },
  'double precision': {
    keyable: true,
    cases: [
      [0.1, 'both', '0.1'],
      [exact('0.10000000000000001'), 'textual', '0.1'],
      ['0.10000000000000001', 'textual', '0.1'],
      ['0.1000', 'textual', '0.1'],
      [1.7976931348623157e308, 'both', '1.7976931348623157e+308'],
      [5e-324, 'both', '5e-324'],
      ['1E+5', 'textual', '100000'],
      ['.5', 'textual', '0.5'],
      ['-0.0', 'textual', '0'],
      ['Infinity', 'textual', 'Infinity'],
      [exact('0.10000000000000001'), 'typed', null],
      [exact('12345678901234567890'), 'both', null],
      ['9007199254740993', 'textual', null],
      ['1e309', 'textual', null],
      ['1e-400', 'textual', null],
      ['0x10', 'textual', null],
      ['.', 'textual', null],
      ['', 'textual', null],
      [' 1', 'textual', null],
    ],
  },
  numeric: {
    keyable: true,
    cases: [
      [1.5, 'both', '1.5'],
      ['1.50', 'textual', '1.5'],
      ['+01.500', 'textual', '1.5'],
      [1e21, 'both', '1000000000000000000000'],
      [1e-7, 'both', '0.0000001'],
      [exact('12345678901234567890.123456789'), 'both', '12345678901234567890.123456789'],
      ['NaN', 'textual', 'NaN'],
      [`9${zeros(131071)}`, 'textual', `9${zeros(131071)}`],
      [`9${zeros(131072)}`, 'textual', null],
      [`0.${zeros(16382)}1`, 'textual', `0.${zeros(16382)}1`],
      [`0.${zeros(16383)}1`, 'textual', null],
      ['1.5', 'typed', null],
      ['1.5.0', 'textual', null],
      ['Infinity', 'textual', null],
      [true, 'both', null],
    ],
  },
  'numeric(5,2)': {
    keyable: true,
    cases: [
      [999.99, 'both', '999.99'],
      [-999.99, 'both', '-999.99'],
      [0.5, 'both', '0.50'],
      ['0.500', 'textual', '0.50'],
      [1000, 'both', null],
      [0.005, 'both', null],
      ['0.005', 'textual', null],
    ],
  },
  'numeric(2,2)': {
    keyable: true,
    cases: [
      [0.99, 'both', '0.99'],
      [-0.1, 'both', '-0.10'],
      [0, 'both', '0.00'],
      [1, 'both', null],
    ],
  },
  'numeric(2,4)': {
    keyable: true,
    cases: [
      [0.0099, 'both', '0.0099'],
      [0, 'both', '0.0000'],
      [0.01, 'both', null],
      [0.00001, 'both', null],
    ],
  },
  'numeric(3,-2)': {
    keyable: true,
    cases: [
      [99900, 'both', '99900'],
      [-100, 'both', '-100'],
      ['0.0', 'textual', '0'],
      [150, 'both', null],
      [100000, 'both', null],
    ],
  },
  text: {
    keyable: true,
    cases: [
      ['', 'both', ''],
      ['a "b" \\ \n é 😀 ', 'both', 'a "b" \\ \n é 😀 '],
      [exact('12345678901234567890.5'), 'textual', '12345678901234567890.5'],
      [1e21, 'textual', '1000000000000000000000'],
      [true, 'textual', 'true'],
      [{ a: [exact('12345678901234567890')] }, 'textual', '{"a":[12345678901234567890]}'],
      [1, 'typed', null],
      [true, 'typed', null],
      [{ a: 1 }, 'typed', null],
      [bytes, 'both', null],
    ],
  },
  'varchar(3)': {
    keyable: true,
    cases: [
      ['abc', 'both', 'abc'],
      ['😀😀😀', 'both', '😀😀😀'],
      ['ab ', 'both', 'ab '],
      [123, 'textual', '123'],
      ['abcd', 'both', null],
      ['abc ', 'both', null],
      ['😀😀😀😀', 'both', null],
      [1234, 'textual', null],
    ],
  },
  'char(3)': {
    keyable: true,
    cases: [
      ['ab', 'both', 'ab'],
      ['ab ', 'both', 'ab'],
      [' ab', 'both', ' ab'],
      ['', 'both', ''],
      ['abcd', 'both', null],
      ['ab  ', 'both', null],
    ],
  },
  'text COLLATE folding': {
    keyable: false,
    cases: [['Ab', 'both', 'Ab']],
  },
  bytea: {
    keyable: true,
    cases: [
      [bytes, 'both', '\\x00ff'],
      ['0x00FF', 'textual', '\\x00ff'],
      ['00ff', 'textual', '\\x00ff'],
      ['', 'textual', '\\x'],
      ['0x', 'textual', '\\x'],
      [new Binary(0), 'both', '\\x'],
      ['0x0', 'textual', null],
      ['zz', 'textual', null],
      ['00ff', 'typed', null],
      [1, 'both', null],
    ],
  },
  jsonb: {
    keyable: false,
    cases: [
      ['{"a": 1.10, "b": 12345678901234567890.5}', 'textual', '{"a": 1.10, "b": 12345678901234567890.5}'],
      ['null', 'textual', 'null'],
      ['"null"', 'textual', '"null"'],
      ['null', 'typed', '"null"'],
      ['[1', 'textual', null],
      ['', 'textual', null],
      ["{'a':1}", 'textual', null],
      [{ a: [null, exact('12345678901234567890')] }, 'both', '{"a": [null, 12345678901234567890]}'],
      [[bytes], 'both', '["AP8="]'],
      [true, 'both', 'true'],
      [1.5, 'both', '1.5'],
      ['{"a":1,"a":2}', 'textual', '{"a": 2}'],
      ['"\\u00e9\\ud83d\\ude00"', 'textual', '"é😀"'],
      ['"\\\\u0000"', 'textual', '"\\\\u0000"'],
      ['"\\u0000"', 'textual', null],
      ['{"\\u0000":1}', 'textual', null],
      ['"\\\\\\u0000"', 'textual', null],
      ['"\\ud83d"', 'textual', null],
      ['"\\ude00\\ud83d"', 'textual', null],
      ['"\\ud83d \\ude00"', 'textual', null],
      ['"\\ud83d\\\\ude00"', 'textual', null],
      ['1e400000', 'textual', null],
      ['[-1E+131072]', 'textual', null],
      ['1e-16384', 'textual', null],
      ['1.0e-16383', 'textual', null],
      ['0e-16384', 'textual', null],
      ['0e2147483648', 'textual', null],
      ['0e400000', 'textual', '0'],
      ['1e2', 'textual', '100'],
      ['"1e400000 [[["', 'textual', '"1e400000 [[["'],
      [`[${'9'.repeat(131073)}]`, 'textual', null],
      [`0.${zeros(16384)}`, 'textual', null],
      [deep(1000), 'textual', deep(1000)],
      [deep(1001), 'textual', null],
    ],
  },
  json: {
    keyable: false,
    cases: [
      [' {"b" : 1e400000, "b":"\\u0000\\ud800"} ', 'textual', ' {"b" : 1e400000, "b":"\\u0000\\ud800"} '],
      ['null', 'textual', 'null'],
      ['{', 'textual', null],
      [deep(1001), 'textual', null],
      [{ a: 1 }, 'both', '{"a":1}'],
      ['a', 'typed', '"a"'],
    ],
  },
  date: {
    keyable: true,
    cases: [
      ['2024-07-12', 'both', '2024-07-12'],
      ['2024-02-29', 'both', '2024-02-29'],
      ['2024-07-12T00:00:00Z', 'both', '2024-07-12'],
      ['0001-01-01', 'both', '0001-01-01'],
      ['5874897-12-31', 'both', '5874897-12-31'],
      ['4714-11-24 BC', 'textual', '4714-11-24 BC'],
      ['infinity', 'textual', 'infinity'],
      ['2023-02-29', 'both', null],
      ['1900-02-29', 'both', null],
      ['2024-04-31', 'both', null],
      ['2024-13-01', 'both', null],
      ['2024-00-01', 'both', null],
      ['0000-00-00', 'both', null],
      ['2024-07-12T00:00:01Z', 'both', null],
      ['2024-07-12T00:00:00+01:00', 'both', null],
      ['5874898-01-01', 'both', null],
      ['4714-11-23 BC', 'textual', null],
      ['4714-11-24 BC', 'typed', null],
      ['today', 'both', null],
      ['infinity', 'typed', null],
      [20240712, 'both', null],
    ],
  },
  time: {
    keyable: true,
    cases: [
      ['01:17:42', 'both', '01:17:42'],
      ['01:17:42.500000', 'both', '01:17:42.5'],
      ['01:17:42.5Z', 'both', '01:17:42.5'],
      ['01:17', 'both', '01:17:00'],
      ['24:00:00', 'both', '24:00:00'],
      ['24:00:01', 'both', null],
      ['01:17:60', 'both', null],
      ['01:17:42.1234567', 'both', null],
      ['01:17:42+02', 'both', null],
    ],
  },
  timetz: {
    keyable: true,
    cases: [
      ['01:17:42+02:00', 'both', '01:17:42+02'],
      ['01:17:42+02', 'both', '01:17:42+02'],
      ['00:17:42+01', 'both', '00:17:42+01'],
      ['01:17:42Z', 'both', '01:17:42+00'],
      ['01:17:42', 'both', '01:17:42+00'],
      ['01:17:42-00', 'both', '01:17:42+00'],
      ['01:17:42.25-0330', 'both', '01:17:42.25-03:30'],
      ['01:17:42+16', 'both', null],
    ],
  },
  timestamp: {
    keyable: true,
    cases: [
      ['2024-07-12T01:17:42Z', 'both', '2024-07-12 01:17:42'],
      ['2024-07-12 01:17:42', 'both', '2024-07-12 01:17:42'],
      ['2024-07-12T01:17:42.250000Z', 'both', '2024-07-12 01:17:42.25'],
      ['2024-07-12T01:17:42.123456000Z', 'both', '2024-07-12 01:17:42.123456'],
      ['2024-07-31T01:17:42Z', 'both', '2024-07-31 01:17:42'],
      ['2024-07-12', 'both', '2024-07-12 00:00:00'],
      ['9999-12-31 23:59:59', 'both', '9999-12-31 23:59:59'],
      ['2024-12-31T24:00:00', 'both', '2025-01-01 00:00:00'],
      ['294276-12-31T23:59:59.999999Z', 'both', '294276-12-31 23:59:59.999999'],
      ['4713-01-01 00:00:00 BC', 'textual', '4713-01-01 00:00:00 BC'],
      ['Infinity', 'textual', 'infinity'],
      ['-infinity', 'textual', '-infinity'],
      ['294276-12-31T24:00:00Z', 'both', null],
      ['4714-11-23 00:00:00 BC', 'textual', null],
      ['2024-07-12T01:17:42.1234567Z', 'both', null],
      ['2024-07-12T01:17:42+02:00', 'both', null],
      ['2024-02-30T01:17:42Z', 'both', null],
      ['2024-07-12T25:00:00Z', 'both', null],
      ['2024-07-12T01:60:00Z', 'both', null],
      ['0000-00-00 00:00:00', 'both', null],
      ['now', 'both', null],
      [1720742262, 'both', null],
    ],
  },
  'timestamp(3)': {
    keyable: true,
    cases: [
      ['2024-07-12T01:17:42.123Z', 'both', '2024-07-12 01:17:42.123'],
      ['2024-07-12T01:17:42.123000Z', 'both', '2024-07-12 01:17:42.123'],
      ['2024-07-12T01:17:42.1234Z', 'both', null],
      ['2024-07-12 01:17:42.1234', 'both', null],
    ],
  },
  timestamptz: {
    keyable: true,
    cases: [
      ['2024-07-12T01:17:42.5Z', 'both', '2024-07-12 01:17:42.5+00'],
      ['2024-07-12 03:17:42.50+02', 'both', '2024-07-12 01:17:42.5+00'],
      ['2024-07-12T01:17:42.5', 'both', '2024-07-12 01:17:42.5+00'],
      ['2023-12-31T23:30:00-01:30', 'both', '2024-01-01 01:00:00+00'],
      ['2024-03-01T00:30:00+01:00', 'both', '2024-02-29 23:30:00+00'],
      ['2024-01-01T00:30:00+01:00', 'both', '2023-12-31 23:30:00+00'],
      ['2024-12-31T24:00:00Z', 'both', '2025-01-01 00:00:00+00'],
      ['0001-01-01T00:00:00+00:01', 'both', '0001-12-31 23:59:00+00 BC'],
      ['4713-01-01 00:00:00 BC', 'textual', '4713-01-01 00:00:00+00 BC'],
      ['infinity', 'textual', 'infinity'],
      ['294276-12-31T23:59:59-01:00', 'both', null],
      ['2024-07-12T01:17:42.1234567Z', 'both', null],
    ],
  },
  uuid: {
    keyable: true,
    cases: [
      [UUID, 'both', UUID],
      [UUID.toUpperCase(), 'both', UUID],
      [`{${UUID.replaceAll('-', '')}}`, 'both', UUID],
      [UUID.replaceAll('-', '').replaceAll(/(.{4})(?!$)/g, '$1-'), 'both', UUID],
      [`{${UUID}`, 'both', null],
      [UUID.slice(1), 'both', null],
      [`-${UUID}`, 'both', null],
      [1, 'both', null],
    ],
  },
  mood: {
    keyable: true,
    cases: [
      ['so-so', 'both', 'so-so'],
      ['fine', 'both', 'fine'],
      [1, 'typed', null],
    ],
  },
  price: {
    keyable: true,
    cases: [
      [999.99, 'both', '999.99'],
      [0.005, 'both', null],
      [1000, 'both', null],
    ],
  },
  'bit(3)': { keyable: false, cases: [['101', 'both', '101']] },
  'integer[]': {
    keyable: false,
    cases: [
      ['{1,2}', 'both', '{1,2}'],
      [[1, 2], 'both', null],
    ],
  },
  interval: {
    keyable: false,
    cases: [
      ['1 day 04:00:00', 'both', '1 day 04:00:00'],
      [1, 'typed', null],
    ],
  },
  inet: { keyable: false, cases: [['10.0.0.1', 'both', '10.0.0.1/32']] },
  money: { keyable: false, cases: [[12.34, 'textual', '$12.34']] },
}

const PREPARE = `
  CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  CREATE TYPE mood AS ENUM ('fine', 'so-so');
  CREATE DOMAIN amount AS numeric(5,2);
  CREATE DOMAIN price AS amount CHECK (VALUE > 0)`

interface Target {
  readonly connection: Connection
  query(text: string, rows?: string): Promise<Record<string, string | null>[]>
  /** The table `t<n>` of one column `v` of this type. */
  column(type: string): Promise<{ readonly table: string; readonly column: Column }>
}

async function openTarget(url: string): Promise<Target> {
  const connection = await connect(url)
  const query: Target['query'] = async (text, rows) => {
    const statement = CompiledQuery.raw(text, rows === undefined ? [] : [rows])
    return (await connection.db.executeQuery<Record<string, string | null>>(statement)).rows
  }
  for (const statement of PREPARE.split(';')) await query(statement)
  let tables = 0
  return {
    connection,
    query,
    async column(type) {
      const table = `t${++tables}`
      await query(`CREATE TABLE ${table} (i int, v ${type})`)
      const relation = await readRelation(connection.db, 'public', table)
      return { table, column: relation!.columns.find(({ name }) => name === 'v')! }
    },
  }
}

/** One statement, as the layout `columns` writes it. The session's time zone must make no difference. */
async function insert(
  { query }: Target,
  table: string,
  { travelsAs, castTo }: Codec,
  tokens: Iterable<[number, string]>,
) {
  const rows = Array.from(tokens, ([i, token]) => `{"i":${i},"c0":${token}}`)
  await query(`SET TIME ZONE 'America/New_York'`)
  const cast = castTo === null ? '' : `::${castTo}`
  await query(
    `INSERT INTO ${table} SELECT s.i, s.c0${cast} FROM json_to_recordset($1::json) AS s(i int, c0 ${travelsAs})`,
    `[${rows.join(',')}]`,
  )
  await query(`SET TIME ZONE 'UTC'`)
}

const databases: Readonly<Record<string, () => Promise<string>>> = {
  PostgreSQL: async () => {
    const database = await testDatabase()
    after(database.drop)
    return database.url
  },
  PGlite: async () => (await pgliteFolder()).url,
}

for (const [name, makeDatabase] of Object.entries(databases)) {
  test(name, async (t) => {
    const target = await openTarget(await makeDatabase())
    try {
      for (const [type, wanted] of Object.entries(cases)) {
        await t.test(`what ${type} holds`, () => checkCases(target, type, wanted.keyable, wanted.cases))
      }
      for (const [type, check] of Object.entries(checks)) {
        await t.test(`any value for ${type}`, (t) => checkAny(target, type, check, (line) => t.diagnostic(line)))
      }
    } finally {
      await target.connection.close()
    }
  })
}

async function checkCases(target: Target, type: string, keyable: boolean, cases: readonly Case[]): Promise<void> {
  const { table, column } = await target.column(type)
  const tokens = new Map<number, string>()
  const expected = new Map<number, string>()
  const feeds: readonly ValueKind[] = ['typed', 'textual']
  const all = cases.flatMap(([value, feed, printed]) =>
    feeds.filter((each) => feed === 'both' || feed === each).map((each) => ({ value, feed: each, printed })),
  )
  for (const [i, { value, feed, printed }] of all.entries()) {
    const token = codecFor(column, feed).encode(value)
    const label = `${feed} ${typeof value === 'string' ? value.slice(0, 60) : toJson(value)} as ${type}`
    if (printed === null) assert.equal(token, undefined, label)
    else {
      assert.notEqual(token, undefined, label)
      tokens.set(i, token!)
      expected.set(i, printed)
    }
  }
  const codec = codecFor(column, 'textual')
  assert.equal(codec.isKeyable, keyable)
  await insert(target, table, codec, tokens)
  const printed = await target.query(`SELECT i::text, v::text AS v FROM ${table} ORDER BY ${table}.i`)
  assert.deepEqual(new Map(printed.map(({ i, v }) => [Number(i), v])), expected)

  if (!keyable) return
  const pairs = await target.query(`SELECT a.i::text AS a, b.i::text AS b FROM ${table} a JOIN ${table} b ON a.v = b.v`)
  const equal = new Set(pairs.map(({ a, b }) => `${a} ${b}`))
  for (const [a, left] of tokens)
    for (const [b, right] of tokens) assert.equal(left === right, equal.has(`${a} ${b}`), `${left} and ${right}`)
}

/** What the database itself says of a value `o` as text, beside the column `v` that it went to. */
interface Check {
  /** Holds for what was taken. */
  readonly same: string
  /** Holds for what the column could hold: nothing that was turned away. */
  readonly fits: string
}

const numberCheck = (type: string): Check => ({
  same: 'v::numeric = o::numeric',
  fits: `CASE WHEN o ~ '^[-+]?[0-9.]+$' AND pg_input_is_valid(o, '${type}') THEN o::${type}::numeric = o::numeric ELSE false END`,
})
/** A decimal fits if it is what the column prints. */
const floatCheck = (type: string): Check => ({
  same: `v = o::${type}`,
  fits: `CASE WHEN o ~ '^[-+]?[0-9.]+(e[-+]?[0-9]+)?$' AND pg_input_is_valid(o, '${type}')
    THEN o::${type}::text::numeric = o::numeric ELSE false END`,
})
const CLOCK = '\\d\\d:\\d\\d:[0-5]\\d(\\.\\d{1,6})?'
const DAY = '\\d{4}-\\d\\d-\\d\\d'
const timeCheck = (type: string, pattern: string): Check => ({
  same: `v = o::${type}`,
  fits: `o ~ '^${pattern}$' AND pg_input_is_valid(o, '${type}')`,
})

const checks: Readonly<Record<string, Check>> = {
  boolean: { same: 'v = o::boolean', fits: `o = btrim(o) AND pg_input_is_valid(o, 'boolean')` },
  smallint: numberCheck('smallint'),
  integer: numberCheck('integer'),
  bigint: numberCheck('bigint'),
  numeric: numberCheck('numeric'),
  'numeric(12,3)': numberCheck('numeric(12,3)'),
  'numeric(4,-2)': numberCheck('numeric(4,-2)'),
  'numeric(3,5)': numberCheck('numeric(3,5)'),
  real: floatCheck('real'),
  'double precision': floatCheck('double precision'),
  text: { same: 'v = o', fits: 'true' },
  'varchar(5)': { same: 'v = o', fits: 'length(o) <= 5' },
  'char(5)': { same: 'v = o::char(5)', fits: 'length(o) <= 5' },
  bytea: { same: `encode(v, 'hex') = regexp_replace(lower(o), '^0x', '')`, fits: `o ~* '^(0x)?([0-9a-f]{2})*$'` },
  jsonb: { same: 'v = o::jsonb', fits: `pg_input_is_valid(o, 'jsonb')` },
  json: { same: 'v::text = o', fits: `pg_input_is_valid(o, 'json')` },
  date: { same: 'v = o::timestamptz::date', fits: timeCheck('date', DAY).fits },
  time: timeCheck('time', `${CLOCK}Z?`),
  timetz: timeCheck('timetz', `${CLOCK}(Z|[+-].*)?`),
  timestamp: timeCheck('timestamp', `${DAY}[T ]${CLOCK}Z?`),
  timestamptz: timeCheck('timestamptz', `${DAY}[T ]${CLOCK}(Z|[+-].*)?`),
  uuid: { same: 'v = o::uuid', fits: `pg_input_is_valid(o, 'uuid')` },
}

const digits = (min: number, max: number) =>
  fc.stringMatching(new RegExp(`^[+-]?[0-9]{${min},${max}}(\\.[0-9]{0,${max}})?$`))
const two = (max: number) => fc.integer({ min: 0, max }).map((number) => String(number).padStart(2, '0'))
const clock = fc
  .tuple(two(24), two(60), two(60), fc.constantFrom('', '.5', '.123456', '.1234560', '.1234567', '.000'))
  .map(([hour, minute, second, fraction]) => `${hour}:${minute}:${second}${fraction}`)
const zone = fc.constantFrom('', 'Z', '+00', '+02:00', '-0330', '+15:59', '-16', '+05:30:15')
const day = fc.tuple(fc.integer({ min: 0, max: 9999 }), two(13), two(32)).map(([year, month, date]) => {
  return `${String(year).padStart(4, '0')}-${month}-${date}`
})
const jsonText = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.json().map((text) => text.slice(0, -1)),
  fc.stringMatching(/^"(?:\\u(?:d[89a-f][0-9]{2}|0000|00e9)|\\\\|a|\\n){0,5}"$/),
  fc.stringMatching(/^-?(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,3})?e[+-]?(?:[0-9]{1,2}|1638[0-9]|1310[67][0-9])$/),
)
const plainText = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => !text.includes('\0'))
const texts = fc.oneof(
  plainText,
  digits(1, 4),
  digits(9, 20),
  fc.constantFrom('NaN', '1e5', '1.5e-3', 'true', 'No', 'on', '', ' ', 'infinity', 'now'),
  fc.stringMatching(/^(?:0x)?[0-9a-fA-F]{0,8}$/),
  clock,
  day,
  fc.tuple(clock, zone).map((parts) => parts.join('')),
  fc.tuple(day, fc.constantFrom('T', ' '), clock, zone).map((parts) => parts.join('')),
  fc
    .date({ noInvalidDate: true, min: new Date('0001-01-02'), max: new Date('9999-12-30') })
    .map((date) => date.toISOString()),
  fc.uuid(),
  fc.uuid().map((uuid) => `{${uuid.replaceAll('-', '').toUpperCase()}}`),
  jsonText,
)
const numbers: fc.Arbitrary<number | Numeric> = fc.oneof(
  fc.integer(),
  fc.integer({ min: -50000, max: 50000 }),
  fc.integer({ min: -20000, max: 20000 }).map((number) => number * 100),
  fc.integer({ min: -2000, max: 2000 }).map((number) => Number(`${number}e-5`)),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((float) => Number(float.toPrecision(9))),
  fc
    .tuple(fc.integer({ min: -99999, max: 99999 }), fc.integer({ min: 0, max: 6 }))
    .map(([a, b]) => Number(`${a}e-${b}`)),
  fc
    .bigInt({ min: -(10n ** 30n), max: 10n ** 30n })
    .filter((n) => String(Number(n)) !== String(n))
    .map((n) => exact(String(n))),
)
const anyValue = fc.oneof(
  { weight: 6, arbitrary: texts },
  { weight: 4, arbitrary: numbers },
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }).map((bytes) => Binary.from(bytes) as Binary) },
  {
    weight: 1,
    arbitrary: fc
      .json({ maxDepth: 2 })
      .map((text) => JSON.parse(text) as Given)
      .filter((value) => value !== null),
  },
)

const seed = anySeed()
const anyValues: readonly Given[] = fc.sample(anyValue, { seed, numRuns: 4000 })

/** The value as text that the database reads as the type; undefined where it has none of its own. */
function ownText(value: Given, type: string, feed: ValueKind): string | undefined {
  if (type.startsWith('json')) return feed === 'textual' && typeof value === 'string' ? value : toJson(value)
  if (typeof value === 'string') return value
  if (value instanceof Binary) return type === 'bytea' ? Buffer.from(value).toString('hex') : undefined
  if (/^(?:text|varchar|char|bytea)/.test(type)) return undefined
  if (value instanceof Numeric) return value.text
  return typeof value === 'object' ? undefined : String(value)
}

async function checkAny(target: Target, type: string, check: Check, say: (line: string) => void): Promise<void> {
  const { table, column } = await target.column(type)
  const taken = new Map<number, string>()
  const origins: string[] = []
  for (const [i, value] of anyValues.entries()) {
    const feed = i % 2 === 0 ? 'textual' : 'typed'
    const token = codecFor(column, feed).encode(value)
    const own = ownText(value, type, feed)
    if (token !== undefined) taken.set(i, token)
    // DynamoDB's values are not read as another type, so what the database could make of their text says nothing.
    const tells =
      token !== undefined || (feed === 'textual' && (typeof value === 'string' || typeof value === 'number'))
    if (own !== undefined && tells) origins.push(`{"i":${i},"o":${JSON.stringify(own)},"t":${token !== undefined}}`)
  }
  say(`seed ${seed}: ${taken.size} of ${anyValues.length} values taken`)
  assert.ok(taken.size > 10)
  await insert(target, table, codecFor(column, 'textual'), taken)
  const wrong = await target.query(
    `SELECT o.o, t.v::text AS v FROM json_to_recordset($1::json) AS o(i int, o text, t boolean) LEFT JOIN ${table} t ON t.i = o.i
     WHERE CASE WHEN o.t THEN NOT (${check.same}) OR t.v IS NULL ELSE ${check.fits} END`,
    `[${origins.join(',')}]`,
  )
  assert.deepEqual(wrong, [], `seed ${seed}`)
}
