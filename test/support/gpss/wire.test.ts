import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { anyCharacter } from '../any-character.ts'
import { type Message, message, WireError } from './wire.ts'
import {
  CloseRequest,
  CloseRequestBefore110,
  ColumnInfo,
  ConnectRequest,
  ConnectRequestBefore110,
  DBValue,
  OpenRequest,
  Row,
  RowData,
  Session,
  TableInfo,
  TransferStats,
  WriteRequest,
} from './wire-messages.ts'

interface Vector {
  readonly title: string
  readonly hex: string
  /** What the message holds; what it says of the bytes the other way round. */
  check(): void
}

/** The bytes mean the value, and the value makes the bytes. Fields that are not given have their default. */
function vector<T>(title: string, of: Message<T>, value: Partial<T>, hex: string): Vector {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const whole = { ...of.decode(Buffer.alloc(0)), ...value }
  const check = () => {
    assert.equal(of.encode(value).toString('hex'), bytes.toString('hex'))
    assert.deepEqual(of.decode(bytes), whole)
  }
  return { title, hex, check }
}

const s1 = { ID: 's1' }
const table = { Session: s1, SchemaName: 'public', TableName: 't' }
const noLimit = { ErrorLimitCount: 0n, ErrorLimitPercentage: 0 }
const row = {
  Columns: [
    { DBType: { case: 'Int32Value', value: 1 } },
    { DBType: { case: 'StringValue', value: 'a' } },
    { DBType: { case: 'NullValue', value: 0 } },
  ],
} as const
const rowBytes = Row.encode({ Columns: [...row.Columns] })
const dbValue = (title: string, value: DBValue | null, hex: string) => vector(title, DBValue, { DBType: value }, hex)

const VECTORS: readonly Vector[] = [
  vector('Session', Session, s1, '0A 02 73 31'),
  vector(
    'ConnectRequest',
    ConnectRequest,
    { Host: 'mdw', Port: 5432, Username: 'gp', Password: 'pw', DB: 'db', SessionTimeout: 600 },
    '0A 03 6D 64 77 10 B8 2A 1A 02 67 70 22 02 70 77 2A 02 64 62 38 D8 04',
  ),
  dbValue('Int32Value 0', { case: 'Int32Value', value: 0 }, '08 00'),
  dbValue('Int32Value 150', { case: 'Int32Value', value: 150 }, '08 96 01'),
  dbValue('Int32Value -1', { case: 'Int32Value', value: -1 }, '08 FF FF FF FF FF FF FF FF FF 01'),
  dbValue('Int64Value', { case: 'Int64Value', value: 9223372036854775807n }, '10 FF FF FF FF FF FF FF FF 7F'),
  dbValue('Float32Value', { case: 'Float32Value', value: 1.5 }, '2D 00 00 C0 3F'),
  dbValue('Float64Value', { case: 'Float64Value', value: 1.5 }, '31 00 00 00 00 00 00 F8 3F'),
  dbValue('StringValue, empty', { case: 'StringValue', value: '' }, '3A 00'),
  dbValue('StringValue', { case: 'StringValue', value: 'a' }, '3A 01 61'),
  dbValue('BytesValue', { case: 'BytesValue', value: Buffer.from('dead', 'hex') }, '42 02 DE AD'),
  dbValue('TimeStampValue', { case: 'TimeStampValue', value: { seconds: 1n, nanos: 5 } }, '52 04 08 01 10 05'),
  dbValue('NullValue', { case: 'NullValue', value: 0 }, '58 00'),
  dbValue('nothing set', null, ''),
  vector('Row', Row, { Columns: [...row.Columns] }, '0A 02 08 01 0A 03 3A 01 61 0A 02 58 00'),
  vector(
    'WriteRequest',
    WriteRequest,
    { Session: s1, Rows: [{ Data: rowBytes }] },
    '0A 04 0A 02 73 31 12 0F 0A 0D 0A 02 08 01 0A 03 3A 01 61 0A 02 58 00',
  ),
  vector(
    'OpenRequest to insert',
    OpenRequest,
    {
      ...table,
      Option: {
        case: 'InsertOption',
        value: { InsertColumns: ['a', 'b'], TruncateTable: false, ErrorLimitCount: 25n, ErrorLimitPercentage: 25 },
      },
    },
    '0A 04 0A 02 73 31 12 06 70 75 62 6C 69 63 1A 01 74 A2 06 0A 0A 01 61 0A 01 62 20 19 28 19',
  ),
  vector(
    'OpenRequest to update',
    OpenRequest,
    {
      ...table,
      Option: { case: 'UpdateOption', value: { MatchColumns: ['a'], UpdateColumns: ['b'], Condition: '', ...noLimit } },
    },
    '0A 04 0A 02 73 31 12 06 70 75 62 6C 69 63 1A 01 74 AA 06 06 0A 01 61 12 01 62',
  ),
  vector(
    'OpenRequest to merge',
    OpenRequest,
    {
      ...table,
      Option: {
        case: 'MergeOption',
        value: {
          InsertColumns: ['a', 'b'],
          MatchColumns: ['a'],
          UpdateColumns: ['b'],
          Condition: '',
          ...noLimit,
        },
      },
    },
    '0A 04 0A 02 73 31 12 06 70 75 62 6C 69 63 1A 01 74 B2 06 0C 0A 01 61 0A 01 62 12 01 61 1A 01 62',
  ),
  vector('CloseRequest', CloseRequest, { session: s1 }, '0A 04 0A 02 73 31'),
  vector(
    'CloseRequest, all error rows',
    CloseRequest,
    { session: s1, MaxErrorRows: -1 },
    '0A 04 0A 02 73 31 10 FF FF FF FF FF FF FF FF FF 01',
  ),
  vector('CloseRequest, abort', CloseRequest, { session: s1, Abort: true }, '0A 04 0A 02 73 31 18 01'),
  vector(
    'TransferStats',
    TransferStats,
    { SuccessCount: 3n, ErrorCount: 1n, ErrorRows: ['bad'] },
    '08 03 10 01 1A 03 62 61 64',
  ),
  vector('TableInfo', TableInfo, { Name: 'x', Type: 255 }, '0A 01 78 10 FF 01'),
]

for (const { title, hex, check } of VECTORS) test(`${title}: ${hex || '(empty)'}`, check)

const read = <T>(of: Message<T>, hex: string): T => of.decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

test('a column without a value takes its place in the row', () => {
  assert.deepEqual(read(Row, '0A 00 0A 02 58 00').Columns, [
    { DBType: null },
    { DBType: { case: 'NullValue', value: 0 } },
  ])
})

test('of several members of a oneof the last one stands', () => {
  assert.deepEqual(read(DBValue, '08 01 58 00').DBType, { case: 'NullValue', value: 0 })
  assert.deepEqual(read(DBValue, '58 00 3A 01 61').DBType, { case: 'StringValue', value: 'a' })
})

test('unknown fields of every wire type are skipped', () => {
  const unknown = 'A0 01 96 01  A1 01 01 02 03 04 05 06 07 08  A2 01 02 FF FF  A5 01 01 02 03 04'
  assert.deepEqual(read(Session, `${unknown} 0A 02 73 31 ${unknown}`), s1)
})

test('a server before 1.10 does not see the fields that came with it', () => {
  assert.deepEqual(read(CloseRequestBefore110, '0A 04 0A 02 73 31 10 05 18 01'), { session: s1 })
  assert.equal('SessionTimeout' in read(ConnectRequestBefore110, '38 D8 04'), false)
})

test('of a longer number an int32 keeps the low 32 bits', () => {
  assert.deepEqual(read(DBValue, '08 81 80 80 80 10').DBType, { case: 'Int32Value', value: 1 })
})

const BROKEN: readonly [title: string, of: Message<unknown>, hex: string, says: RegExp][] = [
  ['the length passes the end', Session, '0A 03 73 31', /cut off/],
  ['the length is beyond all measure', Session, '0A FF FF FF FF FF FF FF FF FF 01', /cut off/],
  ['the tag has no value', Session, '0A', /cut off/],
  ['a double of four bytes', DBValue, '31 00 00 00 00', /cut off/],
  ['a varint of eleven bytes', DBValue, '10 FF FF FF FF FF FF FF FF FF FF 01', /more than 64 bits/],
  ['a varint of 70 bits', DBValue, '10 FF FF FF FF FF FF FF FF FF 7F', /more than 64 bits/],
  ['text that is not UTF-8', DBValue, '3A 01 FF', /invalid UTF-8/],
  ['a lone surrogate in UTF-8', DBValue, '3A 03 ED A0 80', /invalid UTF-8/],
  ['an int32 as text', DBValue, '0A 01 61', /wire type 2/],
  ['a row that is not in RowData', RowData, '08 01', /wire type 0/],
  ['field 0', Session, '02 00', /no field 0/],
  ['a group', Session, 'A3 01 A4 01', /wire type 3/],
]

for (const [title, of, hex, says] of BROKEN) {
  test(`refused: ${title}`, () => {
    assert.throws(
      () => read(of, hex),
      (error) => error instanceof WireError && says.test(error.message),
    )
  })
}

test('any text, number and bytes come back as they were', () => {
  const values = fc.oneof<fc.Arbitrary<DBValue>[]>(
    fc.string({ unit: anyCharacter }).map((value) => ({ case: 'StringValue', value })),
    fc.integer().map((value) => ({ case: 'Int32Value', value })),
    fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }).map((value) => ({ case: 'Int64Value', value })),
    fc.double().map((value) => ({ case: 'Float64Value', value })),
    fc.float().map((value) => ({ case: 'Float32Value', value })),
    fc.uint8Array().map((value) => ({ case: 'BytesValue', value: Buffer.from(value) })),
  )
  fc.assert(
    fc.property(fc.array(values), (columns) => {
      const sent = { Columns: columns.map((value) => ({ DBType: value })) }
      assert.deepEqual(Row.decode(Row.encode(sent)), sent)
    }),
  )
})

test('any bytes are a message or refused, nothing else', () => {
  const everything = message<Record<string, never>>({})
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      for (const type of [OpenRequest, WriteRequest, Row, ColumnInfo, everything] as Message<unknown>[]) {
        try {
          type.decode(bytes)
        } catch (error) {
          assert.ok(error instanceof WireError, String(error))
        }
      }
    }),
  )
})
