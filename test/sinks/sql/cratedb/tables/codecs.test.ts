import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { Binary, type ColumnType, Numeric, newRow, type Value, type ValueKind } from '../../../../../src/change.ts'
import { codecFor } from '../../../../../src/sinks/sql/cratedb/tables/codecs.ts'
import { type CrateColumn, NOT_DECLARED } from '../../../../../src/sinks/sql/cratedb/tables/column.ts'
import { readArray } from '../rows/read-array.ts'

type Given = Exclude<Value, null>
/** What the column is sent; null: it cannot hold the value. */
type Case = readonly [value: Given, feed: ValueKind | 'both', sent: string | null]

const exact = (text: string): Numeric => new Numeric(text)
const bytes = Binary.fromBase64Text('AP8=')
const object = (members: Record<string, Value>) => Object.assign(newRow(), members)
const UUID = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'

interface Cases {
  readonly column: Partial<CrateColumn> & Pick<CrateColumn, 'dataType'>
  readonly type?: ColumnType
  readonly travelsAs: string
  readonly castTo?: string
  readonly keyable: boolean
  readonly cases: readonly Case[]
}

const all: Readonly<Record<string, Cases>> = {
  boolean: {
    column: { dataType: 'boolean' },
    travelsAs: 'array(boolean)',
    keyable: true,
    cases: [
      [true, 'both', 'true'],
      ['f', 'textual', 'false'],
      ['true', 'typed', null],
    ],
  },
  bigint: {
    column: { dataType: 'bigint' },
    travelsAs: 'array(bigint)',
    keyable: true,
    cases: [
      [1, 'both', '1'],
      ['007', 'textual', '7'],
      [exact('9223372036854775806'), 'both', '9223372036854775806'],
      [exact('-9223372036854775807'), 'both', '-9223372036854775807'],
      [exact('9223372036854775807'), 'both', null],
      [exact('-9223372036854775808'), 'both', null],
      [exact('9223372036854775808'), 'both', null],
      [1.5, 'both', null],
      ['1', 'typed', null],
    ],
  },
  smallint: {
    column: { dataType: 'smallint' },
    travelsAs: 'array(smallint)',
    keyable: true,
    cases: [
      [32767, 'both', '32767'],
      [32768, 'both', null],
    ],
  },
  'double precision': {
    column: { dataType: 'double precision' },
    travelsAs: 'array(double precision)',
    keyable: true,
    cases: [
      [1.5, 'both', '1.5'],
      [1e21, 'both', '1e+21'],
      [exact('0.1234567890123456789'), 'both', null],
      ['NaN', 'textual', null],
      ['-Infinity', 'textual', null],
    ],
  },
  real: {
    column: { dataType: 'real' },
    travelsAs: 'array(real)',
    keyable: true,
    cases: [
      [2.20000005, 'textual', '2.200000047683716'],
      [0.1234567891, 'both', null],
    ],
  },
  'numeric(6,2)': {
    column: { dataType: 'numeric', precision: 6, scale: 2 },
    travelsAs: 'array(text)',
    castTo: 'numeric(6, 2)',
    keyable: true,
    cases: [
      [1234.25, 'both', '1234.25'],
      ['1.5', 'textual', '1.50'],
      [-3, 'both', '-3.00'],
      [12345, 'both', null],
      [1.234, 'both', null],
      ['NaN', 'textual', null],
    ],
  },
  'numeric of a scale that is not known': {
    column: { dataType: 'numeric', precision: 6 },
    travelsAs: 'undefined',
    keyable: false,
    cases: [[1, 'both', null]],
  },
  text: {
    column: { dataType: 'text' },
    travelsAs: 'array(text)',
    keyable: true,
    cases: [
      ['a"b\\', 'both', 'a"b\\'],
      ['', 'both', ''],
      ['NULL', 'both', 'NULL'],
      ['x'.repeat(32_766), 'both', 'x'.repeat(32_766)],
      ['x'.repeat(32_767), 'both', null],
      ['€'.repeat(10_923), 'both', null],
      [bytes, 'both', 'AP8='],
      [1.5, 'textual', '1.5'],
      [true, 'textual', 'true'],
      [['a'], 'textual', '["a"]'],
      [1, 'typed', null],
      [['a'], 'typed', null],
    ],
  },
  'text that is not indexed': {
    column: { dataType: 'text', isIndexed: false },
    travelsAs: 'array(text)',
    keyable: true,
    cases: [['x'.repeat(40_000), 'both', 'x'.repeat(40_000)]],
  },
  'varchar(3)': {
    column: { dataType: 'text', maxLength: 3 },
    travelsAs: 'array(text)',
    keyable: true,
    cases: [
      ['abc', 'both', 'abc'],
      ['ab ', 'both', 'ab '],
      ['abc ', 'both', null],
      ['😀😀', 'both', null],
    ],
  },
  'char(3)': {
    column: { dataType: 'character', maxLength: 3 },
    travelsAs: 'array(text)',
    keyable: true,
    cases: [
      ['ab   ', 'both', 'ab'],
      ['abcd', 'both', null],
    ],
  },
  'text for text': {
    column: { dataType: 'text' },
    type: 'text',
    travelsAs: 'array(text)',
    keyable: true,
    cases: [
      ['a', 'both', 'a'],
      [bytes, 'both', null],
    ],
  },
  'text for numbers': {
    column: { dataType: 'text' },
    type: 'numeric',
    travelsAs: 'array(text)',
    keyable: true,
    cases: [
      [1, 'both', '1'],
      ['1.0', 'textual', '1'],
      [1e21, 'both', '1000000000000000000000'],
      [exact('12345678901234567890.5'), 'both', '12345678901234567890.5'],
      ['1', 'typed', null],
    ],
  },
  'text for bytes': {
    column: { dataType: 'text' },
    type: 'bytes',
    travelsAs: 'array(text)',
    keyable: true,
    cases: [
      [bytes, 'both', 'AP8='],
      ['0x00Ff', 'textual', 'AP8='],
      ['x', 'textual', null],
      ['00ff', 'typed', null],
    ],
  },
  'text for timestamps': {
    column: { dataType: 'text' },
    type: 'timestamp',
    travelsAs: 'array(text)',
    keyable: true,
    cases: [
      ['2024-07-12T01:17:42Z', 'both', '2024-07-12T01:17:42.000000Z'],
      ['2024-07-12T01:17:42.123456Z', 'both', '2024-07-12T01:17:42.123456Z'],
      ['2024-07-12 01:17:42.5+02', 'both', '2024-07-11T23:17:42.500000Z'],
      ['infinity', 'textual', 'infinity'],
      ['0044-03-15T00:00:00 BC', 'textual', null],
      ['12024-07-12T01:17:42Z', 'both', null],
      ['yesterday', 'both', null],
    ],
  },
  'text for timestamps without time zone': {
    column: { dataType: 'text' },
    type: 'local-timestamp',
    travelsAs: 'array(text)',
    keyable: true,
    cases: [['2024-07-12T01:17:42.5Z', 'both', '2024-07-12T01:17:42.500000']],
  },
  'text for dates': {
    column: { dataType: 'text' },
    type: 'date',
    travelsAs: 'array(text)',
    keyable: true,
    cases: [
      ['2024-07-12', 'both', '2024-07-12'],
      ['2024-07-12T00:00:00Z', 'both', '2024-07-12'],
      ['2024-07-12T01:00:00Z', 'both', null],
    ],
  },
  'text for times': {
    column: { dataType: 'text' },
    type: 'time',
    travelsAs: 'array(text)',
    keyable: true,
    cases: [['01:17:42.5', 'both', '01:17:42.500000']],
  },
  'text for uuids': {
    column: { dataType: 'text' },
    type: 'uuid',
    travelsAs: 'array(text)',
    keyable: true,
    cases: [[UUID.toUpperCase(), 'both', UUID]],
  },
  'timestamp with time zone': {
    column: { dataType: 'timestamp with time zone' },
    travelsAs: 'array(bigint)',
    castTo: 'timestamp with time zone',
    keyable: true,
    cases: [
      ['2024-07-12T01:17:42.123Z', 'both', '1720747062123'],
      ['1969-12-31T23:59:59.999Z', 'both', '-1'],
      ['2024-07-12T01:17:42.123456Z', 'both', null],
      ['infinity', 'textual', null],
    ],
  },
  'timestamp without time zone': {
    column: { dataType: 'timestamp without time zone' },
    travelsAs: 'array(bigint)',
    castTo: 'timestamp without time zone',
    keyable: true,
    cases: [['1970-01-01T00:00:01Z', 'both', '1000']],
  },
  date: {
    column: { dataType: 'date' },
    travelsAs: 'array(text)',
    castTo: 'date',
    keyable: true,
    cases: [
      ['2024-07-12', 'both', '2024-07-12'],
      ['infinity', 'textual', null],
    ],
  },
  uuid: {
    column: { dataType: 'uuid' },
    travelsAs: 'array(text)',
    castTo: 'uuid',
    keyable: true,
    cases: [[UUID, 'both', UUID]],
  },
  'object(ignored)': {
    column: { dataType: 'object', policy: 'ignored' },
    travelsAs: 'array(object(ignored))',
    keyable: false,
    cases: [
      [object({ 'a.b': 1 }), 'both', '{"a%2Eb":1}'],
      [
        '{"a": 1.50, "b": -0.0, "c": 1E2, "__proto__": {"b": 1e-3}}',
        'textual',
        '{"a":1.5,"b":0,"c":100,"__proto__":{"b":0.001}}',
      ],
      [
        '{"a": 12345678901234567890, "b": [0.10, 1e30]}',
        'textual',
        `{"a":"12345678901234567890","b":["0.1","1${'0'.repeat(30)}"],"cdc_numbers":["/a","/b"]}`,
      ],
      ['{"a": 1e99999}', 'textual', null],
      ['[1]', 'textual', null],
      ['"x"', 'textual', null],
      ['{', 'textual', null],
      ['{"a":1}', 'typed', null],
      [[1], 'both', null],
      [1, 'both', null],
    ],
  },
  'object(dynamic)': {
    column: { dataType: 'object', policy: 'dynamic' },
    travelsAs: 'undefined',
    keyable: false,
    cases: [[object({ a: 1 }), 'both', null]],
  },
  'a list': {
    column: { dataType: 'text_array' },
    travelsAs: 'undefined',
    keyable: false,
    cases: [[['a'], 'both', null]],
  },
}

for (const [title, { column, type = null, travelsAs, castTo = null, keyable, cases }] of Object.entries(all)) {
  test(title, () => {
    for (const [value, only, sent] of cases) {
      for (const feed of only === 'both' ? (['textual', 'typed'] as const) : [only]) {
        const codec = codecFor({ maxLength: null, ...NOT_DECLARED, ...column }, feed, type)
        assert.deepEqual([codec.travelsAs, codec.castTo, codec.isKeyable], [travelsAs, castTo, keyable])
        const element = codec.encode(value)
        const read = element === undefined ? null : readArray(`{${element}}`)[0]
        assert.equal(read, sent, `${feed}: ${inspect(value)}`)
      }
    }
  })
}

test('timestamps in texts sort as the moments do', () => {
  const column = { dataType: 'text', maxLength: null, ...NOT_DECLARED }
  const { encode } = codecFor(column, 'textual', 'timestamp')
  const year = 365 * 86_400
  const seconds = fc.oneof(fc.integer({ min: -1_970 * year, max: 8_000 * year }), fc.integer({ min: 0, max: 3 }))
  const micros = fc.oneof(fc.integer({ min: 0, max: 999_999 }), fc.constantFrom(0, 500_000, 120_000))
  const moments = fc.tuple(seconds, micros)
  fc.assert(
    fc.property(moments, moments, (a, b) => {
      const [textOfA, textOfB] = [a, b].map(([second, micro]) => encode(isoText(second, micro))!)
      const order = a[0] - b[0] || a[1] - b[1]
      assert.equal(Math.sign(order), textOfA! < textOfB! ? -1 : textOfA! > textOfB! ? 1 : 0)
    }),
    { numRuns: 2_000 },
  )
})

/** As short as can be: `2024-07-12T01:17:42.5Z`. */
function isoText(second: number, micro: number): string {
  const fraction = String(micro).padStart(6, '0').replace(/0+$/, '')
  return new Date(second * 1000).toISOString().replace(/\.\d+Z$/, `${fraction && '.'}${fraction}Z`)
}
