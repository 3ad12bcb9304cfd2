import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { SourceTable, Written } from '../../../src/batch.ts'
import { type Change, Numeric, type StreamChange, toJson, type Value } from '../../../src/change.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import {
  addColumn,
  at,
  batchOf,
  type Columns,
  canonicalJson,
  claimOf,
  dmsDel,
  dmsMove,
  dmsPatch,
  dmsPut,
  dropTable,
  knownTables,
  put,
  row,
  SHOP_ORDERS,
  sourceTable,
} from '../../support/changes.ts'
import type { GpssSinkOptions } from '../../support/targets/gpss-sink.ts'
import { type GpssPlace, gpssPlace, liveRows } from '../../support/targets/gpss-target.ts'
import { rejection, totals } from '../conformance/answers.ts'

const TABLE = sourceTable({ id: 'text', a: 'int64', b: 'text' })

interface Mirror {
  readonly place: GpssPlace
  write(changes: readonly StreamChange[], table?: SourceTable): Promise<Written>
  /** What the view of `shop.orders` shows, each row as JSON without what is NULL. */
  live(): Promise<Record<string, unknown>[]>
}

async function mirror(t: TestContext, options: Partial<GpssSinkOptions> = {}): Promise<Mirror> {
  const place = await gpssPlace()
  let sink: Sink | undefined
  let position = 0
  t.after(async () => {
    await sink?.close()
    await place.close()
  })
  return {
    place,
    async write(changes, table = TABLE) {
      if (sink === undefined) {
        sink = place.sink({ layout: null, ...options })
        await sink.open(claimOf(), AbortSignal.timeout(30_000))
      }
      const batch = batchOf({ changes, tables: knownTables(table), positions: at({ shard: `${++position}` }) })
      const written = await sink.prepare(batch)(AbortSignal.timeout(30_000))
      assert.ok(written.kind === 'written')
      return written
    },
    async live() {
      const rows = await liveRows((text) => place.database.query(text), SHOP_ORDERS)
      return rows
        .map(({ data }) => JSON.parse(data) as Record<string, unknown>)
        .sort((x, y) => (String(x.id) < String(y.id) ? -1 : 1))
    },
  }
}

test('a row that moves takes along what the image does not carry, and leaves its key', async (t) => {
  const { write, live } = await mirror(t)
  await write([dmsPut('old', 1, { data: { a: 1, b: 'kept' } }), dmsPut('whole', 1, { data: { a: 1, b: 'not kept' } })])
  const moved = { ...dmsMove({ id: 'old' }, { id: 'new' }, 2, { data: { a: 2 } }), complete: false }
  const batch = [moved, dmsMove({ id: 'whole' }, { id: 'target' }, 2, { data: { a: 3 } })]
  const expected = [
    { id: 'new', a: 2, b: 'kept' },
    { id: 'target', a: 3 },
  ]
  await write(batch)
  assert.deepEqual(await live(), expected)
  await write(batch)
  assert.deepEqual(await live(), expected, 'the same batch again')
  await write([dmsPut('old', 3, { data: { a: 9 } })])
  await write(batch)
  const [first, last] = expected
  assert.deepEqual(await live(), [first, { id: 'old', a: 9 }, last], 'the old key is in use again')
})

test('a deleted row stays away from what is older, and comes back without its old values', async (t) => {
  const { write, live } = await mirror(t)
  await write([dmsPut('k', 1, { data: { a: 1, b: 'x' } })])
  await write([dmsDel('k', 5)])
  await write([dmsPatch('k', 4, { data: { a: 4 } })])
  assert.deepEqual(await live(), [])
  await write([dmsPatch('k', 6, { data: { a: 6 } })])
  assert.deepEqual(await live(), [{ id: 'k', a: 6 }])
})

test('a table without key is added to; what cannot be done to it is a dead letter', async (t) => {
  const { place, write } = await mirror(t, { onError: 'dead-letter' })
  const keyless = sourceTable({ id: 'text', a: 'int64' }, { key: [] })
  const of = (change: Change): Change => ({ ...change, key: null })
  const written = await write([of(dmsPut('x', 1)), of(dmsPut('x', 1)), of(dmsDel('x', 2))], keyless)
  assert.deepEqual([totals(written), written.deadLettered], [[2, 0], 1])
  assert.deepEqual(await place.database.query('SELECT id FROM shop.orders'), [{ id: 'x' }, { id: 'x' }])
  assert.match(await readFile(join(place.folder, 'dead-letters.jsonl'), 'utf8'), /"SINK_REFUSED".*has no key/)
})

for (const onReload of ['keep', 'sweep'] as const) {
  test(`a reload with --on-reload ${onReload}`, async (t) => {
    const { write, live } = await mirror(t, { onReload })
    await write([dmsPut('before', 1), dmsPut('both', 1, { data: { a: 1 } })])
    const floored = { ...TABLE, floor: '10' }
    await write([dropTable(10), dmsPut('both', 12, { data: { a: 2 } }), dmsPut('late', 9)], floored)
    const kept = onReload === 'keep' ? ['before', 'both'] : ['both']
    assert.deepEqual(
      (await live()).map(({ id }) => id),
      kept,
    )
  })
}

test('a column that the source gets is added, and shown; under `ignore` it is kept aside', async (t) => {
  const wider = sourceTable({ id: 'text', a: 'int64', b: 'text', more: 'int64' })
  const batch = [addColumn({ more: 'int64' }, 2), dmsPut('k', 3, { data: { more: 7 } })]
  const adding = await mirror(t)
  await adding.write([dmsPut('k', 1)])
  await adding.write(batch, wider)
  await adding.write([dmsPut('l', 4, { data: { a: 1 } })], wider)
  assert.deepEqual(await adding.live(), [
    { id: 'k', more: 7 },
    { id: 'l', a: 1 },
  ])

  const ignoring = await mirror(t, { onSchemaChange: 'ignore' })
  await ignoring.write([dmsPut('k', 1)])
  await ignoring.write(batch, wider)
  assert.deepEqual(await ignoring.place.database.query('SELECT cdc_extra FROM shop.orders'), [
    { cdc_extra: { more: 7 } },
  ])

  const widening = await mirror(t, { onSchemaChange: 'widen' })
  await widening.write([dmsPut('k', 1)])
  await widening.write(batch, wider)
  assert.deepEqual(await widening.live(), [{ id: 'k', more: 7 }])

  const stopping = await mirror(t, { onSchemaChange: 'stop' })
  await stopping.write([dmsPut('k', 1)])
  const failure = await rejection(stopping.write(batch, wider), 'SCHEMA_CHANGE')
  assert.match(failure.message, /ADD COLUMN "more" bigint/)
})

test('of many rows the one that Greenplum refuses is a dead letter, and so is one that no message can hold', async (t) => {
  const { place, write, live } = await mirror(t, { onError: 'dead-letter' })
  await write([dmsPut('first', 1)])
  await place.database.query(`ALTER TABLE shop.orders ADD CHECK (a <> 13)`)
  const changes = Array.from({ length: 40 }, (_, i) => dmsPut(`k${i}`, 2, { data: { a: i } }))
  const large = dmsPut('large', 2, { data: { b: 'x'.repeat(5 * 1024 * 1024) } })
  const written = await write([...changes, large])
  assert.deepEqual([totals(written), written.deadLettered], [[39, 0], 2])
  assert.equal((await live()).length, 40)
  const letters = (await readFile(join(place.folder, 'dead-letters.jsonl'), 'utf8')).trimEnd().split('\n')
  const keys = letters.map((line) => (JSON.parse(line) as { change: { key: { id: string } } }).change.key.id)
  assert.deepEqual(keys.sort(), ['k13', 'large'])
})

test('under --on-error stop nothing of a table is written with a row that is refused', async (t) => {
  const { place, write, live } = await mirror(t)
  await write([dmsPut('first', 1)])
  await place.database.query(`ALTER TABLE shop.orders ADD CHECK (a <> 13)`)
  const failed = write([dmsPut('good', 2, { data: { a: 1 } }), dmsPut('bad', 2, { data: { a: 13 } })])
  assert.match((await rejection(failed, 'SINK_REFUSED')).message, /check constraint.*tables shop\.orders, changes 2/)
  assert.deepEqual(
    (await live()).map(({ id }) => id),
    ['first'],
  )
})

test('a table that is wrong for all rows is found out early', async (t) => {
  const { place, write } = await mirror(t, { onError: 'dead-letter' })
  await write([dmsPut('first', 1)])
  await place.database.query(`ALTER TABLE shop.orders ADD CHECK (cdc_version < 2)`)
  const before = place.server.calls.length
  const changes = Array.from({ length: 1000 }, (_, i) => dmsPut(`k${i}`, 2, { data: { a: i } }))
  await rejection(write(changes), 'TOO_MANY_REFUSED')
  const loads = place.server.calls.slice(before).filter(({ method }) => method === 'Open').length
  assert.ok(loads < 400, `${loads} loads`)
})

test('without the table to load into, the message has what must be run, and then it works', async (t) => {
  const { place, write, live } = await mirror(t)
  await place.database.query('DROP SCHEMA cdc_relay CASCADE')
  const sink = place.sink({ relay: 'other' })
  const failure = await rejection(sink.open(claimOf(), AbortSignal.timeout(30_000)), 'SINK_TABLE')
  await sink.close()
  await place.database.query(/Run this once in the database: (.*)/.exec(failure.detail)![1]!)
  await write([dmsPut('k', 1)])
  assert.deepEqual(
    (await live()).map(({ id }) => id),
    ['k'],
  )
})

test('--create-tables never: the message has the statement', async (t) => {
  const { write } = await mirror(t, { createTables: 'never' })
  const failure = await rejection(write([dmsPut('k', 1)]), 'SINK_TABLE')
  assert.match(
    failure.message,
    /--create-tables is never: CREATE SCHEMA "shop"; CREATE TABLE "shop"\."orders" \("id" text .* WITH \(appendonly = false\)/,
  )
})

test('a table that someone made narrower is looked at again', async (t) => {
  const { place, write, live } = await mirror(t)
  await write([dmsPut('k', 1, { data: { a: 1 } })])
  await place.database.query('ALTER TABLE shop.orders DROP COLUMN b CASCADE')
  await write([dmsPut('k', 2, { data: { a: 2, b: 'there again' } })])
  assert.deepEqual(await live(), [{ id: 'k', a: 2, b: 'there again' }])
})

test('an attribute that an image of the next batch lacks is cleared, though its column is new', async (t) => {
  const place = await gpssPlace()
  t.after(place.close)
  const sink = place.sink({ layout: 'columns' })
  await sink.open(claimOf(), AbortSignal.timeout(30_000))
  const write = (version: number, data: Record<string, number>) =>
    sink.prepare(batchOf({ changes: [put('k', version, { data })], positions: at({ shard: `${version}` }) }))
  await write(1, { a: 1 })(AbortSignal.timeout(30_000))
  const [second, third] = [write(2, { b: 2 }), write(3, { a: 3 })]
  await second(AbortSignal.timeout(30_000))
  await third(AbortSignal.timeout(30_000))
  await sink.close()
  const rows = await liveRows((text) => place.database.query(text), { schema: null, name: 'orders' })
  assert.deepEqual(
    rows.map(({ data }) => JSON.parse(data) as unknown),
    [{ ...row({ id: 'k', a: 3 }) }],
  )
})

const LONG = 'ä'.repeat(40)

test('columns whose names are ours, or too long, are known again by the next run, and cleared before they are seen', async (t) => {
  const place = await gpssPlace()
  t.after(place.close)
  const attributes = { cdc_version: 'x', [LONG]: 'y', data: 'z' }
  const run = async (...batches: Change[][]) => {
    const sink = place.sink({ layout: 'columns' })
    await sink.open(claimOf(), AbortSignal.timeout(30_000))
    for (const changes of batches) {
      const batch = batchOf({ changes, positions: at({ shard: changes[0]!.version }) })
      await sink.prepare(batch)(AbortSignal.timeout(30_000))
    }
    await sink.close()
    const rows = await liveRows(
      (text) => place.database.query(text),
      { schema: null, name: 'orders' },
      Object.keys(attributes),
    )
    return rows.map(({ data }) => JSON.parse(data) as unknown).map((row) => ({ ...(row as object) }))
  }
  assert.deepEqual(await run([put('k', 1, { data: attributes })]), [{ id: 'k', ...attributes }])
  assert.deepEqual(await run([put('k', 2, { data: { a: 1 } })]), [{ id: 'k', a: 1 }], 'a whole row has none of them')
  const again = [put('k', 4, { data: { cdc_version: 'seen', a: 2 } })]
  const last = [put('k', 5, { data: { [LONG]: 'seen', data: 'seen' } })]
  assert.deepEqual(await run([put('k', 3, { data: { a: 1 } })], again), [{ id: 'k', cdc_version: 'seen', a: 2 }])
  assert.deepEqual(await run(again, last), [{ id: 'k', [LONG]: 'seen', data: 'seen' }])
})

/** Keys of several columns: which are alike, but for one of their columns. */
const composite: Readonly<
  Record<string, { readonly key: Columns; readonly values: readonly Record<string, Value>[] }>
> = {
  'number and text': {
    key: { line: 'int32', id: 'text' },
    values: [
      { line: 1, id: '11' },
      { line: 11, id: '1' },
      { line: 1, id: '1' },
      { line: -1, id: 'a,"1' },
    ],
  },
  'text, number and time': {
    key: { id: 'text', amount: 'numeric', day: 'date' },
    values: [
      { id: 'a', amount: new Numeric('1.5'), day: '2026-11-20' },
      { id: 'a', amount: new Numeric('1.5'), day: '2026-11-21' },
      { id: 'a', amount: new Numeric('12345678901234567890.5'), day: '2026-11-20' },
      { id: 'b', amount: new Numeric('1.5'), day: '2026-11-20' },
    ],
  },
}

for (const [title, { key: columns, values }] of Object.entries(composite)) {
  test(`a key of several columns: ${title}`, async (t) => {
    const { place, write } = await mirror(t)
    const table = sourceTable({ ...columns, a: 'int64', b: 'text' }, { key: Object.keys(columns) })
    const [first, second, third, free] = values as [Keyed, Keyed, Keyed, Keyed]
    const rows = async () =>
      (await place.database.query<{ row: string }>(`SELECT to_json(o)::text AS row FROM shop.orders_live o`))
        .map(({ row }) => canonicalJson(row))
        .sort()
    const expected = (...rows: readonly [Keyed, number, string | null, number][]) =>
      rows
        .map(([key, a, b, version]) =>
          canonicalJson(toJson(row({ ...key, a, b, cdc_version: version, cdc_extra: null }))),
        )
        .sort()

    await write(
      [first, second, third].map((key, i) => dmsPut(null, 1, { key, data: { a: i, b: `row ${i}` } })),
      table,
    )
    assert.deepEqual(await rows(), expected([first, 0, 'row 0', 1], [second, 1, 'row 1', 1], [third, 2, 'row 2', 1]))

    await write([dmsPatch(null, 2, { key: second, data: { a: 20 } }), dmsDel(null, 2, { key: third })], table)
    assert.deepEqual(await rows(), expected([first, 0, 'row 0', 1], [second, 20, 'row 1', 2]))

    await write([{ ...dmsMove(second, free, 3, { data: { a: 30 } }), complete: false }], table)
    assert.deepEqual(await rows(), expected([first, 0, 'row 0', 1], [free, 30, 'row 1', 3]))

    await write(
      [dmsMove(first, third, 4, { data: { a: 40, b: 'whole' } }), dmsPut(null, 1, { key: second, data: { a: 1 } })],
      table,
    )
    assert.deepEqual(
      await rows(),
      expected([third, 40, 'whole', 4], [free, 30, 'row 1', 3]),
      'what is older stays away',
    )
  })
}

type Keyed = Readonly<Record<string, Value>>

test('values set aside are counted by column', async (t) => {
  const { write } = await mirror(t)
  const written = await write([
    dmsPut('1', 1, { data: { a: 1, b: 'x' } }),
    ...['2', '3'].map((id) => dmsPut(id, 1, { data: { a: 'no number', b: 'x' } })),
  ])
  assert.deepEqual(
    [...written.setAside!.get('shop.orders')!].map(([column, { count }]) => [column, count]),
    [['a', 2]],
  )
})

test('types that lie outside of the search path, in columns whose names need quotes', async (t) => {
  const { place, write } = await mirror(t)
  await place.database.query(`CREATE SCHEMA shop; CREATE SCHEMA "Own types";
    CREATE TYPE "Own types"."Mo""od" AS ENUM ('ok', 'it''s');
    CREATE DOMAIN "Own types".small AS int CHECK (VALUE < 10);
    CREATE TYPE public.small AS ENUM ('another');
    CREATE TABLE shop.orders (id text PRIMARY KEY, a bigint, "How do ""you" "Own types"."Mo""od", size "Own types".small,
      moods "Own types"."Mo""od"[], cdc_version bigint, cdc_extra jsonb, cdc_deleted boolean)`)
  const how = 'How do "you'
  const table = sourceTable({ id: 'text', a: 'int64', [how]: 'text', size: 'text', moods: 'text' })
  await write(
    [
      dmsPut('a', 1, { data: { [how]: `it's`, size: '5', moods: `{ok,"it's"}` } }),
      dmsPut('b', 1, { data: { a: 1 } }),
      dmsPut('old', 1, { data: { [how]: 'ok', size: '7' } }),
    ],
    table,
  )
  await write([dmsPatch('b', 2, { data: { [how]: 'ok' } }), dmsPatch('c', 2, { data: { size: '9' } })], table)
  await write([{ ...dmsMove({ id: 'old' }, { id: 'new' }, 3, { data: { a: 3 } }), complete: false }], table)
  const query = `SELECT id, a::text, "How do ""you"::text AS how, size, moods::text FROM shop.orders_live ORDER BY id`
  assert.deepEqual(await place.database.query(query), [
    { id: 'a', a: null, how: `it's`, size: 5, moods: `{ok,it's}` },
    { id: 'b', a: '1', how: 'ok', size: null, moods: null },
    { id: 'c', a: null, how: null, size: 9, moods: null },
    { id: 'new', a: '3', how: 'ok', size: 7, moods: null },
  ])
})

test('with the planner settings that Greenplum has by default a batch does not read the whole target', async (t) => {
  const { place, write } = await mirror(t)
  await write([dmsPut('first', 1)])
  await place.database.query(
    `INSERT INTO shop.orders (id, a, cdc_version) SELECT n::text, n, 1 FROM generate_series(1, 20000) n`,
  )
  await place.database.query('ANALYZE shop.orders')
  for (const setting of ['enable_nestloop = off', 'random_page_cost = 100']) {
    await place.database.query(`ALTER DATABASE ${place.database.name} SET ${setting}`)
  }
  await place.server.restart()
  const read = async () =>
    (
      await place.database.query<{ rows: string; updated: string }>(
        `SELECT seq_tup_read AS rows, n_tup_upd AS updated FROM pg_stat_user_tables WHERE relname = 'orders'`,
      )
    )[0]!
  const before = await read()
  const changes = Array.from({ length: 10 }, (_, i) => dmsPut(`${i + 1}`, 2, { data: { a: 2 } }))
  await write([...changes, dmsPatch('20', 2, { data: { b: 'x' } }), dmsMove({ id: '21' }, { id: 'moved' }, 2)])
  await place.server.stop()
  let after = await read()
  // A session tells what it did when it ends.
  while (after.updated === before.updated) after = await read()
  assert.equal(after.rows, before.rows)
})

test('a mirror is a heap, whatever tables are made as by default', async (t) => {
  const { place, write } = await mirror(t)
  await place.database.query(`CREATE ACCESS METHOD for_appending TYPE TABLE HANDLER heap_tableam_handler;
    ALTER DATABASE ${place.database.name} SET default_table_access_method = for_appending`)
  await write([dmsPut('k', 1)])
  const made = `SELECT amname FROM pg_class c JOIN pg_am m ON m.oid = c.relam WHERE c.oid = 'shop.orders'::regclass`
  assert.deepEqual(await place.database.query(made), [{ amname: 'heap' }])
})

test('a value that only Greenplum knows its column to refuse costs the value, not the row', async (t) => {
  const { place, write } = await mirror(t, { onError: 'dead-letter' })
  await place.database.query(`CREATE SCHEMA shop; CREATE TYPE public.mood AS ENUM ('fine')`)
  await place.database.query('CREATE TABLE shop.orders (id text PRIMARY KEY, mood mood, q pg_lsn, b text)')
  const table = sourceTable({ id: 'text', mood: 'text', q: 'text', b: 'text' })
  const written = await write(
    [
      dmsPut('1', 1, { data: { mood: 'fine', q: '1/2', b: 'x' } }),
      dmsPut('2', 1, { data: { mood: 'angry', q: '1/2', b: 'x' } }),
      dmsPut('3', 1, { data: { mood: 'fine', q: 'hunter2', b: 'x' } }),
    ],
    table,
  )
  assert.deepEqual([totals(written), written.deadLettered ?? 0], [[3, 0], 0])
  assert.deepEqual(
    await place.database.query(
      `SELECT concat_ws(' ', id, mood::text, q::text, b, cdc_extra::text) AS line FROM shop.orders ORDER BY id`,
    ),
    ['1 fine 1/2 x', '2 1/2 x {"mood": "angry"}', '3 fine x {"q": "hunter2"}'].map((line) => ({ line })),
  )
  assert.deepEqual(
    [...written.setAside!.get('shop.orders')!].map(([column, { count }]) => [column, count]),
    [
      ['mood', 1],
      ['q', 1],
    ],
  )
})

test('a row that is too wide for a page of the target: its longest values lie in cdc_extra', async (t) => {
  const { place, write } = await mirror(t, { onError: 'dead-letter', layout: 'columns' })
  const data = Object.fromEntries(
    Array.from({ length: 500 }, (_, i) => [`c${i}`, createHash('sha512').update(`${i}`).digest('base64').slice(0, 80)]),
  )
  const table = sourceTable({
    id: 'text',
    ...Object.fromEntries(Object.keys(data).map((name) => [name, 'text' as const])),
  })
  const written = await write([dmsPut('a', 1, { data: { c1: 'x' } }), dmsPut('b', 1, { data })], table)
  assert.deepEqual([totals(written), written.deadLettered ?? 0], [[2, 0], 0])
  const [found] = await place.database.query<{ row: Record<string, unknown> }>(
    `SELECT row_to_json(o) AS row FROM shop.orders o WHERE id = 'b'`,
  )
  const { cdc_extra: extra, ...columns } = found!.row
  const held = Object.fromEntries(Object.entries(columns).filter(([name, value]) => name in data && value !== null))
  assert.deepEqual({ ...held, ...(extra as object) }, data)
})

test('a value that Greenplum does not take is found once, however many rows of a batch have it', async (t) => {
  const { place, write } = await mirror(t, { onError: 'dead-letter' })
  await place.database.query(`CREATE SCHEMA shop; CREATE TYPE public.mood AS ENUM ('ok', 'sad');
    CREATE TABLE shop.orders (id text PRIMARY KEY, mood mood, cdc_version bigint, cdc_extra jsonb, cdc_deleted boolean)`)
  const moods = ['ok', 'angry', 'sad', 'angry', 'ok', 'angry', 'bored', 'ok']
  const changes = Array.from({ length: 128 }, (_, i) =>
    dmsPut(`k${i}`, 1, { data: { mood: moods[i % moods.length]! } }),
  )
  const before = place.server.calls.length
  const written = await write(changes, sourceTable({ id: 'text', mood: 'text' }))
  assert.deepEqual([totals(written), written.deadLettered], [[128, 0], 0])
  const counted = `SELECT coalesce(mood::text, cdc_extra->>'mood') AS mood, mood IS NULL AS aside, count(*)::int
    FROM shop.orders GROUP BY 1, 2 ORDER BY 1`
  assert.deepEqual(await place.database.query(counted), [
    { mood: 'angry', aside: true, count: 48 },
    { mood: 'bored', aside: true, count: 16 },
    { mood: 'ok', aside: false, count: 48 },
    { mood: 'sad', aside: false, count: 16 },
  ])
  const loads = place.server.calls.slice(before).filter(({ method }) => method === 'Open').length
  assert.ok(loads < 64, `${loads} loads`)
})
