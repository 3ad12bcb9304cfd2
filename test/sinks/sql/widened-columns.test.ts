import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import pg from 'pg'
import { Numeric } from '../../../src/change.ts'
import { type Log, SILENT } from '../../../src/observe/log.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink-options.ts'
import { type Columns, dmsDel, dmsPatch, dmsPut, sourceTable } from '../../support/changes.ts'
import { greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { volume } from '../../support/volume.ts'
import { onEachTarget } from './each-target.ts'
import { type OpenRelay, openRelay, type TestRelay } from './test-relay.ts'

/** Keeps what is said of columns. */
function hearing(): { readonly log: Log; readonly said: [message: string, fields: Record<string, unknown>][] } {
  const said: [string, Record<string, unknown>][] = []
  const hear = (fields: object, message: string): void => void said.push([message, fields as Record<string, unknown>])
  return { log: { ...SILENT, warn: hear, info: hear }, said }
}

/** A relay that widens, over `shop.orders` as somebody made it. */
async function openOver(
  t: TestContext,
  open: OpenRelay,
  columns: string,
  options: Partial<SqlSinkOptions> = {},
): Promise<TestRelay> {
  const relay = await open(t, { layout: null, onSchemaChange: 'widen', ...options })
  await relay.database.query(`CREATE SCHEMA shop; CREATE TABLE shop.orders (${columns})`)
  return relay
}

const typesOf = async ({ query }: TestDatabase, table = 'shop.orders'): Promise<Record<string, string>> => {
  const rows = await query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
     WHERE attrelid = '${table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
  )
  return Object.fromEntries(rows.map(({ name, type }) => [name, type]))
}

const NARROW = `id int PRIMARY KEY, small smallint, name varchar(3), price numeric(6,2), ratio real, at timestamp(0) with time zone,
  same text, other boolean, cdc_version bigint, cdc_extra jsonb`
const SOURCE: Columns = {
  id: 'int32',
  small: 'int64',
  name: 'text',
  price: 'numeric',
  ratio: 'float64',
  at: 'timestamp',
  same: 'text',
  other: 'int64',
}

onEachTarget(
  'widen: columns get the wider types of the source, rows keep their values, and what comes fits',
  async (t, open) => {
    const relay = await openOver(t, open, NARROW)
    const { database, knows, write } = relay
    await database.query(
      `INSERT INTO shop.orders VALUES (1, 7, 'abc', 1.50, 0.5, '2026-01-01T00:00:00Z', 'x', true, 1)`,
    )
    knows(sourceTable(SOURCE))
    const data = { small: 2 ** 40, name: 'longer', price: new Numeric('12345678.905'), ratio: 1e200, same: 'y' }
    await write(dmsPut(2, 2, { data: { ...data, at: '2026-01-01T00:00:00.123456Z' } }))

    assert.deepEqual(await typesOf(database), {
      id: 'integer',
      small: 'bigint',
      name: 'text',
      price: 'numeric',
      ratio: 'double precision',
      at: 'timestamp with time zone',
      same: 'text',
      other: 'boolean',
      cdc_version: 'bigint',
      cdc_extra: 'jsonb',
    })
    assert.deepEqual(
      await database.query(
        `SELECT id, small::text, name, price::text, ratio::text, cdc_extra FROM shop.orders ORDER BY id`,
      ),
      [
        { id: 1, small: '7', name: 'abc', price: '1.50', ratio: '0.5', cdc_extra: null },
        { id: 2, small: `${2 ** 40}`, name: 'longer', price: '12345678.905', ratio: '1e+200', cdc_extra: null },
      ],
    )
  },
)

onEachTarget('add-only: nothing is widened', async (t, open) => {
  const { database, knows, write } = await openOver(t, open, NARROW, { onSchemaChange: 'add-only' })
  const before = await typesOf(database)
  knows(sourceTable(SOURCE))
  await write(dmsPut(2, 2, { data: { small: 2 ** 40 } }))
  assert.deepEqual(await typesOf(database), before)
  assert.deepEqual(await database.query('SELECT small, cdc_extra FROM shop.orders'), [
    { small: null, cdc_extra: { small: 2 ** 40 } },
  ])
})

onEachTarget(
  'widen: a column that is wider than the source, or was never declared, stays as it is',
  async (t, open) => {
    const columns = 'id bigint PRIMARY KEY, n bigint, v varchar(3), cdc_version bigint, cdc_extra jsonb'
    const { database, knows, write } = await openOver(t, open, columns)
    const before = await typesOf(database)
    knows(sourceTable({ id: 'int16', n: 'int32' }))
    await write(dmsPut(1, 1, { data: { n: 1, v: 'longer than it' } }))
    assert.deepEqual(await typesOf(database), before)
  },
)

onEachTarget('widen: while values lie in cdc_extra, later ones go to the column', async (t, open) => {
  const relay = await openOver(t, open, 'id int PRIMARY KEY, n int, cdc_version bigint, cdc_extra jsonb')
  const { database, knows, write } = relay
  knows(sourceTable({ id: 'int32', n: 'int32' }))
  await write(dmsPut(1, 1, { data: { n: 2 ** 40 } }), dmsPut(2, 1, { data: { n: 2 ** 40 } }))
  knows(sourceTable({ id: 'int32', n: 'int64' }))
  // The second is older than its row.
  await write(
    dmsPatch(1, 3, { data: { n: 2 ** 41 } }),
    dmsPut(2, 0, { data: { n: 5 } }),
    dmsPut(3, 3, { data: { n: 2 ** 42 } }),
  )
  assert.deepEqual(await database.query('SELECT id, n::text, cdc_extra FROM shop.orders ORDER BY id'), [
    { id: 1, n: `${2 ** 41}`, cdc_extra: null },
    { id: 2, n: null, cdc_extra: { n: 2 ** 40 } },
    { id: 3, n: `${2 ** 42}`, cdc_extra: null },
  ])
})

onEachTarget(
  'widen, soft: the view comes back with its rights; a view of somebody else keeps the column as it is',
  async (t, open) => {
    const { log, said } = hearing()
    const relay = await open(t, { layout: null, onSchemaChange: 'widen', deletes: 'soft', log })
    const { database, knows, write } = relay
    knows(sourceTable({ id: 'int32', n: 'int32', m: 'int32' }))
    await write(dmsPut(1, 1, { data: { n: 1, m: 1 } }), dmsPut(2, 1), dmsDel(2, 2))
    await database.query(`GRANT SELECT ON shop.orders_live TO PUBLIC`)
    knows(sourceTable({ id: 'int32', n: 'int64', m: 'int32' }))
    await write(dmsPut(3, 3, { data: { n: 2 ** 40, m: 1 } }))
    assert.deepEqual((await typesOf(database, 'shop.orders_live')).n, 'bigint')
    assert.match(
      String(
        (
          await database.query<{ acl: string }>(
            `SELECT relacl::text AS acl FROM pg_class WHERE oid = 'shop.orders_live'::regclass`,
          )
        )[0]!.acl,
      ),
      /[{,]=r\//,
    )
    assert.deepEqual(await database.query('SELECT id, n::text FROM shop.orders_live ORDER BY id'), [
      { id: 1, n: '1' },
      { id: 3, n: `${2 ** 40}` },
    ])

    await database.query('CREATE VIEW public.mine AS SELECT m FROM shop.orders_live')
    knows(sourceTable({ id: 'int32', n: 'int64', m: 'int64' }))
    await write(dmsPut(4, 4, { data: { n: 1, m: 2 ** 40 } }))
    knows(sourceTable({ id: 'int32', n: 'int64', m: 'int64', z: 'text' }))
    await write(dmsPut(5, 5, { data: { n: 1, m: 1, z: 'z' } }))
    assert.equal((await typesOf(database)).m, 'integer')
    assert.deepEqual(await database.query('SELECT cdc_extra FROM shop.orders_live WHERE id = 4'), [
      { cdc_extra: { m: 2 ** 40 } },
    ])
    const refused = said.filter(([message]) => message.startsWith('Columns are narrower'))
    assert.equal(refused.length, 1, 'it is said once')
    assert.match(refused[0]![0], /cannot drop view shop\.orders_live because other objects depend on it/)
    assert.deepEqual(refused[0]![1].columns, ['m: integer → bigint'])
    assert.deepEqual(refused[0]![1].statements, ['ALTER TABLE "shop"."orders" ALTER COLUMN "m" TYPE bigint'])
  },
)

test('widen: a key gets wider with its tombstones, and deletes still count', async (t) => {
  const relay = await openRelay(t, { layout: null, onSchemaChange: 'widen' })
  const { database, knows, write, restart } = relay
  knows(sourceTable({ id: 'int16', n: 'int32' }))
  await write(dmsPut(1, 1, { data: { n: 1 } }), dmsPut(2, 1, { data: { n: 1 } }), dmsDel(1, 5))
  knows(sourceTable({ id: 'int64', n: 'int32' }))
  await write(dmsPut(2 ** 40, 6, { data: { n: 2 } }), dmsPut(1, 4, { data: { n: 9 } }), dmsDel(2, 7))
  await restart()
  await write(dmsPut(2, 6, { data: { n: 3 } }))
  assert.deepEqual(await database.query('SELECT id::text, n FROM shop.orders'), [{ id: `${2 ** 40}`, n: 2 }])
  assert.equal((await typesOf(database)).id, 'bigint')
})

test('widen: a table that an operator made, without the columns of the relay, gets those and the wider types at once', async (t) => {
  const { database, knows, write } = await openOver(t, openRelay, 'id int PRIMARY KEY, small smallint')
  knows(sourceTable({ id: 'int32', small: 'int64' }))
  await write(dmsPut(1, 1, { data: { small: 2 ** 40 } }))
  const { small, cdc_version } = await typesOf(database)
  assert.deepEqual([small, cdc_version], ['bigint', 'bigint'])
  assert.deepEqual(await database.query('SELECT small FROM shop.orders'), [{ small: String(2 ** 40) }])
})

test('widen: a text key keeps its collation', async (t) => {
  const { database, knows, write } = await openOver(
    t,
    openRelay,
    'id varchar(3) COLLATE "C" PRIMARY KEY, cdc_version bigint',
  )
  knows(sourceTable({ id: 'text' }))
  await write(dmsPut('longer', 1, { data: {} }))
  const [found] = await database.query(`SELECT format_type(atttypid, atttypmod) AS type, collname::text AS collation
    FROM pg_attribute a JOIN pg_collation l ON l.oid = a.attcollation WHERE attrelid = 'shop.orders'::regclass AND attname = 'id'`)
  assert.deepEqual(found, { type: 'text', collation: 'C' })
})

test('widen: what the server refuses is said, and the rows are written all the same', async (t) => {
  const { log, said } = hearing()
  const columns = `id int, part int, n int, PRIMARY KEY (id, part), cdc_version bigint, cdc_extra jsonb) PARTITION BY LIST (part`
  const relay = await openOver(t, openRelay, columns, { log })
  const { database, knows, write } = relay
  await database.query('CREATE TABLE shop.orders_all PARTITION OF shop.orders DEFAULT')
  knows(sourceTable({ id: 'int32', part: 'int64', n: 'int32' }, { key: ['id', 'part'] }))
  await write(dmsPut(1, 1, { key: { id: 1, part: 1 }, data: { n: 1 } }))
  assert.equal((await database.query('SELECT FROM shop.orders')).length, 1)
  assert.equal((await typesOf(database)).part, 'integer')
  assert.match(said[0]![0], /partition key/)
})

test('widen: what is cancelled, for it takes too long, is said and not tried again', async (t) => {
  const { log, said } = hearing()
  const columns = 'id int PRIMARY KEY, n int, cdc_version bigint, cdc_extra jsonb'
  const { database, knows, write } = await openOver(t, openRelay, columns, { log })
  knows(sourceTable({ id: 'int32', n: 'int32' }))
  await write(dmsPut(1, 1, { data: { n: 1 } }))
  knows(sourceTable({ id: 'int32', n: 'int64' }))
  const reader = new pg.Client(database.url)
  reader.on('error', () => {})
  await reader.connect()
  t.after(() => reader.end())
  await reader.query('BEGIN; SELECT FROM shop.orders')
  const writing = write(dmsPut(2, 2, { data: { n: 2 ** 40 } }))
  const cancel = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'ALTER%'`
  for (let looks = 0; (await database.query(cancel)).length === 0; looks++) {
    assert.ok(looks < 1_000, 'nothing waits')
    await sleep(5)
  }
  await writing
  await reader.query('COMMIT')
  knows(sourceTable({ id: 'int32', n: 'int64', z: 'text' }))
  await write(dmsPut(3, 3, { data: { n: 1, z: 'z' } }))
  assert.equal((await typesOf(database)).n, 'integer')
  const refused = said.filter(([message]) => message.startsWith('Columns are narrower'))
  assert.deepEqual(
    refused.map(([, { statements }]) => statements),
    [['ALTER TABLE "shop"."orders" ALTER COLUMN "n" TYPE bigint']],
  )
  assert.match(refused[0]![0], /takes longer than the relay may keep the table locked/)
})

test('widen: what fails for a while is done by the next attempt', async (t) => {
  const { database, knows, write } = await openOver(t, openRelay, 'id int PRIMARY KEY, n int')
  knows(sourceTable({ id: 'int32', n: 'int32' }))
  await write(dmsPut(1, 1, { data: { n: 1 } }))
  await database.query(
    `CREATE FUNCTION busy() RETURNS event_trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE 'not now' USING ERRCODE = 'lock_not_available'; END $$;
     CREATE EVENT TRIGGER busy ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION busy()`,
  )
  t.after(() => database.query('DROP EVENT TRIGGER IF EXISTS busy'))
  knows(sourceTable({ id: 'int32', n: 'int64' }))
  const change = dmsPut(2, 2, { data: { n: 2 ** 40 } })
  await assert.rejects(write(change), { code: 'SINK_BUSY' })
  await database.query('DROP EVENT TRIGGER busy')
  await write(change)
  assert.equal((await typesOf(database)).n, 'bigint')
  assert.deepEqual(await database.query('SELECT n FROM shop.orders WHERE id = 2'), [{ n: String(2 ** 40) }])
})

test('widen: an enum gets the labels that come, with their rows, and neither log nor refusal shows one', async (t) => {
  const { log, said } = hearing()
  const columns = 'id int PRIMARY KEY, mood app.mood, cdc_version bigint, cdc_extra jsonb'
  const relay = await openRelay(t, { layout: null, onSchemaChange: 'widen', log })
  const { database, knows, write } = relay
  await database.query(`CREATE SCHEMA shop; CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('fine');
    CREATE TABLE shop.orders (${columns})`)
  knows(sourceTable({ id: 'int32', mood: 'text' }))
  const row = (id: number, mood: string) => dmsPut(id, id, { data: { mood } })
  await write(row(1, 'fine'), row(2, "ang'ry"), row(3, 'sad'))
  await write(row(4, 'new'), row(5, 'x'.repeat(64)))
  assert.deepEqual(await database.query('SELECT id, mood::text, cdc_extra FROM shop.orders ORDER BY id'), [
    { id: 1, mood: 'fine', cdc_extra: null },
    { id: 2, mood: "ang'ry", cdc_extra: null },
    { id: 3, mood: 'sad', cdc_extra: null },
    { id: 4, mood: 'new', cdc_extra: null },
    { id: 5, mood: null, cdc_extra: { mood: 'x'.repeat(64) } },
  ])
  assert.doesNotMatch(JSON.stringify(said), /ang'ry|sad|new|xxx/)
  assert.deepEqual(said[0]![1].columns, ['mood: app.mood with more labels'])
})

test('widen: an enum of somebody else stays as it is, which is said once, however many labels come', async (t) => {
  const { log, said } = hearing()
  const relay = await openRelay(t, { layout: null, onSchemaChange: 'widen', log })
  const { database, knows, write } = relay
  await database.query(`CREATE SCHEMA shop; CREATE TYPE public.mood AS ENUM ('fine');
    CREATE TABLE shop.orders (id int PRIMARY KEY, mood mood, cdc_version bigint, cdc_extra jsonb)`)
  await database.query(`CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'not here' USING ERRCODE = '42501'; END $$`)
  await database.query(
    `CREATE EVENT TRIGGER refuses ON ddl_command_start WHEN TAG IN ('ALTER TYPE') EXECUTE FUNCTION refuse()`,
  )
  knows(sourceTable({ id: 'int32', mood: 'text' }))
  const rows = ['a', 'b', 'c'].map((mood, i) => dmsPut(i, i + 1, { data: { mood } }))
  await write(...rows)
  await write(dmsPut(9, 9, { data: { mood: 'd' } }))
  await database.query('DROP EVENT TRIGGER refuses')
  assert.equal((await database.query('SELECT FROM shop.orders WHERE mood IS NULL')).length, 4)
  assert.equal(said.filter(([message]) => message.startsWith('Columns are narrower')).length, 1)
})

test('greenplum 6: widen: an enum, to which a transaction adds no label, stays as it is, which is said once', {
  skip: withoutGreenplum('6'),
}, async (t) => {
  const { log, said } = hearing()
  const database = await greenplumDatabase(t, '6')
  const relay = await openRelay(t, { layout: null, onSchemaChange: 'widen', log }, database)
  const { knows, write } = relay
  await database.query(`CREATE SCHEMA shop; CREATE TYPE public.mood AS ENUM ('fine')`)
  await database.query('CREATE TABLE shop.orders (id int PRIMARY KEY, mood mood, cdc_version bigint, cdc_extra jsonb)')
  knows(sourceTable({ id: 'int32', mood: 'text' }))
  await write(dmsPut(1, 1, { data: { mood: 'angry' } }))
  await write(dmsPut(2, 2, { data: { mood: 'sad' } }))
  assert.deepEqual(await database.query('SELECT id, mood::text, cdc_extra FROM shop.orders ORDER BY id'), [
    { id: 1, mood: null, cdc_extra: { mood: 'angry' } },
    { id: 2, mood: null, cdc_extra: { mood: 'sad' } },
  ])
  const refused = said.filter(([message]) => message.startsWith('Columns are narrower'))
  assert.deepEqual(
    refused.map(([, { columns, statements }]) => [columns, statements]),
    [[['mood: mood with more labels'], ["ALTER TYPE mood ADD VALUE '…'"]]],
  )
})

test('widen under --create-tables never: the statement is said, nothing is altered', async (t) => {
  const { log, said } = hearing()
  const relay = await openOver(t, openRelay, 'id int PRIMARY KEY, n int, cdc_version bigint, cdc_extra jsonb', {
    log,
    createTables: 'never',
    deletes: 'soft',
  })
  const { database, knows, write } = relay
  await database.query('ALTER TABLE shop.orders ADD COLUMN cdc_deleted boolean')
  knows(sourceTable({ id: 'int32', n: 'int64' }))
  await write(dmsPut(1, 1, { data: { n: 1 } }))
  assert.equal((await typesOf(database)).n, 'integer')
  assert.match(said[0]![0], /--create-tables is never/)
  assert.deepEqual(said[0]![1].statements, ['ALTER TABLE "shop"."orders" ALTER COLUMN "n" TYPE bigint'])
})

/** In the order of what they hold, with a value that the one before does not hold. */
const TYPES = [
  ['int16', 7],
  ['int32', 70_000],
  ['int64', 2 ** 40],
  ['numeric', new Numeric('12345678901234567890.5')],
] as const

test('any history in which a column gets wider, in any order, twice and with restarts, ends as the last image of each row', async (t) => {
  const change = fc.record({ id: fc.integer({ min: 1, max: 4 }), size: fc.nat(3), isDelete: fc.boolean() })
  const history = fc.array(change, { minLength: 1, maxLength: 14 })
  const step = fc.record({ at: fc.nat(1_000), known: fc.nat(3), restarts: fc.boolean() })
  const deliveries = fc.array(step, { minLength: 4, maxLength: 10 })
  const relay = await openRelay(t, { layout: null, onSchemaChange: 'widen' })
  const { database, knows, write, restart } = relay
  await database.query('CREATE SCHEMA shop')
  let tables = 0
  await fc.assert(
    fc.asyncProperty(history, deliveries, async (changes, steps) => {
      const table = { schema: 'shop', name: `orders_${++tables}` }
      const items = changes.map(({ id, size, isDelete }, i) =>
        isDelete ? dmsDel(id, i + 1, { table }) : dmsPut(id, i + 1, { table, data: { n: TYPES[size]![1] } }),
      )
      let widest = 0
      for (const { at, known, restarts } of [...steps, { at: 0, known: 3, restarts: false }]) {
        // What is known of a type only gets wider.
        widest = Math.max(widest, known)
        knows(sourceTable({ id: 'int32', n: TYPES[widest]![0] }, { name: table }))
        if (restarts) await restart()
        const from = at % items.length
        await write(...items.slice(from), ...items.slice(0, from).reverse())
      }
      const last = new Map(changes.map((one) => [one.id, one]))
      const expected = [...last].flatMap(([id, { size, isDelete }]) =>
        isDelete ? [] : [{ id, n: size === 3 ? '12345678901234567890.5' : `${TYPES[size]![1]}` }],
      )
      const found = await database.query(
        `SELECT id, coalesce(n::text, cdc_extra->>'n') AS n FROM shop.${table.name} ORDER BY id`,
      )
      assert.deepEqual(
        found,
        expected.toSorted((a, b) => a.id - b.id),
      )
    }),
    { numRuns: volume(15, 120) },
  )
})
