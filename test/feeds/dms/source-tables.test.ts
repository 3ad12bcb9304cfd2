import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Facts, SourceTable } from '../../../src/batch.ts'
import {
  type Change,
  type ColumnType,
  type Row,
  type StreamChange,
  type TableName,
  toJson,
} from '../../../src/change.ts'
import { RelayError } from '../../../src/errors.ts'
import { SourceTables, type SourceTablesOptions } from '../../../src/feeds/dms/source-tables.ts'
import { KeyUnknownYet } from '../../../src/feeds/table-facts.ts'
import type { Log } from '../../../src/observe/log.ts'
import { logObserver } from '../../../src/observe/log-observer.ts'
import {
  addColumn,
  createTable,
  dmsDel,
  dmsMove,
  dmsPatch,
  dmsPut,
  dropTable,
  put,
  row,
  SHOP_ORDERS,
  sourceTable,
} from '../../support/changes.ts'

const NONE: Facts = new Map()

function tablesWith(options: Partial<SourceTablesOptions> = {}): SourceTables {
  const silent = (): void => {}
  return new SourceTables({
    declaredKey: () => undefined,
    declaredTypes: () => new Map(),
    missingColumns: 'auto',
    needsKeys: true,
    keyWaitMs: 3_600_000,
    askTarget: async () => assert.fail('nobody is to be asked'),
    log: { debug: silent, info: silent, warn: silent, error: silent },
    ...options,
  })
}

/** A log that is a list of `level message`. */
function listed(): { readonly lines: string[]; readonly log: Log } {
  const lines: string[] = []
  const at = (level: string) => (_: object, message: string) => void lines.push(`${level} ${message}`)
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } }
}

/** As the decoder leaves it. */
const decoded = (change: Change): Change => ({ ...change, key: null, complete: change.op !== 'update' })

const passed = (tables: SourceTables, change: Change): Change => tables.complete(decoded(change)) as Change

const orders = (tables: SourceTables): SourceTable | undefined => tables.take().tables.get('shop.orders')

// What is learned of a table

const { columns: _, primaryKey: __, ...WITHOUT_DETAILS } = createTable({}, 5)

const learning: readonly {
  readonly title: string
  readonly items: readonly StreamChange[]
  readonly options?: Partial<SourceTablesOptions>
  readonly table: SourceTable
  readonly fact: string | undefined
}[] = [
  {
    title: 'create-table tells key and columns',
    items: [createTable({ id: 'int64', note: 'text' }, 5)],
    table: sourceTable({ id: 'int64', note: 'text' }),
    fact: '{"key":["id"],"columns":{"id":"int64","note":"text"},"floor":null,"version":"5"}',
  },
  {
    title: 'a newer create-table replaces them',
    items: [
      createTable({ id: 'int64', note: 'text' }, 5),
      createTable({ a: 'text', b: 'date' }, 6, { key: ['b', 'a'] }),
    ],
    table: sourceTable({ a: 'text', b: 'date' }, { key: ['b', 'a'] }),
    fact: '{"key":["b","a"],"columns":{"a":"text","b":"date"},"floor":null,"version":"6"}',
  },
  {
    title: 'an equally old one does, too',
    items: [createTable({ id: 'int64' }, 5), createTable({ a: 'text' }, 5, { key: ['a'] })],
    table: sourceTable({ a: 'text' }, { key: ['a'] }),
    fact: '{"key":["a"],"columns":{"a":"text"},"floor":null,"version":"5"}',
  },
  {
    title: 'an older one is ignored; versions are numbers, not text',
    items: [createTable({ id: 'int64' }, 10), createTable({ a: 'text' }, 9, { key: ['a'] })],
    table: sourceTable({ id: 'int64' }),
    fact: '{"key":["id"],"columns":{"id":"int64"},"floor":null,"version":"10"}',
  },
  {
    title: 'a create-table without primary key tells that there is none',
    items: [createTable({ id: 'int64' }, 5, { key: [] })],
    table: sourceTable({ id: 'int64' }, { key: [] }),
    fact: '{"key":[],"columns":{"id":"int64"},"floor":null,"version":"5"}',
  },
  {
    title: 'a create-table without details tells only that the table is there',
    items: [WITHOUT_DETAILS],
    table: sourceTable({}, { key: null }),
    fact: undefined,
  },
  {
    title: 'a create-table without details takes nothing away',
    items: [createTable({ id: 'int64' }, 5), { ...WITHOUT_DETAILS, version: '6' }, createTable({ id: 'int32' }, 5)],
    table: sourceTable({ id: 'int32' }),
    fact: '{"key":["id"],"columns":{"id":"int32"},"floor":null,"version":"5"}',
  },
  {
    title: 'a create-table that tells only the key',
    items: [createTable({ id: 'int64' }, 5), { ...WITHOUT_DETAILS, primaryKey: ['a', 'id'], version: '7' }],
    table: sourceTable({ id: 'int64' }, { key: ['a', 'id'] }),
    fact: '{"key":["a","id"],"columns":{"id":"int64"},"floor":null,"version":"7"}',
  },
  {
    title: 'a create-table that tells only columns',
    items: [
      createTable({ id: 'int64' }, 5),
      { ...WITHOUT_DETAILS, columns: [{ name: 'id', type: 'int32', nullable: true }], version: '6' },
    ],
    table: sourceTable({ id: 'int32' }),
    fact: '{"key":["id"],"columns":{"id":"int32"},"floor":null,"version":"6"}',
  },
  {
    title: 'add-column adds what is new and changes nothing else',
    items: [createTable({ id: 'int64' }, 5), addColumn({ id: 'text', note: 'text' }, 6)],
    table: sourceTable({ id: 'int64', note: 'text' }),
    fact: '{"key":["id"],"columns":{"id":"int64","note":"text"},"floor":null,"version":"5"}',
  },
  {
    title: 'add-column before any create-table',
    items: [addColumn({ note: 'text' }, 6), addColumn(null, 7)],
    table: sourceTable({ note: 'text' }, { key: null }),
    fact: '{"key":null,"columns":{"note":"text"},"floor":null,"version":null}',
  },
  {
    title: 'change-columns and column-type-change add, too',
    items: [
      createTable({ id: 'int64' }, 5),
      { ...addColumn({ a: 'text' }, 6), op: 'change-columns' },
      { ...addColumn({ b: 'text' }, 6), op: 'column-type-change' },
    ],
    table: sourceTable({ id: 'int64', a: 'text', b: 'text' }),
    fact: '{"key":["id"],"columns":{"id":"int64","a":"text","b":"text"},"floor":null,"version":"5"}',
  },
  {
    title: 'a column-type-change widens, in whatever order it comes, and makes nothing narrower',
    items: [
      createTable({ a: 'int32', b: 'float64', c: 'text' }, 5),
      { ...addColumn({ a: 'numeric', b: 'float32', c: 'int64' }, 8), op: 'column-type-change' },
      { ...addColumn({ a: 'int64' }, 7), op: 'column-type-change' },
    ],
    table: sourceTable({ a: 'numeric', b: 'float64', c: 'text' }),
    fact: '{"key":["id"],"columns":{"a":"numeric","b":"float64","c":"text"},"floor":null,"version":"5"}',
  },
  {
    title: 'a column-type-change from before the create-table says nothing of types',
    items: [
      createTable({ id: 'int32' }, 5),
      { ...addColumn({ id: 'int64', note: 'text' }, 4), op: 'column-type-change' },
    ],
    table: sourceTable({ id: 'int32', note: 'text' }),
    fact: '{"key":["id"],"columns":{"id":"int32","note":"text"},"floor":null,"version":"5"}',
  },
  {
    title: 'the other operations tell nothing',
    items: [
      createTable({ id: 'int64' }, 5),
      { ...addColumn({ a: 'text' }, 6), op: 'drop-column' },
      { ...addColumn({ a: 'text' }, 6), op: 'rename-column' },
      { ...addColumn({ a: 'text' }, 6), op: 'rename-table' },
    ],
    table: sourceTable({ id: 'int64' }),
    fact: '{"key":["id"],"columns":{"id":"int64"},"floor":null,"version":"5"}',
  },
  {
    title: 'drop-table raises the floor, and what is known stays',
    items: [createTable({ id: 'int64' }, 5), dropTable(9), dropTable(10), dropTable(8)],
    table: sourceTable({ id: 'int64' }, { floor: '10' }),
    fact: '{"key":["id"],"columns":{"id":"int64"},"floor":"10","version":"5"}',
  },
  {
    title: 'the floor of a table of which nothing else is known',
    items: [dropTable(9)],
    table: sourceTable({}, { key: null, floor: '9' }),
    fact: '{"key":null,"columns":{},"floor":"9","version":null}',
  },
  {
    title: 'a create-table keeps the floor',
    items: [dropTable(9), createTable({ id: 'int64' }, 39)],
    table: sourceTable({ id: 'int64' }, { floor: '9' }),
    fact: '{"key":["id"],"columns":{"id":"int64"},"floor":"9","version":"39"}',
  },
  {
    title: '--key wins over create-table, which stays the fact',
    items: [createTable({ id: 'int64' }, 5)],
    options: { declaredKey: ({ schema, name }) => (schema === 'shop' && name === 'orders' ? ['a', 'b'] : undefined) },
    table: sourceTable({ id: 'int64' }, { key: ['a', 'b'] }),
    fact: '{"key":["id"],"columns":{"id":"int64"},"floor":null,"version":"5"}',
  },
  {
    title: '--type wins column by column, and makes no columns',
    items: [createTable({ id: 'int64', tags: 'text' }, 5)],
    options: {
      declaredTypes: () =>
        new Map<string, ColumnType>([
          ['tags', 'bytes'],
          ['more', 'date'],
        ]),
    },
    table: sourceTable({ id: 'int64', tags: 'bytes' }),
    fact: '{"key":["id"],"columns":{"id":"int64","tags":"text"},"floor":null,"version":"5"}',
  },
  {
    title: 'any name is a column',
    items: [createTable(JSON.parse('{"__proto__":"text","toString":"date"}'), 5, { key: ['__proto__'] })],
    table: {
      ...sourceTable({}, { key: ['__proto__'] }),
      columns: new Map([['__proto__', 'text'] as const, ['toString', 'date'] as const]),
    },
    fact: '{"key":["__proto__"],"columns":{"__proto__":"text","toString":"date"},"floor":null,"version":"5"}',
  },
]

for (const { title, items, options, table, fact } of learning) {
  test(`source tables: ${title}`, () => {
    const tables = tablesWith(options)
    for (const item of items) assert.equal(tables.complete(item), item)
    const learned = tables.take()
    assert.deepEqual(learned.tables, new Map([['shop.orders', table]]))
    assert.deepEqual([...learned.facts], fact === undefined ? [] : [['table shop.orders', fact]])

    const after = tablesWith(options)
    after.restore(learned.facts)
    if (fact !== undefined) assert.deepEqual(orders(after), table, 'a restart knows the same')
    assert.deepEqual(after.take().facts, NONE, 'what is durable already is no news')
  })
}

test('source tables: tables of one name in two schemas are two', () => {
  const tables = tablesWith()
  const [eu, us] = ['eu', 'us'].map((schema) => ({ schema, name: 'orders' }))
  tables.complete(createTable({ id: 'int64' }, 5, { table: eu! }))
  tables.complete(createTable({ no: 'int64' }, 5, { table: us!, key: ['no'] }))
  for (const [table, key] of [
    [eu!, 'id'],
    [us!, 'no'],
    [eu!, 'id'],
  ] as const) {
    assert.deepEqual(passed(tables, dmsPut(1, 6, { table, key: { [key]: 1 } })).key, row({ [key]: 1 }))
  }
})

test('source tables: facts are given once, the table is the same object until something changes', () => {
  const tables = tablesWith()
  tables.complete(createTable({ id: 'int64' }, 5))
  const first = tables.take()
  tables.complete(createTable({ id: 'int64' }, 6))
  passed(tables, dmsPut(1, 7))
  const second = tables.take()
  assert.equal(second.tables, first.tables, 'a repeated create-table changes nothing that a sink sees')
  assert.deepEqual([...second.facts.keys()], ['table shop.orders'], 'but its version is remembered')
  tables.complete(addColumn({ note: 'text' }, 8))
  tables.complete(createTable({ id: 'int64' }, 5, { table: { schema: 'shop', name: 'or.ders' } }))
  const third = tables.take()
  assert.deepEqual(first.tables.get('shop.orders'), sourceTable({ id: 'int64' }), 'what was given away is not altered')
  assert.deepEqual([...third.tables.keys()], ['shop.orders', 'shop."or.ders"'])
  assert.deepEqual([...third.facts.keys()], ['table shop.orders', 'table shop."or.ders"'])
  assert.deepEqual(tables.take(), { tables: third.tables, facts: NONE })
})

test('source tables: restore forgets what is not durable, and the operator still has the last word', () => {
  const tables = tablesWith({ declaredKey: ({ name }) => (name === 'declared' ? ['x'] : undefined) })
  tables.complete(createTable({ id: 'int64' }, 5))
  passed(tables, dmsPut(1, 6, { data: { note: null } }))
  tables.restore(
    new Map([
      ['table shop."a.b""c"', '{"key":["k"],"columns":{"k":"text"},"floor":"3","version":"2"}'],
      ['table shop.declared', '{"key":["k"],"columns":{},"floor":null,"version":"2"}'],
      ['of another module', '?'],
    ]),
  )
  const { tables: known, facts } = tables.take()
  assert.deepEqual(
    [...known.values()],
    [
      {
        name: { schema: 'shop', name: 'a.b"c' },
        key: ['k'],
        columns: new Map([['k', 'text']]),
        values: 'textual',
        floor: '3',
      },
      { name: { schema: 'shop', name: 'declared' }, key: ['x'], columns: new Map(), values: 'textual', floor: null },
    ],
  )
  assert.deepEqual(facts, NONE)
  assert.throws(() => passed(tables, dmsPut(1, 6)), KeyUnknownYet, 'the key is forgotten')
  const older = createTable({ z: 'text' }, 1, { table: { schema: 'shop', name: 'a.b"c' }, key: ['z'] })
  tables.complete(older)
  assert.deepEqual(tables.take().tables.get('shop."a.b""c"')?.key, ['k'], 'the version is known, too')
})

test('source tables: a fact that cannot be read is an error, and no value of it is shown', () => {
  for (const json of ['{', '{"key":null}', 'null', '5']) {
    assert.throws(() => tablesWith().restore(new Map([['table shop.orders', json]])), {
      code: 'STATE_BROKEN',
      detail: 'What was learned of table shop.orders cannot be read',
    })
  }
})

// What is added to changes

const KNOWN = createTable({ id: 'int64', port: 'text', n: 'float64' }, 5)
const KEYLESS = createTable({ v: 'text' }, 5, { key: [] })

const completed: readonly {
  readonly title: string
  readonly first?: StreamChange
  readonly change: Change
  readonly options?: Partial<SourceTablesOptions>
  readonly key: Readonly<Record<string, unknown>> | null
  readonly complete: boolean
}[] = [
  { title: 'an insert', change: dmsPut(1, 6), key: { id: 1 }, complete: true },
  { title: 'a row of a load', change: dmsPut(1, 6, { op: 'load' }), key: { id: 1 }, complete: true },
  { title: 'a delete', change: dmsDel(1, 6), key: { id: 1 }, complete: true },
  { title: 'an update', change: dmsPatch(1, 6), key: { id: 1 }, complete: true },
  {
    title: 'an update that shows a null',
    change: dmsPatch(1, 6, { data: { a: null } }),
    key: { id: 1 },
    complete: false,
  },
  {
    title: 'an update that shows empty text',
    change: dmsPatch(1, 6, { data: { a: '' } }),
    key: { id: 1 },
    complete: false,
  },
  {
    title: 'an update after an insert with a null',
    first: decoded(dmsPut(9, 5, { data: { a: null } })),
    change: dmsPatch(1, 6),
    key: { id: 1 },
    complete: false,
  },
  {
    title: 'an update after values that are nought, false, or null further in',
    first: decoded(dmsPut(9, 5, { data: { a: 0, b: false, c: row({ d: null }), e: [null] } })),
    change: dmsPatch(1, 6),
    key: { id: 1 },
    complete: true,
  },
  {
    title: 'an update after a null under --missing-columns null',
    options: { missingColumns: 'null' },
    change: dmsPatch(1, 6, { data: { a: null } }),
    key: { id: 1 },
    complete: true,
  },
  {
    title: 'an update under --missing-columns keep',
    options: { missingColumns: 'keep' },
    change: dmsPatch(1, 6),
    key: { id: 1 },
    complete: false,
  },
  {
    title: 'an insert under --missing-columns keep',
    options: { missingColumns: 'keep' },
    change: dmsPut(1, 6),
    key: { id: 1 },
    complete: true,
  },
  { title: 'a move has its old key', change: dmsMove({ id: 1 }, { id: 2 }, 6), key: { id: 1 }, complete: true },
  {
    title: 'the key of the operator',
    options: { declaredKey: () => ['port', 'id'] },
    change: dmsPut(1, 6, { data: { port: 'SEGOT' } }),
    key: { port: 'SEGOT', id: 1 },
    complete: true,
  },
  { title: 'an insert into a table without key', first: KEYLESS, change: dmsPut(1, 6), key: null, complete: true },
  {
    title: 'a load of a table without key',
    first: KEYLESS,
    change: dmsPut(1, 6, { op: 'load' }),
    key: null,
    complete: true,
  },
  {
    title: 'a table without key by the operator’s word',
    options: { declaredKey: () => [] },
    change: dmsPut(1, 6),
    key: null,
    complete: true,
  },
  {
    title: 'an update in a table without key where no key is needed',
    first: KEYLESS,
    options: { needsKeys: false },
    change: dmsPatch(1, 6),
    key: null,
    complete: true,
  },
  {
    title: 'a key that is not known where none is needed',
    first: put(1, 1),
    options: { needsKeys: false },
    change: dmsDel(1, 6),
    key: null,
    complete: true,
  },
  {
    title: 'a key that is known where none is needed',
    options: { needsKeys: false },
    change: dmsDel(1, 6),
    key: { id: 1 },
    complete: true,
  },
  {
    title: 'a number in exponent form in a column of floating point, or of unknown type',
    change: { ...dmsPut(1, 6, { data: { n: 1e18, x: 1e18 } }), inExponentForm: ['n', 'x'] },
    key: { id: 1 },
    complete: true,
  },
]

for (const { title, first = KNOWN, change, options, key, complete } of completed) {
  test(`source tables: ${title}`, () => {
    const tables = tablesWith(options)
    if (first.kind === 'change' && options === undefined) tables.complete(KNOWN)
    tables.complete(first)
    const item = decoded(change)
    const before = structuredClone(item)
    assert.deepEqual(tables.complete(item), { ...item, key: key === null ? null : row(key as Row), complete })
    assert.deepEqual(structuredClone(item), before, 'the change that came is not altered')
  })
}

test('source tables: what shows nulls is a fact, once, and a restart knows it', () => {
  const tables = tablesWith()
  tables.complete(KNOWN)
  tables.take()
  passed(tables, dmsPut(1, 6, { data: { a: null } }))
  const { facts } = tables.take()
  assert.deepEqual([...facts], [['sends-nulls', 'true']])
  passed(tables, dmsPut(1, 7, { data: { a: null } }))
  assert.deepEqual(tables.take().facts, NONE)

  tables.restore(new Map([['table shop.orders', '{"key":["id"],"columns":{},"floor":null,"version":"5"}']]))
  assert.equal(passed(tables, dmsPatch(1, 8)).complete, true)
  tables.restore(new Map([...facts, ['table shop.orders', '{"key":["id"],"columns":{},"floor":null,"version":"5"}']]))
  assert.equal(passed(tables, dmsPatch(1, 8)).complete, false)
})

test('source tables: the integers of a table are refused when rounded, whatever their width, by name and not by value', () => {
  for (const type of ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'] as const) {
    const tables = tablesWith()
    tables.complete(createTable({ id: 'text', n: type }, 5))
    const rounded = { ...dmsPut('a', 6, { data: { n: 1.25e18 } }), inExponentForm: ['n'] }
    assert.throws(
      () => passed(tables, rounded),
      { code: 'DECODE_VALUE', message: /column "n" of table shop\.orders/ },
      type,
    )
  }
})

test('source tables: that a column holds integers the operator may tell, and that it does not', () => {
  const declared = new Map<string, ColumnType>([
    ['n', 'float64'],
    ['m', 'int64'],
  ])
  const tables = tablesWith({ declaredTypes: () => declared })
  tables.complete(createTable({ id: 'text', n: 'int64' }, 5))
  const change = dmsPut('a', 6, { data: { n: 1e18, m: 1e18 } })
  assert.equal(passed(tables, { ...change, inExponentForm: ['n'] }).kind, 'change')
  assert.throws(() => passed(tables, { ...change, inExponentForm: ['m'] }), { code: 'DECODE_VALUE' })
})

const refusals: readonly {
  readonly first: StreamChange
  readonly change: Change
  readonly code: string
  readonly detail: RegExp
}[] = [
  { first: KEYLESS, change: dmsPatch(1, 6), code: 'NO_KEY', detail: /^The change is an update in table shop\.orders$/ },
  { first: KEYLESS, change: dmsDel(1, 6), code: 'NO_KEY', detail: /^The change is a delete in table shop\.orders$/ },
  {
    first: KNOWN,
    change: dmsPut(1, 6, { key: { other: 1 } }),
    code: 'DECODE_EVENT',
    detail: /^Key column "id" of table shop\.orders is missing/,
  },
  {
    first: KNOWN,
    change: dmsPut(1, 6, { key: { id: null } }),
    code: 'DECODE_EVENT',
    detail: /^Key column "id" of table shop\.orders is null/,
  },
]

for (const { first, change, code, detail } of refusals) {
  test(`source tables: ${code} for ${change.op} ${toJson(change.after)}`, () => {
    const tables = tablesWith()
    tables.complete(first)
    assert.throws(
      () => passed(tables, change),
      (error) => {
        assert.ok(error instanceof RelayError, String(error))
        assert.equal(error.code, code)
        assert.match(error.detail, detail)
        return true
      },
    )
  })
}

test('source tables: changes of DynamoDB pass untouched, and no table of theirs is known', () => {
  const tables = tablesWith()
  const item = put('a', 1, { data: { v: null } })
  assert.equal(tables.complete(item), item)
  assert.deepEqual(tables.take(), { tables: new Map(), facts: NONE })
})

// Rows that wait

function hindrance(tables: SourceTables, change: Change): KeyUnknownYet {
  try {
    tables.complete(decoded(change))
  } catch (thrown) {
    assert.ok(thrown instanceof KeyUnknownYet, String(thrown))
    return thrown
  }
  return assert.fail('the change passed')
}

test('source tables: a row waits until the target tells its key; that is said once, and a fact', async () => {
  const { lines, log } = listed()
  const asked: TableName[] = []
  const answers = [null, null, ['id']]
  const askTarget = async (table: TableName) => answers[asked.push(table) - 1] ?? null
  const tables = tablesWith({ observer: logObserver(log, false), askTarget })
  for (const _ of answers) {
    const notYet = hindrance(tables, dmsDel(1, 6))
    assert.deepEqual(notYet.table, SHOP_ORDERS)
    await notYet.askTarget()
  }
  assert.deepEqual(passed(tables, dmsDel(1, 6)).key, row({ id: 1 }))
  assert.deepEqual(asked, [SHOP_ORDERS, SHOP_ORDERS, SHOP_ORDERS])
  assert.deepEqual(
    [...tables.take().facts],
    [['table shop.orders', '{"key":["id"],"columns":{},"floor":null,"version":null}']],
  )
  assert.deepEqual(lines, [
    'warn Waiting for the primary key of shop.orders',
    'info The primary key of shop.orders is known: its rows wait no longer',
  ])

  tables.complete(createTable({ a: 'text' }, 5, { key: ['a'] }))
  assert.deepEqual(orders(tables)?.key, ['a'], 'create-table counts more than the target, however old')
})

test('source tables: create-table ends the wait, and a late answer of the target counts nothing', async () => {
  const { lines, log } = listed()
  const answer = Promise.withResolvers<readonly string[]>()
  const tables = tablesWith({ observer: logObserver(log, false), askTarget: () => answer.promise })
  const notYet = hindrance(tables, dmsPut(1, 6))
  const asking = notYet.askTarget()
  tables.complete(KNOWN)
  answer.resolve(['of', 'the', 'target'])
  await asking
  await notYet.askTarget()
  assert.deepEqual(orders(tables)?.key, ['id'])
  assert.equal(lines.length, 2)
})

test('source tables: rows of one table on several shards ask one question', async () => {
  let questions = 0
  const answer = Promise.withResolvers<readonly string[] | null>()
  const askTarget = () => {
    questions++
    return answer.promise
  }
  const tables = tablesWith({ askTarget })
  const asking = [hindrance(tables, dmsPut(1, 6)), hindrance(tables, dmsPut(2, 6))].map((notYet) => notYet.askTarget())
  answer.resolve(['id'])
  await Promise.all(asking)
  assert.equal(questions, 1)
})

test('source tables: a wait that is over says for which table, where, and how long', async () => {
  const tables = tablesWith({ keyWaitMs: 0, askTarget: async () => null })
  const notYet = hindrance(tables, dmsPut(1, 6, { shard: 'shard-3', sequence: '17' }))
  await assert.rejects(notYet.askTarget(), (error) => {
    assert.ok(error instanceof RelayError)
    assert.equal(error.code, 'KEY_UNKNOWN')
    assert.match(
      error.detail,
      /^The key of table shop\.orders is not known: its rows waited \d+(ms|s) for a create-table/,
    )
    assert.deepEqual(error.place, { table: 'shop.orders', stream: 'changes', shard: 'shard-3', sequence: '17' })
    return true
  })
})

test('source tables: what asking met is thrown, and asked again next time', async () => {
  const answers = [() => Promise.reject(new RelayError('SINK_DENIED', 'no')), async () => ['id']]
  const tables = tablesWith({ askTarget: () => answers.shift()!() })
  await assert.rejects(hindrance(tables, dmsPut(1, 6)).askTarget(), { code: 'SINK_DENIED' })
  await hindrance(tables, dmsPut(1, 6)).askTarget()
  assert.deepEqual(passed(tables, dmsPut(1, 6)).key, row({ id: 1 }))
})

test('source tables: rows in front of their create-table, on whatever side it comes, end with one key', () => {
  const items: readonly StreamChange[] = [
    decoded(dmsPut(1, 20)),
    createTable({ old: 'text' }, 3, { key: ['old'] }),
    createTable({ id: 'int64' }, 10),
    dropTable(7),
  ]
  const expected = sourceTable({ id: 'int64' }, { floor: '7' })
  for (const order of permutations(items)) {
    const tables = tablesWith()
    const waiting: StreamChange[] = []
    for (const item of order) {
      try {
        tables.complete(item)
      } catch {
        waiting.push(item)
      }
    }
    assert.deepEqual(orders(tables), expected)
    for (const item of waiting) assert.deepEqual((tables.complete(item) as Change).key, row({ id: 1 }))
  }
})

const permutations = <T>(items: readonly T[]): T[][] =>
  items.length === 0
    ? [[]]
    : items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]))

// Columns that are missing

const warnings: readonly {
  readonly title: string
  readonly policy: SourceTablesOptions['missingColumns']
  readonly changes: readonly Change[]
  readonly warning: RegExp | null
}[] = [
  {
    title: 'once, of a row that lacks a column',
    policy: 'auto',
    changes: [dmsPut(1, 6), dmsPut(2, 6), dmsPatch(1, 7)],
    warning: /IncludeNullAndEmpty=true.* becomes NULL/,
  },
  { title: 'of a load', policy: 'auto', changes: [dmsPut(1, 6, { op: 'load' })], warning: /IncludeNullAndEmpty=true/ },
  { title: 'of an update', policy: 'keep', changes: [dmsPatch(1, 6)], warning: /keeps its old value/ },
  { title: 'of no delete', policy: 'auto', changes: [dmsDel(1, 6)], warning: null },
  { title: 'of no whole row', policy: 'auto', changes: [dmsPut(1, 6, { data: { port: 'a', n: 1 } })], warning: null },
  {
    title: 'of nothing once nulls were shown',
    policy: 'auto',
    changes: [dmsPut(1, 6, { data: { port: null } }), dmsPut(1, 6)],
    warning: null,
  },
  {
    title: 'under --missing-columns null even then',
    policy: 'null',
    changes: [dmsPut(1, 6, { data: { port: null } })],
    warning: /becomes NULL/,
  },
]

for (const { title, policy, changes, warning } of warnings) {
  test(`source tables: a warning ${title}`, () => {
    const { lines, log } = listed()
    const tables = tablesWith({ missingColumns: policy, log })
    tables.complete(KNOWN)
    for (const change of changes) passed(tables, change)
    assert.equal(lines.length, warning === null ? 0 : 1, lines.join('\n'))
    if (warning !== null) assert.match(lines[0]!, warning)
  })
}

test('source tables: before images that are not read are warned of once for each table', () => {
  const { lines, log } = listed()
  const tables = tablesWith({ log, declaredKey: () => ['id'], missingColumns: 'keep' })
  const other = { table: { schema: 'shop', name: 'lines' } }
  for (const id of [1, 2]) {
    passed(tables, { ...dmsPatch(id, 6), unreadImage: 'was' })
    passed(tables, dmsPatch(id, 6, { ...other, before: null, data: { BI_id: 5 } }))
    passed(tables, dmsPatch(id, 6, { table: { schema: 'shop', name: 'quiet' } }))
  }
  assert.equal(lines.length, 2, lines.join('\n'))
  assert.match(lines[0]!, /^warn .*--before-image-field/)
  assert.match(lines[1]!, /^warn .*--before-image-prefix BI_/)
})

test('source tables: a large value that an update lacks and its before image has is kept', () => {
  const large = 'x'.repeat(1000)
  const update = (after: object, old: object): Change => {
    const change = dmsPatch(1, 6, { before: row({ id: 1, ...old }), data: { ...after } })
    return { ...change, complete: false }
  }
  for (const [missingColumns, kept] of [
    ['auto', true],
    ['null', false],
    ['keep', false],
  ] as const) {
    const tables = tablesWith({ missingColumns, declaredKey: () => ['id'] })
    const { after, complete } = passed(tables, update({ n: 2 }, { n: 1, large, small: large.slice(1), count: 7 }))
    assert.deepEqual(after, row({ id: 1, n: 2, ...(kept ? { large } : {}) }), missingColumns)
    assert.equal(complete, missingColumns !== 'keep')
    // What is sent counts more.
    assert.equal(passed(tables, update({ large: 'y' }, { large })).after!.large, 'y')
  }
  // Once nulls are sent, what is missing is unchanged anyway.
  const tables = tablesWith({ declaredKey: () => ['id'] })
  passed(tables, dmsPut(1, 5, { data: { n: null } }))
  assert.deepEqual(passed(tables, update({ n: 2 }, { large })).after, row({ id: 1, n: 2 }))
})
