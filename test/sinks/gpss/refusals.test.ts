import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Rewound, Written } from '../../../src/batch.ts'
import type { Change } from '../../../src/change.ts'
import { RelayError } from '../../../src/errors.ts'
import { batchOf, claimOf, put } from '../../support/changes.ts'
import type { GpssSinkOptions } from '../../support/targets/gpss-sink.ts'
import { gpssPlace } from '../../support/targets/gpss-target.ts'
import { isDealt } from '../../support/volume.ts'
import { rejection, totals } from '../conformance/answers.ts'

/** A row that Greenplum refuses stops nothing, in whatever words: GPSS tells nothing but words. */

/** Statements that make the table `orders` refuse the row whose note is `hunter2`. */
type Refusing = string

const raising = (words: string, more = ''): Refusing => `
  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.note = 'hunter2' THEN RAISE EXCEPTION '${words}', NEW.note ${more}; END IF;
    RETURN NEW;
  END $$; CREATE TRIGGER refusing BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE PROCEDURE refuse()`

const running = (statement: string): Refusing => `
  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.note = 'hunter2' THEN ${statement}; END IF;
    RETURN NEW;
  END $$; CREATE TRIGGER refusing BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE PROCEDURE refuse()`

const REFUSALS: Readonly<Record<string, Refusing>> = {
  'a CHECK': `ALTER TABLE orders ADD CHECK (note <> 'hunter2')`,
  'a trigger with words of its own': raising('no % here'),
  'a trigger with a code of its own': raising('no % here', `USING ERRCODE = 'XX000'`),
  'a trigger that says that somebody does not exist': raising('customer % does not exist'),
  'a trigger that speaks of a missing table': raising('relation "%" does not exist'),
  'a trigger that speaks of a missing right': raising('permission denied for %'),
  'a trigger that runs into a table that is missing': running('INSERT INTO nowhere VALUES (1)'),
  'a trigger that makes what is there': running('CREATE TABLE orders (a int)'),
  'a stack that is too small': `CREATE FUNCTION deeper() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN deeper(); END $$;
    ${running('PERFORM deeper()')}`,
  'a constraint trigger at COMMIT': raising('no % here').replace(
    'TRIGGER refusing BEFORE INSERT OR UPDATE ON orders',
    'CONSTRAINT TRIGGER refusing AFTER INSERT OR UPDATE ON orders DEFERRABLE INITIALLY DEFERRED',
  ),
  'an index that has no room for it': `CREATE FUNCTION noise(of_it text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
      SELECT CASE of_it WHEN 'hunter2' THEN (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) i) END $$;
    CREATE INDEX ON orders (noise(note))`,
  'a row that is too big for a page': running(
    `NEW.big = (SELECT array_agg(i)::int[] FROM generate_series(1, 3000) i)`,
  ).replace(
    'CREATE FUNCTION',
    'ALTER TABLE orders ADD big int[]; ALTER TABLE orders ALTER big SET STORAGE PLAIN; CREATE FUNCTION',
  ),
  'a type that reads its texts in words of its own': `CREATE SCHEMA apart;
    CREATE FUNCTION apart.read(it text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
      IF it = 'hunter2' THEN RAISE 'parse % as you like', it USING ERRCODE = 'XX000'; END IF; RETURN true; END $$;
    CREATE DOMAIN apart.word AS text CHECK (apart.read(VALUE)); ALTER TABLE orders ALTER note TYPE apart.word`,
}

/** Where the value is at fault, and a mirror has a place for it, the row is written without it. */
const COSTS_THE_VALUE: ReadonlySet<string> = new Set([
  'an index that has no room for it',
  'a row that is too big for a page',
  'a type that reads its texts in words of its own',
])

const MODES = {
  mirror: {
    table:
      'CREATE TABLE orders (id text PRIMARY KEY, note text, cdc_version bigint, cdc_extra jsonb, cdc_deleted boolean)',
    options: { layout: 'columns' },
  },
  append: { table: 'CREATE TABLE orders (id text, note text, cdc_version bigint)', options: { mode: 'append' } },
} as const satisfies Record<string, { table: string; options: Partial<GpssSinkOptions> }>

const good = (id: string): Change => put(id, 1, { data: { note: 'fine' } })
const bad = (id: string): Change => put(id, 1, { data: { note: 'hunter2' }, sequence: '7' })

/** As the relay does it: the same batch, as often as it takes. */
async function written(write: () => Promise<Written | Rewound>): Promise<{ result: Written; failures: RelayError[] }> {
  const failures: RelayError[] = []
  for (;;) {
    try {
      const result = await write()
      assert.ok(result.kind === 'written')
      return { result, failures }
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== 'SINK_UNCLEAR' || failures.push(error) === 6) throw error
    }
  }
}

/** In the short run each refusal is met by one of the modes. */
for (const [m, [mode, { table, options }]] of Object.entries(MODES).entries()) {
  for (const [i, [title, sql]] of Object.entries(REFUSALS).entries()) {
    if (!isDealt(i, m)) continue
    // A load without triggers finds what is wrong with a row of a log without writing it.
    test(`${mode}: ${title}`, async (t) => {
      const place = await gpssPlace()
      t.after(place.close)
      await place.database.query(`${table}; ${sql}`)
      const sink = place.sink({ ...options, onError: 'dead-letter' })
      t.after(sink.close)
      const signal = () => AbortSignal.timeout(60_000)
      await sink.open(claimOf(), signal())
      const prepare = (...changes: Change[]) => {
        const write = sink.prepare(batchOf({ changes }))
        return () => write(signal())
      }
      const deadLetters = async () =>
        (await readFile(join(place.folder, 'dead-letters.jsonl'), 'utf8').catch(() => ''))
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as { code: string; detail: string; change: { key: { id: string } } })

      const batch = [good('a'), put('x', 1, { table: 'other' }), good('b'), bad('c'), good('d'), bad('e')]
      const { result, failures } = await written(prepare(...batch))
      if (mode === 'mirror' && COSTS_THE_VALUE.has(title)) {
        assert.deepEqual([totals(result), result.deadLettered ?? 0], [[6, 0], 0])
        assert.equal(result.setAside?.get('orders')?.get('note')?.count, 2)
        const aside = `SELECT id, note, cdc_extra->>'note' AS aside FROM orders WHERE note IS NULL ORDER BY id`
        assert.deepEqual(await place.database.query(aside), [
          { id: 'c', note: null, aside: 'hunter2' },
          { id: 'e', note: null, aside: 'hunter2' },
        ])
        const { result: alone } = await written(prepare(bad('f')))
        assert.deepEqual([totals(alone), alone.setAside?.get('orders')?.get('note')?.count], [[1, 0], 1])
        return
      }
      assert.deepEqual([totals(result), result.deadLettered], [[4, 0], 2])
      const ids = 'SELECT id FROM orders ORDER BY id'
      assert.deepEqual(
        (await place.database.query(ids)).map(({ id }) => id),
        ['a', 'b', 'd'],
      )
      const letters = await deadLetters()
      assert.deepEqual(
        letters.map(({ code, change }) => [code, change.key.id]),
        [
          ['SINK_REFUSED', 'c'],
          ['SINK_REFUSED', 'e'],
        ],
      )
      for (const { detail } of letters) assert.doesNotMatch(detail, /hunter2/)
      for (const { message } of failures) assert.doesNotMatch(message, /hunter2/)

      // Alone, too; but what looks like the table's fault is the row's only beside others that are taken.
      const alone = prepare(bad('f'))
      if (/missing/.test(title)) await rejection(alone(), /right/.test(title) ? 'SINK_DENIED' : 'SINK_TABLE')
      else {
        const { result } = await written(alone)
        assert.deepEqual([totals(result), result.deadLettered], [[0, 0], 1])
      }
      const again = await written(prepare(good('g')))
      assert.deepEqual([totals(again.result), again.result.deadLettered], [[1, 0], 0])
    })
  }

  test(`${mode}: what refuses every row is the table's`, async (t) => {
    const place = await gpssPlace()
    t.after(place.close)
    await place.database.query(
      `${table}; ${running('INSERT INTO nowhere VALUES (1)').replace(/IF NEW.note.*THEN|END IF;/g, '')}`,
    )
    const sink = place.sink({ ...options, onError: 'dead-letter' })
    t.after(sink.close)
    await sink.open(claimOf(), AbortSignal.timeout(30_000))
    const write = sink.prepare(batchOf({ changes: [good('a'), good('b')] }))
    await rejection(write(AbortSignal.timeout(30_000)), 'SINK_TABLE')
    assert.deepEqual(await place.database.query('SELECT FROM orders'), [])
  })
}
