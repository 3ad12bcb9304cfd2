import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { testCrate } from '../../support/crate/real-crate.ts'
import { greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import type { RunAnswer } from '../../support/processes/many-runs-child.ts'
import { gpssPlace } from '../../support/targets/gpss-target.ts'
import { dmsTable } from '../field/records.ts'
import { type LettersScene, lettersScene, lines } from './letters-scene.ts'

/** A record of DynamoDB; without a number a delete, of the version that follows it. */
function record(tableName: string, id: string, version: number, op: 'MODIFY' | 'REMOVE' = 'MODIFY'): string {
  const Keys = { id: { S: id } }
  const dynamodb = {
    Keys,
    ...(op === 'MODIFY' && { NewImage: { ...Keys, n: { N: `${version}` } } }),
    ApproximateCreationDateTime: 1754300000000000 + version,
    ApproximateCreationDateTimePrecision: 'MICROSECOND',
  }
  return JSON.stringify({ eventID: `${version}`, eventSource: 'aws:dynamodb', eventName: op, tableName, dynamodb })
}

/** What the log says, as an operator reads it. */
const said = ({ stderr }: RunAnswer): string =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => (JSON.parse(line) as { readonly msg: string }).msg)
    .join('\n')

/** Runs the relay to the end of the stream; it must end so. */
async function drained(scene: LettersScene, exitCode: number, ...args: string[]): Promise<string> {
  const answer = await scene.drain(...args)
  assert.equal(answer.exitCode, exitCode, answer.stderr)
  return said(answer)
}

const put = (scene: LettersScene, ...records: string[]): void => void scene.kinesis.put(scene.shard, records)

/** A target, and what stands in its table `orders`, as `id n`. */
interface Place {
  options(folder: string): readonly string[]
  rows(): Promise<readonly string[]>
}

const postgresql = async (t: TestContext) => over(await testDatabase(t))

const over = ({ query, url }: TestDatabase) => ({
  query,
  options: () => ['--sink', url],
  rows: async (table = 'orders') => shown(await query(`SELECT id, data->>'n' AS n FROM ${table} ORDER BY id`)),
})

const shown = (rows: readonly Readonly<Record<string, unknown>>[]): string[] => rows.map(({ id, n }) => `${id} ${n}`)

const PLACES: Readonly<Record<string, (t: TestContext) => Promise<Place>>> = {
  postgresql,
  async cratedb(t) {
    const crate = await testCrate({ refresh: 'always' })
    t.after(crate.stop)
    return {
      options: () => ['--sink', crate.url],
      rows: async () => shown(await crate.query(`SELECT "id", "data"['n'] AS "n" FROM "doc"."orders" ORDER BY "id"`)),
    }
  },
  async gpss(t) {
    const place = await gpssPlace()
    t.after(() => place.close())
    const { database } = place
    const sql = (table: string) =>
      `CREATE TABLE ${table} (id text PRIMARY KEY, data json, cdc_version bigint, cdc_deleted boolean)`
    for (const table of ['orders', 'users']) await database.query(sql(table))
    return {
      options: (folder) => [
        ...['--sink', place.url, '--state', `file:${join(folder, 'state.json')}`],
        ...['--dead-letters', `file:${join(folder, 'letters.jsonl')}`],
      ],
      rows: async () =>
        shown(await database.query("SELECT id, data->>'n' AS n FROM orders WHERE cdc_deleted IS NOT TRUE ORDER BY id")),
    }
  },
}

for (const [title, open] of Object.entries(PLACES)) {
  test(`${title}: a table may be left out; wanted again, it is parked until its gap is mended, and the others go on`, async (t) => {
    const place = await open(t)
    const scene = await lettersScene(t, (folder) => place.options(folder))
    put(scene, record('orders', 'a', 1), record('users', 'u', 2))
    await drained(scene, 0)
    put(scene, record('orders', 'a', 3), record('orders', 'b', 4), record('users', 'u', 5))
    assert.match(await drained(scene, 0, '--exclude', 'orders'), /The settings of this relay changed/)
    assert.deepEqual(await place.rows(), ['a 1'])

    put(scene, record('orders', 'c', 6), record('users', 'v', 7))
    const parked = await scene.drain()
    assert.equal(parked.exitCode, 2, parked.stderr)
    assert.match(
      said(parked),
      /TABLE_GAP: Table orders is wanted again, and its changes were left out since 20\S+Z: its rows lack them.*--on-gap continue/,
    )
    const [summary] = lines(parked) as [Record<string, unknown>]
    assert.deepEqual([summary.read, summary.applied, summary.parked], [2, 1, { orders: 1 }])
    assert.deepEqual(await place.rows(), ['a 1'])
    // Neither another start nor a replay takes the gap for mended.
    put(scene, record('orders', 'd', 8))
    await drained(scene, 2)
    assert.equal((await scene.letters('replay', '--code', 'TABLE_PARKED')).exitCode, 1)
    assert.deepEqual(await place.rows(), ['a 1'])

    // The way out that the message names: what the relay reads again fills the gap.
    const rewound = await scene.positions('rewind', '--to', 'earliest', '--yes')
    assert.equal(rewound.exitCode, 0, rewound.stderr)
    await drained(scene, 0, '--on-gap', 'continue')
    assert.deepEqual(await place.rows(), ['a 3', 'b 4', 'c 6', 'd 8'])
    put(scene, record('orders', 'e', 9))
    await drained(scene, 0)
    assert.deepEqual(await place.rows(), ['a 3', 'b 4', 'c 6', 'd 8', 'e 9'])
  })
}

test('a table that was never wanted may be from now on, and one that is not is no trouble', async (t) => {
  const place = await postgresql(t)
  const scene = await lettersScene(t, place.options)
  put(scene, record('orders', 'a', 1), record('users', 'u', 2))
  await drained(scene, 0, '--include', 'users')
  put(scene, record('orders', 'b', 3), record('users', 'v', 4))
  await drained(scene, 0, '--include', 'users', '--include', 'orders')
  assert.deepEqual([await place.rows(), await place.rows('users')], [['b 3'], ['u 2', 'v 4']])
  put(scene, record('orders', 'c', 5), record('users', 'w', 6))
  await drained(scene, 0, '--include', 'users')
  assert.deepEqual([await place.rows(), await place.rows('users')], [['b 3'], ['u 2', 'v 4', 'w 6']])
})

test('--on-table-trouble stop ends a relay whose table is wanted again', async (t) => {
  const place = await postgresql(t)
  const scene = await lettersScene(t, place.options)
  put(scene, record('orders', 'a', 1))
  await drained(scene, 0)
  await drained(scene, 0, '--exclude', 'orders')
  put(scene, record('orders', 'b', 2))
  assert.match(await drained(scene, 5, '--on-table-trouble', 'stop'), /TABLE_GAP/)
  assert.deepEqual(await place.rows(), ['a 1'])
})

test('in a log a table may be left out and come again', async (t) => {
  const place = await postgresql(t)
  const scene = await lettersScene(t, () => [...place.options(), '--mode', 'append'])
  put(scene, record('orders', 'a', 1))
  await drained(scene, 0)
  await drained(scene, 0, '--exclude', 'orders')
  put(scene, record('orders', 'b', 2))
  await drained(scene, 0)
  assert.equal((await place.query('SELECT FROM orders')).length, 2)
})

/** Databases whose tables have tombstones of their own. */
const HARD: Readonly<Record<string, { readonly skip: string | false; open(t: TestContext): Promise<TestDatabase> }>> = {
  postgresql: { skip: false, open: testDatabase },
  'greenplum 6': { skip: withoutGreenplum('6'), open: (t) => greenplumDatabase(t, '6') },
}

for (const [title, { skip, open }] of Object.entries(HARD)) {
  test(`${title}: the statements of the message take the rows of a table along to its other place, tombstones and all`, {
    skip,
  }, async (t) => {
    const place = over(await open(t))
    const scene = await lettersScene(t, place.options)
    put(
      scene,
      record('orders', 'a', 1),
      record('orders', 'b', 2),
      record('orders', 'b', 4, 'REMOVE'),
      record('users', 'u', 5),
    )
    await drained(scene, 0)
    put(scene, record('orders', 'a', 6), record('users', 'u', 7))
    const moved = ['--table', 'orders=sales.purchases']
    const message = await drained(scene, 2, ...moved)
    assert.match(message, /Table orders was written to public\.orders until now, and is to go to sales\.purchases\./)
    assert.deepEqual(await place.rows('users'), ['u 7'])
    await place.query(/To take its rows along: (.*)\n/.exec(message)![1]!)
    put(scene, record('orders', 'b', 3), record('orders', 'c', 8))
    await drained(scene, 0, ...moved)
    // What was deleted stays deleted: the change of version 3 is late.
    assert.deepEqual(await place.rows('sales.purchases'), ['a 6', 'c 8'])
  })
}

test('rows that say themselves which are deleted do not go on in a table beside theirs: theirs is let go, or comes along', async (t) => {
  const place = await postgresql(t)
  const scene = await lettersScene(t, () => [...place.options(), '--deletes', 'soft'])
  put(scene, record('orders', 'a', 1), record('orders', 'b', 2, 'REMOVE'))
  await drained(scene, 0)
  await place.query('CREATE TABLE purchases (LIKE orders INCLUDING ALL)')
  put(scene, record('orders', 'c', 3))
  const moved = ['--table', 'orders=purchases']
  const message = await drained(scene, 2, ...moved)
  assert.doesNotMatch(message, /take its rows along/)
  const drop = /To begin anew without them: (DROP TABLE .*?); \(with CASCADE/.exec(message)![1]!
  await place.query(`${drop} CASCADE`)
  await drained(scene, 0, ...moved)
  assert.deepEqual(await place.rows('purchases_live'), ['c 3'])
})

test('cratedb: a table goes elsewhere, or gets the other layout, once what the message names is let go', async (t) => {
  const crate = await testCrate({ refresh: 'always' })
  t.after(crate.stop)
  const scene = await lettersScene(t, () => ['--sink', crate.url])
  const rows = async (table: string) =>
    shown(await crate.query(`SELECT "id", "data"['n'] AS "n" FROM "doc"."${table}" ORDER BY "id"`))
  put(scene, record('orders', 'a', 1))
  await drained(scene, 0)
  put(scene, record('orders', 'b', 2), record('users', 'u', 3))
  const moved = ['--table', 'orders=purchases']
  const message = await drained(scene, 2, ...moved)
  assert.match(message, /To take its rows along: ALTER TABLE "doc"\."orders" RENAME TO "purchases";\n/)
  assert.doesNotMatch(await drained(scene, 2, '--table', 'orders=sales.purchases'), /To take its rows along/)
  await crate.query(/To begin anew without them: (DROP TABLE .*?); \(with CASCADE/.exec(message)![1]!)
  await drained(scene, 0, ...moved)
  assert.deepEqual([await rows('purchases'), await rows('users')], [['b 2'], ['u 3']])

  put(scene, record('orders', 'c', 4))
  const columns = [...moved, '--layout', 'columns']
  const other = await drained(scene, 2, ...columns)
  await crate.query(/Let the relay make it again: (.*?);/.exec(other)![1]!)
  await drained(scene, 0, ...columns)
  assert.deepEqual(await crate.query('SELECT "id", "n" FROM "doc"."purchases"'), [{ id: 'c', n: '4.0000000000' }])
})

test('a table may begin anew in another place, where what was deleted stays deleted', async (t) => {
  const place = await postgresql(t)
  const scene = await lettersScene(t, place.options)
  put(scene, record('orders', 'a', 1), record('orders', 'b', 4, 'REMOVE'))
  await drained(scene, 0)
  put(scene, record('orders', 'b', 3), record('orders', 'c', 5))
  const moved = ['--table', 'orders=purchases']
  await place.query(/To begin anew without them: (.*); then reload/.exec(await drained(scene, 2, ...moved))![1]!)
  await drained(scene, 0, ...moved)
  assert.deepEqual([await place.rows(), await place.rows('purchases')], [['a 1'], ['c 5']])
  // And back again, with what was deleted meanwhile.
  put(scene, record('orders', 'a', 8, 'REMOVE'), record('orders', 'c', 9))
  await drained(scene, 0, ...moved)
  put(scene, record('orders', 'a', 7), record('orders', 'd', 10))
  await drained(scene, 0)
  assert.deepEqual(await place.rows(), ['a 1', 'd 10'])
})

test('the layout may change once the table of the old one is let go', async (t) => {
  const place = await postgresql(t)
  const scene = await lettersScene(t, place.options)
  put(scene, record('orders', 'a', 1))
  await drained(scene, 0)
  put(scene, record('orders', 'b', 2), record('users', 'u', 3))
  const columns = ['--layout', 'columns']
  const message = await drained(scene, 2, ...columns)
  assert.match(message, /Table public\.orders was written in the layout document, and is to be in the layout columns/)
  assert.deepEqual(await place.query('SELECT id, n FROM users'), [{ id: 'u', n: '3' }])
  assert.deepEqual(await place.rows(), ['a 1'])
  await place.query(/Let the relay make it again: (.*?);/.exec(message)![1]!)
  await drained(scene, 0, ...columns)
  assert.deepEqual(await place.query('SELECT id, n FROM orders'), [{ id: 'b', n: '2' }])
  put(scene, record('orders', 'c', 4))
  assert.match(await drained(scene, 2), /was written in the layout columns, and is to be in the layout document/)
  // The other way out: the layout that it has.
  await drained(scene, 0, ...columns)
  assert.deepEqual(await place.query('SELECT id, n FROM orders ORDER BY id'), [
    { id: 'b', n: '2' },
    { id: 'c', n: '4' },
  ])
})

for (const [title, { skip, open }] of Object.entries(HARD))
  test(`${title}: deletes may become soft, and hard again by the statements of the message; what was deleted stays deleted`, {
    skip,
  }, async (t) => {
    const database = await open(t)
    const scene = await lettersScene(t, () => ['--sink', database.url])
    const [documents, items] = ['orders', dmsTable('shop', 'items')] as const
    const soft = ['--deletes', 'soft']
    const rows = async (): Promise<readonly string[]> => [
      ...shown(await database.query(`SELECT id, data->>'n' AS n FROM ${documents} ORDER BY id`)),
      ...shown(await database.query('SELECT id, v AS n FROM shop.items ORDER BY id')),
    ]
    const [late2, late3] = [2, 3].map((id) => items.insert({ id, v: 'late' }))
    put(
      scene,
      items.create({ id: 'INT32', v: 'STRING' }, ['id']),
      items.load({ id: 1, v: 'a' }),
      items.load({ id: 2, v: 'b' }),
    )
    put(scene, items.load({ id: 3, v: 'c' }), items.remove({ id: 2 }))
    put(
      scene,
      record('orders', 'a', 1),
      record('orders', 'b', 2),
      record('orders', 'b', 5, 'REMOVE'),
      record('orders', 'c', 3),
    )
    await drained(scene, 0)
    assert.deepEqual(await rows(), ['a 1', 'c 3', '1 a', '3 c'])

    put(scene, late2!, record('orders', 'b', 4), record('orders', 'c', 8, 'REMOVE'), items.remove({ id: 3 }))
    await drained(scene, 0, ...soft)
    assert.deepEqual(shown(await database.query("SELECT id, data->>'n' AS n FROM orders_live")), ['a 1'])
    assert.deepEqual(shown(await database.query('SELECT id, v AS n FROM shop.items_live')), ['1 a'])
    assert.equal((await database.query('SELECT FROM orders')).length, 3)

    put(scene, late3!, record('orders', 'c', 7), record('orders', 'd', 9), items.load({ id: 4, v: 'd' }))
    const message = await drained(scene, 2)
    const fixes = [...message.matchAll(/or let its marked rows become tombstones: (.*);/g)].map(([, fix]) => fix!)
    assert.equal(new Set(fixes).size, 2, message)
    // The kernel under the stand-in of Greenplum does not spread rows.
    for (const fix of new Set(fixes))
      for (const one of fix.split('; ')) await database.query(one.replace(/ (WITH|DISTRIBUTED) .*$/, ''))
    await drained(scene, 0)
    assert.deepEqual(await rows(), ['a 1', 'd 9', '1 a', '4 d'])
  })

test('the mode stays what it is under a name', async (t) => {
  const place = await postgresql(t)
  const scene = await lettersScene(t, place.options)
  put(scene, record('orders', 'a', 1))
  await drained(scene, 0)
  const refused = await scene.drain('--mode', 'append', '--exclude', 'users')
  assert.equal(refused.exitCode, 2)
  assert.match(refused.stderr, /STATE_DIFFERS: .*--mode was mirror and is append\. To begin again/)
})

test('a table that was made anew with another key begins in another place at once', async (t) => {
  const place = await postgresql(t)
  const scene = await lettersScene(t, place.options)
  put(scene, record('orders', 'a', 1))
  await drained(scene, 0)
  put(scene, record('orders', 'b', 2).replaceAll('"id"', '"number"'))
  const message = await drained(scene, 2)
  assert.match(message, /key of the table was "id" text, and is now "number" text|needs another target \(`--table`\)/)
  await drained(scene, 0, '--table', 'orders=numbers')
  assert.deepEqual(await place.rows(), ['a 1'])
  assert.deepEqual(await place.query('SELECT number FROM numbers'), [{ number: 'b' }])
})

test('a dry run says what of the settings changed, and which table would be parked for its gap', async (t) => {
  const place = await postgresql(t)
  const scene = await lettersScene(t, place.options)
  put(scene, record('orders', 'a', 1))
  await drained(scene, 0)
  await drained(scene, 0, '--exclude', 'orders')
  put(scene, record('orders', 'b', 2), record('users', 'u', 3))
  const { exitCode, stdout, stderr } = await scene.drain('--dry-run', '--table', 'users=people')
  assert.equal(exitCode, 0, stderr)
  assert.match(stdout, /^-- --exclude was orders and is not set$/m)
  assert.match(stdout, /^-- Table orders: 1 change\n-- It would be parked.* TABLE_GAP: Table orders is wanted again/m)
  assert.match(stdout, /CREATE TABLE "public"\."people"/)
  const [relay] = await place.query('SELECT settings FROM cdc_relay.relays')
  assert.equal((relay!.settings as Record<string, string>).exclude, 'orders')
})
