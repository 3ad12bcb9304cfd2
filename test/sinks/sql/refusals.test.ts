import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Change } from '../../../src/change.ts'
import type { FailureCode } from '../../../src/errors.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink-options.ts'
import { put } from '../../support/changes.ts'
import { greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { pgliteFolder } from '../../support/postgres/pglite.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { sqlSinkOf } from '../../support/targets/sql-target.ts'
import { isDealt } from '../../support/volume.ts'
import { rejection, totals } from '../conformance/answers.ts'
import { relayOver, type WritingRelay } from './relay-over.ts'
import { openRelay } from './test-relay.ts'

/** A row that the target refuses stops nothing, whatever it says: it alone is a dead letter. */

interface Target {
  query(text: string): Promise<Record<string, unknown>[]>
  /** Opens a relay; of a folder, nobody queries it until `close`. */
  relay(options: Partial<SqlSinkOptions>): Promise<WritingRelay>
}

/** A database for all cases of a mode: to make one takes longer than a case. */
const TARGETS: Readonly<Record<string, { skip: string | false; open(t: TestContext): Promise<Target> }>> = {
  'PostgreSQL 18': { skip: false, open: async (t) => targetOf(t, await testDatabase(t)) },
  PGlite: {
    skip: false,
    async open(t) {
      const folder = await pgliteFolder()
      return {
        async query(text) {
          const rows = []
          for (const one of text.split(';;')) rows.push(...(await folder.query(one)))
          return rows
        },
        async relay(options) {
          await folder.release()
          const relay = await relayOver(t, (more) => sqlSinkOf({ url: folder.url, ...options, ...more }))
          t.after(async () => {
            await relay.close()
            await folder.empty()
          })
          return relay
        },
      }
    },
  },
  'Greenplum 6': { skip: withoutGreenplum('6'), open: async (t) => targetOf(t, await greenplumDatabase(t, '6')) },
}

const targetOf = (t: TestContext, database: TestDatabase): Target => ({
  query: (text) => database.query(text),
  relay: (options) => openRelay(t, options, database),
})

/** Statements, separated by two semicolons, that make a table of each mode refuse the row whose note is `hunter2`. */
interface Refusal {
  readonly state: string
  readonly sql: (table: string, note: string) => string
  /** Where the value costs the row: a mirror in columns can do without it. */
  readonly only?: 'append'
  readonly skip?: RegExp
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
    only: 'append',
    // In WebAssembly it takes the whole server down.
    skip: /PGlite/,
    sql: (table, note) => `
      CREATE FUNCTION deeper() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN deeper(); END $$;;
      ${running('PERFORM deeper()')(table, note)}`,
  },
  'an index that has no room for it': {
    state: '54000',
    only: 'append',
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
    table: `CREATE TABLE TABLE (id text PRIMARY KEY, note text, cdc_version bigint, cdc_extra jsonb)`,
    note: 'note',
    options: { layout: 'columns' },
    id: 'id',
  },
  append: {
    table: `CREATE TABLE TABLE (op text, table_schema text, table_name text, key jsonb, before jsonb, after jsonb,
      complete boolean, version bigint, time timestamptz, expired boolean, transaction jsonb, format text, stream text,
      shard text, sequence text, sub_sequence integer, event_id text)`,
    note: `after->>'note'`,
    options: { mode: 'append' },
    id: `key->>'id'`,
  },
} as const

/** In the short run a target meets each refusal in one of its modes. */
for (const [n, [name, { skip, open }]] of Object.entries(TARGETS).entries()) {
  for (const [m, [mode, { table, note, options, id }]] of Object.entries(MODES).entries()) {
    test(`${name}, ${mode}`, { skip }, async (t) => {
      const target = await open(t)
      const cases = Object.entries(REFUSALS)
        .map(([title, refusal], i) => ({ title, ...refusal, i, schema: `case_${i}` }))
        .filter(({ only, i }) => (only === undefined ? isDealt(n, m, i) : only === mode))
        .filter(({ skip }) => skip?.test(name) !== true)
      for (const { schema, sql } of cases) {
        const own = sql(`${schema}.orders`, note)
          .replaceAll(`NEW.after->>'note'`, `(NEW.after->>'note')`)
          .replaceAll(/\b(refuse|noise|deeper)\(/g, `${schema}.$1(`)
        await target.query(`CREATE SCHEMA ${schema};;${table.replace('TABLE TABLE', `TABLE ${schema}.orders`)};;${own}`)
      }

      const relay = await target.relay({ ...options, onError: 'dead-letter' })
      for (const { title, schema, before = [] } of cases) {
        await t.test(`${title}: the row is not written, all others are`, async () => {
          const to = { table: { schema, name: 'orders' }, sequence: '7' }
          const good = (id: string): Change => put(id, 1, { ...to, data: { note: 'fine' } })
          const bad = (id: string): Change => put(id, 1, { ...to, data: { note: 'hunter2' } })
          const other = put(schema, 1, { table: 'others' })
          const write = relay.prepare(good('a'), other, good('b'), bad('c'), good('d'), bad('e'))
          for (const code of before) await rejection(write(), code)
          const written = await write()
          assert.deepEqual([totals(written), written.deadLettered], [[4, 0], 2])
          const again = await relay.write(good('f'))
          assert.deepEqual([totals(again), again.deadLettered], [[1, 0], 0])
        })
      }

      await relay.close()
      for (const { title, schema, state } of cases) {
        await t.test(`${title}: what is there`, async () => {
          const rows = await target.query(`SELECT ${id} AS id FROM ${schema}.orders ORDER BY 1`)
          assert.deepEqual(
            rows.map(({ id }) => id),
            ['a', 'b', 'd', 'f'],
          )
          const letters = await target.query(
            `SELECT code, detail, change->'key'->>'id' AS id FROM cdc_relay.dead_letters WHERE source = '${schema}.orders' ORDER BY 3`,
          )
          assert.deepEqual(
            letters.map(({ code, id }) => `${code} ${id}`),
            ['SINK_REFUSED c', 'SINK_REFUSED e'],
          )
          for (const { detail } of letters) {
            assert.match(String(detail), new RegExp(`^The target refused a row, SQLSTATE ${state}`))
            assert.doesNotMatch(String(detail), /hunter2/)
          }
        })
      }
    })
  }
}
