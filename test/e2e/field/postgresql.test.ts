import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { dmsTable, dynamodbInsert } from './records.ts'
import { type Feed, feedInto, type Relayed } from './relayed.ts'
import { type Case, playTogether } from './together.ts'

/**
 * Cases from public reports of people who run such pipelines, each as a user would meet it: the real program, a file of
 * records, a table that is there or is not. The id of the report stands in front.
 */

/** Of a table of DMS with a number as its key; `type` is the type of `v`. */
const columns = (type: string) => ({ id: 'INT32', v: type })

const BAD_VALUES: readonly Case[] = [
  { id: 'W01', type: 'hstore', good: '"a"=>"1"', bad: '{"a": "1"}' },
  { id: 'W02', type: 'ltree', good: 'a.b', bad: 'a b..c' },
  { id: 'W03', type: 'tsquery', good: "'a' & 'b'", bad: 'a b &' },
].map(({ id, type, good, bad }) => {
  const name = id.toLowerCase()
  const x = dmsTable('shop', name)
  return {
    title: `${id}: of a value that ${type} refuses the row is written, and the value stands whole in cdc_extra`,
    statements: [
      ...(type === 'tsquery' ? [] : [`CREATE EXTENSION ${type}`]),
      `CREATE TABLE shop.${name} (id int PRIMARY KEY, v ${type})`,
    ],
    records: [x.create(columns('STRING'), ['id']), x.load({ id: 1, v: good }), x.load({ id: 2, v: bad })],
    async look({ database }) {
      assert.deepEqual(await database.query(`SELECT id, v::text, cdc_extra FROM shop.${name} ORDER BY id`), [
        { id: 1, v: good, cdc_extra: null },
        { id: 2, v: null, cdc_extra: { v: bad } },
      ])
    },
  }
})

const REFUSED_BY_TRIGGERS: readonly Case[] = ['P0001', 'P0002', '44000', '38001', 'CUST1'].map((state) => {
  const name = `w07_${state.toLowerCase()}`
  const x = dmsTable('shop', name)
  return {
    title: `W07: a row that a trigger refuses with ${state} is a dead letter alone`,
    statements: [
      `CREATE TABLE shop.${name} (id int PRIMARY KEY, v int)`,
      `CREATE FUNCTION shop.refuse_${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF NEW.v < 0 THEN RAISE EXCEPTION 'no negative %', NEW.v USING ERRCODE = '${state}'; END IF; RETURN NEW; END $$`,
      `CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON shop.${name} FOR EACH ROW EXECUTE FUNCTION shop.refuse_${name}()`,
    ],
    records: [x.create(columns('INT32'), ['id']), x.load({ id: 1, v: 1 }), x.load({ id: 2, v: -1 })],
    async look({ database, deadLetters }) {
      assert.deepEqual(await database.query(`SELECT id, v FROM shop.${name}`), [{ id: 1, v: 1 }])
      assert.deepEqual(await deadLetters(`shop.${name}`), ['SINK_REFUSED'])
    },
  }
})

const MOOD = `CREATE TYPE mood AS ENUM ('sad', 'ok')`

function unknownLabel(): Case {
  const x = dmsTable('shop', 'w09')
  const rows = [x.load({ id: 1, v: 'ok' }), x.load({ id: 2, v: 'angry' }), x.load({ id: 3, v: null })]
  return {
    title: 'W09: a label that the enum of the target lacks',
    statements: [MOOD, 'CREATE TABLE shop.w09 (id int PRIMARY KEY, v mood)'],
    records: [x.create(columns('STRING'), ['id']), ...rows],
    async look({ database }) {
      assert.deepEqual(await database.query('SELECT id, v::text, cdc_extra FROM shop.w09 ORDER BY id'), [
        { id: 1, v: 'ok', cdc_extra: null },
        { id: 2, v: null, cdc_extra: { v: 'angry' } },
        { id: 3, v: null, cdc_extra: null },
      ])
    },
  }
}

function manyUnknownLabels(): Case {
  const x = dmsTable('shop', 'w11')
  const rows = Array.from({ length: 30 }, (_, n) => x.load({ id: n + 1, v: 'angry' }))
  return {
    title: 'W11: thirty rows of such a label in one batch',
    statements: ['CREATE TABLE shop.w11 (id int PRIMARY KEY, v mood)'],
    records: [x.create(columns('STRING'), ['id']), ...rows],
    async look({ database }) {
      const [counted] = await database.query(`SELECT count(*)::int AS rows, count(v)::int AS filled,
        count(*) FILTER (WHERE cdc_extra->>'v' = 'angry')::int AS aside FROM shop.w11`)
      assert.deepEqual(counted, { rows: 30, filled: 0, aside: 30 })
    },
  }
}

function money(): Case {
  const x = dmsTable('shop', 'w13')
  const rows = [x.load({ id: 1, v: '12.3456' }), x.load({ id: 2, v: '$1.00' })]
  return {
    title: 'W13: money with more digits than its column keeps is not rounded',
    statements: ['CREATE TABLE shop.w13 (id int PRIMARY KEY, v money)'],
    records: [x.create(columns('STRING'), ['id']), ...rows],
    async look({ database }) {
      const [first, second] = await database.query('SELECT id, v::text, cdc_extra FROM shop.w13 ORDER BY id')
      assert.deepEqual(first, { id: 1, v: null, cdc_extra: { v: '12.3456' } })
      // As a column or aside: whole.
      assert.equal((second as { v: string | null }).v ?? (second as { cdc_extra: { v: string } }).cdc_extra.v, '$1.00')
    },
  }
}

function anotherKey(): Case {
  const rk = dmsTable('shop', 'rk')
  const columns = { id: 'INT32', r: 'STRING', v: 'STRING' }
  return {
    title:
      'W18: a key that got another column at the source, all in one batch: the new key is followed, and the log says so',
    records: [
      rk.create(columns, ['id']),
      rk.load({ id: 1, r: 'eu', v: 'a' }),
      rk.drop(),
      rk.create(columns, ['id', 'r']),
      rk.load({ id: 1, r: 'eu', v: 'b' }),
      rk.load({ id: 1, r: 'us', v: 'c' }),
    ],
    async look({ database, log }) {
      assert.match(log, /The key of shop.rk was \\"id\\", and is now \\"id\\", \\"r\\"/)
      assert.deepEqual(await database.query('SELECT id, r, v FROM shop.rk ORDER BY r'), [
        { id: 1, r: 'eu', v: 'b' },
        { id: 1, r: 'us', v: 'c' },
      ])
    },
  }
}

const BLANKS: readonly Case[] = (
  [
    ['text', ['A=1', 'A    =2']],
    ['char(5)', ['A=2']],
  ] as const
).map(([type, rows]) => {
  const name = `u09_${type.slice(0, 4)}`
  const ch = dmsTable('shop', name)
  const changes = [ch.load({ code: 'A', v: '1' }), ch.update({ code: 'A    ', v: '2' })]
  return {
    title: `U09: a key with and without blanks at its end, in a column ${type}`,
    statements: [`CREATE TABLE shop.${name} (code ${type} PRIMARY KEY, v text)`],
    records: [ch.create({ code: 'STRING', v: 'STRING' }, ['code']), ...changes],
    async look({ database }) {
      const found = await database.query(`SELECT code || '=' || v AS row FROM shop.${name} ORDER BY v`)
      assert.deepEqual(
        found.map(({ row }) => row),
        rows,
      )
    },
  }
})

function longKeys(): Case {
  const long = (n: number, length: number) =>
    Array.from({ length }, (_, at) => String.fromCodePoint(0x4e00 + ((at * 4649 + n * 977) % 20_000))).join('')
  const items = Array.from({ length: 30 }, (_, n) =>
    dynamodbInsert('lk', { pk: { S: long(n, 682) }, sk: { S: long(n + 100, 341) } }),
  )
  const good = dynamodbInsert('lk', { pk: { S: 'a' }, sk: { S: 'b' } })
  return {
    title: 'W26: thirty keys that no index can hold, and the rows beside them',
    records: [...items, good],
    async look({ database, deadLetters }) {
      const [{ rows }] = (await database.query('SELECT count(*)::int AS rows FROM lk')) as [{ rows: number }]
      assert.equal(rows + (await deadLetters('lk')).length, 31)
      assert.ok(rows >= 1)
    },
  }
}

function quotedValue(): Case {
  const l = dmsTable('shop', 'l')
  return {
    title: 'W31: words of the server that quote a value stay out of the log',
    statements: ['CREATE TABLE shop.l (id int PRIMARY KEY, q tsquery NOT NULL)'],
    records: [l.create({ id: 'INT32', q: 'STRING' }, ['id']), l.insert({ id: 1, q: 'secret-value &' })],
    async look({ log, deadLetters }) {
      assert.equal((await deadLetters('shop.l')).length, 1)
      assert.doesNotMatch(log, /secret-value/)
    },
  }
}

function otherBeforeImages(): Case {
  const cf = dmsTable('shop', 'cf')
  return {
    title: 'W32: a before image under another field name than the relay reads is warned of',
    records: [
      cf.create(columns('STRING'), ['id']),
      cf.load({ id: 1, v: 'a' }),
      cf.update({ id: 2, v: 'a' }, { 'custom-field': { id: 1 } }),
      cf.update({ id: 3, v: 'a' }, { 'custom-field': { id: 2 } }),
    ],
    async look({ log }) {
      const warnings = log.split('\n').filter((line) => line.includes('custom-field'))
      assert.equal(warnings.length, 1, log)
      assert.match(warnings[0]!, /--before-image-field/)
    },
  }
}

function manyAside(): Case {
  const sa = dmsTable('shop', 'sa')
  const rows = Array.from({ length: 50 }, (_, n) => sa.load({ id: n, n: 40_000 + n }))
  return {
    title: 'W34: values set aside are counted, and warned of once for the column',
    records: [sa.create({ id: 'INT32', n: 'INT16' }, ['id']), ...rows],
    async look({ database, summary, warnings, log }) {
      const [{ aside }] = (await database.query(
        'SELECT count(*) FILTER (WHERE n IS NULL AND cdc_extra ? $1)::int AS aside FROM shop.sa',
        ['n'],
      )) as [{ aside: number }]
      assert.equal(aside, 50)
      assert.deepEqual(summary.setAside?.['shop.sa'], { n: 50 })
      assert.equal(warnings('shop.sa').filter((line) => line.includes('cdc_extra')).length, 1, log)
    },
  }
}

function preciseTime(): Case {
  const x = dmsTable('shop', 'u01')
  const precise = '2024-02-28T20:59:22.1234567Z'
  const rows = [x.load({ id: 1, v: precise }), x.load({ id: 2, v: '2024-02-28T20:59:22.123456Z' })]
  return {
    title: 'U01: digits of the second beyond the precision of the column are kept, counted and warned of',
    records: [x.create(columns('TIMESTAMP'), ['id']), ...rows],
    async look({ database, summary, warnings }) {
      const [first, second] = await database.query<{ v: string | null; cdc_extra: { v: string } | null }>(
        `SELECT v AT TIME ZONE 'UTC' AS v, cdc_extra FROM shop.u01 ORDER BY id`,
      )
      assert.equal(first?.cdc_extra?.v, precise)
      assert.equal(second?.cdc_extra, null)
      assert.deepEqual(summary.setAside?.['shop.u01'], { v: 1 })
      assert.match(warnings('shop.u01').join(), /cdc_extra/)
    },
  }
}

function largeColumn(): Case {
  const table = dmsTable('shop', 't')
  const big = 'b'.repeat(10_000)
  const rows = [
    table.insert({ id: 1, a: 1, big }),
    table.update({ id: 1, a: 2 }, { 'before-image': { id: 1, a: 1, big } }),
  ]
  return {
    title: 'U02: a large column that an update leaves out and its before image has keeps its value',
    records: [table.create({ id: 'INT32', a: 'INT32', big: 'STRING' }, ['id']), ...rows],
    async look({ database }) {
      assert.deepEqual(await database.query('SELECT id, a, big FROM shop.t'), [{ id: 1, a: 2, big }])
    },
  }
}

function exponents(): Case {
  const emp = dmsTable('HR', 'EMP')
  const row = emp
    .load({ ID: 'A', SAL: 'B', N10: 'C', D: 'E' })
    .replace('"A"', '1.0000000000000000e+02')
    .replace('"B"', '1.5e+3')
    .replace('"C"', '1.0e+02')
    .replace('"E"', '1.2300000000000000e+01')
  return {
    title: 'U03: an integer with an exponent whose digits show that nothing was rounded is that integer',
    records: [emp.create({ ID: 'DOUBLE', SAL: 'DOUBLE', N10: 'INT64', D: 'DECIMAL' }, ['ID']), row],
    async look({ database, deadLetters }) {
      assert.deepEqual(await deadLetters('HR.EMP'), [])
      assert.deepEqual(await database.query('SELECT "ID", "SAL", "N10"::int, "D"::float8 FROM "HR"."EMP"'), [
        { ID: 100, SAL: 1500, N10: 100, D: 12.3 },
      ])
    },
  }
}

function emptyBeforeImage(): Case {
  const ib = dmsTable('shop', 'ib')
  return {
    title: 'U04: an insert with an empty before image is applied',
    records: [
      ib.insert({ id: 1, v: 'a' }, { 'before-image': { id: null, v: null } }),
      ib.insert({ id: 2, v: 'a' }, { 'before-image': null }),
      ib.insert({ id: 3, v: 'a' }, { 'before-image': {} }),
      ib.remove({}, { 'before-image': { id: 3 } }),
      ib.remove({ id: 2, v: null }, { 'before-image': { id: 2, v: 'a' } }),
    ],
    async look({ database, deadLetters }) {
      assert.deepEqual(await deadLetters('shop.ib'), [])
      assert.deepEqual(await database.query('SELECT id::int FROM shop.ib'), [{ id: 1 }])
    },
  }
}

playTogether(
  'one stream of many tables',
  ['--key', 'shop.ib=id'],
  [
    ...BAD_VALUES,
    ...REFUSED_BY_TRIGGERS,
    unknownLabel(),
    manyUnknownLabels(),
    money(),
    anotherKey(),
    ...BLANKS,
    longKeys(),
    quotedValue(),
    otherBeforeImages(),
    manyAside(),
    preciseTime(),
    largeColumn(),
    exponents(),
    emptyBeforeImage(),
  ],
)

function refusedPath(): Case {
  return {
    title: 'W05: an attribute of DynamoDB that a column of type ltree refuses',
    statements: ['CREATE EXTENSION ltree', 'CREATE TABLE u (id text PRIMARY KEY, p ltree)'],
    records: [
      dynamodbInsert('u', { id: { S: '1' } }, { p: { S: 'a.b' } }),
      dynamodbInsert('u', { id: { S: '2' } }, { p: { S: 'no path..' } }),
    ],
    async look({ database }) {
      assert.deepEqual(await database.query('SELECT id, p::text, cdc_extra FROM u ORDER BY id'), [
        { id: '1', p: 'a.b', cdc_extra: null },
        { id: '2', p: null, cdc_extra: { p: 'no path..' } },
      ])
    },
  }
}

const attributes = (count: number, value: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`c${n}`, { S: value }]))

const WIDE: readonly Case[] = (
  [
    ['W21', 1700],
    ['W22', 1300],
  ] as const
).map(([id, count]) => {
  const name = id.toLowerCase()
  return {
    title: `${id}: an item of ${count} attributes makes 1,200 columns, and the rest stands in cdc_extra`,
    records: [dynamodbInsert(name, { id: { S: 'a' } }, attributes(count, 'abcdefghij'))],
    async look({ database }) {
      const [{ columns }] = (await database.query(
        `SELECT count(*)::int AS columns FROM information_schema.columns WHERE table_name = '${name}' AND table_schema = 'public'`,
      )) as [{ columns: number }]
      assert.equal(columns, 1200)
      await everyValueOnce(database, name, count, 'abcdefghij')
    },
  }
})

function wideRow(): Case {
  const value = 'abcdefghij'.repeat(10)
  return {
    title: 'W24: an item of 500 attributes of 100 characters, more than a page holds',
    records: [dynamodbInsert('w24', { id: { S: 'a' } }, attributes(500, value))],
    look: ({ database }) => everyValueOnce(database, 'w24', 500, value),
  }
}

/** Each attribute of the one row stands in its column or in `cdc_extra`. */
async function everyValueOnce(database: TestDatabase, table: string, count: number, value: string): Promise<void> {
  const [row] = (await database.query(`SELECT * FROM ${table}`)) as [Record<string, unknown>]
  assert.ok(row !== undefined, 'the row is written')
  const extra = (row.cdc_extra ?? {}) as Record<string, unknown>
  for (let n = 0; n < count; n++) {
    const stored = [row[`c${n}`] ?? undefined, extra[`c${n}`]].filter((one) => one !== undefined)
    assert.deepEqual(stored, [value], `c${n}`)
  }
}

playTogether('items of DynamoDB in columns', ['--layout', 'columns'], [refusedPath(), ...WIDE, wideRow()])

interface Place {
  readonly database: TestDatabase
  readonly feed: Feed
}

async function place(t: TestContext): Promise<Place> {
  const database = await testDatabase(t)
  return { database, feed: await feedInto(t, database.url) }
}

function succeeded({ exitCode, log }: Relayed): void {
  assert.equal(exitCode, 0, log)
}

/** The statement that the message gives first, executed. */
async function dropAsTold(database: TestDatabase, log: string): Promise<void> {
  const told = /DROP TABLE \\"shop\\"\.\\"ak\\"/.exec(log)
  assert.ok(told !== null, log)
  await database.query(told[0].replaceAll('\\"', '"'))
}

test('W16: a key that a table gets at the source: what the message says works, under the same name', async (t) => {
  const { database, feed } = await place(t)
  const ak = dmsTable('shop', 'ak')
  const columns = { id: 'INT32', v: 'STRING' }
  const keyless = [ak.load({ id: 1, v: 'a' }), ak.insert({ id: 2, v: 'a' }), ak.update({ id: 1, v: 'b' })]
  succeeded(await feed.relay([ak.create(columns, []), ...keyless]))
  const reload = [ak.drop(), ak.create(columns, ['id']), ak.load({ id: 1, v: 'b' }), ak.load({ id: 2, v: 'a' })]
  const stopped = await feed.relay([...reload, ak.update({ id: 1, v: 'c' })])
  assert.equal(stopped.exitCode, 2, stopped.log)
  await dropAsTold(database, stopped.log)
  succeeded(await feed.relay([]))
  assert.deepEqual(await database.query('SELECT id, v FROM shop.ak ORDER BY id'), [
    { id: 1, v: 'c' },
    { id: 2, v: 'a' },
  ])
})

test('W19: the other tables of the stream go on without such a table, which loses nothing by it', async (t) => {
  const { database, feed } = await place(t)
  const [good, ak] = [dmsTable('shop', 'good'), dmsTable('shop', 'ak')]
  const columns = { id: 'INT32', v: 'STRING' }
  const records = [
    good.create({ id: 'INT32' }, ['id']),
    ak.create(columns, []),
    ak.load({ id: 1, v: 'a' }),
    good.insert({ id: 1 }),
    ak.drop(),
    ak.create(columns, ['id']),
    ak.load({ id: 1, v: 'a' }),
    ...[10, 11, 12, 13, 14].map((id) => good.insert({ id })),
  ]
  const small = ['--batch-records', '2']
  const parked = await feed.relay(records, small)
  assert.equal(parked.exitCode, 2, parked.log)
  const ids = (await database.query('SELECT id FROM shop.good ORDER BY id')).map(({ id }) => id)
  assert.deepEqual(ids, [1, 10, 11, 12, 13, 14])
  await dropAsTold(database, parked.log)
  succeeded(await feed.relay([], small))
  assert.deepEqual(await database.query('SELECT id, v FROM shop.ak'), [{ id: 1, v: 'a' }])
})

test('U11: a schema that PostgreSQL keeps for itself: the message has a fix that works', async (t) => {
  const { database, feed } = await place(t)
  const table = dmsTable('pg_app', 't')
  const records = [table.create({ id: 'INT32' }, ['id']), table.load({ id: 1 })]
  const refused = await feed.relay(records)
  assert.equal(refused.exitCode, 2)
  assert.match(refused.log, /--table/)
  const fixed = await feedInto(t, database.url)
  succeeded(await fixed.relay(records, ['--table', 'pg_app.*=app.*', '--name', 'fixed']))
  assert.deepEqual(await database.query('SELECT id FROM app.t'), [{ id: 1 }])
})
