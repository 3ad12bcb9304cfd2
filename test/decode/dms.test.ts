import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Change, Numeric, type RawRecord, recordToJson, toJson } from '../../src/change.ts'
import type { Decoder } from '../../src/decode/decoder.ts'
import { type DmsOptions, isDms, readDms } from '../../src/decode/dms.ts'
import { parseObject } from '../../src/decode/json.ts'
import { anyCharacter } from '../support/any-character.ts'
import { type Captured, describeDecoder, type Refused } from './conformance.ts'

const SHARD = 'shardId-000000000007'
const SEQUENCE = '49600000000000000000000000000000000000000000000000000042'
const SOURCE = `"source":{"format":"dms","stream":"dms-feed","shard":"${SHARD}","sequence":"${SEQUENCE}"}`

const decodeWith = (options: Partial<DmsOptions>): Decoder => {
  const all = { stream: 'dms-feed', beforeImageField: 'before-image', ...options }
  return (record) => [readDms(parseObject(textOf(record)), textOf(record), record, all)]
}
const textOf = ({ data }: RawRecord): string => Buffer.from(data).toString()
const decode = decodeWith({})

function raw(data: string, more: Partial<RawRecord> = {}): RawRecord {
  return { shard: SHARD, sequence: SEQUENCE, arrivedAt: 1_767_300_000_500, data: Buffer.from(data), ...more }
}

type Members = Readonly<Record<string, unknown>>

/** The metadata of a record, members of `more` laid over it; undefined takes one away. */
const metadata = (more: Members): Members => ({
  timestamp: '2026-01-01T20:40:00.123456Z',
  'partition-key-type': 'schema-table',
  'schema-name': 'harbour',
  'table-name': 'berths',
  ...more,
})

/** A data record; `data` and `rest` are JSON text, so that they may hold any number. */
function row(operation: string, data: string, more: Members = {}, rest = ''): RawRecord {
  const described = JSON.stringify(metadata({ 'record-type': 'data', operation, ...more }))
  return raw(`{"data":${data}${rest},"metadata":${described}}`)
}

/** A control record; without `control` if that is null. */
function control(operation: string, payload: string | null, more: Members = {}): RawRecord {
  const described = JSON.stringify(
    metadata({ 'record-type': 'control', 'partition-key-type': 'task-id', operation, ...more }),
  )
  return raw(`{${payload === null ? '' : `"control":${payload},`}"metadata":${described}}`)
}

const TABLE = '"table":{"schema":"harbour","name":"berths"}'
const WHEN = '"version":"1767300000123456","time":"2026-01-01T20:40:00.123456Z"'
const WHEN_LOADED = '"version":"1767299970123456","time":"2026-01-01T20:40:00.123456Z"'

/** An update is never known to be whole. */
function says(op: Change['op'], before: string, after: string, rest = WHEN): readonly string[] {
  const complete = op !== 'update'
  return [
    `{"kind":"change","op":"${op}",${TABLE},"key":null,"before":${before},"after":${after},"complete":${complete},${rest},${SOURCE}}`,
  ]
}

const schema = (op: string, rest: string): readonly string[] => [
  `{"kind":"schema","op":"${op}",${TABLE},${rest},${SOURCE}}`,
]
const VERSION = '"version":"1767300000123456"'

const skip = (reason: string): readonly string[] => [`{"kind":"skip","reason":"${reason}",${SOURCE}}`]

/** An insert with this value in one column. */
const value = (title: string, json: string, expected = json): Captured => ({
  title,
  record: row('insert', `{"id":1,"v":${json}}`),
  says: says('insert', 'null', `{"id":1,"v":${expected}}`),
})

/** A `create-table` with columns of these types, in order. */
const types = (title: string, given: readonly string[], read: readonly string[]): Captured => ({
  title: `column types: ${title}`,
  record: control(
    'create-table',
    JSON.stringify({ 'table-def': { columns: Object.fromEntries(given.map((type, i) => [`c${i}`, { type }])) } }),
  ),
  says: schema(
    'create-table',
    `"columns":${JSON.stringify(read.map((type, i) => ({ name: `c${i}`, type, nullable: true })))},"primaryKey":[],${VERSION},` +
      `"payload":${JSON.stringify({ 'table-def': { columns: Object.fromEntries(given.map((type, i) => [`c${i}`, { type }])) } })}`,
  ),
})

const TRANSACTION: Members = {
  'transaction-id': 73014444195,
  'transaction-record-id': 3,
  'prev-transaction-id': 73014444101,
  'prev-transaction-record-id': 1,
  'commit-timestamp': '2026-01-01T20:39:59.900001Z',
  'stream-position': '0000002B/9C0040E8.3.0000002B/9C0040E8',
}

const BERTHS_DEF = `{"table-def":{"columns":{"port":{"type":"STRING","length":5,"nullable":false},"berth":{"type":"INT64","nullable":false},
  "depth":{"type":"DECIMAL","precision":28,"scale":6},"plan":{"type":"BINARY","nullable":true}},"primary-key":["port","berth"],"collation-name":"c"}}`
const BERTHS_PAYLOAD =
  '"payload":{"table-def":{"columns":{"port":{"type":"STRING","length":5,"nullable":false},"berth":{"type":"INT64","nullable":false},' +
  '"depth":{"type":"DECIMAL","precision":28,"scale":6},"plan":{"type":"BINARY","nullable":true}},"primary-key":["port","berth"],"collation-name":"c"}}'
const BERTHS_COLUMNS =
  '"columns":[{"name":"port","type":"text","nullable":false},{"name":"berth","type":"int64","nullable":false},' +
  '{"name":"depth","type":"numeric","nullable":true},{"name":"plan","type":"bytes","nullable":true}],"primaryKey":["port","berth"]'

const captured: Captured[] = [
  {
    title: 'a row of a load counts as 30 s older',
    record: row('load', '{"port":"SEGOT","berth":14,"depth":11.5,"lit":true,"vessel":null,"note":""}'),
    says: says(
      'load',
      'null',
      '{"port":"SEGOT","berth":14,"depth":11.5,"lit":true,"vessel":null,"note":""}',
      WHEN_LOADED,
    ),
  },
  {
    title: 'an insert, with its transaction',
    record: row('insert', '{"port":"SEGOT","berth":14}', TRANSACTION),
    says: says(
      'insert',
      'null',
      '{"port":"SEGOT","berth":14}',
      '"version":"1767300000123456","time":"2026-01-01T20:39:59.900001Z","transaction":{"id":"73014444195","record":"3",' +
        '"commitTime":"2026-01-01T20:39:59.900001Z","position":"0000002B/9C0040E8.3.0000002B/9C0040E8"}',
    ),
  },
  {
    title: 'an insert that only names its transaction, as without IncludeTransactionDetails',
    record: row('insert', '{"id":1}', { 'transaction-id': 14 }),
    says: says(
      'insert',
      'null',
      '{"id":1}',
      `${WHEN},"transaction":{"id":"14","record":null,"commitTime":null,"position":null}`,
    ),
  },
  {
    title: 'a transaction by a number that a double cannot hold, and members that are empty',
    record: raw(
      textOf(
        row('insert', '{"id":1}', { 'transaction-id': 'ID', 'commit-timestamp': '', 'stream-position': null }),
      ).replace('"ID"', '18446744073709551615'),
    ),
    says: says(
      'insert',
      'null',
      '{"id":1}',
      `${WHEN},"transaction":{"id":"18446744073709551615","record":null,"commitTime":null,"position":null}`,
    ),
  },
  {
    title: 'a transaction by text',
    record: row('insert', '{"id":1}', { 'transaction-id': '0A1B.3', 'commit-timestamp': '2026-01-01T20:39:59Z' }),
    says: says(
      'insert',
      'null',
      '{"id":1}',
      '"version":"1767300000123456","time":"2026-01-01T20:39:59Z",' +
        '"transaction":{"id":"0A1B.3","record":null,"commitTime":"2026-01-01T20:39:59Z","position":null}',
    ),
  },
  {
    title: 'an update without before image',
    record: row('update', '{"port":"SEGOT","berth":14,"vessel":null}'),
    says: says('update', 'null', '{"port":"SEGOT","berth":14,"vessel":null}'),
  },
  {
    title: 'an update with an empty before image: the key is unchanged',
    record: row('update', '{"berth":14}', {}, ',"before-image":{}'),
    says: says('update', 'null', '{"berth":14}'),
  },
  {
    title: 'an update with a before image that is null',
    record: row('update', '{"berth":14}', {}, ',"before-image":null'),
    says: says('update', 'null', '{"berth":14}'),
  },
  {
    title: 'an update of the key; what the before image lacks is not filled in',
    record: row('update', '{"port":"SEGOT","berth":15,"depth":9}', {}, ',"before-image":{"berth":14}'),
    says: says('update', '{"berth":14}', '{"port":"SEGOT","berth":15,"depth":9}'),
  },
  {
    title: 'an update with the whole old row, nulls included',
    record: row(
      'update',
      '{"berth":14,"vessel":"MV Tern"}',
      {},
      ',"before-image":{"berth":14,"vessel":null,"note":""}',
    ),
    says: says('update', '{"berth":14,"vessel":null,"note":""}', '{"berth":14,"vessel":"MV Tern"}'),
  },
  {
    title: 'an insert with a before image of nulls alone',
    record: row('insert', '{"berth":14}', {}, ',"before-image":{"berth":null,"depth":null}'),
    says: says('insert', 'null', '{"berth":14}'),
  },
  {
    title: 'an insert with a before image that is null',
    record: row('insert', '{"berth":14}', {}, ',"before-image":null'),
    says: says('insert', 'null', '{"berth":14}'),
  },
  {
    title: 'an insert and a load with an empty before image',
    record: row('insert', '{"berth":14}', {}, ',"before-image":{}'),
    says: says('insert', 'null', '{"berth":14}'),
  },
  {
    title: 'a delete whose columns other than the key are padded with nulls',
    record: row('delete', '{"port":"SEGOT","berth":14,"depth":null,"vessel":null}'),
    says: says('delete', '{"port":"SEGOT","berth":14}', 'null'),
  },
  {
    title: 'a delete with the key alone',
    record: row('delete', '{"berth":0,"port":"","lit":false}'),
    says: says('delete', '{"berth":0,"port":"","lit":false}', 'null'),
  },
  {
    title: 'a delete with the whole old row',
    record: row('delete', '{"berth":14,"vessel":"MV Tern","note":null}'),
    says: says('delete', '{"berth":14,"vessel":"MV Tern"}', 'null'),
  },
  {
    title: 'a delete with a before image: old values in both',
    record: row('delete', '{"berth":14,"port":null}', {}, ',"before-image":{"port":"SEGOT","note":null}'),
    says: says('delete', '{"berth":14,"port":"SEGOT"}', 'null'),
  },
  {
    title: 'a delete that names nothing',
    record: row('delete', '{"berth":null}'),
    says: says('delete', 'null', 'null'),
  },
  {
    title: 'a row whose columns are all null and left out',
    record: row('insert', '{}'),
    says: says('insert', 'null', '{}'),
  },
  {
    title: 'a document mapping: the columns are in _doc, in the before image too',
    record: row(
      'update',
      '{"_doc":{"berth":15,"depth":1.00000000000000000001}}',
      {},
      ',"before-image":{"_doc":{"berth":14}}',
    ),
    says: says('update', '{"berth":14}', '{"berth":15,"depth":1.00000000000000000001}'),
  },
  {
    title: 'an empty document',
    record: row('insert', '{"_doc":{}}'),
    says: says('insert', 'null', '{}'),
  },
  {
    title: 'a column _doc beside others',
    record: row('insert', '{"_doc":{"a":1},"b":2}'),
    says: says('insert', 'null', '{"_doc":{"a":1},"b":2}'),
  },
  {
    title: 'a column _doc that is text',
    record: row('insert', '{"_doc":"{}"}'),
    says: says('insert', 'null', '{"_doc":"{}"}'),
  },
  {
    title: 'a column _doc that is a number of many digits',
    record: row('insert', '{"_doc":12345678901234567890}'),
    says: says('insert', 'null', '{"_doc":12345678901234567890}'),
  },
  {
    title: 'attributes mapped to documents',
    record: row(
      'insert',
      '{"id":1,"Contact":{"Mail":"ana@example.org","Phones":["555-0100",null,{"n":9007199254740993}]}}',
    ),
    says: says(
      'insert',
      'null',
      '{"id":1,"Contact":{"Mail":"ana@example.org","Phones":["555-0100",null,{"n":9007199254740993}]}}',
    ),
  },
  {
    title: 'columns that a rule made of before images are columns like others, unless their prefix is given',
    record: row('update', '{"id":1,"BI_id":2}'),
    says: says('update', 'null', '{"id":1,"BI_id":2}'),
  },
  {
    title: 'pretty-printed',
    record: raw(
      '{\n\t"data":\t{\n\t\t"berth":\t14,\n\t\t"depth":\t12345678901234567.125,\n\t\t"plan":\t"a\\tb"\n\t},\n\t"metadata":\t{\n' +
        '\t\t"timestamp":\t"2026-01-01T20:40:00.123456Z",\n\t\t"record-type":\t"data",\n\t\t"operation":\t"insert",\n' +
        '\t\t"partition-key-type":\t"primary-key",\n\t\t"schema-name":\t"harbour",\n\t\t"table-name":\t"berths"\n\t}\n}',
    ),
    says: says('insert', 'null', '{"berth":14,"depth":12345678901234567.125,"plan":"a\\tb"}'),
  },
  {
    title: 'one line, with a delimiter behind it',
    record: raw(`${textOf(row('insert', '{"berth":14}'))}\r\n`),
    says: says('insert', 'null', '{"berth":14}'),
  },
  {
    title: 'members in another order, unknown ones, and what a dump added',
    record: raw(
      '{"kinesis":{"shardId":"x"},"metadata":{"table-name":"berths","new":{"a":1},"schema-name":"harbour","operation":"insert",' +
        '"record-type":"data","timestamp":"2026-01-01T20:40:00.123456Z"},"extra":1e999,"data":{"berth":14}}',
    ),
    says: says('insert', 'null', '{"berth":14}'),
  },
  {
    title: 'inside an aggregated record',
    record: { ...row('insert', '{"berth":14}'), subSequence: 0 },
    says: [
      says('insert', 'null', '{"berth":14}')[0]!.replace(
        `"sequence":"${SEQUENCE}"`,
        `"sequence":"${SEQUENCE}","subSequence":0`,
      ),
    ],
  },
  {
    title: 'a record from a file tells where it stood before',
    record: {
      ...row('insert', '{"berth":14}'),
      shard: 'file',
      sequence: '17',
      origin: { shard: SHARD, sequence: SEQUENCE },
    },
    says: says('insert', 'null', '{"berth":14}'),
  },
  {
    title: 'names of tables are not interpreted',
    record: row('insert', '{"id":1}', { 'schema-name': 'a.b', 'table-name': 'My "Table"\n__proto__' }),
    says: [
      says('insert', 'null', '{"id":1}')[0]!.replace(
        TABLE,
        '"table":{"schema":"a.b","name":"My \\"Table\\"\\n__proto__"}',
      ),
    ],
  },
  {
    title: 'a table that is named a little like those of DMS',
    record: row('insert', '{"id":1}', { 'table-name': 'my_awsdms_status' }),
    says: [says('insert', 'null', '{"id":1}')[0]!.replace('"name":"berths"', '"name":"my_awsdms_status"')],
  },

  ...[
    ['2026-01-01T20:40:00Z', '1767300000000000', '2026-01-01T20:40:00Z'],
    ['2026-01-01T20:40:00.5Z', '1767300000500000', '2026-01-01T20:40:00.5Z'],
    ['2026-01-01T20:40:00.123Z', '1767300000123000', '2026-01-01T20:40:00.123Z'],
    ['2026-01-01T20:40:00.1234Z', '1767300000123400', '2026-01-01T20:40:00.1234Z'],
    ['2026-01-01T20:40:00.000001Z', '1767300000000001', '2026-01-01T20:40:00.000001Z'],
    ['2026-01-01T20:40:00.999999999Z', '1767300000999999', '2026-01-01T20:40:00.999999Z'],
    ['2016-03-15T00:00:00.000000Z', '1458000000000000', '2016-03-15T00:00:00.000000Z'],
  ].map(
    ([timestamp, version, time]): Captured => ({
      title: `made at ${timestamp}`,
      record: row('update', '{"id":1}', { timestamp }),
      says: says('update', 'null', '{"id":1}', `"version":"${version}","time":"${time}"`),
    }),
  ),

  value('integers', '[0,-1,32767,2147483647,9007199254740991]'),
  value('a bigint, with UseLargeIntegerValue', '9007199254740993'),
  value('the greatest and the smallest bigint', '[9223372036854775807,-9223372036854775808,18446744073709551615]'),
  value('38 digits', '12345678901234567890123456789012345678'),
  value('38 digits behind the point', '-0.12345678901234567890123456789012345678'),
  value('a numeric with zeros at its end', '[19.90,0.50,100.0,5]', '[19.9,0.5,100,5]'),
  value('a long numeric with zeros at its end', '12345678901234567.8900', '12345678901234567.89'),
  value('a real, as DMS prints it', '[2.20000005,55,0]'),
  value(
    'a double of 17 digits',
    '[0.10000000000000001,3.1415926535897931,0.1]',
    '[0.10000000000000001,3.1415926535897931,0.1]',
  ),
  value('a double of 16 digits is one', '[3.141592653589793,2.718281828459045]'),
  value('small and large doubles', '[1.5e-7,2.5E+3,1e21]', '[1.5e-7,2500,1e+21]'),
  value('booleans and text that looks like one', '[true,false,"true","false"]'),
  value('null is not absent, empty text is neither', '[null,""]'),
  value('bytes stay the text they are', '"0xDEADbeef"'),
  value('JSON stays the text it is', '"{\\"a\\": 12345678901234567890, \\"b\\":1e5 }"'),
  value('text that looks like a long number', '["12345678901234567890",", 12345678901234567890,","1e5"]'),
  value('times stay text', '["2026-01-01","2026-01-01T20:40:00Z","00:00:01.02999","-1 days -01:42:30"]'),
  value('text as UTF-8 and as escapes', '"Крысы \\u041a 😀 \\ud83d\\ude00"', '"Крысы К 😀 😀"'),
  value('text with U+0000 and half a surrogate pair', '"\\u0000\\ud83d"'),
  value('1000 levels', `${'['.repeat(1000)}1${']'.repeat(1000)}`),
  {
    title: 'columns named like properties of objects',
    record: row(
      'update',
      '{"__proto__":1,"constructor":"c","toString":null,"hasOwnProperty":{"__proto__":{"toJSON":1}},"data":1,"metadata":2,"":3}',
      {},
      ',"before-image":{"__proto__":2}',
    ),
    says: says(
      'update',
      '{"__proto__":2}',
      '{"__proto__":1,"constructor":"c","toString":null,"hasOwnProperty":{"__proto__":{"toJSON":1}},"data":1,"metadata":2,"":3}',
    ),
  },
  {
    title: 'columns named like properties of objects, with exact numbers',
    record: row(
      'delete',
      '{"__proto__":12345678901234567890,"constructor":null,"toString":{"__proto__":0.10000000000000000001}}',
    ),
    says: says('delete', '{"__proto__":12345678901234567890,"toString":{"__proto__":0.10000000000000000001}}', 'null'),
  },

  {
    title: 'drop-table counts as 30 s older',
    record: control('drop-table', '{}'),
    says: schema('drop-table', '"version":"1767299970123456","payload":{}'),
  },
  {
    title: 'create-table',
    record: control('create-table', BERTHS_DEF),
    says: schema('create-table', `${BERTHS_COLUMNS},${VERSION},${BERTHS_PAYLOAD}`),
  },
  {
    title: 'create-table of a table without primary key',
    record: control('create-table', '{"table-def":{"columns":{"n":{"type":"INT16","nullable":true}}}}'),
    says: schema(
      'create-table',
      `"columns":[{"name":"n","type":"int16","nullable":true}],"primaryKey":[],${VERSION},` +
        '"payload":{"table-def":{"columns":{"n":{"type":"INT16","nullable":true}}}}',
    ),
  },
  {
    title: 'create-table without IncludeControlDetails: columns and key are not known',
    record: control('create-table', null),
    says: schema('create-table', `${VERSION},"payload":null`),
  },
  {
    title: 'create-table with empty details',
    record: control('create-table', '{}'),
    says: schema('create-table', `${VERSION},"payload":{}`),
  },
  {
    title: 'columns named like properties of objects in a create-table',
    record: control(
      'create-table',
      '{"table-def":{"columns":{"__proto__":{"type":"BOOL"},"constructor":{"type":"toString"}},"primary-key":["__proto__"]}}',
    ),
    says: schema(
      'create-table',
      '"columns":[{"name":"__proto__","type":"boolean","nullable":true},{"name":"constructor","type":"text","nullable":true}],' +
        `"primaryKey":["__proto__"],${VERSION},"payload":{"table-def":{"columns":{"__proto__":{"type":"BOOL"},"constructor":{"type":"toString"}},"primary-key":["__proto__"]}}`,
    ),
  },
  ...['rename-table', 'change-columns', 'add-column', 'drop-column', 'rename-column', 'column-type-change'].flatMap(
    (operation): Captured[] => [
      {
        title: `${operation} without details`,
        record: control(operation, null),
        says: schema(operation, `${VERSION},"payload":null`),
      },
      {
        title: `${operation} with details of an unknown shape, kept with all digits`,
        record: control(
          operation,
          '{"old":["a",12345678901234567890],"table-def":[1],"columns":{"x":{"type":"INT8"}}}',
        ),
        says: schema(
          operation,
          `${VERSION},"payload":{"old":["a",12345678901234567890],"table-def":[1],"columns":{"x":{"type":"INT8"}}}`,
        ),
      },
      {
        title: `${operation} with the definition of a column; no key is named, so none is known`,
        record: control(operation, '{"table-def":{"columns":{"lit":{"type":"BOOL"}}}}'),
        says: schema(
          operation,
          `"columns":[{"name":"lit","type":"boolean","nullable":true}],${VERSION},"payload":{"table-def":{"columns":{"lit":{"type":"BOOL"}}}}`,
        ),
      },
      {
        title: `${operation} with a key`,
        record: control(operation, '{"table-def":{"columns":{"lit":{}},"primary-key":["id"]}}'),
        says: schema(
          operation,
          `"primaryKey":["id"],${VERSION},"payload":{"table-def":{"columns":{"lit":{}},"primary-key":["id"]}}`,
        ),
      },
    ],
  ),
  {
    title: 'details that are no object',
    record: control('add-column', '"ALTER"'),
    says: schema('add-column', `${VERSION},"payload":"ALTER"`),
  },

  types(
    'the names of Parquet',
    ['BOOL', 'INT8', 'INT16', 'INT32', 'INT64', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'FLOAT', 'DOUBLE', 'DECIMAL'],
    [
      'boolean',
      'int8',
      'int16',
      'int32',
      'int64',
      'uint8',
      'uint16',
      'uint32',
      'uint64',
      'float32',
      'float64',
      'numeric',
    ],
  ),
  types(
    'the other names of Parquet',
    ['STRING', 'BINARY', 'DATE32', 'TIME32', 'TIMESTAMP', 'INT8'],
    ['text', 'bytes', 'date', 'time', 'timestamp', 'int8'],
  ),
  types(
    "DMS's own names",
    ['BOOLEAN', 'INT1', 'INT2', 'INT4', 'INT8', 'UINT1', 'UINT2', 'UINT4', 'UINT8', 'REAL4', 'REAL8', 'NUMERIC'],
    [
      'boolean',
      'int8',
      'int16',
      'int32',
      'int64',
      'uint8',
      'uint16',
      'uint32',
      'uint64',
      'float32',
      'float64',
      'numeric',
    ],
  ),
  types(
    "DMS's other own names",
    ['STRING', 'WSTRING', 'CLOB', 'NCLOB', 'BYTES', 'BLOB', 'DATE', 'TIME', 'DATETIME', 'INT8'],
    ['text', 'text', 'text', 'text', 'bytes', 'bytes', 'date', 'time', 'timestamp', 'int64'],
  ),
  types(
    'INT8 where no other name tells: eight bytes lose nothing',
    ['INT8', 'UINT8', 'STRING'],
    ['int64', 'uint64', 'text'],
  ),
  types('INT8 where names of both kinds stand', ['INT8', 'INT32', 'WSTRING'], ['int64', 'int32', 'text']),
  types(
    'unknown names are text',
    ['JSON', 'int32', '', 'INT8', '__proto__'],
    ['text', 'text', 'text', 'int64', 'text'],
  ),

  ...(
    [
      ['insert', 'awsdms_apply_exceptions', 'dms-apply-exception'],
      ['update', 'awsdms_apply_exceptions', 'dms-apply-exception'],
      ['load', 'awsdms_apply_exceptions', 'dms-apply-exception'],
      ['delete', 'awsdms_apply_exceptions', 'dms-bookkeeping'],
      ['insert', 'awsdms_suspended_tables', 'dms-suspended-table'],
      ['update', 'awsdms_suspended_tables', 'dms-suspended-table'],
      ['load', 'AWSDMS_SUSPENDED_TABLES', 'dms-suspended-table'],
      ['delete', 'awsdms_suspended_tables', 'dms-bookkeeping'],
      ['update', 'awsdms_status', 'dms-bookkeeping'],
      ['insert', 'awsdms_history', 'dms-bookkeeping'],
      ['insert', 'awsdms_full_load_exceptions', 'dms-load-exception'],
      ['create-table', 'awsdms_full_load_exceptions', 'dms-bookkeeping'],
      ['insert', 'awsdms_txn_state', 'dms-bookkeeping'],
      ['insert', 'awsdms_validation_failures_v2', 'dms-bookkeeping'],
      ['insert', 'awsdms_heartbeat', 'dms-bookkeeping'],
      ['insert', 'AWSDMS_DDL_AUDIT', 'dms-bookkeeping'],
    ] as const
  ).flatMap(([operation, table, reason]): Captured[] => [
    {
      title: `${operation} in ${table}`,
      record: row(operation, '{"ERROR":"x"}', { 'schema-name': '', 'table-name': table }),
      says: skip(reason),
    },
    {
      title: `${operation} in ${table}, with a ControlSchema`,
      record: row(operation, '{"ERROR":"x"}', { 'schema-name': 'ops', 'table-name': table }),
      says: skip(reason),
    },
  ]),
  {
    title: 'create-table of a table of DMS',
    record: control('create-table', BERTHS_DEF, { 'schema-name': '', 'table-name': 'awsdms_apply_exceptions' }),
    says: skip('dms-bookkeeping'),
  },
  {
    title: 'anything of a table of DMS, however odd',
    record: raw('{"metadata":{"operation":"vacuum","table-name":"awsdms_status"},"data":7}'),
    says: skip('dms-bookkeeping'),
  },
  {
    title: 'a mark of the task',
    record: control('restart', null, { 'schema-name': '', 'table-name': '' }),
    says: skip('dms-task-event'),
  },
  {
    title: 'a mark of the task without names',
    record: control('create-table', '{}', { 'schema-name': undefined, 'table-name': null }),
    says: skip('dms-task-event'),
  },
]

const refusedRow = (
  title: string,
  record: RawRecord,
  words: string,
  code: Refused['code'] = 'DECODE_EVENT',
): Refused => ({
  title,
  record,
  code,
  words,
})

const refused: Refused[] = [
  refusedRow('an unknown operation', row('truncate', '{}'), 'metadata.operation is "truncate"'),
  refusedRow('an unknown control operation', control('truncate-table', '{}'), 'metadata.operation is "truncate-table"'),
  refusedRow('an operation in upper case', row('INSERT', '{}'), '"INSERT"'),
  refusedRow('an operation named like a property of objects', row('constructor', '{}'), '"constructor"'),
  refusedRow('no operation', row('insert', '{}', { operation: undefined }), 'metadata.operation is missing'),
  refusedRow('an operation that is a number', row('insert', '{}', { operation: 1 }), 'metadata.operation is a number'),
  refusedRow(
    'an operation that is a long number',
    raw('{"metadata":{"operation":12345678901234567890}}'),
    'metadata.operation is a number',
  ),
  refusedRow(
    'metadata that is text',
    raw('{"metadata":"secret","data":{}}'),
    'metadata is a string of 6 characters, not an object',
  ),
  refusedRow(
    'metadata that is a long number',
    raw('{"metadata":12345678901234567890}'),
    'metadata is a number, not an object',
  ),

  refusedRow(
    'a control record with the operation of a row',
    control('insert', '{}'),
    'metadata.record-type is "control", but insert is an operation of "data" records',
  ),
  refusedRow(
    'a data record with the operation of a table',
    row('drop-table', '{}'),
    'metadata.record-type is "data", but drop-table is an operation of "control" records',
  ),
  refusedRow('no record-type', row('insert', '{}', { 'record-type': undefined }), 'metadata.record-type is missing'),
  refusedRow(
    'a mark of the task as data record',
    row('insert', '{}', { 'schema-name': '', 'table-name': '' }),
    'schema-name',
  ),

  refusedRow('no schema', row('insert', '{}', { 'schema-name': undefined }), 'metadata.schema-name is missing'),
  refusedRow('an empty schema', row('insert', '{}', { 'schema-name': '' }), 'metadata.schema-name is a string of 0'),
  refusedRow(
    'a control record of a table without schema',
    control('drop-table', '{}', { 'schema-name': '' }),
    'metadata.schema-name is a string of 0',
  ),
  refusedRow('no table', control('drop-table', '{}', { 'table-name': undefined }), 'metadata.table-name is missing'),
  refusedRow('a table that is a number', row('insert', '{}', { 'table-name': 5 }), 'metadata.table-name is a number'),

  ...['load', 'insert', 'update', 'delete'].flatMap((operation) => [
    refusedRow(
      `${operation} with data that is text`,
      row(operation, '"secret"'),
      'data is a string of 6 characters, not an object',
    ),
    refusedRow(
      `${operation} with data that is an array`,
      row(operation, '[{"id":1}]'),
      'data is an array of 1 members',
    ),
    refusedRow(`${operation} with data that is null`, row(operation, 'null'), 'data is null'),
    refusedRow(
      `${operation} with data that is a long number`,
      row(operation, '12345678901234567890'),
      'data is a number',
    ),
    refusedRow(
      `${operation} without data`,
      raw(textOf(row(operation, '{}')).replace('"data":{},', '')),
      'data is missing, not an object',
    ),
  ]),
  refusedRow(
    'a before image that is text',
    row('update', '{"id":1}', {}, ',"before-image":"secret"'),
    'before-image is a string of 6 characters, not an object',
  ),
  refusedRow(
    'an insert with old values',
    row('insert', '{"id":1}', {}, ',"before-image":{"id":1}'),
    'The insert has old values in before-image',
  ),
  refusedRow(
    'an insert with one old value among nulls',
    row('insert', '{"id":1}', {}, ',"before-image":{"a":null,"id":1}'),
    'The insert has old values in before-image',
  ),
  refusedRow(
    'a load with old values',
    row('load', '{"id":1}', {}, ',"before-image":{"id":1}'),
    'The load has old values',
  ),

  ...[
    undefined,
    null,
    '',
    1767300000123456,
    'secret',
    '2026-01-01 20:40:00Z',
    '2026-01-01T20:40:00',
    '2026-01-01T20:40:00.Z',
    '2026-01-01T20:40:00.1234567890Z',
    '2026-01-01T20:40:00+00:00',
    '2026-13-01T20:40:00Z',
    '2026-02-29T20:40:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T20:40:60Z',
    '2026-01-32T20:40:00Z',
    '2026-01-01T25:40:00Z',
    '+022026-01-01T20:40:00Z',
    ' 2026-01-01T20:40:00Z',
  ].flatMap((timestamp) => [
    refusedRow(
      `the time ${JSON.stringify(timestamp)}`,
      row('insert', '{"id":1}', { timestamp }),
      'metadata.timestamp is',
      'DECODE_TIME',
    ),
    refusedRow(
      `the time ${JSON.stringify(timestamp)} of a control record`,
      control('add-column', '{}', { timestamp }),
      'metadata.timestamp is',
      'DECODE_TIME',
    ),
  ]),
  ...['2015-12-31T23:59:59.999999Z', '1970-01-01T00:00:00Z', '0001-01-01T00:00:00Z'].map((timestamp) =>
    refusedRow(
      `the time ${timestamp}`,
      row('insert', '{}', { timestamp }),
      `metadata.timestamp is in ${timestamp.slice(0, 4)}, before DMS existed`,
      'DECODE_TIME',
    ),
  ),
  ...['2255-06-05T23:47:34.740992Z', '9026-11-08T08:00:13.801845Z'].map((timestamp) =>
    refusedRow(
      `the time ${timestamp}`,
      row('insert', '{}', { timestamp }),
      `metadata.timestamp is in ${timestamp.slice(0, 4)}, later than versions can tell`,
      'DECODE_TIME',
    ),
  ),
  ...['secret', '2026-01-01T20:39:59.Z', '2026-02-30T20:39:59Z', '1767300000'].map((time) =>
    refusedRow(
      `the commit time ${time}`,
      row('insert', '{}', { ...TRANSACTION, 'commit-timestamp': time }),
      `metadata.commit-timestamp is a string of ${time.length} characters, no time`,
      'DECODE_TIME',
    ),
  ),
  refusedRow(
    'a transaction that is an object',
    row('insert', '{}', { 'transaction-id': {} }),
    'metadata.transaction-id is an object, neither text nor a number',
  ),

  refusedRow(
    '1001 levels',
    row('insert', `{"a":1,"v":${'['.repeat(1001)}${']'.repeat(1001)}}`),
    'data.v is nested deeper than 1000 levels',
    'DECODE_VALUE',
  ),
  refusedRow(
    '200,000 levels',
    row('insert', `{"a b":${'['.repeat(2e5)}${']'.repeat(2e5)}}`),
    'data."a b" is nested deeper',
    'DECODE_VALUE',
  ),
  refusedRow(
    '200,000 levels and a long number',
    row('insert', `{"v":${'['.repeat(2e5)}12345678901234567890${']'.repeat(2e5)}}`),
    'is nested deeper than 1000 levels',
    'DECODE_VALUE',
  ),
  refusedRow(
    'an exponent that would fill the memory',
    row('update', '{"id":1}', {}, ',"before-image":{"v":{"x":[1e999999]}}'),
    'before-image.v has a number with an exponent beyond 1000',
    'DECODE_VALUE',
  ),
  refusedRow(
    'an exponent that is nearly nothing',
    row('insert', '{"v":1e-9999}'),
    'data.v has a number with an exponent',
    'DECODE_VALUE',
  ),
  refusedRow(
    'an enormous name',
    row('insert', `{"${'n'.repeat(60_000)}":1e9999}`),
    `data."${'n'.repeat(80)}" has`,
    'DECODE_VALUE',
  ),

  refusedRow(
    'a table-def that is text',
    control('create-table', '{"table-def":"secret"}'),
    'control.table-def is a string of 6 characters, not an object',
  ),
  refusedRow(
    'a table-def that is null',
    control('create-table', '{"table-def":null}'),
    'control.table-def is null, not an object',
  ),
  refusedRow(
    'a table-def without columns',
    control('create-table', '{"table-def":{}}'),
    'control.table-def.columns has an unknown shape',
  ),
  refusedRow(
    'columns that are a list',
    control('create-table', '{"table-def":{"columns":[]}}'),
    'control.table-def.columns has',
  ),
  refusedRow(
    'a column without type',
    control('create-table', '{"table-def":{"columns":{"a":{"length":5}}}}'),
    'control.table-def.columns has',
  ),
  refusedRow(
    'a column that is text',
    control('create-table', '{"table-def":{"columns":{"a":"INT4"}}}'),
    'control.table-def.columns has',
  ),
  refusedRow(
    'a primary key that is text',
    control('create-table', '{"table-def":{"columns":{},"primary-key":"id"}}'),
    'control.table-def.primary-key has an unknown shape',
  ),
  refusedRow(
    'a primary key of numbers',
    control('create-table', '{"table-def":{"columns":{},"primary-key":["id",1]}}'),
    'control.table-def.primary-key has',
  ),
]

describeDecoder('dms', decode, { captured, refused })

describeDecoder('dms, before images by another name', decodeWith({ beforeImageField: 'was' }), {
  captured: [
    {
      title: 'that name',
      record: row('update', '{"id":1}', {}, ',"was":{"id":2}'),
      says: says('update', '{"id":2}', '{"id":1}'),
    },
    {
      title: 'the customary name means nothing',
      record: row('update', '{"id":1}', {}, ',"before-image":{"id":2}'),
      says: says('update', 'null', '{"id":1}'),
    },
  ],
  refused: [refusedRow('a number', row('update', '{"id":1}', {}, ',"was":5'), 'was is a number, not an object')],
})

describeDecoder('dms, before images in columns', decodeWith({ beforeImagePrefix: 'BI_' }), {
  captured: [
    {
      title: 'an update',
      record: row('update', '{"id":2,"BI_id":1,"v":"a","BI_v":null,"BI_":3}'),
      says: says('update', '{"id":1,"v":null}', '{"id":2,"v":"a","BI_":3}'),
    },
    { title: 'an update without any', record: row('update', '{"id":2}'), says: says('update', 'null', '{"id":2}') },
    {
      title: 'an update, mapped to a document',
      record: row('update', '{"_doc":{"id":2,"BI_id":1}}'),
      says: says('update', '{"id":1}', '{"id":2}'),
    },
    {
      title: 'an update with a before image beside them',
      record: row('update', '{"id":2,"BI_id":1}', {}, ',"before-image":{"id":3}'),
      says: says('update', '{"id":3}', '{"id":2}'),
    },
    {
      title: 'a delete',
      record: row('delete', '{"id":2,"v":null,"BI_id":2,"BI_v":"a"}'),
      says: says('delete', '{"id":2,"v":"a"}', 'null'),
    },
    {
      title: 'an insert and a load have no row before them',
      record: row('insert', '{"id":2,"BI_id":null,"BI_v":"a","v":"a"}'),
      says: says('insert', 'null', '{"id":2,"v":"a"}'),
    },
    {
      title: 'a definition',
      record: control(
        'create-table',
        '{"table-def":{"columns":{"id":{"type":"INT32"},"BI_id":{"type":"INT32"}},"primary-key":["id"]}}',
      ),
      says: [
        `{"kind":"schema","op":"create-table",${TABLE},"columns":[{"name":"id","type":"int32","nullable":true}],"primaryKey":["id"],` +
          `"version":"1767300000123456","payload":{"table-def":{"columns":{"id":{"type":"INT32"},"BI_id":{"type":"INT32"}},"primary-key":["id"]}},${SOURCE}}`,
      ],
    },
  ],
  refused: [],
})

test('dms: old values in columns keep their digits, and are noted under the column that they are of', () => {
  const [change] = decodeWith({ beforeImagePrefix: 'BI_' })(row('update', '{"id":2,"BI_id":1.25e18}')) as [Change]
  assert.deepEqual(change.inExponentForm, ['id'])
})

test('dms: an object that may be a before image is noted, one that holds no column is not', () => {
  const noted = (operation: string, data: string, rest: string) => changeOf(row(operation, data, {}, rest)).unreadImage
  assert.equal(noted('update', '{"id":2,"v":1}', ',"custom-field":{"id":1}'), 'custom-field')
  assert.equal(noted('delete', '{"id":2}', ',"was":{"v":7,"id":1}'), 'was')
  assert.equal(noted('update', '{"_doc":{"id":2}}', ',"was":{"_doc":{"id":1}}'), 'was')
  assert.equal(noted('update', '{"id":2}', ',"kinesis":{"shardId":"s","sequenceNumber":"1"}'), undefined)
  assert.equal(noted('update', '{"id":2}', ',"custom-field":{},"text":"id","list":["id"]'), undefined)
  assert.equal(noted('update', '{"id":2}', ',"before-image":{"id":1},"custom-field":{"id":1}'), undefined)
  assert.equal(noted('insert', '{"id":2}', ',"custom-field":{"id":1}'), undefined)
})

for (const beforeImageField of ['constructor', '__proto__', 'toString']) {
  describeDecoder(`dms, before images by the name ${beforeImageField}`, decodeWith({ beforeImageField }), {
    captured: [
      {
        title: 'that name',
        record: row('update', '{"id":1}', {}, `,"${beforeImageField}":{"id":2}`),
        says: says('update', '{"id":2}', '{"id":1}'),
      },
      { title: 'no before image', record: row('update', '{"id":1}'), says: says('update', 'null', '{"id":1}') },
    ],
    refused: [],
  })
}

test('dms: a record is one of DMS by its metadata alone', () => {
  const is = (json: string): boolean => isDms(parseObject(json))
  assert.equal(is(textOf(row('insert', '{}'))), true)
  assert.equal(is('{"metadata":{"operation":"create-table"}}'), true)
  assert.equal(is('{"metadata":{"record-type":"control"}}'), true)
  assert.equal(is('{"metadata":{"name":"a manifest"},"data":{},"control":{}}'), false)
  assert.equal(is('{"metadata":null,"data":{}}'), false)
  assert.equal(is('{"data":{},"operation":"insert","record-type":"data"}'), false)
  assert.equal(is('{"metadata":"operation"}'), false)
})

test('dms: no value ever stands in a message', () => {
  for (const { record, title } of refused) {
    try {
      decode(record)
    } catch (error) {
      assert.ok(!String(error).includes('secret'), title)
    }
  }
})

test('dms: no name means anything to a row', () => {
  const { after, before } = changeOf(row('update', '{"id":1,"v":{}}', {}, ',"before-image":{"id":2}'))
  assert.equal(after!.toString, undefined)
  assert.equal(before!.constructor, undefined)
  assert.equal((after!.v as Record<string, unknown>).toString, undefined)
})

test('dms: whole numbers in exponent form are noted by their column, for the type of the column says what they are', () => {
  const noted = (record: RawRecord): readonly string[] | undefined => changeOf(record).inExponentForm
  assert.deepEqual(
    noted(row('insert', '{"a":1.234567890123457e+18,"b":1e15,"c":1.5e-7,"d":2.5,"e":1234567890123456789}')),
    ['a', 'b'],
  )
  assert.deepEqual(noted(row('update', '{"id":1}', {}, ',"before-image":{"id":1.5E18}')), ['id'])
  assert.deepEqual(noted(row('delete', '{"_doc":{"id":9e18}}')), ['id'])
  assert.equal(noted(row('insert', '{"doc":{"a":1e18},"list":[1e18],"text":"1e18",":1e5":1}')), undefined)
  assert.equal(noted(row('insert', '{"a":1}')), undefined)
  // All of these show each of their digits, or have too few to have lost one.
  const whole = changeOf(
    row('insert', '{"a":1.0e+02,"b":1.0000000000000000e+02,"c":-1.234567890123456789e18,"d":1e3,"e":0e9}'),
  )
  assert.equal(whole.inExponentForm, undefined)
  assert.equal(toJson(whole.after), '{"a":100,"b":100,"c":-1234567890123456789,"d":1000,"e":0}')
  const { after } = changeOf(row('insert', '{"a":1.2345678901234567891e+18,"b":1.5e18}'))
  assert.deepEqual(after!.a, new Numeric('1234567890123456789.1'))
  assert.equal(after!.b, 1.5e18)
})

test('dms: however a record is padded and laid out, it says the same', () => {
  const whitespace = fc.stringMatching(/^[ \t\r\n]{0,3}$/)
  const record = textOf(row('update', '{"id":12345678901234567890,"t":"a"}', TRANSACTION, ',"before-image":{"id":7}'))
  const tokens = record.match(/"[^"]*"|[{}:,]|[^"{}:,]+/g)!
  const expected = recordToJson(changeOf(raw(record)))
  fc.assert(
    fc.property(fc.array(whitespace, { minLength: tokens.length, maxLength: tokens.length }), (gaps) => {
      const padded = tokens.map((token, i) => gaps[i] + token).join('')
      assert.equal(recordToJson(changeOf(raw(`${padded}\n`))), expected)
    }),
    { verbose: 1 },
  )
})

test('dms: any row comes out as it went in, whatever its names, and a delete without its nulls', () => {
  const leaf = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.string({ unit: anyCharacter }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  )
  const name = fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: anyCharacter, maxLength: 6 }) },
    { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'toJSON', '_doc', '1', '') },
  )
  let nulls = 0
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, leaf), { selector: ([column]) => column, maxLength: 12 }), (columns) => {
      const write = (members: typeof columns): string =>
        `{${members.map(([column, cell]) => `${JSON.stringify(column)}:${toJson(cell)}`).join(',')}}`
      const told = columns.filter(([, cell]) => cell !== null)
      nulls += columns.length - told.length
      assert.deepEqual(sorted(changeOf(row('insert', write(columns))).after), sortedText(write(columns)))
      const deleted = changeOf(row('delete', write(columns)))
      assert.deepEqual(sorted(deleted.before), told.length === 0 ? null : sortedText(write(told)))
      assert.equal(deleted.after, null)
    }),
    { numRuns: 500, verbose: 1 },
  )
  assert.ok(nulls > 100, `only ${nulls} nulls`)
})

function changeOf(record: RawRecord): Change {
  const [change] = decode(record)
  assert.equal(change?.kind, 'change')
  return change as Change
}

/** Members by name: an object moves names that are numbers to its front. */
function sorted(row: Change['after']): [string, string][] | null {
  return row === null
    ? null
    : Object.keys(row)
        .sort()
        .map((name) => [name, toJson(row[name]!)])
}

const sortedText = (json: string): [string, string][] =>
  Object.entries(JSON.parse(json) as Record<string, unknown>)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, cell]) => [name, JSON.stringify(cell)])
