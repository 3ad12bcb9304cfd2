import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RowEncoder } from '../../../src/sinks/gpss/rows.ts'
import { METHODS, type OpenRequest } from '../../../src/sinks/gpss/service.ts'
import { decodeMessage, encodeMessage, type Message, methodsOf } from './contract.ts'

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .toUpperCase()
    .replaceAll(/..(?!$)/g, '$& ')
const bytes = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

const connect: Message = { Host: 'mdw', Port: 5432, Username: 'gp', Password: 'pw', DB: 'db', SessionTimeout: 600 }
const target: Message = { Session: { ID: 's1' }, SchemaName: 'public', TableName: 't' }
const row: Message = { Columns: [{ Int32Value: 1 }, { StringValue: 'a' }, { NullValue: 'NULL_VALUE' }] }
const ROW = '0A 02 08 01 0A 03 3A 01 61 0A 02 58 00'

/** What canonical encodings of the messages are. */
const golden: readonly (readonly [type: string, message: Message, encoded: string])[] = [
  ['Session', { ID: 's1' }, '0A 02 73 31'],
  ['ConnectRequest', connect, '0A 03 6D 64 77 10 B8 2A 1A 02 67 70 22 02 70 77 2A 02 64 62 38 D8 04'],
  ['DBValue', { Int32Value: 0 }, '08 00'],
  ['DBValue', { Int32Value: 150 }, '08 96 01'],
  ['DBValue', { Int32Value: -1 }, '08 FF FF FF FF FF FF FF FF FF 01'],
  ['DBValue', { Int64Value: '9223372036854775807' }, '10 FF FF FF FF FF FF FF FF 7F'],
  ['DBValue', { Float32Value: 1.5 }, '2D 00 00 C0 3F'],
  ['DBValue', { Float64Value: 1.5 }, '31 00 00 00 00 00 00 F8 3F'],
  ['DBValue', { StringValue: '' }, '3A 00'],
  ['DBValue', { StringValue: 'a' }, '3A 01 61'],
  ['DBValue', { BytesValue: bytes('DE AD') }, '42 02 DE AD'],
  ['DBValue', { TimeStampValue: { seconds: '1', nanos: 5 } }, '52 04 08 01 10 05'],
  ['DBValue', { NullValue: 'NULL_VALUE' }, '58 00'],
  ['DBValue', {}, ''],
  ['Row', row, ROW],
  ['WriteRequest', { Session: { ID: 's1' }, Rows: [{ Data: bytes(ROW) }] }, `0A 04 0A 02 73 31 12 0F 0A 0D ${ROW}`],
  [
    'OpenRequest',
    { ...target, InsertOption: { InsertColumns: ['a', 'b'], ErrorLimitCount: '25', ErrorLimitPercentage: 25 } },
    '0A 04 0A 02 73 31 12 06 70 75 62 6C 69 63 1A 01 74 A2 06 0A 0A 01 61 0A 01 62 20 19 28 19',
  ],
  [
    'OpenRequest',
    { ...target, UpdateOption: { MatchColumns: ['a'], UpdateColumns: ['b'] } },
    '0A 04 0A 02 73 31 12 06 70 75 62 6C 69 63 1A 01 74 AA 06 06 0A 01 61 12 01 62',
  ],
  [
    'OpenRequest',
    { ...target, MergeOption: { InsertColumns: ['a', 'b'], MatchColumns: ['a'], UpdateColumns: ['b'] } },
    '0A 04 0A 02 73 31 12 06 70 75 62 6C 69 63 1A 01 74 B2 06 0C 0A 01 61 0A 01 62 12 01 61 1A 01 62',
  ],
  ['CloseRequest', { session: { ID: 's1' } }, '0A 04 0A 02 73 31'],
  ['CloseRequest', { session: { ID: 's1' }, MaxErrorRows: -1 }, '0A 04 0A 02 73 31 10 FF FF FF FF FF FF FF FF FF 01'],
  ['CloseRequest', { session: { ID: 's1' }, Abort: true }, '0A 04 0A 02 73 31 18 01'],
  ['TransferStats', { SuccessCount: '3', ErrorCount: '1', ErrorRows: ['bad'] }, '08 03 10 01 1A 03 62 61 64'],
  ['TableInfo', { Name: 'x', Type: 'Other' }, '0A 01 78 10 FF 01'],
]

for (const [type, message, encoded] of golden) {
  test(`the contract: ${type} ${JSON.stringify(message)}`, () => {
    assert.equal(hex(encodeMessage(type, message)), encoded)
    assert.deepEqual(decodeMessage(type, bytes(encoded)), message)
  })
}

test('the contract has the eight methods of api.Gpss', () => {
  assert.deepEqual(methodsOf('api.Gpss'), {
    Connect: ['ConnectRequest', 'Session'],
    Disconnect: ['Session', 'google.protobuf.Empty'],
    Open: ['OpenRequest', 'google.protobuf.Empty'],
    Write: ['WriteRequest', 'google.protobuf.Empty'],
    Close: ['CloseRequest', 'TransferStats'],
    ListSchema: ['ListSchemaRequest', 'Schemas'],
    ListTable: ['ListTableRequest', 'Tables'],
    DescribeTable: ['DescribeTableRequest', 'Columns'],
  })
  for (const { name, path } of Object.values(METHODS)) assert.equal(path, `/api.Gpss/${name}`)
})

const open: OpenRequest = {
  session: 's1',
  schema: 'public',
  table: 't',
  columns: ['a', 'b'],
  preSql: '',
  postSql: '',
  stagingSchema: '',
}

test('what is sent is what the contract says', () => {
  const greenplum = { host: 'mdw', port: 5432, user: 'gp', password: 'pw', database: 'db', sessionTimeoutSeconds: 600 }
  assert.equal(hex(METHODS.connect.encode(greenplum)), hex(encodeMessage('ConnectRequest', connect)))
  assert.equal(hex(METHODS.disconnect.encode('s1')), '0A 02 73 31')
  const rows = new RowEncoder(['int32', 'string', 'int64'])
  assert.ok(rows.add([1, 'a', null]))
  assert.equal(
    hex(METHODS.write.encode({ session: 's1', rows: rows.finish().parts[0]! })),
    `0A 04 0A 02 73 31 12 0F 0A 0D ${ROW}`,
  )
  assert.equal(hex(METHODS.close.encode({ session: 's1', maxErrorRows: 0 })), '0A 04 0A 02 73 31')
  assert.equal(hex(METHODS.close.encode({ session: 's1', maxErrorRows: 5 })), '0A 04 0A 02 73 31 10 05')
  assert.equal(
    hex(METHODS.open.encode(open)),
    '0A 04 0A 02 73 31 12 06 70 75 62 6C 69 63 1A 01 74 A2 06 06 0A 01 61 0A 01 62',
  )
  const full = { ...open, preSql: 'SELECT 1', postSql: 'SELECT 2', stagingSchema: 'stage', columns: ['Größe'] }
  assert.deepEqual(decodeMessage('OpenRequest', METHODS.open.encode(full)), {
    ...target,
    PreSQL: 'SELECT 1',
    PostSQL: 'SELECT 2',
    StagingSchema: 'stage',
    InsertOption: { InsertColumns: ['Größe'] },
  })
  assert.deepEqual(
    decodeMessage(
      'DescribeTableRequest',
      METHODS.describeTable.encode({ session: 's1', schema: 'public', table: 't' }),
    ),
    target,
  )
})

test('what comes back is read as the contract says', () => {
  assert.equal(METHODS.connect.decode(encodeMessage('Session', { ID: 's1' })), 's1')
  assert.equal(METHODS.connect.decode(Buffer.alloc(0)), '')
  assert.deepEqual(
    METHODS.close.decode(
      encodeMessage('TransferStats', { SuccessCount: '3', ErrorCount: '-1', ErrorRows: ['a', 'b'] }),
    ),
    { successCount: 3, errorCount: -1, errorRows: ['a', 'b'] },
  )
  assert.deepEqual(METHODS.close.decode(Buffer.alloc(0)), { successCount: 0, errorCount: 0, errorRows: [] })
  const sized = { HasLength: true, Length: '20', HasNullable: true }
  const numeric = { HasPrecisionScale: true, Precision: '38', Scale: '9', HasNullable: true, Nullable: true }
  const described = encodeMessage('Columns', {
    Columns: [{ Name: 'a', DatabaseType: 'VARCHAR', ...sized }, { Name: 'b', DatabaseType: 'NUMERIC', ...numeric }, {}],
  })
  assert.deepEqual(METHODS.describeTable.decode(described), [
    { name: 'a', databaseType: 'VARCHAR', length: 20, precisionScale: null, nullable: false },
    { name: 'b', databaseType: 'NUMERIC', length: null, precisionScale: [38, 9], nullable: true },
    { name: '', databaseType: '', length: null, precisionScale: null, nullable: null },
  ])
})

test('fields that are not known are passed over, and bytes that are no message are refused', () => {
  const unknown = bytes('98 06 01 A1 06 00 00 00 00 00 00 00 00 AA 06 01 61 B5 06 00 00 00 00')
  const stats = Buffer.concat([unknown, encodeMessage('TransferStats', { SuccessCount: '3' })])
  assert.equal(METHODS.close.decode(stats).successCount, 3)
  for (const broken of ['08', '1A 05 61', '0B', 'FF FF FF FF FF FF FF FF FF FF FF 01', '11 00'])
    assert.throws(() => METHODS.close.decode(bytes(broken)), RangeError, broken)
})
