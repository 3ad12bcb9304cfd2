import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Facts } from '../../src/batch.ts'
import { type RawRecord, toJson } from '../../src/change.ts'
import { recordDecoder } from '../../src/decode/decoder.ts'
import { ChangeReader, type ReadOptions } from '../../src/deliver/change-reader.ts'
import { RelayError } from '../../src/errors.ts'
import { SourceTables } from '../../src/feeds/dms/source-tables.ts'
import { KeyUnknownYet } from '../../src/feeds/table-facts.ts'
import { feedWarnings } from '../../src/feeds/warnings.ts'
import { SILENT } from '../../src/observe/log.ts'
import { route } from '../../src/stages/route.ts'

test('what cannot be decoded is kept with its bytes and its place', () => {
  const data = Buffer.from('not JSON')
  const [letter] = new ChangeReader(OPTIONS).read({ ...AT, data })
  assert.deepEqual(letter, {
    kind: 'dead-letter',
    code: 'DECODE_NOT_JSON',
    detail: 'The 8 characters of the record are not JSON',
    raw: data,
    source: { format: 'unknown', stream: 'orders', shard: 'shard-1', sequence: '17', subSequence: 2 },
  })
})

test('under stop the place is in the error', () => {
  const { examine } = readerOf({ ...OPTIONS, onError: 'stop' })
  assert.throws(
    () => examine({ ...AT, data: Buffer.from('not JSON') }),
    (error) => {
      assert.ok(error instanceof RelayError)
      assert.deepEqual(error.place, { stream: 'orders', shard: 'shard-1', sequence: '17' })
      return true
    },
  )
})

test('a file names the record as its dump does', () => {
  const [letter] = new ChangeReader(OPTIONS).read({
    ...AT,
    data: Buffer.from('?'),
    origin: { shard: 'shard-9', sequence: '99' },
  })
  assert.equal(letter?.source.shard, 'shard-9')
  assert.equal(letter?.source.sequence, '99')
})

test('an old image that cannot be decoded is met only where it is read', () => {
  const record = modify({ a: { S: 'new' } }, { a: { WHAT: 1 } })
  assert.equal(new ChangeReader(OPTIONS).read(record)[0]?.kind, 'change')
  const [letter] = new ChangeReader({ ...OPTIONS, readsBefore: true }).read(record)
  assert.equal(letter?.kind === 'dead-letter' && letter.code, 'DECODE_VALUE')
})

test('text is screened for the targets that refuse it, and counted', () => {
  const record = modify({ a: { S: 'x\0' } }, {})
  let altered = 0
  const count = (): void => void altered++
  const [kept] = new ChangeReader(OPTIONS).read(record)
  assert.equal(kept?.kind === 'change' && kept.after?.a, 'x\0')
  const [replaced] = new ChangeReader({
    ...OPTIONS,
    screening: () => ({ policy: 'replace', alsoNul: true }),
    onTextReplaced: count,
  }).read(record)
  assert.equal(replaced?.kind === 'change' && replaced.after?.a, 'x\uFFFD')
  const [letter] = new ChangeReader({
    ...OPTIONS,
    screening: () => ({ policy: 'dead-letter', alsoNul: true }),
    onTextReplaced: count,
  }).read(record)
  assert.equal(letter?.kind === 'dead-letter' && letter.code, 'TEXT_NUL')
  assert.equal(altered, 1)
})

test('a bug is not made a dead letter', () => {
  const decode = (): never => {
    throw new TypeError('a bug')
  }
  assert.throws(() => new ChangeReader({ ...OPTIONS, decode }).read({ ...AT, data: Buffer.from('{}') }), TypeError)
})

test('a change of DMS gets its key from what went before; what waits passes through as it was thrown', () => {
  for (const onError of ['dead-letter', 'stop'] as const) {
    const { examine, learned, restore } = readerOf({ ...OPTIONS, facts: tables(), onError })
    const insert = dms('insert', '"data":{"id":7}')
    assert.throws(() => examine(insert), KeyUnknownYet)
    assert.deepEqual(
      examine(CREATE_BERTHS).map(({ kind }) => kind),
      ['schema'],
    )
    const [change] = examine(insert)
    assert.equal(change?.kind === 'change' && toJson(change.key), '{"id":7}')
    const { facts } = learned()
    assert.deepEqual([...facts.keys()], ['table harbour.berths'])
    restore(new Map())
    assert.throws(() => examine(insert), KeyUnknownYet)
    restore(facts)
    assert.equal(examine(insert)[0]?.kind, 'change')
  }
})

test('a glance learns the keys of tables that stand behind one that waits, and nothing else', () => {
  const { examine, glance, learned } = readerOf({ ...OPTIONS, facts: tables() })
  const insert = dms('insert', '"data":{"id":7}')
  glance(dms('drop-table', '"control":{}'))
  glance(insert)
  glance({ ...AT, data: Buffer.from('no JSON') })
  assert.deepEqual(learned(), { tables: new Map(), facts: new Map() })
  assert.throws(() => examine(insert), KeyUnknownYet)
  glance(CREATE_BERTHS)
  assert.equal(examine(insert)[0]?.kind, 'change')
  assert.deepEqual([...learned().facts.keys()], ['table harbour.berths'])
})

test('a table that is not wanted neither waits nor is learned, its schema changes are skipped', () => {
  const only = route({ include: [], exclude: ['berths'], ignoreDeletes: false, expired: 'delete' })
  const { examine, learned } = readerOf({ ...OPTIONS, facts: tables(), stages: [only] })
  for (const record of [dms('insert', '"data":{"id":7}'), CREATE_BERTHS]) {
    assert.deepEqual(
      examine(record).map((item) => item.kind === 'skip' && item.reason),
      ['table-not-wanted'],
    )
  }
  assert.equal(learned().tables.size, 0)
})

test('names that the target refuses are refused before anything is kept under them', () => {
  const { examine, learned } = readerOf({
    ...OPTIONS,
    facts: tables(),
    screening: () => ({ policy: 'replace', alsoNul: true }),
  })
  const records = [
    dms('create-table', '"control":{"table-def":{"columns":{"a\\u0000":{"type":"INT64"}},"primary-key":[]}}'),
    dms('create-table', '"control":{"table-def":{"columns":{},"primary-key":["a\\u0000"]}}'),
    dms('drop-table', '"control":{}', { 'table-name': 'a\0' }),
    dms('insert', '"data":{"id":7}', { 'schema-name': 'a\0' }),
  ]
  for (const record of records) {
    const [letter] = examine(record)
    assert.equal(letter?.kind === 'dead-letter' && letter.code, 'TEXT_NUL')
  }
  assert.deepEqual(learned(), { tables: new Map(), facts: new Map() })
})

test('trouble that a DMS task wrote down is logged at a falling rate, by place and not by its row', () => {
  const warnings: string[] = []
  const log = {
    ...SILENT,
    warn: (fields: object, message: string) => void warnings.push(`${JSON.stringify(fields)} ${message}`),
  }
  const { examine } = readerOf({ ...OPTIONS, facts: tables(), onDecoded: feedWarnings(log) })
  const row = '"data":{"TABLE_NAME":"orders","STATEMENT":"secret"}'
  const exception = dms('insert', row, { 'schema-name': '', 'table-name': 'awsdms_apply_exceptions' })
  for (let i = 0; i < 20; i++) assert.equal(examine(exception)[0]?.kind, 'skip')
  examine(dms('insert', row, { 'schema-name': '', 'table-name': 'awsdms_suspended_tables' }))
  examine(dms('insert', row, { 'schema-name': '', 'table-name': 'awsdms_status' }))
  const line = (reason: string, count: number, words: string) =>
    `{"code":"TASK_TROUBLE","reason":"${reason}","count":${count},"shard":"shard-1","sequence":"17"} ${words}`
  assert.deepEqual(
    warnings.map((line) => line.replace(/(?<=\}).*(awsdms_apply|suspended).*/, ' $1')),
    [
      line('dms-apply-exception', 1, 'awsdms_apply'),
      line('dms-apply-exception', 10, 'awsdms_apply'),
      line('dms-suspended-table', 1, 'suspended'),
    ],
  )
})

const AT = { shard: 'shard-1', sequence: '17', subSequence: 2, arrivedAt: null }

const tables = (): SourceTables =>
  new SourceTables({
    declaredKey: () => undefined,
    declaredTypes: () => new Map(),
    missingColumns: 'auto',
    needsKeys: true,
    keyWaitMs: 60_000,
    askTarget: async () => null,
    log: SILENT,
  })

const OPTIONS: ReadOptions = {
  decode: recordDecoder({ format: 'auto', stream: 'orders', binary: 'double', beforeImageField: 'before-image' }),
  stages: [route({ include: [], exclude: [], ignoreDeletes: false, expired: 'delete' })],
  stream: 'orders',
  onError: 'dead-letter',
  readsBefore: false,
  screening: () => null,
  facts: tables(),
  onTextReplaced: () => assert.fail('nothing is to be replaced'),
}

function readerOf(options: ReadOptions) {
  const reader = new ChangeReader(options)
  return {
    examine: (record: RawRecord) => reader.read(record),
    glance: (record: RawRecord) => reader.learnSchemas(record),
    learned: () => reader.take(),
    restore: (facts: Facts) => options.facts.restore(facts),
  }
}

const CREATE_BERTHS = dms(
  'create-table',
  '"control":{"table-def":{"columns":{"id":{"type":"INT64"}},"primary-key":["id"]}}',
)

/** A record of DMS; `rest` is JSON text. */
function dms(operation: string, rest: string, more: object = {}): RawRecord {
  const described = {
    timestamp: '2026-01-01T20:40:00.123456Z',
    'record-type': rest.startsWith('"data"') ? 'data' : 'control',
    operation,
    'schema-name': 'harbour',
    'table-name': 'berths',
    ...more,
  }
  return { ...AT, data: Buffer.from(`{${rest},"metadata":${JSON.stringify(described)}}`) }
}

function modify(NewImage: object, OldImage: object): RawRecord {
  const dynamodb = { ApproximateCreationDateTime: 1754300000112233, Keys: { id: { S: '1' } }, NewImage, OldImage }
  const record = { eventName: 'MODIFY', tableName: 'orders', eventSource: 'aws:dynamodb', dynamodb }
  return { ...AT, data: Buffer.from(JSON.stringify(record)) }
}
