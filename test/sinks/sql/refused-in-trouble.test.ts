import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { type Change, Numeric } from '../../../src/change.ts'
import { put } from '../../support/changes.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { rejection, totals } from '../conformance/answers.ts'
import { onEachTarget } from './each-target.ts'
import { openRelay } from './test-relay.ts'

/** Rows that are refused while the target is in trouble of its own: who is blamed for what. */
const MIRROR = { layout: 'columns', onError: 'dead-letter' } as const
const APPEND = { mode: 'append', onError: 'dead-letter' } as const

const TABLE = 'CREATE TABLE orders (id text PRIMARY KEY, note text, cdc_version bigint, cdc_extra jsonb)'

/** @param work what the function of a trigger on each row does */
const onEachRow = (work: string, note = 'NEW.note'): string => `
  CREATE FUNCTION works() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF ${note} = 'bad' THEN RAISE EXCEPTION 'no' USING ERRCODE = 'P0002'; END IF;
    ${work}
    RETURN NEW;
  END $$;
  CREATE TRIGGER working BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE PROCEDURE works()`

const order = (id: string, note: string, version = 1): Change => put(id, version, { data: { note } })

async function letters({ query }: TestDatabase): Promise<string[]> {
  const rows = await query<{ id: string; detail: string }>(
    `SELECT change->'key'->>'id' AS id, detail FROM cdc_relay.dead_letters ORDER BY cdc_relay.dead_letters.id`,
  )
  return rows.map(({ id, detail }) => `${id}: ${detail}`)
}

const positions = ({ query }: TestDatabase): Promise<unknown[]> => query('SELECT sequence FROM cdc_relay.positions')

for (const [mode, options, note] of [
  ['mirror', MIRROR, 'NEW.note'],
  ['append', APPEND, `(NEW.after->>'note')`],
] as const) {
  onEachTarget(`${mode}: a row that is refused with nothing beside it stops nothing`, async (t, openRelay) => {
    const { database, write } = await openRelay(t, options)
    await write(order('first', 'fine'))
    await database.query(onEachRow('', note))
    for (const id of ['a', 'b']) {
      const written = await write(order(id, 'bad', 2))
      assert.deepEqual([totals(written), written.deadLettered], [[0, 0], 1])
    }
    const raised = 'The target refused a row, SQLSTATE P0002 (raised by function works)'
    assert.deepEqual(await letters(database), [`a: ${raised}`, `b: ${raised}`])
    assert.deepEqual(await positions(database), [{ sequence: '3' }])
  })

  onEachTarget(
    `${mode}: a table that refuses each statement, also one without rows, is not taken for a row`,
    async (t, openRelay) => {
      const { database, write } = await openRelay(t, options)
      await write(order('first', 'fine'))
      await database.query(`
        CREATE FUNCTION closes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'closed: hunter2'; END $$;
        CREATE TRIGGER closing BEFORE INSERT OR UPDATE ON orders FOR EACH STATEMENT EXECUTE PROCEDURE closes()`)
      const failure = await rejection(write(order('a', 'fine'), order('b', 'fine')), 'SINK_FAILED')
      assert.match(failure.message, /SQLSTATE P0001 \(raised by function closes\)/)
      assert.doesNotMatch(`${failure.message}${failure.stack}`, /hunter2/)
      assert.deepEqual([await letters(database), await positions(database)], [[], [{ sequence: '1' }]])
      await database.query('DROP TRIGGER closing ON orders')
      assert.deepEqual(totals(await write(order('a', 'fine'), order('b', 'fine'))), [2, 0])
    },
  )

  onEachTarget(`${mode}: a lock that is not free while a row is looked for`, async (t, openRelay) => {
    const { database, prepare, write } = await openRelay(t, options)
    await write(order('first', 'fine'))
    await database.query('CREATE TABLE gate (open int); INSERT INTO gate VALUES (1)')
    await database.query(
      onEachRow(
        `IF ${note} = 'gated' THEN
          SET LOCAL lock_timeout = '20ms'; PERFORM 1 FROM gate FOR UPDATE; SET LOCAL lock_timeout = '10s';
        END IF;`,
        note,
      ),
    )
    const other = new pg.Client({ connectionString: database.url.replace('greenplum:', 'postgresql:') })
    await other.connect()
    other.on('error', () => {})
    await other.query('BEGIN; SELECT FROM gate FOR UPDATE')

    const attempt = prepare(order('a', 'fine'), order('b', 'bad'), order('c', 'fine'), order('d', 'gated'))
    for (let i = 0; i < 5; i++) await rejection(attempt(), 'SINK_BUSY')
    assert.deepEqual([await letters(database), await positions(database)], [[], [{ sequence: '1' }]])
    await other.end()
    const written = await attempt()
    assert.deepEqual([totals(written), written.deadLettered], [[3, 0], 1])
    assert.equal((await database.query('SELECT FROM orders')).length, 4)
  })

  onEachTarget(`${mode}: a connection that is lost while a row is looked for`, async (t, openRelay) => {
    const { database, prepare, write } = await openRelay(t, options)
    await write(order('first', 'fine'))
    await database.query('CREATE TABLE danger (there int); INSERT INTO danger VALUES (1)')
    await database.query(
      onEachRow(
        `IF ${note} = 'last' AND EXISTS (SELECT 1 FROM danger) THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;`,
        note,
      ),
    )
    const attempt = prepare(order('a', 'fine'), order('b', 'bad'), order('c', 'fine'), order('d', 'last'))
    await rejection(attempt(), 'SINK_UNREACHABLE')
    assert.deepEqual([await letters(database), await positions(database)], [[], [{ sequence: '1' }]])
    await database.query('DELETE FROM danger')
    const written = await attempt()
    assert.deepEqual([totals(written), written.deadLettered], [[3, 0], 1])
    assert.equal((await database.query('SELECT FROM orders')).length, 4)
    assert.equal((await letters(database)).length, 1)
  })

  onEachTarget(`${mode}: a dead letter that no jsonb can hold is kept as text`, async (t, openRelay) => {
    const { database, write } = await openRelay(t, options)
    await write(order('first', 'fine'))
    const huge = put('huge', 2, { data: { n: new Numeric('7'.repeat(140_000)) } })
    const written = await write(order('a', 'fine', 2), huge, order('b', 'fine', 2))
    assert.deepEqual([totals(written), written.deadLettered], [[2, 0], 1])
    const [letter] = await database.query<{ text: string }>(`SELECT change#>>'{}' AS text FROM cdc_relay.dead_letters`)
    assert.match(letter!.text, /"n":7{140000}\}/)
  })
}

test('a right that is missing is not taken for a row', async (t) => {
  const { database, write } = await openRelay(t, MIRROR)
  await database.query(TABLE)
  await write(order('first', 'fine'))
  await database.query(`
    CREATE ROLE ${database.name} LOGIN PASSWORD 'poor'; GRANT USAGE ON SCHEMA cdc_relay TO ${database.name};
    GRANT ALL ON ALL TABLES IN SCHEMA cdc_relay TO ${database.name}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA cdc_relay TO ${database.name};
    GRANT SELECT ON orders TO ${database.name}`)
  const url = database.url.replace(/\/\/.*@/, `//${database.name}:poor@`)
  const poor = await openRelay(t, { ...MIRROR, createTables: 'never' }, { ...database, url }, 'poor')
  await rejection(poor.write(order('a', 'fine'), order('b', 'fine')), 'SINK_DENIED')
  assert.deepEqual(await letters(database), [])
})

test('a policy of row security refuses a row', async (t) => {
  const { database, write, restart } = await openRelay(t, MIRROR)
  await database.query(TABLE)
  await write(order('first', 'fine'))
  await database.query(`
    CREATE ROLE ${database.name} LOGIN PASSWORD 'own'; ALTER SCHEMA public OWNER TO ${database.name};
    ALTER TABLE orders OWNER TO ${database.name}; ALTER SCHEMA cdc_relay OWNER TO ${database.name};
    GRANT ALL ON ALL TABLES IN SCHEMA cdc_relay TO ${database.name}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA cdc_relay TO ${database.name};
    ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY;
    CREATE POLICY fine ON orders USING (true) WITH CHECK (note <> 'bad')`)
  await restart({ url: database.url.replace(/\/\/.*@/, `//${database.name}:own@`) })
  const written = await write(order('a', 'fine'), order('b', 'bad'), order('c', 'fine'))
  assert.deepEqual([totals(written), written.deadLettered], [[2, 0], 1])
  assert.match((await letters(database))[0]!, /^b: The target refused a row, SQLSTATE 42501/)
})

test('rows that one table refuses at once, and others that another refuses at COMMIT', async (t) => {
  const { database, write } = await openRelay(t, MIRROR)
  await database.query(`${TABLE}; CREATE TABLE others (LIKE orders INCLUDING ALL); ${onEachRow('')};
    CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.note = 'late' THEN RAISE 'late' USING ERRCODE = 'CUST1'; END IF; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON others DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE PROCEDURE later()`)
  const other = (id: string, note: string): Change => ({ ...order(id, note), table: { schema: null, name: 'others' } })
  const written = await write(
    ...['a', 'b', 'c', 'd', 'e'].map((id) => order(id, id === 'c' ? 'bad' : 'fine')),
    ...['a', 'b', 'c', 'd', 'e'].map((id) => other(id, id === 'a' || id === 'd' ? 'late' : 'fine')),
  )
  assert.deepEqual(Object.fromEntries(written.tables), {
    orders: { applied: 4, superseded: 0 },
    others: { applied: 3, superseded: 0 },
  })
  assert.deepEqual(
    (await letters(database)).map((letter) => letter.replace(/: .*SQLSTATE/, '')),
    ['c P0002 (raised by function works)', 'a CUST1 (raised by function later)', 'd CUST1 (raised by function later)'],
  )
})

for (const [title, table, when] of [
  ['positions', 'positions', 'BEFORE INSERT OR UPDATE'],
  ['dead letters', 'dead_letters', 'BEFORE INSERT'],
  ['positions at COMMIT', 'positions', 'AFTER INSERT OR UPDATE'],
] as const) {
  test(`what refuses ${title} is not taken for a row`, async (t) => {
    const { database, write } = await openRelay(t, MIRROR)
    await write(order('first', 'fine'))
    const [kind, timing] = when.startsWith('AFTER') ? ['CONSTRAINT', 'DEFERRABLE INITIALLY DEFERRED'] : ['', '']
    await database.query(`${onEachRow('')};
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'hunter2' USING ERRCODE = '23514'; END $$;
      CREATE ${kind} TRIGGER refusing ${when} ON cdc_relay.${table} ${timing} FOR EACH ROW EXECUTE FUNCTION refuse()`)
    const batch = [order('a', 'fine'), order('b', 'bad'), order('c', 'fine')]
    const failure = await rejection(write(...batch), 'SINK_FAILED')
    assert.match(failure.message, /SQLSTATE 23514 \(raised by function refuse\)/)
    assert.doesNotMatch(failure.message, /hunter2/)
    assert.deepEqual([await letters(database), await positions(database)], [[], [{ sequence: '1' }]])
    await database.query(`DROP TRIGGER refusing ON cdc_relay.${table}`)
    const written = await write(...batch)
    assert.deepEqual([totals(written), written.deadLettered], [[2, 0], 1])
  })
}

test('a column that was dropped from one table, and a row that another refuses', async (t) => {
  const { database, write } = await openRelay(t, MIRROR)
  const other = (id: string, version = 1): Change => ({
    ...order(id, 'fine', version),
    table: { schema: null, name: 'others' },
  })
  await write(order('first', 'fine'), other('first'))
  await database.query(`${onEachRow('')}; ALTER TABLE others DROP COLUMN note`)
  const written = await write(order('a', 'fine'), order('b', 'bad'), other('a'), other('b'))
  assert.deepEqual([totals(written), written.deadLettered], [[3, 0], 1])
  assert.deepEqual(await database.query('SELECT id, note FROM others ORDER BY id'), [
    { id: 'a', note: 'fine' },
    { id: 'b', note: 'fine' },
    { id: 'first', note: null },
  ])
})
