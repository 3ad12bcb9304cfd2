import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Change } from '../../../src/change.ts'
import { addColumn, dmsDel, dmsPatch, dmsPut, put, sourceTable } from '../../support/changes.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { rejection, totals } from '../conformance/answers.ts'
import { onEachTarget } from './each-target.ts'

/** Rows that only the database can refuse: it does not say which one of a statement it was. */
const DEAD = { layout: null, onError: 'dead-letter' } as const
const KNOWN = sourceTable({})
const TABLE = `CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY, qty int CHECK (qty < 100),
  mood text CHECK (mood IN ('fine', 'sad')), net inet CHECK (net << '10.0.0.0/8'), note text)`

onEachTarget(
  'several CHECKs of the table: exactly the rows that break one are dead letters',
  async (t, openRelay) => {
    const { database, knows, write } = await openRelay(t, DEAD)
    await database.query(TABLE)
    knows(KNOWN)
    const bad = new Map<number, Record<string, string | number>>([
      [3, { qty: 100 }],
      [17, { mood: 'hunter2' }],
      [18, { net: '11.0.0.1' }],
      [40, { note: 'hunter2', qty: 2000 }],
    ])
    const changes = Array.from({ length: 41 }, (_, id) =>
      dmsPut(id, 1, { data: { qty: id, mood: 'fine', net: '10.0.0.1', ...bad.get(id) }, sequence: `${id}` }),
    )
    const written = await write(addColumn(null, 1), ...changes, dmsPatch(5, 2, { data: { qty: 99 } }), dmsDel(6, 2))
    // How many of them another change of their key supersedes depends on how they were written apart.
    const [applied, superseded] = totals(written)
    assert.deepEqual([applied + superseded, written.deadLettered], [40, 4])
    const ids = (await database.query<{ id: number }>('SELECT id FROM shop.orders ORDER BY id')).map(({ id }) => id)
    assert.deepEqual(
      ids,
      changes.map((_, id) => id).filter((id) => !bad.has(id) && id !== 6),
    )

    const letters = await deadLetters(database)
    assert.deepEqual(
      letters.map(({ code, sequence, version, change }) => ({ code, sequence, version, after: change.after })),
      [...bad].map(([id, data]) => ({
        code: 'SINK_REFUSED',
        sequence: `${id}`,
        version: '1',
        after: { id, qty: id, mood: 'fine', net: '10.0.0.1', ...data },
      })),
    )
    assert.match(
      letters[0]!.detail,
      /^The target refused a row, SQLSTATE 23514 \(table orders, constraint orders_qty_check\)$/,
    )
    for (const { detail } of letters) assert.doesNotMatch(detail, /hunter2/)
    assert.deepEqual(await positions(database), ['1'])
    // The next batch is written as any other.
    assert.deepEqual(totals(await write(dmsPut(3, 2, { data: { qty: 1 } }))), [1, 0])
    assert.deepEqual(await positions(database), ['2'])
  },
  'errors of segments name neither table nor constraint',
)

onEachTarget(
  'a bad row among several changes of its key: those before and after it are applied',
  async (t, openRelay) => {
    const { database, knows, write } = await openRelay(t, DEAD)
    await database.query(TABLE)
    knows(KNOWN)
    const patch = (version: number, data: Record<string, string | number>): Change => dmsPatch(1, version, { data })
    const written = await write(
      dmsPut(1, 1, { data: { qty: 1, note: 'one' } }),
      patch(2, { qty: 200 }),
      patch(3, { note: 'three' }),
      dmsPut(2, 1, { data: { qty: 2 } }),
      dmsPut(2, 2, { data: { qty: 200 } }),
    )
    assert.equal(written.deadLettered, 2)
    assert.deepEqual(await database.query('SELECT id, qty, note, cdc_version AS v FROM shop.orders ORDER BY id'), [
      { id: 1, qty: 1, note: 'three', v: '3' },
      { id: 2, qty: 2, note: null, v: '1' },
    ])
    assert.deepEqual(
      (await deadLetters(database)).map(({ version, change }) => `${change.after!.id}@${version}`),
      ['1@2', '2@2'],
    )
  },
)

onEachTarget('several tables in a batch: each keeps its own', async (t, openRelay) => {
  const { database, knows, write } = await openRelay(t, DEAD)
  await database.query(TABLE)
  await database.query(
    'CREATE TABLE shop.others (LIKE shop.orders INCLUDING ALL); CREATE TABLE shop.third (LIKE shop.orders INCLUDING ALL)',
  )
  const tables = ['orders', 'others', 'third'].map((name) => ({ schema: 'shop', name }))
  knows(...tables.map((name) => ({ ...KNOWN, name })))
  const changes = tables.flatMap((table, i) =>
    [1, 2, 3].map((id) => dmsPut(id, 1, { table, data: { qty: id === i + 1 && i < 2 ? 100 : 1 } })),
  )
  const written = await write(...changes)
  assert.deepEqual(
    [...written.tables].sort(([a], [b]) => (a < b ? -1 : 1)),
    [
      ['shop.orders', { applied: 2, superseded: 0 }],
      ['shop.others', { applied: 2, superseded: 0 }],
      ['shop.third', { applied: 3, superseded: 0 }],
    ],
  )
  assert.equal(written.deadLettered, 2)
  const sources = await database.query<{ source: string }>('SELECT source FROM cdc_relay.dead_letters ORDER BY id')
  assert.deepEqual(
    sources.map(({ source }) => source),
    ['shop.orders', 'shop.others'],
  )
})

onEachTarget(
  '--on-error stop: nothing of the batch is written, nothing is kept, and the position stays',
  async (t, openRelay) => {
    const { database, knows, write } = await openRelay(t, { layout: null, onError: 'stop' })
    await database.query(TABLE)
    knows(KNOWN)
    await write(dmsPut(1, 1))
    const batch = [
      dmsPut(2, 2, { sequence: '5' }),
      dmsPut(3, 2, { data: { mood: 'hunter2' }, sequence: '6' }),
      dmsPut(4, 2, { sequence: '7' }),
    ]
    const failure = await rejection(write(...batch), 'SINK_REFUSED')
    assert.match(failure.message, /SQLSTATE 23514.*sequence 6/)
    assert.doesNotMatch(`${failure.message} ${String(failure.cause)}`, /hunter2/)
    assert.equal((await database.query('SELECT FROM shop.orders')).length, 1)
    assert.deepEqual(await deadLetters(database), [])
    assert.deepEqual(await positions(database), ['1'])
    await database.query('ALTER TABLE shop.orders DROP CONSTRAINT orders_mood_check')
    assert.deepEqual(totals(await write(...batch)), [3, 0])
  },
)

onEachTarget(
  'a rule that lets none of more than a hundred rows through looks wrong itself; one row that passes is enough',
  async (t, openRelay) => {
    const { database, knows, write } = await openRelay(t, DEAD)
    await database.query(TABLE)
    knows(KNOWN)
    let id = 0
    const batch = (good: number, bad: number): Change[] =>
      Array.from({ length: good + bad }, (_, i) => dmsPut(++id, 1, { data: { qty: i < good ? 1 : 100 } }))
    assert.equal((await write(...batch(0, 100))).deadLettered, 100)
    assert.equal((await write(...batch(1, 101))).deadLettered, 101)
    const before = (await database.query('SELECT FROM shop.orders')).length
    const failure = await rejection(write(...batch(0, 101)), 'TOO_MANY_REFUSED')
    assert.match(failure.message, /All 101 changes of one batch are refused, each because: The target refused a row/)
    assert.equal((await database.query('SELECT FROM shop.orders')).length, before)
    assert.equal((await deadLetters(database)).length, 201)
    assert.deepEqual(await positions(database), ['2'])
  },
)

onEachTarget(
  'rows that are refused for what they are never make a table look wrong',
  async (t, openRelay) => {
    const { database, write } = await openRelay(t, { layout: 'document', onError: 'dead-letter' })
    const noise = (seed: number): string => {
      let text = ''
      for (let i = seed * 1_000; text.length < 6_000; i++) text += createHash('sha256').update(`${i}`).digest('base64')
      return text
    }
    const written = await write(...Array.from({ length: 120 }, (_, i) => put(noise(i), 1)))
    assert.deepEqual([totals(written), written.deadLettered], [[0, 0], 120])
    for (const { detail } of await deadLetters(database)) assert.match(detail, /SQLSTATE 54000/)
  },
  'pages of Greenplum have 32 KiB, and their indexes hold these keys',
)

onEachTarget('the layout document: a CHECK on the data', async (t, openRelay) => {
  const { database, write } = await openRelay(t, { layout: 'document', onError: 'dead-letter' })
  await database.query(
    `CREATE TABLE orders (id text PRIMARY KEY, data jsonb CHECK ((data->>'qty')::numeric < 100), cdc_version bigint)`,
  )
  const written = await write(
    put('a', 1, { data: { qty: 1 } }),
    put('b', 1, { data: { qty: 100 } }),
    put('c', 1, { data: { qty: 1 } }),
  )
  assert.deepEqual([totals(written), written.deadLettered], [[2, 0], 1])
  assert.deepEqual(await database.query('SELECT id FROM orders ORDER BY id'), [{ id: 'a' }, { id: 'c' }])
  assert.deepEqual((await deadLetters(database))[0]!.change.after, { id: 'b', qty: 100 })
})

onEachTarget(
  'a table that was altered meanwhile, and then refuses a row: the others are written all the same',
  async (t, openRelay) => {
    const { database, knows, write } = await openRelay(t, DEAD)
    await database.query(TABLE)
    knows(KNOWN)
    await write(dmsPut(1, 1, { data: { qty: 1, note: 'x' } }))
    await database.query('ALTER TABLE shop.orders DROP COLUMN note')
    const written = await write(dmsPut(2, 2, { data: { qty: 2, note: 'y' } }), dmsPut(3, 2, { data: { qty: 300 } }))
    assert.deepEqual([totals(written), written.deadLettered], [[1, 0], 1])
    assert.deepEqual(await database.query('SELECT id, note FROM shop.orders ORDER BY id'), [
      { id: 1, note: null },
      { id: 2, note: 'y' },
    ])
  },
)

interface Letter {
  readonly code: string
  readonly detail: string
  readonly sequence: string
  readonly version: string
  readonly change: Change
}

const deadLetters = ({ query }: TestDatabase): Promise<Letter[]> =>
  query<Letter>('SELECT code, detail, sequence, version, change FROM cdc_relay.dead_letters ORDER BY id')

async function positions({ query }: TestDatabase): Promise<string[]> {
  return (await query<{ sequence: string }>('SELECT sequence FROM cdc_relay.positions')).map(({ sequence }) => sequence)
}
