import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Binary, type Change, Numeric, recordToJson } from '../../../src/change.ts'
import { targetName } from '../../../src/sinks/tables/names.ts'
import { canonicalJson, del, dmsDel, dmsMove, dmsPatch, dmsPut, put, row } from '../../support/changes.ts'
import { appendPlace, openLog, printed } from './append-place.ts'

const place = await appendPlace()
after(() => place.close())

const DIGITS = '12345678901234567890123456789.123456789'
const values = {
  n: new Numeric(DIGITS),
  b: Binary.fromBase64Text('AP8='),
  list: [1, 'two', null, { deep: [true] }],
  text: 'a "b" \\ \n é 😀',
  none: null,
}
const TRANSACTION = { id: '7', record: '2', commitTime: '2026-11-20T10:00:00Z', position: '0/16B' }

/** One of every kind. Versions are microseconds of 1970. */
function history(table: string): Change[] {
  const loaded = put('a', 1, { table, data: values, sequence: '11' })
  const expired = del('a', 2, { table, before: row({ id: 'a', text: 'old' }), sequence: '12' })
  const aggregated = put('b', 3, { table, data: {}, sequence: '13' })
  const transacted = dmsPut(1, 4_500_000, { table, data: { text: 't' }, sequence: '14' })
  return [
    { ...loaded, op: 'load' },
    { ...expired, expired: true },
    { ...aggregated, source: { ...aggregated.source, subSequence: 0 } },
    { ...transacted, transaction: TRANSACTION },
    dmsPatch(1, 5, { table, before: row({ id: 1, text: 't' }), sequence: '15' }),
    dmsMove({ id: 1 }, { id: 2 }, 6, { table, sequence: '16' }),
    dmsDel(2, 7, { table, data: { text: 'gone' }, sequence: '17' }),
    { ...dmsDel(3, 8, { table, before: null, sequence: '18' }), key: null },
  ]
}

for (const type of ['json', 'jsonb', 'text', 'varchar', 'character varying(9000)']) {
  test(`a table of one column, ${type}, gets the whole record`, async (t) => {
    const table = `whole_${type.replaceAll(/\W/g, '_')}`
    await place.database.query(`CREATE TABLE ${table} (data ${type})`)
    const log = await openLog(t, place)
    const changes = history(table)
    assert.deepEqual(await log.batch(changes)(), {
      kind: 'written',
      tables: new Map([[table, { applied: 8, superseded: 0 }]]),
      skips: new Map(),
      deadLettered: 0,
    })
    const found = await place.database.query<{ data: string }>(`SELECT data::text AS data FROM ${table} ORDER BY ctid`)
    assert.deepEqual(
      found.map(({ data }) => canonicalJson(data)),
      changes.map((change) => canonicalJson(recordToJson(change))),
    )
    assert.equal(
      canonicalJson(found[1]!.data),
      canonicalJson(
        `{"kind":"change","op":"delete","table":{"schema":null,"name":"${table}"},"key":{"id":"a"},` +
          `"before":{"id":"a","text":"old"},"after":null,"complete":true,"version":"2","time":"1970-01-01T00:00:00.000000Z",` +
          '"expired":true,"source":{"format":"dynamodb","stream":"changes","shard":"shard-0","sequence":"12","eventId":"event-2"}}',
      ),
    )
  })
}

/** As the SQL sinks make it. */
const RECORD = {
  op: 'text NOT NULL',
  table_schema: 'text',
  table_name: 'text NOT NULL',
  key: 'jsonb',
  before: 'jsonb',
  after: 'jsonb',
  complete: 'boolean NOT NULL',
  version: 'bigint NOT NULL',
  time: 'timestamptz NOT NULL',
  expired: 'boolean',
  transaction: 'jsonb',
  format: 'text NOT NULL',
  stream: 'text NOT NULL',
  shard: 'text NOT NULL',
  sequence: 'text NOT NULL',
  sub_sequence: 'integer',
  event_id: 'text',
}
const RECORD_OF_OTHER_TYPES = {
  ...RECORD,
  op: 'varchar',
  key: 'json',
  before: 'text',
  after: 'json',
  version: 'numeric',
  time: 'text',
  sub_sequence: 'bigint',
}

const columnsOf = (columns: Readonly<Record<string, string>>): string =>
  Object.entries(columns)
    .map(([name, type]) => `"${name}" ${type}`)
    .join(', ')

const none = {
  table_schema: null,
  before: null,
  after: null,
  expired: null,
  transaction: null,
  sub_sequence: null,
  event_id: null,
}
const told = { ...none, complete: 'true', stream: 'changes', shard: 'shard-0' }
const ofDynamodb = { ...told, format: 'dynamodb' }
const ofDms = { ...told, format: 'dms' }
const EPOCH = '1970-01-01 00:00:00'

/** The history as the columns of the record print it; documents are compared as such. */
const recordRows = [
  {
    ...ofDynamodb,
    op: 'load',
    key: '{"id":"a"}',
    after: `{"id":"a","n":${DIGITS},"b":"AP8=","list":[1,"two",null,{"deep":[true]}],"text":"a \\"b\\" \\\\ \\n é 😀","none":null}`,
    version: '1',
    time: EPOCH,
    sequence: '11',
    event_id: 'event-1',
  },
  {
    ...ofDynamodb,
    op: 'delete',
    key: '{"id":"a"}',
    before: '{"id":"a","text":"old"}',
    version: '2',
    time: EPOCH,
    expired: 'true',
    sequence: '12',
    event_id: 'event-2',
  },
  {
    ...ofDynamodb,
    op: 'insert',
    key: '{"id":"b"}',
    after: '{"id":"b"}',
    version: '3',
    time: EPOCH,
    sequence: '13',
    sub_sequence: '0',
    event_id: 'event-3',
  },
  {
    ...ofDms,
    op: 'insert',
    key: '{"id":1}',
    after: '{"id":1,"text":"t"}',
    version: '4500000',
    time: '1970-01-01 00:00:04.5',
    transaction: '{"id":"7","record":"2","commitTime":"2026-11-20T10:00:00Z","position":"0/16B"}',
    sequence: '14',
  },
  {
    ...ofDms,
    op: 'update',
    key: '{"id":1}',
    before: '{"id":1,"text":"t"}',
    after: '{"id":1,"at":5}',
    complete: 'false',
    version: '5',
    time: EPOCH,
    sequence: '15',
  },
  {
    ...ofDms,
    op: 'update',
    key: '{"id":1}',
    before: '{"id":1}',
    after: '{"id":2,"at":6}',
    version: '6',
    time: EPOCH,
    sequence: '16',
  },
  {
    ...ofDms,
    op: 'delete',
    key: '{"id":2}',
    before: '{"id":2,"text":"gone"}',
    version: '7',
    time: EPOCH,
    sequence: '17',
  },
  { ...ofDms, op: 'delete', key: null, version: '8', time: EPOCH, sequence: '18' },
]

const DOCUMENTS = ['key', 'before', 'after', 'transaction']
const isDocument = (name: string): boolean => DOCUMENTS.includes(name.replace(/^cdc_/, ''))
const isTime = (name: string): boolean => name === 'time' || name === 'cdc_time'

/** Documents in one spelling, times without their zone, which is UTC. */
function comparable(rows: readonly Readonly<Record<string, string | null>>[]): Record<string, string | null>[] {
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, text]) => {
        if (text === null) return [name, null]
        if (isDocument(name)) return [name, canonicalJson(text)]
        return [
          name,
          isTime(name)
            ? text
                .replace('T', ' ')
                .replace(/(\.\d*?)0*Z$|\+00$/, '$1')
                .replace(/\.$/, '')
            : text,
        ]
      }),
    ),
  )
}

for (const [title, columns] of Object.entries({
  'the SQL sinks make it': RECORD,
  'other types': RECORD_OF_OTHER_TYPES,
})) {
  test(`a table with the fields of the record: ${title}`, async (t) => {
    const table = title === 'other types' ? 'record_other' : 'record_sql'
    await place.database.query(`CREATE TABLE ${table} (${columnsOf(columns)}, arrived integer DEFAULT 9)`)
    const log = await openLog(t, place)
    await log.batch(history(table))()
    assert.deepEqual(
      comparable(await printed(place, table)),
      comparable(recordRows.map((row) => ({ ...row, table_name: table, arrived: '9' }))),
    )
  })
}

test('a table with some fields of the record gets these', async (t) => {
  await place.database.query('CREATE TABLE some_fields (after json, op text, key json, sequence numeric)')
  const log = await openLog(t, place)
  await log.batch([
    put('a', 1, { table: 'some_fields', sequence: '49650000000000000000000000000000000000000000000000000001' }),
  ])()
  assert.deepEqual(await printed(place, 'some_fields'), [
    {
      after: '{"id":"a","at":1}',
      op: 'insert',
      key: '{"id":"a"}',
      sequence: '49650000000000000000000000000000000000000000000000000001',
    },
  ])
})

const WIDE = { id: 'text', at: 'integer', n: 'numeric', b: 'bytea', list: 'jsonb', text: 'text', none: 'date' }

test('a wide table gets the columns of the row, and all of the record beside them', async (t) => {
  const fields = Object.fromEntries(Object.entries(RECORD).map(([name, type]) => [`cdc_${name}`, type]))
  await place.database.query(`CREATE TABLE wide (${columnsOf({ ...fields, ...WIDE })})`)
  const log = await openLog(t, place)
  await log.batch(history('wide'))()

  const empty = { id: null, at: null, n: null, b: null, list: null, text: null, none: null }
  const rows = [
    {
      id: 'a',
      n: DIGITS,
      b: '\\x00ff',
      list: '[1, "two", null, {"deep": [true]}]',
      text: 'a "b" \\ \n é 😀',
    },
    { id: 'a', text: 'old' },
    { id: 'b' },
    { id: '1', text: 't' },
    { id: '1', at: '5' },
    { id: '2', at: '6' },
    { id: '2', text: 'gone' },
    {},
  ]
  const expected = rows.map((row, i) => {
    const record = Object.entries({ ...recordRows[i], table_name: 'wide' })
    return { ...Object.fromEntries(record.map(([name, text]) => [`cdc_${name}`, text])), ...empty, ...row }
  })
  assert.deepEqual(comparable(await printed(place, 'wide')), comparable(expected))
})

test('a wide table has the fields of the record that it wants, or none', async (t) => {
  await place.database.query(`
    CREATE TABLE wide_some (cdc_op varchar(6), id text, at integer, n numeric, cdc_version text);
    CREATE TABLE wide_none (at smallint, id text)`)
  const log = await openLog(t, place)
  const both = (table: string): Change[] => [
    put('a', 1, { table }),
    del('a', 2, { table }),
    del('b', 3, { table, before: row({ id: 'b', at: 9 }) }),
  ]
  await log.batch([...both('wide_some'), ...both('wide_none')])()
  assert.deepEqual(await printed(place, 'wide_some'), [
    { cdc_op: 'insert', id: 'a', at: '1', n: null, cdc_version: '1' },
    { cdc_op: 'delete', id: 'a', at: null, n: null, cdc_version: '2' },
    { cdc_op: 'delete', id: 'b', at: '9', n: null, cdc_version: '3' },
  ])
  assert.deepEqual(await printed(place, 'wide_none'), [
    { at: '1', id: 'a' },
    { at: null, id: 'a' },
    { at: '9', id: 'b' },
  ])
})

test('the columns of a composite key are there in a delete that tells no old values', async (t) => {
  await place.database.query('CREATE TABLE composite (line integer, "order" text, note text)')
  const log = await openLog(t, place)
  const key = { order: 'o', line: 1 }
  await log.batch([
    put(null, 1, { table: 'composite', key, data: { note: 'n' } }),
    del(null, 2, { table: 'composite', key }),
    del(null, 3, { table: 'composite', key, before: row({ note: 'n' }) }),
  ])()
  assert.deepEqual(await printed(place, 'composite'), [
    { line: '1', order: 'o', note: 'n' },
    { line: '1', order: 'o', note: null },
    { line: '1', order: 'o', note: 'n' },
  ])
})

test('several tables of a batch, of both feeds', async (t) => {
  const tables = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6']
  for (const name of tables) await place.database.query(`CREATE TABLE ${name} (id text, at integer, cdc_format text)`)
  const log = await openLog(t, place)
  const changes = Array.from({ length: 60 }, (_, i) => {
    const table = tables[i % 6]!
    return i % 2 === 0 ? put(`${i}`, i, { table }) : dmsPut(i, i, { table: { schema: null, name: table } })
  })
  const written = await log.batch(changes)()
  assert.equal(written.kind, 'written')
  assert.deepEqual(
    written.kind === 'written' && written.tables,
    new Map(tables.map((name) => [name, { applied: 10, superseded: 0 }])),
  )
  for (const [k, name] of tables.entries()) {
    assert.deepEqual(
      await printed(place, name),
      Array.from({ length: 10 }, (_, i) => ({
        id: `${6 * i + k}`,
        at: `${6 * i + k}`,
        cdc_format: k % 2 === 0 ? 'dynamodb' : 'dms',
      })),
    )
  }
})

test('odd names', async (t) => {
  const long = `${'é'.repeat(40)} much longer than a name can be`
  const names = ['Sp ace', 'a"b', 'x.y', '__proto__', 'constructor', 'sélect', long]
  const columns = names.map((name) => `"${targetName(name).replaceAll('"', '""')}" text`)
  await place.database.query(`CREATE TABLE "Odd ""Name"".x" (id text, ${columns.join(', ')})`)
  const log = await openLog(t, place)
  const data = Object.fromEntries(names.map((name) => [name, `of ${name}`]))
  const table = 'Odd "Name".x'
  const nothingTold = { ...del(null, 2, { table }), key: null }
  await log.batch([put('a', 1, { table, data: row(data) }), nothingTold])()
  const empty = row(Object.fromEntries([['id', null], ...names.map((name) => [targetName(name), null])]))
  assert.deepEqual(
    (await printed(place, '"Odd ""Name"".x"')).map((found) => row(found)),
    [row(Object.fromEntries([['id', 'a'], ...names.map((name) => [targetName(name), `of ${name}`])])), empty],
  )
})

test('a table that is missing is made with one column, in its schema', async (t) => {
  const log = await openLog(t, place, {
    routes: ({ name }) => (name === 'routed' ? { schema: 'New "s"', name: 'T' } : null),
  })
  const changes = [put('a', 1, { table: 'fresh' }), put('b', 2, { table: 'routed' }), dmsPut(1, 3)]
  await log.batch(changes)()
  for (const [at, table] of ['fresh', '"New ""s"""."T"', 'shop.orders'].entries()) {
    assert.deepEqual(await printed(place, table), [{ data: recordToJson(changes[at]!) }])
  }
})

test('tables that fold into one are one log', async (t) => {
  const log = await openLog(t, place, { routes: () => ({ schema: null, name: 'folded' }) })
  const changes = [put('a', 1, { table: 'l1' }), put('b', 2, { table: 'l2' }), put('c', 3, { table: 'l1' })]
  await log.batch(changes)()
  const found = (await printed(place, 'folded')).map(({ data }) => data!)
  assert.deepEqual(found.sort(), changes.map(recordToJson).sort())
})

test('a column that is NOT NULL keeps its default where the source has nothing for it', async (t) => {
  await place.database.query(
    'CREATE TABLE serial (n bigserial, id text NOT NULL, at integer DEFAULT 7, seen integer NOT NULL DEFAULT 8)',
  )
  const log = await openLog(t, place, { onError: 'dead-letter' })
  const table = 'serial'
  await log.batch([put('a', 1, { table, data: {} }), put('b', 2, { table })])()
  // A load of rows that have a value and rows that have none is taken apart.
  await log.batch([put('c', 3, { table, data: { seen: 1 } }), put('d', 4, { table, data: {} })])()
  assert.deepEqual(
    (await printed(place, 'serial')).map(({ n: _, ...row }) => row),
    [
      { id: 'a', at: null, seen: '8' },
      { id: 'b', at: '2', seen: '8' },
      { id: 'c', at: null, seen: '1' },
      { id: 'd', at: null, seen: '8' },
    ],
  )
  const numbers = (await printed(place, 'serial')).map(({ n }) => n)
  assert.equal(new Set(numbers).size, 4)
  assert.deepEqual(await log.deadLetters(), [])
})

test('more than one message holds', async (t) => {
  await place.database.query('CREATE TABLE large (id text, text text)')
  const log = await openLog(t, place)
  const text = 'é'.repeat(1_000_000)
  const changes = ['a', 'b', 'c'].map((id, i) => put(id, i, { table: 'large', data: { text } }))
  await log.batch(changes)()
  const found = await place.database.query('SELECT id, text = $1 AS same FROM large ORDER BY id', [text])
  assert.deepEqual(
    found,
    ['a', 'b', 'c'].map((id) => ({ id, same: true })),
  )
})
