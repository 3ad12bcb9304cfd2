import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  Binary,
  type Change,
  Numeric,
  type RawRecord,
  type Row,
  recordToJson,
  toJson,
  type Value,
} from '../../src/change.ts'
import { recordDecoder } from '../../src/decode/decoder.ts'
import { anyCharacter } from '../support/any-character.ts'
import { type Captured, describeDecoder, type Refused } from './conformance.ts'

const decode = recordDecoder({
  format: 'auto',
  stream: 'dynamodb-cdc',
  binary: 'double',
  beforeImageField: 'before-image',
})
const decodeSingle = recordDecoder({
  format: 'auto',
  stream: 'dynamodb-cdc',
  binary: 'single',
  beforeImageField: 'before-image',
})

const SHARD = 'shardId-000000000003'
const SEQUENCE = '49600000000000000000000000000000000000000000000000000001'
const SOURCE = `"source":{"format":"dynamodb","stream":"dynamodb-cdc","shard":"${SHARD}","sequence":"${SEQUENCE}"`

function raw(data: string | Uint8Array, more: Partial<RawRecord> = {}): RawRecord {
  return { shard: SHARD, sequence: SEQUENCE, arrivedAt: 1_754_300_000_500, data: Buffer.from(data), ...more }
}

const INSERT = `{"awsRegion":"eu-north-1","eventID":"5c1d4b0e-7a44-4e3e-9c57-0f6a2e11d901","eventName":"INSERT","userIdentity":null,
 "recordFormat":"application/json","tableName":"harbour-berths",
 "dynamodb":{"ApproximateCreationDateTime":1754300000112233,
  "Keys":{"port":{"S":"SEGOT"},"berth":{"N":"14"}},
  "NewImage":{"port":{"S":"SEGOT"},"berth":{"N":"14"},"depth":{"N":"11.5"},"lit":{"BOOL":true},
   "vessel":{"NULL":true},"tags":{"SS":["ro-ro","night"]},"plan":{"B":"Wkc5amF5QndiR0Z1"},
   "crew":{"L":[{"S":"ana"},{"N":"2"}]},"box":{"M":{"len":{"N":"180"}}}},
  "SizeBytes":131,"ApproximateCreationDateTimePrecision":"MICROSECOND"},"eventSource":"aws:dynamodb"}`

const MODIFY_IN_MS = `{"awsRegion":"eu-north-1","eventID":"b7a0f2c4-1c0b-4d9d-8f55-3e2f9a6d0c12","eventName":"MODIFY","userIdentity":null,
 "recordFormat":"application/json","tableName":"harbour-berths",
 "dynamodb":{"ApproximateCreationDateTime":1754300004711,
  "Keys":{"berth":{"N":"14"},"port":{"S":"SEGOT"}},
  "NewImage":{"port":{"S":"SEGOT"},"berth":{"N":"14"},"vessel":{"S":"MV Tern"}},
  "OldImage":{"port":{"S":"SEGOT"},"berth":{"N":"14"},"vessel":{"NULL":true},"plan":{"B":"Wkc5amF5QndiR0Z1"}},
  "SizeBytes":87},"eventSource":"aws:dynamodb"}`

const EXPIRY = `{"awsRegion":"eu-north-1","eventID":"0d3f7e69-92f6-4a1c-a1ce-6d5d1c3b7f40","eventName":"REMOVE",
 "userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},
 "recordFormat":"application/json","tableName":"harbour-berths",
 "dynamodb":{"ApproximateCreationDateTime":1754386400000021,
  "Keys":{"port":{"S":"SEGOT"},"berth":{"N":"14"}},
  "OldImage":{"port":{"S":"SEGOT"},"berth":{"N":"14"},"expires":{"N":"1754380000"}},
  "SizeBytes":48,"ApproximateCreationDateTimePrecision":"MICROSECOND"},"eventSource":"aws:dynamodb"}`

/** The smallest record of each kind, to be varied. */
function event(parts: {
  readonly eventName?: unknown
  readonly dynamodb?: Readonly<Record<string, unknown>>
  readonly top?: Readonly<Record<string, unknown>>
}): RawRecord {
  const { eventName = 'INSERT', dynamodb, top } = parts
  return raw(
    JSON.stringify({
      eventName,
      tableName: 't',
      eventSource: 'aws:dynamodb',
      dynamodb: {
        ApproximateCreationDateTime: 1754300000112233,
        Keys: { id: { S: 'a' } },
        ...(eventName === 'REMOVE' ? {} : { NewImage: { id: { S: 'a' } } }),
        ...dynamodb,
      },
      ...top,
    }),
  )
}

/** A record whose new image has, beside its key, the attribute `v` with this JSON text as described value. */
function holding(described: string): RawRecord {
  return raw(
    `{"eventName":"INSERT","tableName":"t","eventSource":"aws:dynamodb","dynamodb":{"Keys":{"id":{"S":"a"}},` +
      `"NewImage":{"id":{"S":"a"},"v":${described}},"ApproximateCreationDateTime":1754300000112233}}`,
  )
}

const insertOf = (after: string): string =>
  `{"kind":"change","op":"insert","table":{"schema":null,"name":"t"},"key":{"id":"a"},"before":null,"after":${after},` +
  `"complete":true,"version":"1754300000112233","time":"2025-08-04T09:33:20.112233Z",${SOURCE}}}`

const value = (title: string, described: string, json: string): Captured => ({
  title,
  record: holding(described),
  says: [insertOf(`{"id":"a","v":${json}}`)],
})

const refusedValue = (title: string, described: string, words: string): Refused => ({
  title,
  record: holding(described),
  code: 'DECODE_VALUE',
  words,
})

const removeOf = (version: string, time: string, rest = ''): string =>
  `{"kind":"change","op":"delete","table":{"schema":null,"name":"t"},"key":{"id":"a"},"before":null,"after":null,` +
  `"complete":true,"version":"${version}","time":"${time}"${rest},${SOURCE}}}`

const nested = (levels: number): string => `${'{"L":['.repeat(levels)}{"S":"x"}${']}'.repeat(levels)}`
const nestedMaps = (levels: number): string => `${'{"M":{"m":'.repeat(levels)}{"S":"x"}${'}}'.repeat(levels)}`

const captured: Captured[] = [
  {
    title: 'an insert in microseconds',
    record: raw(INSERT),
    says: [
      '{"kind":"change","op":"insert","table":{"schema":null,"name":"harbour-berths"},"key":{"berth":14,"port":"SEGOT"},"before":null,' +
        '"after":{"port":"SEGOT","berth":14,"depth":11.5,"lit":true,"vessel":null,"tags":["night","ro-ro"],"plan":"ZG9jayBwbGFu","crew":["ana",2],"box":{"len":180}},' +
        `"complete":true,"version":"1754300000112233","time":"2025-08-04T09:33:20.112233Z",${SOURCE},"eventId":"5c1d4b0e-7a44-4e3e-9c57-0f6a2e11d901"}}`,
    ],
  },
  {
    title: 'an update in milliseconds, without a precision member',
    record: raw(MODIFY_IN_MS),
    says: [
      '{"kind":"change","op":"update","table":{"schema":null,"name":"harbour-berths"},"key":{"berth":14,"port":"SEGOT"},' +
        '"before":{"port":"SEGOT","berth":14,"vessel":null,"plan":"ZG9jayBwbGFu"},"after":{"port":"SEGOT","berth":14,"vessel":"MV Tern"},' +
        `"complete":true,"version":"1754300004711000","time":"2025-08-04T09:33:24.711Z",${SOURCE},"eventId":"b7a0f2c4-1c0b-4d9d-8f55-3e2f9a6d0c12"}}`,
    ],
  },
  {
    title: 'a delete by time-to-live',
    record: raw(EXPIRY),
    says: [
      '{"kind":"change","op":"delete","table":{"schema":null,"name":"harbour-berths"},"key":{"berth":14,"port":"SEGOT"},' +
        '"before":{"port":"SEGOT","berth":14,"expires":1754380000},"after":null,' +
        `"complete":true,"version":"1754386400000021","time":"2025-08-05T09:33:20.000021Z","expired":true,${SOURCE},"eventId":"0d3f7e69-92f6-4a1c-a1ce-6d5d1c3b7f40"}}`,
    ],
  },
  {
    title: 'time-to-live as SDK objects spell it',
    record: event({
      eventName: 'REMOVE',
      top: { userIdentity: { Type: 'Service', PrincipalId: 'dynamodb.amazonaws.com' } },
    }),
    says: [removeOf('1754300000112233', '2025-08-04T09:33:20.112233Z', ',"expired":true')],
  },
  {
    title: 'a delete by another service is no expiry',
    record: event({
      eventName: 'REMOVE',
      top: { userIdentity: { type: 'Service', principalId: 'other.amazonaws.com' } },
    }),
    says: [removeOf('1754300000112233', '2025-08-04T09:33:20.112233Z')],
  },
  {
    title: 'only a delete expires',
    record: event({ top: { userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' } } }),
    says: [insertOf('{"id":"a"}')],
  },
  {
    title: 'a delete needs nothing but its key, and a new image in it means nothing',
    record: event({ eventName: 'REMOVE', dynamodb: { NewImage: { id: { S: 'a' } } } }),
    says: [removeOf('1754300000112233', '2025-08-04T09:33:20.112233Z')],
  },
  {
    title: 'inside an aggregated record',
    record: raw(INSERT.replace(/"eventID":"[^"]*",/, ''), { subSequence: 0 }),
    says: [
      '{"kind":"change","op":"insert","table":{"schema":null,"name":"harbour-berths"},"key":{"berth":14,"port":"SEGOT"},"before":null,' +
        '"after":{"port":"SEGOT","berth":14,"depth":11.5,"lit":true,"vessel":null,"tags":["night","ro-ro"],"plan":"ZG9jayBwbGFu","crew":["ana",2],"box":{"len":180}},' +
        `"complete":true,"version":"1754300000112233","time":"2025-08-04T09:33:20.112233Z",${SOURCE},"subSequence":0}}`,
    ],
  },
  {
    title: 'a record from a file tells where it stood before',
    record: { ...event({}), shard: 'file', sequence: '17', origin: { shard: SHARD, sequence: SEQUENCE } },
    says: [insertOf('{"id":"a"}')],
  },
  {
    title: 'members in another order and unknown ones',
    record: raw(
      `{"kinesis":{"shardId":"x"},"dynamodb":{"NewImage":{"id":{"S":"a"}},"New":1,"Keys":{"id":{"S":"a"}},"ApproximateCreationDateTime":1754300000112233},` +
        `"eventSource":"aws:dynamodb","tableName":"t","eventName":"INSERT","userIdentity":{}}`,
    ),
    says: [insertOf('{"id":"a"}')],
  },
  {
    title: 'the key is in the order of its names; names are case-sensitive',
    record: event({ dynamodb: { Keys: { b: { N: '1E+2' }, B: { B: 'UVE9PQ==' } } } }),
    says: [insertOf('{"id":"a"}').replace('"key":{"id":"a"}', '"key":{"B":"QQ==","b":100}')],
  },
  {
    title: 'seconds, as an emulator writes them',
    record: event({ eventName: 'REMOVE', dynamodb: { ApproximateCreationDateTime: 1754300000 } }),
    says: [removeOf('1754300000000000', '2025-08-04T09:33:20.000Z')],
  },
  {
    title: 'milliseconds that say so',
    record: event({
      eventName: 'REMOVE',
      dynamodb: { ApproximateCreationDateTime: 1754300000112, ApproximateCreationDateTimePrecision: 'MILLISECOND' },
    }),
    says: [removeOf('1754300000112000', '2025-08-04T09:33:20.112Z')],
  },
  {
    title: 'microseconds that say milliseconds are not the year 57561',
    record: event({ eventName: 'REMOVE', dynamodb: { ApproximateCreationDateTimePrecision: 'MILLISECOND' } }),
    says: [removeOf('1754300000112233', '2025-08-04T09:33:20.112233Z')],
  },
  {
    title: 'milliseconds that say microseconds are not 1970',
    record: event({
      eventName: 'REMOVE',
      dynamodb: { ApproximateCreationDateTime: 1754300000112, ApproximateCreationDateTimePrecision: 'MICROSECOND' },
    }),
    says: [removeOf('1754300000112000', '2025-08-04T09:33:20.112Z')],
  },

  value('text is never something else', '{"S":"2024-07-12"}', '"2024-07-12"'),
  value('empty text', '{"S":""}', '""'),
  value('text with U+0000, half a surrogate pair and an emoji', '{"S":"\\u0000\\ud800😀"}', '"\\u0000\\ud800😀"'),
  value('text that looks like a number, and base64', '{"L":[{"S":"007"},{"S":"QUJD"}]}', '["007","QUJD"]'),
  value('booleans', '{"L":[{"BOOL":true},{"BOOL":false}]}', '[true,false]'),
  value('null is not absent', '{"NULL":true}', 'null'),
  value('empty map and list', '{"M":{"m":{"M":{}},"l":{"L":[]}}}', '{"m":{},"l":[]}'),
  value(
    'a mixed list, with lists in it',
    '{"L":[{"S":"x"},{"N":"1"},{"L":[{"L":[]}]},{"NULL":true}]}',
    '["x",1,[[]],null]',
  ),
  value(
    'attributes named like descriptors',
    '{"M":{"S":{"N":"1"},"N":{"S":"x"},"NULL":{"BOOL":false},"M":{"M":{"L":{"L":[]}}}}}',
    '{"S":1,"N":"x","NULL":false,"M":{"L":[]}}',
  ),
  value(
    'attributes named like properties of objects',
    '{"M":{"__proto__":{"M":{"__proto__":{"N":"1"},"x":{"N":"2"}}},"constructor":{"S":"c"},"toString":{"S":"t"},"toJSON":{"S":"j"},"hasOwnProperty":{"NULL":true}}}',
    '{"__proto__":{"__proto__":1,"x":2},"constructor":"c","toString":"t","toJSON":"j","hasOwnProperty":null}',
  ),
  value(
    'odd names',
    '{"M":{"a.b":{"N":"1"},"[0]":{"N":"2"},"\\"q\\" ":{"N":"3"},"#:\\n":{"N":"4"},"é":{"N":"5"},"":{"N":"6"}}}',
    '{"a.b":1,"[0]":2,"\\"q\\" ":3,"#:\\n":4,"é":5,"":6}',
  ),
  value('32 levels of lists', nested(32), `${'['.repeat(32)}"x"${']'.repeat(32)}`),
  value('32 levels of maps', nestedMaps(32), `${'{"m":'.repeat(32)}"x"${'}'.repeat(32)}`),

  value(
    'numbers a double carries',
    '{"L":[{"N":"0"},{"N":"-1.5"},{"N":"9007199254740991"},{"N":"0.1"}]}',
    '[0,-1.5,9007199254740991,0.1]',
  ),
  value('38 digits', '{"N":"12345678901234567890123456789012345678"}', '12345678901234567890123456789012345678'),
  value(
    '38 digits behind the point',
    '{"N":"-0.12345678901234567890123456789012345678"}',
    '-0.12345678901234567890123456789012345678',
  ),
  value('digits lost inside of the safe range', '{"N":"0.12345678901234567890"}', '0.1234567890123456789'),
  value(
    'beyond 2^53 by one',
    '{"L":[{"N":"9007199254740993"},{"N":"-9007199254740993"}]}',
    '[9007199254740993,-9007199254740993]',
  ),
  value(
    'exact numbers at every depth',
    '{"M":{"l":{"L":[{"M":{"n":{"N":"1.00000000000000000001"}}},{"NS":["100000000000000000001"]}]}}}',
    '{"l":[{"n":1.00000000000000000001},[100000000000000000001]]}',
  ),
  value(
    'one number in several spellings',
    '{"L":[{"N":"100"},{"N":"1E+2"},{"N":"1e2"},{"N":"100.00"},{"N":"+100"},{"N":"0100"},{"N":"1000E-1"}]}',
    '[100,100,100,100,100,100,100]',
  ),
  value(
    'exact numbers in several spellings',
    '{"L":[{"N":"9007199254740993.50"},{"N":"00900719925474099350E-2"}]}',
    '[9007199254740993.5,9007199254740993.5]',
  ),
  value('zeros', '{"L":[{"N":"0"},{"N":"-0"},{"N":"0.000"},{"N":"-0.0E+5"},{"N":"0E+99999"}]}', '[0,0,0,0,0]'),
  value(
    'the ends of the range',
    '{"L":[{"N":"1E-130"},{"N":"-9.9999999999999999999999999999999999999E+125"}]}',
    `[1e-130,-${'9'.repeat(38)}${'0'.repeat(88)}]`,
  ),
  value(
    'numbers as JSON numbers, as dumps have them',
    '{"L":[{"N":1},{"N":-1.5},{"N":9007199254740991},{"NS":[2,1]},{"N":-0}]}',
    '[1,-1.5,9007199254740991,[1,2],0]',
  ),

  value('binary', '{"B":"RWdJSWV3PT0="}', '"EgIIew=="'),
  value('empty binary', '{"B":""}', '""'),
  value(
    'binary at every depth',
    '{"M":{"l":{"L":[{"B":"UVE9PQ=="},{"BS":["UWc9PQ==","UVE9PQ=="]}]}}}',
    '{"l":["QQ==",["QQ==","Qg=="]]}',
  ),

  value('text sets by code unit', '{"SS":["b","é","","B","\\uffff","😀"]}', '["","B","b","é","😀","\uffff"]'),
  value(
    'null under another descriptor',
    '{"L":[{"S":null},{"N":null},{"M":null},{"SS":null},{"L":[{"B":null}]}]}',
    '[null,null,null,null,[null]]',
  ),
  value('number sets of JSON numbers', '{"NS":[4,1,0.34,3]}', '[0.34,1,3,4]'),
  value('number sets by value', '{"NS":["10","9","-10","-9","1E+2","0.5","-0.5"]}', '[-10,-9,-0.5,0.5,9,10,100]'),
  value(
    'number sets by value, exact ones too',
    '{"NS":["100000000000000000001","-100000000000000000001","9","100000000000000000000","-100000000000000000002","0.10000000000000000001","0.1","1E+30"]}',
    '[-100000000000000000002,-100000000000000000001,0.1,0.10000000000000000001,9,100000000000000000000,100000000000000000001,1e+30]',
  ),
  value('null members beside the descriptor', '{"S":null,"N":"5","M":null}', '5'),
]

const refused: Refused[] = [
  {
    title: 'bytes that are not UTF-8',
    record: raw(Buffer.from([0x7b, 0xff, 0x7d])),
    code: 'DECODE_NOT_TEXT',
    words: 'The 3 bytes',
  },
  {
    title: 'half a character',
    record: raw(Buffer.from('{"a":"é"}').subarray(0, 7)),
    code: 'DECODE_NOT_TEXT',
    words: 'UTF-8',
  },
  { title: 'no bytes', record: raw(''), code: 'DECODE_NOT_JSON', words: '0 characters' },
  { title: 'a byte order mark', record: raw(`\uFEFF${INSERT}`), code: 'DECODE_NOT_JSON', words: 'not JSON' },
  { title: 'half a record', record: raw(INSERT.slice(0, 300)), code: 'DECODE_NOT_JSON', words: 'The 300 characters' },
  { title: 'two records glued together', record: raw(INSERT + INSERT), code: 'DECODE_NOT_JSON', words: 'not JSON' },
  {
    title: 'an array',
    record: raw(`[${INSERT}]`),
    code: 'DECODE_NOT_JSON',
    words: 'an array of 1 members, not a JSON object',
  },
  { title: 'null', record: raw('null'), code: 'DECODE_NOT_JSON', words: 'null, not a JSON object' },
  { title: 'text', record: raw('"secret"'), code: 'DECODE_NOT_JSON', words: 'a string of 6 characters' },

  {
    title: 'JSON of another service',
    record: raw('{"eventSource":"aws:s3","x":"secret"}'),
    code: 'DECODE_FOREIGN',
    words: 'the members "eventSource", "x": eventSource is not "aws:dynamodb"',
  },
  { title: 'an empty object', record: raw('{}'), code: 'DECODE_FOREIGN', words: 'no members' },

  {
    title: 'an unknown event',
    record: event({ eventName: 'ARCHIVE' }),
    code: 'DECODE_EVENT',
    words: 'eventName is "ARCHIVE"',
  },
  { title: 'an event in lower case', record: event({ eventName: 'insert' }), code: 'DECODE_EVENT', words: '"insert"' },
  { title: 'no event', record: event({ eventName: null }), code: 'DECODE_EVENT', words: 'eventName is null' },
  {
    title: 'no table name',
    record: event({ top: { tableName: undefined } }),
    code: 'DECODE_EVENT',
    words: 'tableName is missing',
  },
  {
    title: 'an empty table name',
    record: event({ top: { tableName: '' } }),
    code: 'DECODE_EVENT',
    words: 'tableName is a string of 0',
  },
  { title: 'no body', record: event({ top: { dynamodb: [] } }), code: 'DECODE_EVENT', words: 'dynamodb is an array' },
  {
    title: 'an insert without its new image',
    record: event({ dynamodb: { NewImage: undefined } }),
    code: 'DECODE_EVENT',
    words: 'NewImage is missing',
  },
  {
    title: 'an update without its new image',
    record: event({ eventName: 'MODIFY', dynamodb: { NewImage: null } }),
    code: 'DECODE_EVENT',
    words: 'NewImage is null',
  },
  {
    title: 'no keys',
    record: event({ eventName: 'REMOVE', dynamodb: { Keys: undefined } }),
    code: 'DECODE_VALUE',
    words: 'Keys is missing',
  },
  { title: 'empty keys', record: event({ dynamodb: { Keys: {} } }), code: 'DECODE_EVENT', words: 'Keys is empty' },
  {
    title: 'a key that is null',
    record: event({ dynamodb: { Keys: { id: { NULL: true } } } }),
    code: 'DECODE_VALUE',
    words: 'Keys.id is neither S, N nor B',
  },
  {
    title: 'a key that is a set',
    record: event({ dynamodb: { Keys: { id: { SS: ['a'] } } } }),
    code: 'DECODE_VALUE',
    words: 'Keys.id',
  },
  {
    title: 'an old image that cannot be read',
    record: event({ eventName: 'MODIFY', dynamodb: { OldImage: { v: { X: '' } } } }),
    code: 'DECODE_VALUE',
    words: 'OldImage.v has the unknown descriptor "X"',
  },

  ...[undefined, null, '1754300000112233', 0, -1754300000, 1, 1e18, 1754300000112233 * 8].map(
    (time): Refused => ({
      title: `the time ${JSON.stringify(time)}`,
      record: event({ dynamodb: { ApproximateCreationDateTime: time } }),
      code: 'DECODE_TIME',
      words: 'ApproximateCreationDateTime is',
    }),
  ),

  refusedValue('no descriptor', '{}', 'NewImage.v has 0 descriptors'),
  refusedValue('two descriptors', '{"S":"a","N":"1"}', 'NewImage.v has 2 descriptors'),
  refusedValue('two descriptors beside null ones', '{"S":"a","B":null,"N":"1"}', '2 descriptors'),
  refusedValue('only null descriptors', '{"S":null,"N":null}', '0 descriptors'),
  refusedValue('null under NULL', '{"NULL":null}', 'NewImage.v has null under NULL'),
  refusedValue('an unknown descriptor', '{"V":[1]}', 'NewImage.v has the unknown descriptor "V"'),
  refusedValue(
    'a descriptor named like a property of objects',
    '{"__proto__":{"S":"a"}}',
    'unknown descriptor "__proto__"',
  ),
  refusedValue('a descriptor in lower case', '{"s":"a"}', 'unknown descriptor "s"'),
  refusedValue('a bare value', '"secret"', 'NewImage.v is a string of 6 characters, not a described value'),
  refusedValue('an array without descriptor', '[{"S":"a"}]', 'NewImage.v is an array of 1 members'),
  refusedValue('a number as S', '{"S":1}', 'NewImage.v has a number under S'),
  refusedValue('text as BOOL', '{"BOOL":"true"}', 'a string of 4 characters under BOOL'),
  refusedValue('false as NULL', '{"NULL":false}', 'a boolean under NULL'),
  refusedValue('an array as M', '{"M":[]}', 'NewImage.v has an array of 0 members under M'),
  refusedValue('a map as L', '{"L":{}}', 'NewImage.v has an object under L'),
  refusedValue('text as SS', '{"SS":"a"}', 'a string of 1 characters under SS'),
  refusedValue('a number in SS', '{"SS":["a",1]}', 'NewImage.v[1] is a number, not a string'),
  refusedValue(
    'deep inside',
    '{"L":[{"M":{"a b":{"L":[{"S":"x"},{"S":"x"},{"Q":1}]}}}]}',
    'NewImage.v[0]."a b"[2] has the unknown descriptor "Q"',
  ),
  refusedValue('beside what was read before', '{"L":[{"M":{"deep":{"L":[{"S":"x"}]}}},{"Q":1}]}', 'NewImage.v[1] has'),
  refusedValue('an enormous name', `{"M":{"${'n'.repeat(60_000)}":{"Q":1}}}`, `NewImage.v."${'n'.repeat(80)}" has`),
  refusedValue('33 levels of lists', nested(33), 'is nested deeper than 32 levels'),
  refusedValue('33 levels of maps', nestedMaps(33), 'is nested deeper than 32 levels'),
  refusedValue('20,000 levels', nested(20_000), 'is nested deeper than 32 levels'),

  ...['', ' 1', '1 ', '-', '.', '.5', '1.2.3', '1e', '0x1F', '1_000', 'NaN', 'Infinity', '١', '--1', 'secret'].map(
    (text) =>
      refusedValue(
        `the number ${JSON.stringify(text)}`,
        `{"N":${JSON.stringify(text)}}`,
        `NewImage.v is a string of ${text.length} characters that is no number`,
      ),
  ),
  refusedValue('39 digits', `{"N":"${'1'.repeat(39)}"}`, 'no number DynamoDB can hold'),
  refusedValue('a number too large', '{"N":"1E+126"}', 'no number DynamoDB can hold'),
  refusedValue('a number too small', '{"N":"1E-131"}', 'no number DynamoDB can hold'),
  refusedValue('an exponent that would fill the memory', '{"N":"1E+999999"}', 'no number DynamoDB can hold'),
  refusedValue('a number of a million characters', `{"N":"${'0'.repeat(1e6)}1"}`, 'no number DynamoDB can hold'),
  refusedValue('no number in NS', '{"NS":["1","x"]}', 'NewImage.v[1] is a string of 1 characters that is no number'),
  refusedValue('a boolean as N', '{"N":true}', 'NewImage.v is a boolean, not a string'),
  refusedValue(
    'a JSON number that lost digits',
    '{"N":0.12345678901234567890}',
    'a JSON number of more digits than a double keeps',
  ),
  refusedValue('a JSON number beyond 2^53', '{"NS":[9007199254740993]}', 'NewImage.v[0] is a JSON number'),

  refusedValue(
    'text that is not base64',
    '{"B":"secret!"}',
    'NewImage.v is a string of 7 characters that is not base64',
  ),
  refusedValue('base64 without padding', '{"B":"UVE9PQ"}', 'not base64'),
  refusedValue('base64 with leftover bits', '{"B":"QR=="}', 'not base64'),
  refusedValue('base64 for URLs', '{"B":"-_-_"}', 'not base64'),
  refusedValue('base64 with a line break', '{"B":"UVE9\\nPQ=="}', 'not base64'),
  refusedValue(
    'binary encoded once',
    '{"B":"EgIIew=="}',
    'base64-encoded once; for such a stream set `--dynamodb-binary single`',
  ),
  refusedValue(
    'binary encoded once in a set',
    '{"BS":["UVE9PQ==","EgIIew=="]}',
    'NewImage.v[1] is binary that was base64-encoded once',
  ),
]

describeDecoder('dynamodb', decode, { captured, refused })

describeDecoder('dynamodb, single base64', decodeSingle, {
  captured: [
    value('binary', '{"B":"EgIIew=="}', '"EgIIew=="'),
    value('bytes that are base64 text themselves', '{"B":"RWdJSWV3PT0="}', '"RWdJSWV3PT0="'),
    value('a set, by bytes', '{"BS":["Qg==","/w==","QQ==","++8=","QQA="]}', '["QQ==","QQA=","Qg==","++8=","/w=="]'),
    value('empty binary', '{"B":""}', '""'),
  ],
  refused: [
    refusedValue('text that is not base64', '{"B":"secret!"}', 'not base64'),
    refusedValue(
      'base64 with leftover bits',
      '{"BS":["QR=="]}',
      'NewImage.v[0] is a string of 4 characters that is not base64',
    ),
  ],
})

test('dynamodb: no value ever stands in a message', () => {
  for (const { record, title } of refused) {
    try {
      decode(record).map(recordToJson)
    } catch (error) {
      assert.ok(!String(error).includes('secret'), title)
    }
  }
})

test('dynamodb: the kinds of values in memory', () => {
  const v = decoded(
    '{"M":{"s":{"S":"x"},"n":{"N":"1"},"e":{"N":"9007199254740993"},"b":{"B":"UVE9PQ=="},"l":{"L":[{"N":"0.10000000000000000001"}]},"bs":{"BS":["UWc9PQ=="]}}}',
  ) as Row
  assert.equal(v.s, 'x')
  assert.equal(v.n, 1)
  assert.deepEqual(v.e, new Numeric('9007199254740993'))
  assert.ok(v.b instanceof Binary)
  assert.deepEqual([...v.b], [0x41])
  assert.deepEqual(v.l, [new Numeric('0.10000000000000000001')])
  const [member] = v.bs as Binary[]
  assert.ok(member instanceof Binary)
  assert.deepEqual([...member], [0x42])
})

test('dynamodb: no name means anything to a row', () => {
  const v = decoded('{"M":{"__proto__":{"S":"own"}}}') as Row
  assert.deepEqual(Object.keys(v), ['__proto__'])
  assert.equal(Object.getOwnPropertyDescriptor(v, '__proto__')?.value, 'own')
  const empty = decoded('{"M":{}}') as Row
  assert.equal(empty.toString, undefined)
  assert.equal('constructor' in empty, false)
})

test('dynamodb: minus zero is zero', () => {
  assert.ok(Object.is(decoded('{"N":"-0"}'), 0))
  assert.ok(Object.is(decoded('{"N":"-0.0"}'), 0))
  assert.ok(Object.is(decoded('{"N":-0}'), 0))
})

test('dynamodb: the old image and the time are decoded when asked for, once', () => {
  const [unread] = decode(event({ eventName: 'MODIFY', dynamodb: { OldImage: { v: { X: 1 } } } })) as [Change]
  assert.equal(unread.op, 'update', 'decoding does not look at the old image')
  assert.throws(() => unread.before, { code: 'DECODE_VALUE' })
  const [change] = decode(event({ eventName: 'MODIFY', dynamodb: { OldImage: { v: { N: '1' } } } })) as [Change]
  assert.equal(change.before, change.before)
  assert.deepEqual(Object.keys(change).sort(), [
    'after',
    'before',
    'complete',
    'key',
    'kind',
    'op',
    'source',
    'table',
    'time',
    'version',
  ])
})

/** Decimals of up to 38 digits in the range of DynamoDB: sign, digits without outer zeros, exponent of the last digit. */
const decimal = fc
  .tuple(
    fc.boolean(),
    fc.stringMatching(/^[1-9]([0-9]{0,36}[1-9])?$/, { size: 'max' }),
    fc.integer({ min: -167, max: 125 }),
  )
  .filter(([, digits, exponent]) => digits.length - 1 + exponent >= -130 && digits.length - 1 + exponent <= 125)
  .map(([negative, digits, exponent]) => ({ negative, digits, exponent }))

type Decimal = typeof decimal extends fc.Arbitrary<infer T> ? T : never

test('dynamodb: any decimal of 38 digits comes out as it went in, however it is spelled', () => {
  let exact = 0
  fc.assert(
    fc.property(decimal, fc.nat(3), (it, zeros) => {
      const spellings = [
        `${sign(it)}${it.digits}E${it.exponent}`,
        `${sign(it)}${'0'.repeat(zeros)}${it.digits}${'0'.repeat(zeros)}e${it.exponent - zeros}`,
        `${sign(it)}${it.digits.slice(0, 1)}.${it.digits.slice(1)}E+${it.digits.length - 1 + it.exponent}`.replace(
          '+-',
          '-',
        ),
        plain(it),
      ]
      for (const spelling of spellings) {
        const read = decoded(`{"N":"${spelling}"}`) as number | Numeric
        if (read instanceof Numeric) {
          exact++
          assert.equal(read.text, plain(it))
        }
        assert.deepEqual(rational(toJson(read)), rational(`${sign(it)}${it.digits}E${it.exponent}`))
      }
    }),
    { numRuns: 500, verbose: 1 },
  )
  assert.ok(exact > 100, `only ${exact} of these numbers needed exact text`)
})

test('dynamodb: a number is a number exactly if the shortest decimal of its double is the same', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: 1e-129, max: 1e125 }), (double) => {
      assert.equal(decoded(`{"N":"${double}"}`), double)
      assert.equal(decoded(`{"N":"-${double}"}`), -double)
    }),
    { numRuns: 500 },
  )
})

test('dynamodb: bytes come out as they went in, through one layer or two', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const once = Buffer.from(bytes).toString('base64')
      const twice = Buffer.from(once).toString('base64')
      assert.deepEqual([...(decoded(`{"B":"${twice}"}`) as Binary)], [...bytes])
      assert.deepEqual([...(decoded(`{"B":"${once}"}`, decodeSingle) as Binary)], [...bytes])
    }),
  )
})

test('dynamodb: equal sets are equal arrays, in whatever order they come', () => {
  const shuffled = <T>(members: fc.Arbitrary<T>): fc.Arbitrary<[T[], T[]]> =>
    fc
      .uniqueArray(members, { minLength: 2, maxLength: 12 })
      .chain((set) => fc.tuple(fc.constant(set), fc.shuffledSubarray(set, { minLength: set.length })))
  const sameEither = (descriptor: string, [one, other]: [readonly unknown[], readonly unknown[]]): void => {
    const read = (set: readonly unknown[]) => toJson(decoded(JSON.stringify({ [descriptor]: set })))
    assert.equal(read(one), read(other))
  }
  const base64 = fc
    .uint8Array({ maxLength: 8 })
    .map((bytes) => Buffer.from(Buffer.from(bytes).toString('base64')).toString('base64'))
  fc.assert(fc.property(shuffled(fc.string({ unit: anyCharacter })), (sets) => sameEither('SS', sets)))
  fc.assert(fc.property(shuffled(base64), (sets) => sameEither('BS', sets)))
  fc.assert(fc.property(shuffled(decimal.map(plain)), (sets) => sameEither('NS', sets)))
})

test('dynamodb: number sets ascend', () => {
  fc.assert(
    fc.property(fc.array(decimal, { minLength: 2, maxLength: 12 }), (set) => {
      const read = decoded(JSON.stringify({ NS: set.map(plain) })) as (number | Numeric)[]
      const values = read.map((member) => rational(toJson(member)))
      for (let i = 1; i < values.length; i++) assert.ok(values[i - 1]! <= values[i]!, toJson(read))
    }),
  )
})

function decoded(described: string, by = decode): Value {
  const [change] = by(holding(described)) as [Change]
  return change.after!.v!
}

const sign = ({ negative }: Decimal): string => (negative ? '-' : '')

function plain(it: Decimal): string {
  const { digits, exponent } = it
  if (exponent >= 0) return `${sign(it)}${digits}${'0'.repeat(exponent)}`
  const padded = digits.padStart(1 - exponent, '0')
  return `${sign(it)}${padded.slice(0, exponent)}.${padded.slice(exponent)}`
}

/** A decimal with any exponent as an integer count of 1E-400. */
function rational(text: string): bigint {
  const [, minus, integer, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!
  const count = BigInt(integer! + fraction) * 10n ** BigInt(400 + Number(exponent) - fraction.length)
  return minus === '-' ? -count : count
}

test('dynamodb: null under another descriptor is noted with its place, for it is no habit of DynamoDB', () => {
  const noted = (image: string): string | undefined =>
    (decode(raw(INSERT.replace(/"NewImage":.*?,\s+"SizeBytes"/s, `"NewImage":${image},"SizeBytes"`)))[0] as Change)
      .oddNull
  assert.equal(
    noted('{"id":{"S":"a"},"m":{"M":{"x y":{"L":[{"N":"1"},{"S":null}]}}},"n":{"N":null}}'),
    'NewImage.m."x y"[1]',
  )
  assert.equal(noted('{"id":{"S":"a"},"n":{"NULL":true},"s":{"S":"","N":null}}'), undefined)
})
