import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Change } from '../../../src/change.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink-options.ts'
import { dmsPatch, dmsPut, put, sourceTable } from '../../support/changes.ts'
import { greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { isDealt } from '../../support/volume.ts'
import { totals } from '../conformance/answers.ts'
import { type OpenRelay, openRelay, type TestRelay } from './test-relay.ts'

/** A value that its column does not take, of a type that only the server can tell it of, costs the value and not the row. */

interface UnsureType {
  readonly type: string
  readonly good: string
  readonly bad: readonly string[]
  readonly setUp?: string
  /** What Greenplum's stand-in has not. */
  readonly isOfExtension?: true
}

const checkedBy = (state: string): string => `
  CREATE FUNCTION accepts(v text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    IF v LIKE 'bad%' THEN RAISE EXCEPTION 'not %', v USING ERRCODE = '${state}'; END IF;
    RETURN true;
  END $$;
  CREATE DOMAIN picky AS text CHECK (accepts(VALUE))`

const TYPES: Readonly<Record<string, UnsureType>> = {
  hstore: {
    type: 'hstore',
    good: '"a"=>"1"',
    bad: ['hunter2 =>', '='],
    setUp: 'CREATE EXTENSION hstore',
    isOfExtension: true,
  },
  ltree: {
    type: 'ltree',
    good: 'a.b.c',
    bad: ['hunter2..x', '!'],
    setUp: 'CREATE EXTENSION ltree',
    isOfExtension: true,
  },
  tsquery: { type: 'tsquery', good: `'a' & 'b'`, bad: ['hunter2 &', '& !'] },
  tsvector: { type: 'tsvector', good: `'a':1 'b':2`, bad: [`'hunter2`] },
  xml: { type: 'xml', good: '<a>1</a>', bad: ['<hunter2', '</a>'], isOfExtension: true },
  pg_lsn: { type: 'pg_lsn', good: '16/B374D848', bad: ['hunter2'] },
  'an array of a type that only the server knows': { type: 'tsquery[]', good: `{'a'}`, bad: ['{hunter2 &}'] },
  'a domain with a check': {
    type: 'evens',
    good: '2',
    bad: ['3', '5'],
    setUp: 'CREATE DOMAIN evens AS int CHECK (VALUE % 2 = 0)',
  },
  ...Object.fromEntries(
    ['P0001', '42601', 'XX000', 'CUST1', '42P01', '0A000', '22023'].map((state): [string, UnsureType] => [
      `a domain whose check raises ${state}`,
      { type: 'picky', good: 'fine', bad: ['bad hunter2', 'bad'], setUp: checkedBy(state) },
    ]),
  ),
}

const DEAD = { onError: 'dead-letter', layout: 'columns' } as const

type Open = (t: TestContext, options?: Partial<SqlSinkOptions>) => Promise<TestRelay>
const TARGETS: Readonly<Record<string, { skip: string | false; hasExtensions: boolean; open: Open }>> = {
  'PostgreSQL 18': {
    skip: false,
    hasExtensions: true,
    open: async (t, options) => openRelay(t, { ...DEAD, ...options }),
  },
  'Greenplum 6': {
    skip: withoutGreenplum('6'),
    hasExtensions: false,
    open: async (t, options) => openRelay(t, { ...DEAD, ...options }, await greenplumDatabase(t, '6')),
  },
}

/** In the short run a target meets each type by one of the feeds. */
for (const [n, [target, { skip, hasExtensions, open }]] of Object.entries(TARGETS).entries()) {
  for (const [i, [title, { type, good, bad, setUp, isOfExtension }]] of Object.entries(TYPES).entries()) {
    if (isOfExtension && !hasExtensions) continue
    for (const [f, feed] of (['dms', 'dynamodb'] as const).entries()) {
      if (!isDealt(n, i, f)) continue
      test(`${target}, ${feed}: ${title}`, { skip }, async (t) => {
        const relay = await open(t)
        const { database, write } = relay
        await database.query(`CREATE SCHEMA shop; ${setUp ?? 'SELECT 1'}`)
        await database.query(
          `CREATE TABLE shop.orders (id ${feed === 'dms' ? 'int' : 'text'} PRIMARY KEY, v ${type}, note text)`,
        )
        const change = makerOf(feed, relay)

        const mixed = [good, bad[0]!, good, bad.at(-1)!]
        const first = await write(...mixed.map((v, id) => change(id, 1, v)))
        assert.deepEqual([totals(first), first.deadLettered], [[4, 0], 0])
        // The next batch, of which one value is known to be bad, one is new, and one is right again.
        const second = await write(change(0, 2, bad[0]!), change(1, 2, good), change(4, 1, bad[0]!), change(5, 1, good))
        assert.deepEqual([totals(second), second.deadLettered], [[4, 0], 0])

        assert.deepEqual(await rowsOf(relay), [
          ['0', null, bad[0]],
          ['1', good, null],
          ['2', good, null],
          ['3', null, bad.at(-1)],
          ['4', null, bad[0]],
          ['5', good, null],
        ])
        assert.equal(first.setAside?.get('shop.orders')?.get('v')?.count, 2)
        assert.equal(second.setAside?.get('shop.orders')?.get('v')?.count, 2)
      })
    }
  }
}

function makerOf(feed: 'dms' | 'dynamodb', { knows }: TestRelay): (id: number, version: number, v: string) => Change {
  const table = { schema: 'shop', name: 'orders' }
  if (feed === 'dynamodb')
    return (id, version, v) => put(`${id}`, version, { table, data: { v: /^\d+$/.test(v) ? Number(v) : v, note: 'n' } })
  knows(sourceTable({ v: 'text', note: 'text' }))
  return (id, version, v) => dmsPut(id, version, { data: { v, note: 'n' } })
}

async function rowsOf({ database }: TestRelay): Promise<[string, string | null, string | null][]> {
  const rows = await database.query<{ id: string; v: string | null; extra: string | null }>(
    `SELECT id::text, v::text, cdc_extra->>'v' AS extra FROM shop.orders WHERE note = 'n' ORDER BY id`,
  )
  return rows.map(({ id, v, extra }) => [id, v, extra])
}

test('without the right to make something temporary, the rows are found by halving, and written without the value', async (t) => {
  const owner = await testDatabase(t)
  await owner.query(`CREATE ROLE ${owner.name} LOGIN PASSWORD 'poor'; CREATE SCHEMA shop; ${checkedBy('XX000')};
    REVOKE TEMPORARY ON DATABASE ${owner.name} FROM PUBLIC; GRANT CREATE ON DATABASE ${owner.name} TO ${owner.name};
    CREATE TABLE shop.orders (id int PRIMARY KEY, v picky, other picky, note text); ALTER TABLE shop.orders OWNER TO ${owner.name};
    ALTER SCHEMA shop OWNER TO ${owner.name}`)
  const url = owner.url.replace(/\/\/.*@/, `//${owner.name}:poor@`)
  const relay = await openRelay(t, DEAD, { ...owner, url })
  relay.knows(sourceTable({ v: 'text', other: 'text', note: 'text' }))
  const change = (id: number, v: string) => dmsPut(id, 1, { data: { v, note: 'n' } })
  for (const from of [0, 10]) {
    const written = await relay.write(change(from, 'fine'), change(from + 1, 'bad'), change(from + 2, 'fine'))
    const aside = written.setAside?.get('shop.orders')?.get('v')?.count
    assert.deepEqual([totals(written), written.deadLettered, aside], [[3, 0], 0, 1])
  }
  assert.deepEqual(await rowsOf(relay), [
    ['0', 'fine', null],
    ['1', null, 'bad'],
    ['10', 'fine', null],
    ['11', null, 'bad'],
    ['12', 'fine', null],
    ['2', 'fine', null],
  ])
})

const strict: OpenRelay = async (t, options) => {
  const relay = await openRelay(t, { ...DEAD, ...options })
  await relay.database.query(`CREATE SCHEMA shop; ${checkedBy('XX000')}`)
  return relay
}

test('of a value that the CHECK of a domain refuses, the reason and the fix name that', async (t) => {
  const { database, knows, write } = await openRelay(t, DEAD)
  await database.query(`CREATE SCHEMA shop; CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE DOMAIN cheerful AS mood CHECK (VALUE <> 'sad'); CREATE DOMAIN short AS text CHECK (length(VALUE) < 5);
    CREATE TABLE shop.orders (id int PRIMARY KEY, v cheerful, w short)`)
  knows(sourceTable({ v: 'text', w: 'text' }))
  const { setAside } = await write(dmsPut(1, 1, { data: { v: 'sad', w: 'too long' } }))
  const why = (column: string) => setAside!.get('shop.orders')!.get(column)!
  assert.equal(why('v').reason, 'cheerful holds the 2 labels of its type, as far as the CHECK of its domain allows')
  assert.match(
    why('v').fix,
    /^Add the labels that it lacks with ALTER TYPE mood ADD VALUE, or alter the CHECK, if they/,
  )
  assert.equal(why('w').reason, 'short holds text, as far as the CHECK of its domain allows')
  assert.match(why('w').fix, /^Give the column a type that holds these values, or alter the CHECK, if they/)
})

test('partial images: the value that is refused is the only one that the row lacks', async (t) => {
  const { database, knows, write } = await strict(t)
  await database.query('CREATE TABLE shop.orders (id int PRIMARY KEY, v picky, note text)')
  knows(sourceTable({ v: 'text', note: 'text' }))
  await write(dmsPut(1, 1, { data: { v: 'fine', note: 'one' } }), dmsPut(2, 1, { data: { v: 'fine', note: 'two' } }))
  await write(dmsPatch(1, 2, { data: { v: 'bad' } }), dmsPatch(2, 2, { data: { note: 'three' } }))
  await write(
    dmsPatch(2, 3, { data: { v: 'bad too' } }),
    dmsPatch(2, 4, { data: { v: 'fine again' } }),
    dmsPatch(1, 3, { data: { note: 'x' } }),
  )
  assert.deepEqual(await database.query('SELECT id, v, note, cdc_extra AS extra FROM shop.orders ORDER BY id'), [
    { id: 1, v: null, note: 'x', extra: { v: 'bad' } },
    { id: 2, v: 'fine again', note: 'three', extra: null },
  ])
})

test('a key, a column that takes no NULL, and a table without cdc_extra: the row is a dead letter that names the column', async (t) => {
  const { database, knows, write, restart } = await strict(t)
  const names = ['keyed', 'required', 'bare']
  await database.query(`CREATE TABLE shop.keyed (id int, v picky, PRIMARY KEY (id, v));
    CREATE TABLE shop.required (id int PRIMARY KEY, v picky NOT NULL);
    CREATE TABLE shop.bare (id int PRIMARY KEY, v picky, cdc_version bigint)`)
  knows(
    ...names.map((name) => ({
      ...sourceTable({ v: 'text' }),
      name: { schema: 'shop', name },
      key: name === 'keyed' ? ['id', 'v'] : ['id'],
    })),
  )
  for (const name of names) {
    if (name === 'bare') await restart({ createTables: 'never' })
    const table = { schema: 'shop', name }
    // All of a batch, and more than a small one.
    for (const count of [1, 130]) {
      const bad = Array.from({ length: count }, (_, id) => {
        const v = `bad hunter2 ${id}`
        return dmsPut(id, 1, { table, data: { v }, ...(name === 'keyed' ? { key: { id, v } } : {}) })
      })
      const written = await write(...bad)
      assert.deepEqual([totals(written), written.deadLettered], [[0, 0], count])
    }
  }
  const letters = await database.query<{ detail: string; n: number }>(
    'SELECT detail, count(*)::int AS n FROM cdc_relay.dead_letters GROUP BY detail ORDER BY detail',
  )
  assert.deepEqual(
    letters.map(({ n }) => n),
    [131, 131, 131],
  )
  const details = letters.map(({ detail }) => detail).join('\n')
  assert.match(details, /^Column "v" of table shop\.bare cannot hold the value, and there is no column cdc_extra/m)
  assert.match(details, /^Column "v" of table shop\.required is NOT NULL, and it does not hold the value/m)
  assert.match(details, /^Key column "v" of table shop\.keyed, picky, cannot hold the key$/m)
  assert.doesNotMatch(details, /hunter2/)
})
