import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Change, recordToJson, type Value } from '../../../src/change.ts'
import { type FailureCode, RelayError } from '../../../src/errors.ts'
import { createTable, del, dmsPut, put, row } from '../../support/changes.ts'
import type { Fault } from '../../support/gpss/settings.ts'
import { appendPlace, openLog, printed } from './append-place.ts'

/** Happens to the next load of a table that is ended. */
let fault: { readonly table: string; readonly moment: 'before commit' | 'after commit'; readonly kind: Fault } | null =
  null
const tableOfSession = new Map<string, string>()

const place = await appendPlace({
  fault({ call: { method, session, open }, moment }) {
    if (method === 'Open' && open !== null) tableOfSession.set(session!, open.TableName)
    if (method !== 'Close' || fault?.moment !== moment || tableOfSession.get(session!) !== fault.table) return undefined
    const { kind } = fault
    fault = null
    return kind
  },
})
after(() => place.close())

const refusedWith =
  (code: FailureCode, detail: RegExp, place: Record<string, string> = {}) =>
  (error: unknown) => {
    assert.ok(error instanceof RelayError, String(error))
    assert.equal(error.code, code)
    assert.match(error.detail, detail)
    for (const [name, value] of Object.entries(place)) assert.equal(error.place[name], value)
    return true
  }

const SECRET = 'secret-of-a-row'

test('--create-tables never says how to make a table that is missing', async (t) => {
  const log = await openLog(t, place, { createTables: 'never' })
  const write = log.batch([put('a', 1, { table: 'absent' }), dmsPut(1, 2)])
  await assert.rejects(
    write,
    refusedWith(
      'SINK_TABLE',
      /^Table public\.absent is missing.*never: CREATE TABLE "public"\."absent" \(data json\)$/,
      {
        table: 'absent',
      },
    ),
  )
  await place.database.query('CREATE TABLE absent (data json)')
  await assert.rejects(write, refusedWith('SINK_TABLE', /CREATE TABLE "shop"\."orders" \(data json\)$/))
  await place.database.query('CREATE SCHEMA shop; CREATE TABLE shop.orders (data json)')
  assert.equal((await write()).kind, 'written')
  assert.equal((await printed(place, 'shop.orders')).length, 1)
  assert.equal((await printed(place, 'absent')).length, 1)
})

test('what may not be made is named, with the schema that is missing for it', async (t) => {
  const role = `poor_${place.database.name}`
  await place.database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA cdc_relay TO ${role};
    GRANT SELECT, INSERT, DELETE ON cdc_relay.stage TO ${role}`)
  t.after(() => place.database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`))
  const url = place.url.replace(/\/\/.*@/, `//${role}:x@`)
  const log = await openLog(t, place, { url, routes: () => ({ schema: 'landing', name: 'orders' }) })
  await assert.rejects(
    log.batch([put('a', 1)]),
    refusedWith('SINK_TABLE', /schema "landing" does not exist$/, {
      sql: 'CREATE SCHEMA "landing"; CREATE TABLE "landing"."orders"',
    }),
  )
})

test('a table of which only a schema change is heard is not made', async (t) => {
  const log = await openLog(t, place)
  await log.batch([createTable({ id: 'int32' }, 1, { table: 'heard' })])()
  assert.deepEqual(await place.database.query(`SELECT 1 FROM pg_class WHERE relname = 'heard'`), [])
})

test('a column that the table lacks is named, and what to run; then the relay goes on', async (t) => {
  await place.database.query('CREATE TABLE lacking (id text, cdc_op text)')
  const log = await openLog(t, place)
  await log.batch([put('a', 1, { table: 'lacking', data: { never: null } })])()
  const changes = [
    put('b', 2, { table: 'lacking', data: { text: SECRET, 'N o': 1.5 } }),
    put('c', 3, { table: 'lacking', data: { flag: true, list: [1] } }),
    del('d', 4, { table: 'lacking', before: row({ id: 'd', old: 'x' }) }),
  ]
  const write = log.batch(changes)
  const fix =
    'ALTER TABLE "public"."lacking" ADD COLUMN "text" text, ADD COLUMN "N o" numeric, ADD COLUMN "flag" boolean, ADD COLUMN "list" jsonb, ADD COLUMN "old" text'
  await assert.rejects(write, (error: unknown) => {
    refusedWith(
      'SINK_TABLE',
      /^Table public\.lacking lacks what the source has, "text", "N o", "flag", "list", "old": /,
      {
        table: 'lacking',
      },
    )(error)
    assert.ok((error as RelayError).detail.endsWith(fix))
    return true
  })
  assert.equal((await printed(place, 'lacking')).length, 1)
  await place.database.query(fix)
  await write()
  const none = { text: null, 'N o': null, flag: null, list: null, old: null }
  assert.deepEqual(await printed(place, 'lacking'), [
    { ...none, id: 'a', cdc_op: 'insert' },
    { ...none, id: 'b', cdc_op: 'insert', text: SECRET, 'N o': '1.5' },
    { ...none, id: 'c', cdc_op: 'insert', flag: 'true', list: '[1]' },
    { ...none, id: 'd', cdc_op: 'delete', old: 'x' },
  ])
})

test('a column that the table gets while the relay runs is used', async (t) => {
  await place.database.query('CREATE TABLE growing (id text, at integer)')
  const log = await openLog(t, place)
  await log.batch([put('a', 1, { table: 'growing' })])()
  await place.database.query('ALTER TABLE growing ADD COLUMN more text')
  await log.batch([put('b', 2, { table: 'growing', data: { more: 'm' } })])()
  assert.deepEqual(await printed(place, 'growing'), [
    { id: 'a', at: '1', more: null },
    { id: 'b', at: null, more: 'm' },
  ])
})

test('a column of the source with a name of ours is refused', async (t) => {
  await place.database.query('CREATE TABLE taken (id text, cdc_op text)')
  const log = await openLog(t, place)
  const write = log.batch([put('a', 1, { table: 'taken', data: { cdc_op: 'x' } })])
  await assert.rejects(
    write,
    refusedWith('SINK_TABLE', /"cdc_op", whose name in table public\.taken is taken/, { column: 'cdc_op' }),
  )
})

test('tables that are not fit for the record, and mirrors are named', async (t) => {
  await place.database.query(`
    CREATE TABLE a_mirror (id text, data jsonb, cdc_version bigint, cdc_deleted boolean);
    CREATE TABLE only_number (id integer)`)
  const log = await openLog(t, place)
  await assert.rejects(
    log.batch([put('a', 1, { table: 'only_number' })]),
    refusedWith('SINK_TABLE', /table public\.only_number, "id", has the type int4.*must be json/),
  )
  await assert.rejects(
    log.batch([put('a', 1, { table: 'a_mirror' })]),
    refusedWith('SINK_TABLE', /^Table public\.a_mirror is a mirror.*"cdc_deleted".*--table SOURCE=TARGET$/),
  )
})

test('a value that is none of its type is a dead letter, wherever the type lies', async (t) => {
  await place.database.query(`CREATE SCHEMA apart; CREATE TYPE apart."Mood" AS ENUM ('ok', 'it''s "fine"');
    CREATE TABLE apart.feelings (id text, feeling apart."Mood")`)
  const log = await openLog(t, place, { onError: 'dead-letter' })
  const feel = (id: string, feeling: Value): Change =>
    dmsPut(id, 1, { table: { schema: 'apart', name: 'feelings' }, data: { feeling } })
  await log.batch([feel('a', 'ok'), feel('b', SECRET), feel('c', `it's "fine"`), feel('d', null)])()
  assert.deepEqual(await printed(place, 'apart.feelings'), [
    { id: 'a', feeling: 'ok' },
    { id: 'c', feeling: `it's "fine"` },
    { id: 'd', feeling: null },
  ])
  const letters = await log.deadLetters()
  assert.equal(letters.length, 1)
  assert.ok(!letters.join().includes(SECRET))
})

/** One of each row is bad: its column cannot hold the value. */
const mismatches: Readonly<Record<string, { columns: string; bad: Change; detail: RegExp }>> = {
  'found here': {
    columns: 'id text, at integer',
    bad: put('bad', 2, { table: 'mismatch', data: { at: SECRET } }),
    detail: /^Column "at" of table public\.mismatch, int4, cannot hold the value$/,
  },
  'an integer that DMS rounded': {
    columns: 'id text, at integer',
    bad: { ...put('bad', 2, { table: 'mismatch' }), inExponentForm: ['at'] },
    detail: /^DMS rounded the integer in column "at" of table mismatch: set UseLargeIntegerValue=true/,
  },
  'found by Greenplum': {
    columns: 'id text, at integer, place point',
    bad: put('bad', 2, { table: 'mismatch', data: { place: SECRET } }),
    detail: /^Write failed with INTERNAL: pq: invalid input syntax for type point: "…"$/,
  },
  'a column that nothing fills': {
    columns: 'id text, at integer NOT NULL',
    bad: put('bad', 2, { table: 'mismatch', data: {} }),
    detail:
      /^Close failed with INTERNAL: pq: null value in column "at" of relation "mismatch" violates not-null constraint$/,
  },
  'a constraint': {
    columns: `id text CHECK (id <> 'bad'), at integer`,
    bad: put('bad', 2, { table: 'mismatch' }),
    detail: /^Close failed with INTERNAL.* violates check constraint/,
  },
  'a row larger than a message': {
    columns: 'id text, at integer, large text',
    bad: put('bad', 2, { table: 'mismatch', data: { large: SECRET.repeat(300_000) } }),
    detail: /^A row of table public\.mismatch is larger than the \d+ bytes that GPSS takes in one message$/,
  },
  'a record larger than a message': {
    columns: 'data json',
    bad: put('bad', 2, { table: 'mismatch', data: { large: SECRET.repeat(300_000) } }),
    detail: /^A row of table public\.mismatch is larger/,
  },
}

for (const [title, { columns, bad, detail }] of Object.entries(mismatches)) {
  test(`a row that the table cannot hold: ${title}`, async (t) => {
    await place.database.query('DROP TABLE IF EXISTS mismatch')
    await place.database.query(`CREATE TABLE mismatch (${columns})`)
    const good = [1, 3, 4].map((at) => put(`${at}`, at, { table: 'mismatch' }))
    const changes = [good[0]!, bad, ...good.slice(1)]

    const stopping = await openLog(t, place)
    await assert.rejects(stopping.batch(changes), (error: unknown) => {
      // What Greenplum refuses, it does not say which row that is.
      const where = detail.source.includes('failed with')
        ? { table: 'public.mismatch' }
        : { shard: 'shard-0', sequence: '2' }
      refusedWith('SINK_REFUSED', detail, where)(error)
      assert.ok(!(error as RelayError).message.includes(SECRET))
      return true
    })
    assert.deepEqual(await printed(place, 'mismatch'), [])

    const keeping = await openLog(t, place, { onError: 'dead-letter' })
    const written = await keeping.batch(changes)()
    assert.equal(written.kind, 'written')
    assert.deepEqual(written.kind === 'written' && [written.tables.get('mismatch'), written.deadLettered], [
      { applied: 3, superseded: 0 },
      1,
    ])
    const [told, ...others] = await keeping.deadLetters()
    assert.deepEqual(others, [])
    assert.match(told!, detail)
    const whole = columns === 'data json'
    assert.deepEqual(
      (await printed(place, 'mismatch')).map((row) => (whole ? row.data : row.id)),
      good.map((change, i) => (whole ? recordToJson(change) : ['1', '3', '4'][i])),
    )
  })
}

test('a table into which none of many rows fits is wrong', async (t) => {
  await place.database.query('CREATE TABLE wrong (id integer, at integer)')
  const log = await openLog(t, place, { onError: 'dead-letter' })
  const changes = Array.from({ length: 101 }, (_, i) => put(`${i}`, i, { table: 'wrong' }))
  await assert.rejects(
    log.batch(changes),
    refusedWith('TOO_MANY_REFUSED', /^All 101 changes.*Column "id" of table public\.wrong, int4, cannot hold/),
  )
})

/** Where a record stood, and how often it is there. */
async function places(table: string): Promise<Record<string, number>> {
  const rows = await place.database.query<{ at: string; n: number }>(
    `SELECT cdc_shard || ' ' || cdc_sequence AS at, count(*)::int AS n FROM ${table} GROUP BY 1 ORDER BY 1`,
  )
  return Object.fromEntries(rows.map(({ at, n }) => [at, n]))
}

for (const [moment, times] of [
  ['before commit', 1],
  ['after commit', 2],
] as const) {
  test(`an answer that is lost ${moment}: the whole batch is there ${times === 1 ? 'once' : 'twice, recognisable by its positions'}`, async (t) => {
    const table = `lost_${times}`
    await place.database.query(`
      CREATE TABLE ${table} (id text, at integer, cdc_shard text, cdc_sequence text);
      CREATE TABLE beside_${times} (id text, at integer, cdc_shard text, cdc_sequence text)`)
    const log = await openLog(t, place)
    await log.batch([put('a', 1, { table })])()
    const batch = log.batch([
      put('a', 2, { table }),
      put('b', 3, { table: `beside_${times}`, shard: 'shard-1' }),
      put('b', 3, { table, shard: 'shard-1' }),
    ])
    fault = { table, moment, kind: moment === 'before commit' ? { kind: 'die' } : { kind: 'reset' } }
    await assert.rejects(batch, refusedWith('SINK_UNREACHABLE', /^Close failed with UNAVAILABLE/))
    if (moment === 'before commit') await place.server.restart()
    await batch()
    assert.deepEqual(await places(table), { 'shard-0 1': 1, 'shard-0 2': times, 'shard-1 3': times })
    // What is known to be loaded is not loaded again.
    if (times === 2) assert.deepEqual(await places('beside_2'), { 'shard-1 3': 1 })
  })
}

const SIFTED = 'id text, at integer, cdc_shard text, cdc_sequence text'
/** Rows 3 and 6 of eight are refused by a CHECK (id <> 'bad'). */
const sifted = (table: string): Change[] =>
  Array.from({ length: 8 }, (_, i) => put(i === 3 || i === 6 ? 'bad' : `k${i}`, i, { table, sequence: `${i}` }))

const TAKEN = [0, 1, 2, 4, 5, 7]
const takenTimes = (times: number) => Object.fromEntries(TAKEN.map((i) => [`shard-0 ${i}`, times]))

test('while refused rows are looked for, whatever answer is lost, the table has the others as a whole', async (t) => {
  let lost = 0
  for (let nth = 1; ; nth++) {
    const table = `sifted_${nth}`
    let commits = 0
    const place = await appendPlace({
      fault: ({ call: { method }, moment }) =>
        method === 'Close' && moment === 'after commit' && ++commits === nth ? { kind: 'reset' } : undefined,
    })
    t.after(place.close)
    await place.database.query(`CREATE TABLE ${table} (${SIFTED}, CHECK (id <> 'bad'))`)
    const log = await openLog(t, place, { onError: 'dead-letter' })
    const batch = log.batch(sifted(table))
    const rows = () =>
      place.database.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table} GROUP BY cdc_sequence`)
    const failed = await batch().then(
      () => null,
      (error: unknown) => error,
    )
    if (failed === null) {
      assert.ok(nth > 5, 'nothing was looked for')
      assert.equal((await log.deadLetters()).length, 2)
      break
    }
    refusedWith('SINK_UNREACHABLE', /^Close failed with UNAVAILABLE/)(failed)
    const times = (await rows()).map(({ n }) => n)
    assert.deepEqual(times, times.length === 0 ? [] : TAKEN.map(() => 1), `commit ${nth}`)
    lost += times.length
    await batch()
    assert.deepEqual(new Set((await rows()).map(({ n }) => n)).size, 1)
    assert.equal((await rows()).length, TAKEN.length)
    assert.equal((await log.deadLetters()).length, 2)
    await place.close()
  }
  assert.equal(lost, TAKEN.length, 'one of them was the load of the table itself')
})

/** How the table with the rows comes to differ from the one in which they are tried. */
const unlike: Readonly<Record<string, { readonly columns: string; readonly more?: string }>> = {
  'an index that the row is in already': {
    columns: `${SIFTED}, UNIQUE (id)`,
    more: `INSERT INTO unlike VALUES ('bad', 0, 'earlier', '0')`,
  },
  'a trigger that refuses': {
    columns: SIFTED,
    more: `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF new.id = 'bad' THEN RAISE 'violates a constraint of the house' USING ERRCODE = '23514'; END IF; RETURN new; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON unlike FOR EACH ROW EXECUTE FUNCTION refuse()`,
  },
  'a trigger that fills what must not be null': {
    columns: `${SIFTED}, filled text NOT NULL, CHECK (id <> 'bad')`,
    more: `CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.filled := 'x'; RETURN new; END $$;
      CREATE TRIGGER fill BEFORE INSERT ON unlike FOR EACH ROW EXECUTE FUNCTION fill()`,
  },
  'a number that fills itself': {
    columns: `${SIFTED}, n integer GENERATED ALWAYS AS IDENTITY, CHECK (id <> 'bad')`,
  },
  'no right to make tables': {
    columns: `${SIFTED}, CHECK (id <> 'bad')`,
    more: 'DROP TABLE cdc_relay.stage',
  },
}

for (const [title, { columns, more }] of Object.entries(unlike)) {
  test(`refused rows are found, and only they: ${title}`, async (t) => {
    const place = await appendPlace()
    t.after(place.close)
    await place.database.query(`CREATE TABLE unlike (${columns})`)
    if (more !== undefined) await place.database.query(more)
    const log = await openLog(t, place, { onError: 'dead-letter' })
    const written = await log.batch(sifted('unlike'))()
    assert.deepEqual(written.kind === 'written' && [written.tables.get('unlike'), written.deadLettered], [
      { applied: 6, superseded: 0 },
      2,
    ])
    const there = await place.database.query<{ at: string; n: number }>(
      `SELECT cdc_shard || ' ' || cdc_sequence AS at, count(*)::int AS n FROM unlike WHERE cdc_shard <> 'earlier' GROUP BY 1`,
    )
    assert.deepEqual(Object.fromEntries(there.map(({ at, n }) => [at, n])), takenTimes(1))
  })
}
