import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SourceTable } from '../../src/batch.ts'
import { type Change, newRow, type RawRecord, type Row, type Skip, type StreamChange } from '../../src/change.ts'
import { Stages } from '../../src/deliver/stages.ts'
import { RelayError } from '../../src/errors.ts'
import { SourceTables } from '../../src/feeds/dms/source-tables.ts'
import type { Page, Source } from '../../src/ingest/source.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { SILENT } from '../../src/observe/log.ts'
import { observers } from '../../src/observe/observer.ts'
import { Relay } from '../../src/relay.ts'
import type { Sink } from '../../src/sinks/sink.ts'
import { route } from '../../src/stages/route.ts'
import type { Stage } from '../../src/stages/stage.ts'
import { claimOf, createTable, dmsDel, dmsPut, dropTable, put, row, sourceTable } from '../support/changes.ts'
import { pgliteFolder } from '../support/postgres/pglite.ts'
import { memoryTarget } from '../support/targets/memory-sink.ts'
import { sqlSinkOf } from '../support/targets/sql-target.ts'

test('a column that a stage drops is not made in the target, a masked value does not reach it, a renamed table is made under its new name', async () => {
  const folder = await pgliteFolder()
  const stages = [without('ssn'), masking('name'), renaming('people')]
  const items = [
    createTable({ id: 'int32', name: 'text', ssn: 'text' }, 1),
    dmsPut(1, 2, { data: { name: 'Ada', ssn: '123' } }),
    dmsPut(2, 3, { data: { name: 'Bob', ssn: '456' } }),
    dmsPut(1, 4, { op: 'update', data: { name: 'Ada L.', ssn: '789' } }),
    dmsDel(2, 5, { data: { name: 'Bob', ssn: '456' } }),
  ]
  await relayed(items, sqlSinkOf({ url: folder.url, layout: 'columns' }), stages)
  const columns = await folder.query(
    `SELECT column_name::text AS name FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = 'people' ORDER BY 1`,
  )
  assert.deepEqual(
    columns.map(({ name }) => name),
    ['cdc_extra', 'cdc_version', 'id', 'name'],
  )
  assert.deepEqual(await folder.query('SELECT id::text, name FROM shop.people'), [{ id: '1', name: '***' }])
  const others = await folder.query(`SELECT tablename::text AS name FROM pg_tables WHERE tablename = 'orders'`)
  assert.deepEqual(others, [])
  await folder.release()
  await folder.empty()
})

test('a row filter over a mirror is exact: what no longer matches is deleted with the version of that change', async () => {
  const target = memoryTarget()
  const open: Stage = {
    change: (change) =>
      change.after === null || change.after.state === 'open' ? change : { ...change, op: 'delete', after: null },
  }
  const items = [
    put('a', 1, { data: { state: 'open' } }),
    put('a', 2, { op: 'update', data: { state: 'closed' } }),
    put('b', 3, { data: { state: 'closed' } }),
    put('c', 4, { data: { state: 'open' } }),
  ]
  const ledger = await relayed(items, target.sink(), [open])
  assert.deepEqual(
    [...target.tables.get('orders')!.values()].map(({ data, version }) => [data === null, version]),
    [
      [true, '2'],
      [true, '3'],
      [false, '4'],
    ],
  )
  const { readCount, skips } = ledger
  assert.deepEqual([readCount, skips.size], [4, 0])
})

test('a skip of a stage is counted by its reason, and later stages do not see the change', async () => {
  const odd: Stage = {
    change: (change) =>
      Number(change.version) % 2 === 1 ? { kind: 'skip', reason: 'odd', source: change.source } : change,
  }
  const seen: string[] = []
  const spy: Stage = {
    change: (change) => {
      seen.push(change.version)
      return change
    },
  }
  const ledger = await relayed([put('a', 1), put('a', 2), put('a', 3)], memoryTarget().sink(), [odd, spy])
  assert.deepEqual([...ledger.skips], [['odd', 2]])
  assert.deepEqual(seen, ['2'])
})

test('what is not admitted teaches nothing and waits for nothing; a change that is has its key', async () => {
  const keys: (Row | null)[] = []
  const spy: Stage = {
    change: (change) => {
      keys.push(change.key)
      return change
    },
  }
  const hidden = { table: { schema: 'shop', name: 'hidden' } }
  const items = [
    { ...dmsPut(1, 1, hidden), key: null },
    createTable({ id: 'int32' }, 2),
    { ...dmsPut(1, 3), key: null },
    { ...dmsDel(1, 4), key: null },
  ]
  const target = memoryTarget()
  const only = route({ include: [], exclude: ['hidden'], ignoreDeletes: true, expired: 'delete' })
  const ledger = await relayed(items, target.sink({ needsKeys: true }), [only, spy])
  assert.deepEqual(keys, [row({ id: 1 })])
  assert.deepEqual([...ledger.skips].sort(), [
    ['delete-ignored', 1],
    ['table-not-wanted', 1],
  ])
})

test('a stage that alters a key ends the relay, and no dead letter is made of it', async () => {
  const altering: readonly [title: string, stage: Stage][] = [
    ['the key', { change: (change) => ({ ...change, key: row({ id: 'x' }) }) }],
    ['its columns', { change: (change) => ({ ...change, key: row({}) }) }],
    ['a key column of the row', masking('id')],
    ['by dropping it', without('id')],
    ['of the table', { table: (table) => ({ ...table, key: ['other'] }) }],
  ]
  for (const [title, stage] of altering) {
    const target = memoryTarget()
    await assert.rejects(
      relayed([createTable({ id: 'text' }, 1), dmsPut('1', 2)], target.sink(), [stage]),
      (error) => error instanceof RelayError && error.code === 'STAGE_KEY' && error.place.table === 'shop.orders',
      title,
    )
    assert.equal(target.deadLetters.length, 0)
  }
  const copies: Stage = {
    change: (change) => ({ ...change, key: row({ ...change.key }), after: row({ ...change.after }) }),
  }
  await relayed([put('a', 1)], memoryTarget().sink(), [copies])
})

test('an error of a stage: a RelayError makes a dead letter of the record, a bug ends the relay', async () => {
  const target = memoryTarget()
  const failing = (error: Error): Stage => ({
    change: (change) => {
      if (change.version === '2') throw error
      return change
    },
  })
  const items = [put('a', 1), put('b', 2), put('c', 3)]
  await relayed(items, target.sink(), [failing(new RelayError('DECODE_VALUE', 'no'))])
  assert.deepEqual(
    target.deadLetters.map(({ code }) => code),
    ['DECODE_VALUE'],
  )
  await assert.rejects(relayed(items, memoryTarget().sink(), [failing(new TypeError('a bug'))]), TypeError)
})

test('schema changes go through the definition: columns, names, skips; what says no columns gains none', () => {
  const stages = new Stages([without('ssn'), renaming('people')])
  const created = createTable({ id: 'int32', ssn: 'text', name: 'text' }, 1)
  const people = { schema: 'shop', name: 'people' }
  assert.deepEqual(stages.alter(created), {
    ...created,
    table: people,
    columns: created.columns!.filter(({ name }) => name !== 'ssn'),
  })
  assert.deepEqual(stages.alter(dropTable(2)), { ...dropTable(2), table: people })

  const hiding = new Stages([{ table: () => ({ kind: 'skip', reason: 'hidden' }) }])
  assert.deepEqual(hiding.alter(created), { kind: 'skip', reason: 'hidden', source: created.source })
  assert.deepEqual(hiding.tables(new Map([['shop.orders', sourceTable({})]])), new Map())
})

test('the definition of a table that did not change stays the same object', () => {
  const stages = new Stages([without('ssn')])
  const tables = new Map([['shop.orders', sourceTable({ id: 'int32', ssn: 'text' })]])
  const first = stages.tables(tables).get('shop.orders')
  assert.deepEqual([...first!.columns.keys()], ['id'])
  assert.equal(stages.tables(new Map(tables)).get('shop.orders'), first)
  assert.equal(new Stages([]).tables(tables), tables)
})

function without(column: string): Stage {
  return {
    change: (change) => ({ ...change, before: dropped(change.before, column), after: dropped(change.after, column) }),
    table: (table) => ({ ...table, columns: new Map([...table.columns].filter(([name]) => name !== column)) }),
  }
}

function masking(column: string): Stage {
  const masked = (image: Row | null): Row | null =>
    image?.[column] === undefined ? image : row({ ...image, [column]: '***' })
  return { change: (change) => ({ ...change, before: masked(change.before), after: masked(change.after) }) }
}

function renaming(name: string): Stage {
  const renamed = <T extends Change | SourceTable>(item: T, table: Change['table']): T =>
    'kind' in item ? { ...item, table: { ...table, name } } : { ...item, name: { ...table, name } }
  return { change: (change) => renamed(change, change.table), table: (table) => renamed(table, table.name) }
}

function dropped(image: Row | null, column: string): Row | null {
  if (image === null) return null
  const kept = newRow()
  for (const name in image) if (name !== column) kept[name] = image[name]!
  return kept
}

/** Relays the items, each said by one record of a page. */
async function relayed(items: readonly (StreamChange | Skip)[], sink: Sink, stages: readonly Stage[]): Promise<Ledger> {
  const ledger = new Ledger()
  const facts = new SourceTables({
    declaredKey: () => undefined,
    declaredTypes: () => new Map(),
    missingColumns: 'null',
    needsKeys: sink.needsKeys,
    keyWaitMs: 0,
    askTarget: sink.keyColumns,
    log: SILENT,
  })
  const parts = {
    source: sourceOf(items.length),
    read: {
      decode: ({ sequence }: RawRecord) => [items[Number(sequence) - 1]!],
      stages,
      facts,
      stream: 'changes',
      onError: 'dead-letter' as const,
      readsBefore: sink.readsBefore,
      screening: () => null,
      onTextReplaced: () => {},
    },
    sink,
    opening: { positions: 'ours' as const, ...claimOf() },
    limits: { records: 2, bytes: 1e9, waitMs: 1e6 },
    observer: observers(ledger),
  }
  try {
    const signal = new AbortController().signal
    const relay = await Relay.open(parts, signal)
    await relay.run(signal)
  } finally {
    await sink.close()
  }
  return ledger
}

/** One page of that many records. */
function sourceOf(count: number): Source {
  const records = Array.from(
    { length: count },
    (_, i): RawRecord => ({ shard: 'a', sequence: `${i + 1}`, arrivedAt: 1, data: new Uint8Array(1) }),
  )
  const page: Page = {
    shard: 'a',
    records,
    end: { sequence: `${count}`, arrivedAt: 1, caughtUpAt: null },
    behindMs: 0,
    ack() {},
    defer: () => assert.fail('nothing is to be deferred'),
    failed() {},
  }
  return {
    positions: 'ours',
    identify: async () => claimOf().relay.stream,
    firstPositions: async () => new Map(),
    async *pages() {
      yield page
    },
    close: async () => {},
  }
}
