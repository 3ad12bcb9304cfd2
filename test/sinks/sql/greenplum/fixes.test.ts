import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { put } from '../../../support/changes.ts'
import {
  type GreenplumDatabase,
  type GreenplumKind,
  greenplumDatabase,
  isRealGreenplum,
  withoutGreenplum,
} from '../../../support/greenplum/greenplum.ts'
import { rejection, totals } from '../../conformance/answers.ts'
import { fixesIn, openRelay } from '../test-relay.ts'

/** A table of the user's that is no mirror yet, with the row `a`, and what helps. */
interface Fix {
  readonly kinds: readonly GreenplumKind[]
  readonly make: (database: GreenplumDatabase) => Promise<void>
  readonly says: RegExp
  /** Rows under another name. */
  readonly before?: string
}

const ALL: readonly GreenplumKind[] = ['6', '7', 'cloudberry']
const ROW = `INSERT INTO orders (id, data) VALUES ('a', '{"old": 1}')`

/** As each has them; those of 6 the stand-in only has in its catalogue. */
function partitioned(kind: GreenplumKind, columns: string): string {
  if (kind !== '6') {
    return `CREATE TABLE orders (${columns}) PARTITION BY RANGE (day);
      CREATE TABLE orders_2026 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
      CREATE TABLE orders_other PARTITION OF orders DEFAULT`
  }
  if (isRealGreenplum) {
    return `CREATE TABLE orders (${columns}) DISTRIBUTED BY (id) PARTITION BY RANGE (day)
      (START (date '2026-01-01') END (date '2027-01-01'), DEFAULT PARTITION other)`
  }
  return `CREATE TABLE orders (${columns}); CREATE TABLE orders_other () INHERITS (orders);
    INSERT INTO pg_catalog.pg_partition SELECT 'orders'::regclass, 0, 1, attnum::text::int2vector
    FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'day'`
}

const FIXES: Readonly<Record<string, Fix>> = {
  'spread by another column': {
    kinds: ALL,
    async make(database) {
      await database.query('CREATE TABLE orders (id text, other int, data jsonb, cdc_version bigint)')
      await database.spread('public.orders', ['other'])
    },
    says: /no primary key or unique index.*: ALTER TABLE "public"\."orders" SET DISTRIBUTED BY \("id"\); CREATE UNIQUE INDEX/,
  },
  'spread randomly': {
    kinds: ALL,
    async make(database) {
      await database.query('CREATE TABLE orders (id text, data jsonb, cdc_version bigint)')
      await database.spread('public.orders', 'randomly')
    },
    says: /SET DISTRIBUTED BY \("id"\); CREATE UNIQUE INDEX/,
  },
  'spread by a column of another unique index': {
    kinds: ALL,
    async make(database) {
      await database.query('CREATE TABLE orders (id text, other int, data jsonb, cdc_version bigint)')
      await database.spread('public.orders', ['other'])
      await database.query(
        'ALTER TABLE orders ADD CONSTRAINT one_other UNIQUE (other); ALTER TABLE orders ADD UNIQUE (data, other)',
      )
    },
    // What is in the way goes first.
    says: /DROP CONSTRAINT "one_other".*SET DISTRIBUTED BY \("id"\); CREATE UNIQUE INDEX/s,
  },
  'on every segment': {
    kinds: ALL,
    async make(database) {
      await database.query('CREATE TABLE orders (id text, data jsonb, cdc_version bigint)')
      await database.spread('public.orders', 'replicated')
    },
    says: /unique index on exactly the key columns: CREATE UNIQUE INDEX ON/,
  },
  'partitioned by a column outside of the key': {
    kinds: ALL,
    make: (database) =>
      database.query(partitioned(database.kind, 'id text, day date, data jsonb, cdc_version bigint')).then(() => {}),
    says: /partitioned by "day", which is not part of the key.*: CREATE TABLE "public"\."orders_new" \(LIKE "public"\."orders" INCLUDING DEFAULTS\)/,
    before: 'orders_before',
  },
  'partitioned so, with a unique index on the key that is not enforced': {
    kinds: ['6'],
    async make(database) {
      await database.query(partitioned('6', 'id text, day date, data jsonb, cdc_version bigint'))
      await database.query('CREATE UNIQUE INDEX ON orders (id)')
    },
    says: /partitioned by "day", which is not part of the key/,
    before: 'orders_before',
  },
  'append-optimised': {
    kinds: isRealGreenplum ? ALL : ['7', 'cloudberry'],
    async make(database) {
      if (database.kind === '6') {
        await database.query(
          'CREATE TABLE orders (id text, data jsonb, cdc_version bigint) WITH (appendonly = true) DISTRIBUTED RANDOMLY',
        )
        return
      }
      if (!isRealGreenplum) {
        // Heaps under the name that Greenplum gives such tables; what PostgreSQL cannot turn them into.
        await database.query('CREATE ACCESS METHOD ao_row TYPE TABLE HANDLER heap_tableam_handler')
      }
      await database.query('CREATE TABLE orders (id text, data jsonb, cdc_version bigint) USING ao_row')
    },
    says: /it is append-optimised, and a mirror needs a heap/,
  },
  'append-optimised in a partition': {
    kinds: isRealGreenplum ? ['6'] : [],
    async make(database) {
      await database.query(`CREATE TABLE orders (id text, data jsonb, cdc_version bigint) DISTRIBUTED BY (id)
        PARTITION BY LIST (id) (PARTITION a VALUES ('a'), DEFAULT PARTITION other WITH (appendonly = true))`)
    },
    says: /it is append-optimised.*: CREATE TABLE "public"\."orders_new"/,
    before: 'orders_before',
  },
  'a key of char(30), under a primary key': {
    kinds: ALL,
    async make(database) {
      await database.query('CREATE TABLE orders (id char(30), data jsonb, cdc_version bigint)')
      await database.spread('public.orders', ['id'])
      await database.query('ALTER TABLE orders ADD CONSTRAINT the_key PRIMARY KEY (id)')
    },
    says: /DROP CONSTRAINT "the_key"; ALTER TABLE .* SET DISTRIBUTED RANDOMLY; ALTER TABLE .* TYPE text.*; ALTER TABLE .* SET DISTRIBUTED BY \("id"\); ALTER TABLE .* ADD CONSTRAINT "the_key" PRIMARY KEY/,
  },
  'a key of char(30), under an index, spread by something else': {
    kinds: ALL,
    async make(database) {
      await database.query('CREATE TABLE orders (id char(30), data jsonb, cdc_version bigint)')
      await database.spread('public.orders', 'replicated')
      await database.query('CREATE UNIQUE INDEX the_index ON orders (id)')
    },
    says: /DROP INDEX "public"\."the_index"; ALTER TABLE [^;]* TYPE text[^;]*; CREATE UNIQUE INDEX "the_index"/,
  },
}

for (const [title, { kinds, make, says, before }] of Object.entries(FIXES)) {
  for (const kind of kinds) {
    test(`greenplum ${kind}: what makes a table fit works as it is said: ${title}`, {
      skip: withoutGreenplum(kind),
    }, async (t) => {
      const database = await greenplumDatabase(t, kind)
      await make(database)
      await database.query(ROW)
      const { write } = await openRelay(t, {}, database)
      const failure = await rejection(write(put('b', 2)), 'SINK_TABLE')
      assert.match(failure.detail, says)
      const client = new pg.Client({ connectionString: database.url.replace('greenplum:', 'postgresql:') })
      await client.connect()
      for (const fix of fixesIn(failure)) {
        // PostgreSQL 12 and 14 cannot change what a table is made as.
        if (isRealGreenplum || !fix.endsWith('SET ACCESS METHOD heap')) await client.query(fix)
        else await database.query('ALTER TABLE orders RENAME TO ao; CREATE TABLE orders AS TABLE ao')
      }
      await client.end()
      assert.deepEqual(totals(await write(put('a', 3), put('b', 2))), [2, 0])
      const rows = await database.query<{ id: string; data: unknown }>('SELECT id, data FROM orders')
      assert.deepEqual(rows.map(({ id, data }) => [id.trim(), data]).sort(), [
        ['a', { id: 'a', at: 3 }],
        ['b', { id: 'b', at: 2 }],
      ])
      if (before !== undefined) assert.equal((await database.query(`SELECT FROM ${before}`)).length, 1)
    })
  }
}

for (const kind of ALL) {
  test(`greenplum ${kind}: a table from which others inherit is no partitioned one`, {
    skip: withoutGreenplum(kind),
  }, async (t) => {
    const database = await greenplumDatabase(t, kind)
    await database.query(`CREATE TABLE orders (id text PRIMARY KEY, data jsonb, cdc_version bigint);
      CREATE TABLE heir () INHERITS (orders)`)
    const { write } = await openRelay(t, {}, database)
    assert.deepEqual(totals(await write(put('a', 1))), [1, 0])
  })
}
