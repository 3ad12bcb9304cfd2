import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../../../src/change.ts'
import { recordDecoder } from '../../../src/decode/decoder.ts'
import { anySeed } from '../../support/life/random.ts'
import type { GpssPlace } from '../../support/targets/gpss-target.ts'
import { volume } from '../../support/volume.ts'
import { appendPlace, openLog } from './append-place.ts'

/** What the stream carries, in its own JSON: DynamoDB's descriptors. Binary is base64 of base64, as a Kinesis destination sends it. */
const DYNAMODB = {
  'S text': '{"S":"é😀"}',
  'S empty': '{"S":""}',
  'S number': '{"S":"42"}',
  'S boolean': '{"S":"true"}',
  'S hex': '{"S":"00ff"}',
  'S json': '{"S":"{\\"a\\":1}"}',
  'S date': '{"S":"2024-07-12"}',
  'S time': '{"S":"01:17:42.5"}',
  'S instant': '{"S":"2024-07-12T03:17:42.25+02:00"}',
  'S wall clock': '{"S":"2024-07-12T01:17:42"}',
  'S uuid': '{"S":"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}',
  'S address': '{"S":"10.0.0.1"}',
  'N 0': '{"N":"0"}',
  'N 42': '{"N":"42"}',
  'N -32769': '{"N":"-32769"}',
  'N 2^31': '{"N":"2147483648"}',
  'N 2^53+1': '{"N":"9007199254740993"}',
  'N -2^63': '{"N":"-9223372036854775808"}',
  'N 2^63': '{"N":"9223372036854775808"}',
  'N 38 digits': '{"N":"-1234567890123456789012345678.9012345678"}',
  'N 1.5': '{"N":"1.5"}',
  'N 0.1': '{"N":"0.1"}',
  'N 1E+30': '{"N":"1E+30"}',
  'N 9E+125': '{"N":"9E+125"}',
  'N 1E-130': '{"N":"1E-130"}',
  B: '{"B":"QVA4PQ=="}',
  'B empty': '{"B":""}',
  'BOOL true': '{"BOOL":true}',
  'BOOL false': '{"BOOL":false}',
  NULL: '{"NULL":true}',
  M: '{"M":{"n":{"N":"1.10"},"b":{"B":"QVA4PQ=="},"__proto__":{"NULL":true}}}',
  'M empty': '{"M":{}}',
  L: '{"L":[{"N":"12345678901234567890"},{"S":"two"},{"L":[]}]}',
  SS: '{"SS":["b","a"]}',
  NS: '{"NS":["10","2","0.5"]}',
  BS: '{"BS":["QVA4PQ=="]}',
} as const

/** What DMS sends for the types of PostgreSQL. */
const DMS = {
  smallint: '-5',
  'integer 42': '42',
  'integer 2^31-1': '2147483647',
  'bigint 2^53+1': '9007199254740993',
  'bigint 2^63-1': '9223372036854775807',
  'bigint as text': '"-9223372036854775808"',
  'bigint, rounded': '1.2345678901234568e+18',
  real: '2.20000005',
  'real 0': '0',
  double: '55',
  'double of 17 digits': '0.10000000000000001',
  'double 1e+300': '1e+300',
  'double -5e-324': '-5e-324',
  numeric: '12345678901234567890.123456',
  'numeric as text': '"1.50"',
  'numeric of 45 digits': '"123456789012345678901234567890123456789012345"',
  NaN: '"NaN"',
  money: '1234.5000',
  boolean: '"true"',
  'boolean as such': 'false',
  char: '"ab"',
  varchar: '"é😀"',
  'text, empty': '""',
  'text, long': '"more than five"',
  'text with a quote': `"'tis"`,
  json: '"{\\"b\\": 1.10, \\"a\\": [12345678901234567890]}"',
  'json null': '"null"',
  array: '"{1,NULL,3}"',
  xml: '"<a>1</a>"',
  tsvector: `"'a':1 'b':2"`,
  path: '"((0,0),(1,1))"',
  bytea: '"0x00FF"',
  'bytea without prefix': '"00ff"',
  'bytea, empty': '"0x"',
  date: '"2024-07-12"',
  time: '"01:17:42.5"',
  timetz: '"01:17:42+02"',
  timestamp: '"2024-07-12T01:17:42Z"',
  'timestamp with fraction': '"2024-07-12T01:17:42.250000Z"',
  'timestamp infinity': '"9999-12-31 23:59:59"',
  'timestamp -infinity': '"4713-01-01 00:00:00 BC"',
  interval: '"-1 days -01:42:30"',
  uuid: '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"',
  enum: '"ok"',
  inet: '"10.0.0.1"',
  cidr: '"10.0.0.0/8"',
  macaddr: '"08:00:2b:01:02:03"',
  bit: '"101"',
  range: '"[1,5)"',
  point: '"(1,2)"',
  box: '"(1,1),(0,0)"',
  lseg: '"[(0,0),(1,1)]"',
  line: '"{1,-1,0}"',
  polygon: '"((0,0),(1,1),(1,0))"',
  tsquery: `"'a' & 'b'"`,
  composite: '"(1,two)"',
  hstore: '"\\"a\\"=>\\"1\\""',
  circle: '"<(0,0),1>"',
  'nine digits of a second': '"2024-07-12T01:17:42.123456789"',
  NULL: 'null',
} as const

type OfDynamodb = Exclude<keyof typeof DYNAMODB, 'NULL'>
type OfDms = Exclude<keyof typeof DMS, 'NULL'>

/** As the column prints it. What is not named, the column refuses. */
interface Expected {
  readonly dynamodb?: Partial<Record<OfDynamodb, string>>
  readonly dms?: Partial<Record<OfDms, string>>
}

const UUID = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
const DIGITS_45 = '123456789012345678901234567890123456789012345'
const zeros = (count: number): string => '0'.repeat(count)

const SMALL_INTEGERS: Expected = {
  dynamodb: { 'N 0': '0', 'N 42': '42' },
  dms: { smallint: '-5', 'integer 42': '42', 'real 0': '0', double: '55', bit: '101' },
}
const LARGER_INTEGERS: Expected = {
  dynamodb: { ...SMALL_INTEGERS.dynamodb, 'N -32769': '-32769' },
  dms: { ...SMALL_INTEGERS.dms, 'integer 2^31-1': '2147483647' },
}
const LARGEST_INTEGERS: Expected = {
  dynamodb: {
    ...LARGER_INTEGERS.dynamodb,
    'N 2^31': '2147483648',
    'N 2^53+1': '9007199254740993',
    'N -2^63': '-9223372036854775808',
  },
  dms: {
    ...LARGER_INTEGERS.dms,
    'bigint 2^53+1': '9007199254740993',
    'bigint 2^63-1': '9223372036854775807',
    'bigint as text': '-9223372036854775808',
  },
}
const SHORT_TEXTS: Expected = {
  dynamodb: { 'S text': 'é😀', 'S empty': '', 'S number': '42', 'S boolean': 'true', 'S hex': '00ff' },
  dms: {
    smallint: '-5',
    'integer 42': '42',
    'real 0': '0',
    double: '55',
    'numeric as text': '1.50',
    NaN: 'NaN',
    boolean: 'true',
    'boolean as such': 'false',
    char: 'ab',
    varchar: 'é😀',
    'text, empty': '',
    'text with a quote': "'tis",
    'json null': 'null',
    'bytea without prefix': '00ff',
    'bytea, empty': '0x',
    enum: 'ok',
    bit: '101',
    range: '[1,5)',
    point: '(1,2)',
  },
}
const TEXTS: Expected = {
  dynamodb: {
    ...SHORT_TEXTS.dynamodb,
    'S json': '{"a":1}',
    'S date': '2024-07-12',
    'S time': '01:17:42.5',
    'S instant': '2024-07-12T03:17:42.25+02:00',
    'S wall clock': '2024-07-12T01:17:42',
    'S uuid': UUID.toUpperCase(),
    'S address': '10.0.0.1',
  },
  dms: {
    ...SHORT_TEXTS.dms,
    'integer 2^31-1': '2147483647',
    'bigint 2^53+1': '9007199254740993',
    'bigint 2^63-1': '9223372036854775807',
    'bigint as text': '-9223372036854775808',
    'bigint, rounded': '1234567890123456800',
    real: '2.20000005',
    'double of 17 digits': '0.10000000000000001',
    'double 1e+300': `1${zeros(300)}`,
    'double -5e-324': `-0.${zeros(323)}5`,
    numeric: '12345678901234567890.123456',
    'numeric of 45 digits': DIGITS_45,
    money: '1234.5',
    'text, long': 'more than five',
    json: '{"b": 1.10, "a": [12345678901234567890]}',
    array: '{1,NULL,3}',
    xml: '<a>1</a>',
    tsvector: "'a':1 'b':2",
    path: '((0,0),(1,1))',
    bytea: '0x00FF',
    date: '2024-07-12',
    time: '01:17:42.5',
    timetz: '01:17:42+02',
    timestamp: '2024-07-12T01:17:42Z',
    'timestamp with fraction': '2024-07-12T01:17:42.250000Z',
    'timestamp infinity': '9999-12-31 23:59:59',
    'timestamp -infinity': '4713-01-01 00:00:00 BC',
    interval: '-1 days -01:42:30',
    uuid: UUID,
    inet: '10.0.0.1',
    cidr: '10.0.0.0/8',
    macaddr: '08:00:2b:01:02:03',
    box: '(1,1),(0,0)',
    lseg: '[(0,0),(1,1)]',
    line: '{1,-1,0}',
    polygon: '((0,0),(1,1),(1,0))',
    tsquery: "'a' & 'b'",
    composite: '(1,two)',
    hstore: '"a"=>"1"',
    circle: '<(0,0),1>',
    'nine digits of a second': '2024-07-12T01:17:42.123456789',
  },
}
/** DynamoDB's text is a document that is a text. */
const DOCUMENTS: Expected = {
  dynamodb: {
    'S text': '"é😀"',
    'S empty': '""',
    'S number': '"42"',
    'S boolean': '"true"',
    'S hex': '"00ff"',
    'S json': '"{\\"a\\":1}"',
    'S date': '"2024-07-12"',
    'S time': '"01:17:42.5"',
    'S instant': '"2024-07-12T03:17:42.25+02:00"',
    'S wall clock': '"2024-07-12T01:17:42"',
    'S uuid': `"${UUID.toUpperCase()}"`,
    'S address': '"10.0.0.1"',
    'N 0': '0',
    'N 42': '42',
    'N -32769': '-32769',
    'N 2^31': '2147483648',
    'N 2^53+1': '9007199254740993',
    'N -2^63': '-9223372036854775808',
    'N 2^63': '9223372036854775808',
    'N 38 digits': '-1234567890123456789012345678.9012345678',
    'N 1.5': '1.5',
    'N 0.1': '0.1',
    'N 1E+30': '1e+30',
    'N 9E+125': '9e+125',
    'N 1E-130': '1e-130',
    B: '"AP8="',
    'B empty': '""',
    'BOOL true': 'true',
    'BOOL false': 'false',
    M: '{"n":1.1,"b":"AP8=","__proto__":null}',
    'M empty': '{}',
    L: '[12345678901234567890,"two",[]]',
    SS: '["a","b"]',
    NS: '[0.5,2,10]',
    BS: '["AP8="]',
  },
  dms: {
    smallint: '-5',
    'integer 42': '42',
    'integer 2^31-1': '2147483647',
    'bigint 2^53+1': '9007199254740993',
    'bigint 2^63-1': '9223372036854775807',
    'bigint as text': '-9223372036854775808',
    'bigint, rounded': '1234567890123456800',
    real: '2.20000005',
    'real 0': '0',
    double: '55',
    'double of 17 digits': '0.10000000000000001',
    'double 1e+300': '1e+300',
    'double -5e-324': '-5e-324',
    numeric: '12345678901234567890.123456',
    'numeric as text': '1.50',
    'numeric of 45 digits': DIGITS_45,
    money: '1234.5',
    boolean: 'true',
    'boolean as such': 'false',
    json: '{"b": 1.10, "a": [12345678901234567890]}',
    'json null': 'null',
    bit: '101',
  },
}
const TIMESTAMPS: Expected = {
  dynamodb: { 'S date': '2024-07-12 00:00:00', 'S wall clock': '2024-07-12 01:17:42' },
  dms: {
    date: '2024-07-12 00:00:00',
    timestamp: '2024-07-12 01:17:42',
    'timestamp infinity': '9999-12-31 23:59:59',
    'timestamp -infinity': '4713-01-01 00:00:00 BC',
  },
}

/** Column type → what it holds. Everything that the sources send meets these. */
const DECIDED: Readonly<Record<string, Expected>> = {
  boolean: {
    dynamodb: { 'BOOL true': 'true', 'BOOL false': 'false' },
    dms: { boolean: 'true', 'boolean as such': 'false', 'real 0': 'false' },
  },
  smallint: SMALL_INTEGERS,
  integer: LARGER_INTEGERS,
  bigint: LARGEST_INTEGERS,
  real: {
    dynamodb: {
      'N 0': '0',
      'N 42': '42',
      'N -32769': '-32769',
      'N 2^31': '2.1474836e+09',
      'N 1.5': '1.5',
      'N 0.1': '0.1',
      'N 1E+30': '1e+30',
    },
    dms: {
      smallint: '-5',
      'integer 42': '42',
      real: '2.2',
      'real 0': '0',
      double: '55',
      'numeric as text': '1.5',
      'double of 17 digits': '0.1',
      bit: '101',
      NaN: 'NaN',
      money: '1234.5',
    },
  },
  'double precision': {
    dynamodb: {
      'N 0': '0',
      'N 42': '42',
      'N -32769': '-32769',
      'N 2^31': '2147483648',
      'N 1.5': '1.5',
      'N 0.1': '0.1',
      'N 1E+30': '1e+30',
      'N 9E+125': '9e+125',
      'N 1E-130': '1e-130',
    },
    dms: {
      smallint: '-5',
      'integer 42': '42',
      'integer 2^31-1': '2147483647',
      'bigint, rounded': '1.2345678901234568e+18',
      real: '2.20000005',
      'real 0': '0',
      double: '55',
      'double of 17 digits': '0.1',
      'double 1e+300': '1e+300',
      'double -5e-324': '-5e-324',
      'numeric as text': '1.5',
      bit: '101',
      NaN: 'NaN',
      money: '1234.5',
    },
  },
  numeric: {
    dynamodb: {
      ...LARGEST_INTEGERS.dynamodb,
      'N 2^63': '9223372036854775808',
      'N 38 digits': '-1234567890123456789012345678.9012345678',
      'N 1.5': '1.5',
      'N 0.1': '0.1',
      'N 1E+30': `1${zeros(30)}`,
      'N 9E+125': `9${zeros(125)}`,
      'N 1E-130': `0.${zeros(129)}1`,
    },
    dms: {
      ...LARGEST_INTEGERS.dms,
      'bigint, rounded': '1234567890123456800',
      real: '2.20000005',
      'double of 17 digits': '0.10000000000000001',
      'double 1e+300': `1${zeros(300)}`,
      'double -5e-324': `-0.${zeros(323)}5`,
      numeric: '12345678901234567890.123456',
      'numeric as text': '1.5',
      'numeric of 45 digits': DIGITS_45,
      NaN: 'NaN',
      money: '1234.5',
    },
  },
  'numeric(10,2)': {
    dynamodb: { 'N 0': '0.00', 'N 42': '42.00', 'N -32769': '-32769.00', 'N 1.5': '1.50', 'N 0.1': '0.10' },
    dms: {
      smallint: '-5.00',
      'integer 42': '42.00',
      'real 0': '0.00',
      double: '55.00',
      'numeric as text': '1.50',
      bit: '101.00',
      NaN: 'NaN',
      money: '1234.50',
    },
  },
  text: TEXTS,
  varchar: TEXTS,
  'varchar(5)': SHORT_TEXTS,
  'char(5)': SHORT_TEXTS,
  bytea: {
    dynamodb: { B: '\\x00ff', 'B empty': '\\x' },
    dms: {
      bytea: '\\x00ff',
      'bytea without prefix': '\\x00ff',
      'bytea, empty': '\\x',
      'text, empty': '\\x',
      char: '\\xab',
    },
  },
  json: DOCUMENTS,
  jsonb: {
    dynamodb: {
      ...DOCUMENTS.dynamodb,
      'N 1E+30': `1${zeros(30)}`,
      'N 9E+125': `9${zeros(125)}`,
      'N 1E-130': `0.${zeros(129)}1`,
      M: '{"b": "AP8=", "n": 1.1, "__proto__": null}',
      L: '[12345678901234567890, "two", []]',
      SS: '["a", "b"]',
      NS: '[0.5, 2, 10]',
    },
    dms: {
      ...DOCUMENTS.dms,
      'double 1e+300': `1${zeros(300)}`,
      'double -5e-324': `-0.${zeros(323)}5`,
      json: '{"a": [12345678901234567890], "b": 1.10}',
    },
  },
  date: { dynamodb: { 'S date': '2024-07-12' }, dms: { date: '2024-07-12', 'timestamp -infinity': '4713-01-01 BC' } },
  time: { dynamodb: { 'S time': '01:17:42.5' }, dms: { time: '01:17:42.5' } },
  timetz: { dynamodb: { 'S time': '01:17:42.5+00' }, dms: { time: '01:17:42.5+00', timetz: '01:17:42+02' } },
  timestamp: {
    dynamodb: TIMESTAMPS.dynamodb!,
    dms: { ...TIMESTAMPS.dms, 'timestamp with fraction': '2024-07-12 01:17:42.25' },
  },
  'timestamp(0)': {
    dynamodb: TIMESTAMPS.dynamodb!,
    dms: { ...TIMESTAMPS.dms, 'timestamp with fraction': '2024-07-12 01:17:42' },
  },
  timestamptz: {
    dynamodb: {
      'S date': '2024-07-12 00:00:00+00',
      'S wall clock': '2024-07-12 01:17:42+00',
      'S instant': '2024-07-12 01:17:42.25+00',
    },
    dms: {
      date: '2024-07-12 00:00:00+00',
      timestamp: '2024-07-12 01:17:42+00',
      'timestamp with fraction': '2024-07-12 01:17:42.25+00',
      'timestamp infinity': '9999-12-31 23:59:59+00',
      'timestamp -infinity': '4713-01-01 00:00:00+00 BC',
    },
  },
  uuid: { dynamodb: { 'S uuid': UUID }, dms: { uuid: UUID } },
}

/** Types whose texts only the database reads: what meets them well, and one each that it refuses (null). */
const READ_BY_GREENPLUM: Readonly<
  Record<string, { dynamodb?: Partial<Record<OfDynamodb, string | null>>; dms?: Partial<Record<OfDms, string | null>> }>
> = {
  inet: {
    dynamodb: { 'S address': '10.0.0.1/32', 'N 42': null },
    dms: { inet: '10.0.0.1/32', cidr: '10.0.0.0/8', uuid: null },
  },
  cidr: { dms: { inet: '10.0.0.1/32', cidr: '10.0.0.0/8', uuid: null } },
  macaddr: { dms: { macaddr: '08:00:2b:01:02:03', uuid: null } },
  interval: {
    dynamodb: { 'S time': '01:17:42.5' },
    dms: { interval: '-1 days -01:42:30', time: '01:17:42.5', uuid: null },
  },
  money: {
    dynamodb: { 'S number': '$42.00', 'N 42': '$42.00' },
    dms: { money: '$1,234.50', 'integer 42': '$42.00', uuid: null },
  },
  'bit(3)': { dms: { bit: '101', uuid: null } },
  'bit varying': { dms: { bit: '101', uuid: null } },
  xml: { dynamodb: { M: null }, dms: { xml: '<a>1</a>', circle: null } },
  tsvector: { dms: { tsvector: "'a':1 'b':2", 'text with a quote': null } },
  point: { dms: { point: '(1,2)', uuid: null } },
  path: { dms: { path: '((0,0),(1,1))', uuid: null } },
  box: { dms: { box: '(1,1),(0,0)', uuid: null } },
  circle: { dms: { circle: '<(0,0),1>', uuid: null } },
  lseg: { dms: { lseg: '[(0,0),(1,1)]', uuid: null } },
  line: { dms: { line: '{1,-1,0}', uuid: null } },
  polygon: { dms: { polygon: '((0,0),(1,1),(1,0))', uuid: null } },
  tsquery: { dms: { tsquery: "'a' & 'b'", path: null } },
  'integer[]': { dynamodb: { L: null, NS: null }, dms: { array: '{1,NULL,3}', uuid: null } },
  'text[]': { dynamodb: { SS: null }, dms: { array: '{1,NULL,3}', uuid: null } },
}

interface Case {
  readonly feed: 'dynamodb' | 'dms'
  readonly source: string
  /** Null: refused. */
  readonly printed: string | null
}

function casesOf(type: string): Case[] {
  const [decided, read] = [DECIDED[type], READ_BY_GREENPLUM[type]]
  const of = (feed: 'dynamodb' | 'dms', sources: object): Case[] => {
    const expected: Readonly<Record<string, string | null>> = (decided ?? read)?.[feed] ?? {}
    const names = decided === undefined ? Object.keys(expected) : Object.keys(sources).filter((name) => name !== 'NULL')
    return names.map((source) => ({ feed, source, printed: expected[source] ?? null }))
  }
  return [...of('dynamodb', DYNAMODB), ...of('dms', DMS)]
}

const decode = recordDecoder({ format: 'auto', stream: 'changes', binary: 'double', beforeImageField: 'before-image' })

/** The row as it comes out of a stream: its place among the cases, and the value. */
function changeOf(table: string, at: number, feed: Case['feed'], source: string): Change {
  const values: Readonly<Record<string, string>> = feed === 'dms' ? DMS : DYNAMODB
  const text =
    feed === 'dms'
      ? `{"data":{"at":${at},"v":${values[source]}},"metadata":{"timestamp":"2026-01-01T20:40:00.123456Z",` +
        `"record-type":"data","operation":"insert","partition-key-type":"schema-table","schema-name":"public","table-name":"${table}"}}`
      : `{"eventID":"e${at}","eventName":"INSERT","recordFormat":"application/json","tableName":"${table}",` +
        `"dynamodb":{"ApproximateCreationDateTime":1754300000112233,"ApproximateCreationDateTimePrecision":"MICROSECOND",` +
        `"Keys":{"at":{"N":"${at}"}},"NewImage":{"at":{"N":"${at}"},"v":${values[source]}}},"eventSource":"aws:dynamodb"}`
  const [change] = decode({ shard: 'shard-0', sequence: `${at}`, arrivedAt: 0, data: Buffer.from(text) })
  assert.equal(change?.kind, 'change')
  return change as Change
}

const TYPES = [...Object.keys(DECIDED), ...Object.keys(READ_BY_GREENPLUM)].map((type, i) => ({
  type,
  table: `t${i}`,
  cases: casesOf(type),
}))

/** All cases of a type, and as many rows with NULL: a table into which most rows do not fit is taken for wrong. */
const changesOf = ({ table, cases }: (typeof TYPES)[number]): Change[] =>
  cases.flatMap(({ feed, source }, at) => [changeOf(table, at, feed, source), changeOf(table, -1 - at, feed, 'NULL')])

/** What of the cases is not as it should be. */
async function wrongOf(place: GpssPlace, { type, table, cases }: (typeof TYPES)[number]): Promise<string[]> {
  const rows = await place.database.query<{ at: number; v: string | null }>(`SELECT at, printed(v) AS v FROM ${table}`)
  const found = new Map(rows.map(({ at, v }) => [at, v]))
  return cases.flatMap(({ feed, source, printed }, at) => {
    const wrong: string[] = []
    const [text, expected] = [found.get(at) ?? 'refused', printed ?? 'refused']
    if (text !== expected) wrong.push(`${feed} ${source} in ${type}: ${text} and not ${expected}`)
    if (found.get(-1 - at) !== null) wrong.push(`${feed} NULL in ${type}: ${found.get(-1 - at)}`)
    return wrong
  })
}

/** In the short run one of them. */
const SPELLINGS = ['internal', 'upper', 'sql'] as const
for (const databaseType of volume<readonly (typeof SPELLINGS)[number][]>(
  [SPELLINGS[anySeed() % SPELLINGS.length]!],
  SPELLINGS,
)) {
  test(`what the sources send into what Greenplum has, types spelled ${databaseType}`, async (t) => {
    const place = await appendPlace({ databaseType })
    t.after(place.close)
    // Texts without a time zone must not fall into this one.
    await place.database.query(`ALTER DATABASE ${place.database.name} SET TimeZone = 'America/New_York'`)
    await place.database.query(`
      CREATE FUNCTION printed(anyelement) RETURNS text LANGUAGE sql SET TimeZone = 'UTC' SET lc_monetary = 'C'
        AS 'SELECT $1::text';
      ${TYPES.map(({ type, table }) => `CREATE TABLE ${table} (at integer, v ${type})`).join(';')}`)
    const log = await openLog(t, place, { onError: 'dead-letter' })
    await log.batch(TYPES.flatMap(changesOf))()

    const all = TYPES.flatMap(({ cases }) => cases)
    const refused = all.filter(({ printed }) => printed === null).length
    t.diagnostic(`${TYPES.length} types: ${all.length - refused} values written, ${refused} refused`)
    assert.deepEqual((await Promise.all(TYPES.map((type) => wrongOf(place, type)))).flat(), [])
    assert.equal((await log.deadLetters()).length, refused)
  })
}
