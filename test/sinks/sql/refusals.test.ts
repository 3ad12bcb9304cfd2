import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Change } from '../../../src/change.ts'
import type { FailureCode } from '../../../src/errors.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink.ts'
import { put } from '../../support/changes.ts'
import { greenplumDatabase, withoutGreenplum } from '../../support/greenplum.ts'
import { pgliteFolder } from '../../support/pglite.ts'
import { sqlSinkOf } from '../../support/sql-target.ts'
import { rejection, totals } from '../conformance.ts'
import { relayOver, type WritingRelay } from './relay-over.ts'
import { openRelay } from './test-relay.ts'

/** A row that the target refuses stops nothing, whatever it says: it alone is a dead letter. */

interface Target extends WritingRelay {
  query(text: string): Promise<Record<string, unknown>[]>
}

const TARGETS: Readonly<
  Record<
    string,
    { skip: string | false; runs?: RegExp; open(t: TestContext, options: Partial<SqlSinkOptions>): Promise<Target> }
  >
> = {
  'PostgreSQL 18': {
    skip: false,
    async open(t, options) {
      const { database, ...relay } = await openRelay(t, options)
      return { ...relay, query: (text) => database.query(text) }
    },
  },
  PGlite: {
    skip: false,
    // It is the same server; each opening of its folder takes a second.
    runs: /P0002|42601|XX001|missing|CHECK|a constraint trigger at COMMIT$/,
    async open(t, options) {
      const folder = await pgliteFolder()
      const relay = await relayOver(t, (more) => sqlSinkOf({ url: folder.url, ...options, ...more }))
      t.after(async () => {
        await relay.close()
        await folder.empty()
      })
      return {
        ...relay,
        // One at a time has the folder open.
        async query(text) {
          await relay.close()
          const rows = []
          for (const one of text.split(';;')) rows.push(...(await folder.query(one)))
          await folder.release()
          await relay.restart()
          return rows
        },
      }
    },
  },
  'Greenplum 6': {
    skip: withoutGreenplum('6'),
    async open(t, options) {
      const { database, ...relay } = await openRelay(t, options, await greenplumDatabase(t, '6'))
      return { ...relay, query: (text) => database.query(text) }
    },
  },
}

/** Statements, separated by two semicolons, that make a table of each mode refuse the row whose note is `hunter2`. */
interface Refusal {
  readonly state: string
  readonly sql: (table: string, note: string) => string
  /** A failure that this many attempts at the batch end with before a row is suspected. */
  readonly before?: readonly FailureCode[]
}

const trigger =
  (state: string, when = 'BEFORE INSERT OR UPDATE', kind = ''): Refusal['sql'] =>
  (table, note) =>
    `
  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.${note} = 'hunter2' THEN RAISE EXCEPTION 'no % here', NEW.${note} USING ERRCODE = '${state}'; END IF;
    RETURN NEW;
  END $$;; CREATE ${kind} TRIGGER refusing ${when.replace('TABLE', table)} ON ${table} ${
    kind === '' ? '' : 'DEFERRABLE INITIALLY DEFERRED'
  } FOR EACH ROW EXECUTE PROCEDURE refuse()`

/** What the function of a trigger runs into, for this row. */
const running =
  (statement: string): Refusal['sql'] =>
  (table, note) =>
    `
  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.${note} = 'hunter2' THEN ${statement}; END IF;
    RETURN NEW;
  END $$;; CREATE TRIGGER refusing BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE PROCEDURE refuse()`

const three = (code: FailureCode): readonly FailureCode[] => [code, code, code]

const REFUSALS: Readonly<Record<string, Refusal>> = {
  ...Object.fromEntries(
    [
      'P0001',
      'P0002',
      '38001',
      '44000',
      'CUST1',
      '0A000',
      '42601',
      'XX000',
      'XX001',
      '42P01',
      '42703',
      '42501',
      '28000',
    ].map((state): [string, Refusal] => [`a trigger that raises ${state}`, { state, sql: trigger(state) }]),
  ),
  ...Object.fromEntries(
    (
      [
        ['40001', 'SINK_BUSY'],
        ['57014', 'SINK_BUSY'],
        ['53100', 'SINK_BUSY'],
        ['08006', 'SINK_UNREACHABLE'],
      ] as const
    ).map(([state, code]): [string, Refusal] => [
      `a trigger that raises ${state}, which may pass`,
      { state, sql: trigger(state), before: three(code) },
    ]),
  ),
  'a trigger that runs into a table that is missing': {
    state: '42P01',
    sql: running('INSERT INTO nowhere VALUES (1)'),
  },
  'a trigger that makes what is there already': {
    state: '42P07',
    sql: running('CREATE TABLE refuse_me (a int); CREATE TABLE refuse_me (a int)'),
  },
  'a trigger that does what cannot be done here': {
    // Until PostgreSQL 10 the one, since then the other.
    state: '(0A000|2D000)',
    sql: running('COMMIT'),
  },
  'a CHECK': { state: '23514', sql: (table, note) => `ALTER TABLE ${table} ADD CHECK (${note} <> 'hunter2')` },
  'a stack that is too small': {
    state: '54001',
    sql: (table, note) => `
      CREATE FUNCTION deeper() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN deeper(); END $$;;
      ${running('PERFORM deeper()')(table, note)}`,
  },
  'an index that has no room for it': {
    state: '54000',
    sql: (table, note) => `
      CREATE FUNCTION noise(of_it text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
        SELECT CASE of_it WHEN 'hunter2' THEN (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) i) END $$;;
      CREATE INDEX ON ${table} (noise(${note}))`,
  },
  'a constraint trigger at COMMIT': {
    state: 'P0001',
    sql: trigger('P0001', 'AFTER INSERT OR UPDATE', 'CONSTRAINT'),
  },
  'a constraint trigger at COMMIT, of a code of its own': {
    state: 'CUST1',
    sql: trigger('CUST1', 'AFTER INSERT OR UPDATE', 'CONSTRAINT'),
  },
}

const MODES = {
  mirror: {
    table: `CREATE TABLE orders (id text PRIMARY KEY, note text, cdc_version bigint, cdc_extra jsonb)`,
    note: 'note',
    options: { layout: 'columns' },
    ids: `SELECT id FROM orders ORDER BY id COLLATE "C"`,
  },
  append: {
    table: `CREATE TABLE orders (op text, table_schema text, table_name text, key jsonb, before jsonb, after jsonb,
      complete boolean, version bigint, time timestamptz, expired boolean, transaction jsonb, format text, stream text,
      shard text, sequence text, sub_sequence integer, event_id text)`,
    note: `after->>'note'`,
    options: { mode: 'append' },
    ids: `SELECT key->>'id' AS id FROM orders ORDER BY (key->>'id') COLLATE "C"`,
  },
} as const

for (const [name, { skip, runs = /./, open }] of Object.entries(TARGETS)) {
  for (const [mode, { table, note, options, ids }] of Object.entries(MODES)) {
    for (const [title, { state, sql, before = [] }] of Object.entries(REFUSALS)) {
      if (!runs.test(title)) continue
      test(`${name}, ${mode}: ${title}`, { skip }, async (t) => {
        const relay = await open(t, { ...options, onError: 'dead-letter' })
        await relay.query(`${table};;${sql('orders', note).replaceAll(`NEW.after->>'note'`, `(NEW.after->>'note')`)}`)
        const good = (id: string): Change => put(id, 1, { data: { note: 'fine' } })
        const bad = (id: string): Change => put(id, 1, { data: { note: 'hunter2' }, sequence: '7' })

        // Among others; other tables are not touched by it.
        const batch = [good('a'), put('x', 1, { table: 'other' }), good('b'), bad('c'), good('d'), bad('e')]
        const write = relay.prepare(...batch)
        for (const code of before) await rejection(write(), code)
        const written = await write()
        assert.deepEqual([totals(written), written.deadLettered], [[4, 0], 2])
        assert.deepEqual(
          (await relay.query(ids)).map(({ id }) => id),
          ['a', 'b', 'd'],
        )

        const letters = await relay.query('SELECT code, detail, sequence FROM cdc_relay.dead_letters ORDER BY id')
        assert.equal(letters.length, 2)
        for (const letter of letters) {
          assert.deepEqual([letter.code, letter.sequence], ['SINK_REFUSED', '7'])
          assert.match(String(letter.detail), new RegExp(`^The target refused a row, SQLSTATE ${state}`))
          assert.doesNotMatch(String(letter.detail), /hunter2/)
        }
        const again = await relay.write(good('f'))
        assert.deepEqual([totals(again), again.deadLettered], [[1, 0], 0])
      })
    }
  }
}
