import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { testCrate } from '../../support/crate/real-crate.ts'
import { greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { gpssPlace } from '../../support/targets/gpss-target.ts'
import { type LettersScene, lettersScene, lines, order } from './letters-scene.ts'

const TABLE = `CREATE TABLE orders (id text COLLATE "C" PRIMARY KEY, data jsonb, cdc_version bigint,
  CONSTRAINT no_13 CHECK ((data->>'n')::int <> 13))`
const MENDED = 'ALTER TABLE orders DROP CONSTRAINT no_13'

interface Shop extends LettersScene {
  readonly database: TestDatabase
  rows(): Promise<Record<string, number>>
}

/** A relay over a table that refuses one row. */
async function shop(t: TestContext, ...options: string[]): Promise<Shop> {
  const database = await testDatabase(t)
  await database.query(TABLE)
  const scene = await lettersScene(t, () => ['--sink', database.url, ...options])
  return { ...scene, database, rows: () => rowsOf(database) }
}

async function rowsOf({ query }: TestDatabase): Promise<Record<string, number>> {
  const rows = await query<{ id: string; n: number }>(`SELECT id, (data->>'n')::int AS n FROM orders ORDER BY id`)
  return Object.fromEntries(rows.map(({ id, n }) => [id, n]))
}

const counts = (parts: Record<string, number>) => ({
  read: 0,
  applied: 0,
  superseded: 0,
  skipped: 0,
  failed: 0,
  gone: 0,
  ...parts,
})

test('stopped: letters are listed without values, shown with them, and written again once the cause is mended', async (t) => {
  const { kinesis, shard, drain, letters, rows, database } = await shop(t)
  kinesis.put(shard, [order('a', 1), order('b', 13), 'no record', order('c', 3)])
  assert.equal((await drain()).exitCode, 0)

  const list = await letters('list')
  assert.equal(list.exitCode, 0, list.stderr)
  assert.doesNotMatch(list.stdout + list.stderr, /secret|no record/)
  const found = lines(list)
  assert.deepEqual(found.map(({ code, table, attempts }) => [code, table, attempts]).sort(), [
    ['DECODE_NOT_JSON', null, 0],
    ['SINK_REFUSED', 'orders', 0],
  ])
  const refused = String(found.find(({ code }) => code === 'SINK_REFUSED')!.id)
  const shown = lines(await letters(`show ${refused}`))[0]!
  assert.deepEqual((shown.change as { after: unknown }).after, { id: 'b', n: 13, word: 'secret-13' })
  assert.equal(lines(await letters('show', '--code', 'DECODE_NOT_JSON'))[0]!.text, 'no record')

  const again = await letters('replay')
  assert.equal(again.exitCode, 1, again.stderr)
  assert.deepEqual(lines(again), [counts({ read: 2, failed: 2 })])
  assert.deepEqual(
    lines(await letters('list')).map(({ attempts }) => attempts),
    [1, 1],
  )
  assert.doesNotMatch(again.stdout + again.stderr, /secret|no record/)

  await database.query(MENDED)
  const mended = await letters('replay', '--of-table', 'orders')
  assert.equal(mended.exitCode, 0, mended.stderr)
  assert.deepEqual(lines(mended), [counts({ read: 1, applied: 1 })])
  assert.deepEqual(await rows(), { a: 1, b: 13, c: 3 })
  const left = lines(await letters('list'))
  assert.deepEqual(
    left.map(({ code }) => code),
    ['DECODE_NOT_JSON'],
  )
  assert.deepEqual(lines(await letters(`discard ${left[0]!.id}`, '--yes')), [{ discarded: 1 }])
  assert.deepEqual(lines(await letters('list')), [])
})

test('running: letters are written again beside the relay, which goes on; what is out of date undoes nothing', async (t) => {
  const { kinesis, shard, start, letters, rows, database } = await shop(t)
  kinesis.put(shard, [order('a', 1), order('b', 13), order('c', 13), order('d', 13)])
  const relay = start()
  await untilSo(async () => lines(await letters('list')).length === 3)
  kinesis.put(shard, [order('c', 14), order('d', 15, { op: 'REMOVE' })])
  await untilSo(async () => (await rows()).c === 14)
  assert.deepEqual(
    lines(await letters('list')).map(({ standing }) => standing),
    ['open', 'healed', 'healed'],
  )
  await database.query(MENDED)
  const replayed = await letters('replay')
  assert.deepEqual(lines(replayed), [counts({ read: 3, applied: 1, superseded: 2 })], replayed.stderr)
  kinesis.put(shard, [order('e', 16)])
  await untilSo(async () => (await rows()).e === 16)
  assert.deepEqual(await rows(), { a: 1, b: 13, c: 14, e: 16 })
  relay.child.kill('SIGTERM')
  assert.equal((await relay.ended).exitCode, 0)
})

test('killed: letters of a relay that was killed are written again, and the next one goes on', async (t) => {
  const { kinesis, shard, start, drain, letters, rows, database } = await shop(t)
  kinesis.put(shard, [order('a', 1), order('b', 13)])
  const relay = start()
  await untilSo(async () => lines(await letters('list')).length === 1)
  relay.child.kill('SIGKILL')
  await relay.ended
  await database.query(MENDED)
  assert.deepEqual(lines(await letters('replay')), [counts({ read: 1, applied: 1 })])
  kinesis.put(shard, [order('c', 3)])
  assert.equal((await drain()).exitCode, 0)
  assert.deepEqual(await rows(), { a: 1, b: 13, c: 3 })
})

test('a record of another format than the relay was told is a row once the option is right', async (t) => {
  const { kinesis, shard, drain, letters, rows } = await shop(t)
  kinesis.put(shard, [order('a', 1)])
  assert.equal((await drain('--format', 'dms')).exitCode, 0)
  assert.deepEqual(lines(await letters('replay', '--format', 'dms')), [counts({ read: 1, failed: 1 })])
  assert.deepEqual(lines(await letters('replay')), [counts({ read: 1, applied: 1 })])
  assert.deepEqual(await rows(), { a: 1 })
})

test('the file of options that a relay is started with serves, and what it says of bad records is for the relay', async (t) => {
  const { kinesis, shard, drain, letters, folder } = await shop(t)
  kinesis.put(shard, [order('a', 1), order('b', 13)])
  assert.equal((await drain()).exitCode, 0)
  const config = join(folder, 'relay.yaml')
  writeFileSync(config, 'on-error: stop\nstart: earliest\nmode: mirror\nmax-dead-letters: 1/1h\nbatch-records: 10\n')
  const replayed = await letters('replay', '--config', config)
  assert.deepEqual(lines(replayed), [counts({ read: 1, failed: 1 })], replayed.stderr)
  assert.equal(lines(await letters('list', '--config', config)).length, 1)
})

test('a long list comes in pages', async (t) => {
  const { kinesis, shard, drain, letters } = await shop(t)
  kinesis.put(
    shard,
    Array.from({ length: 5 }, (_, i) => `no record ${i}`),
  )
  await drain()
  const first = await letters('list', '--limit', '3')
  assert.equal(lines(first).length, 3)
  const cursor = /--from \\"([^"\\]+)\\"/.exec(first.stderr)![1]!
  const second = await letters('list', '--limit', '3', '--from', cursor)
  assert.equal(lines(second).length, 2)
  assert.doesNotMatch(second.stderr, /--from/)
  assert.equal(lines(await letters('list', '--since', '1h')).length, 5)
  assert.equal(lines(await letters('list', '--until', '2026-01-01T00:00:00Z')).length, 0)
  assert.deepEqual(lines(await letters('discard', '--all', '--yes')), [{ discarded: 5 }])
})

test('what cannot be done says why, and does nothing', async (t) => {
  const { kinesis, shard, drain, letters, database } = await shop(t)
  kinesis.put(shard, [order('a', 1), 'no record'])
  await drain()
  const [{ id }] = lines(await letters('list')) as [{ id: string }]
  for (const [words, args, says] of [
    ['', [], /is none of list|Which of list, show, replay, discard/],
    ['lst', [], /"lst" is none of list, show, replay, discard/],
    ['list', ['--limit', '0'], /--limit "0" is not a whole number above 0/],
    ['list', ['--since', 'yesterday'], /--since "yesterday" is neither/],
    ['list', ['--cod', 'X'], /--cod is not an option/],
    ['list', ['--name', 'another'], /given twice/],
    ['show', [], /Which letters is `show` for/],
    ['discard', [], /Which letters is `discard` for/],
    ['discard', ['--all', '--code', 'X'], /--all stands beside/],
    [`discard ${id}`, [], /Nothing is discarded: Discard one dead letter for good \(1 DECODE_NOT_JSON of records/],
    ["show it's", [], /is not the id of a letter/],
    ['replay', ['--mode', 'append'], /--mode was mirror and is append/],
    ['replay', ['--layout', 'rows'], /--layout must be columns or document/],
    ['replay', ['--start', 'earliest'], /--start is not an option/],
  ] as const) {
    const answer = await letters(words, ...args)
    assert.equal(answer.exitCode, 2, `${words} ${args.join(' ')}: ${answer.stdout}${answer.stderr}`)
    assert.match(answer.stderr.replaceAll('\\"', '"'), says)
    assert.equal(answer.stdout, '')
  }
  const none = await letters('show 99999')
  assert.deepEqual([none.exitCode, none.stdout], [1, ''])
  assert.match(none.stderr, /There is no dead letter 99999/)
  assert.equal((await letters('discard 99999', '--yes')).exitCode, 1)
  assert.equal((await letters('replay 99999')).exitCode, 1)
  assert.equal((await database.query('SELECT FROM cdc_relay.dead_letters WHERE attempts = 0')).length, 1)
})

test('a name that nobody knows is an error, and no empty list; an empty database has nothing made in it', async (t) => {
  const database = await testDatabase(t)
  const { letters } = await lettersScene(t, () => ['--sink', database.url])
  for (const words of ['list', 'replay']) {
    const answer = await letters(words)
    assert.equal(answer.exitCode, 2, answer.stdout)
    assert.match(answer.stderr, /no relay named \\"orders\\"/)
  }
  assert.deepEqual(await database.query(`SELECT FROM pg_namespace WHERE nspname = 'cdc_relay'`), [])
})

test('a log gets each letter once', async (t) => {
  const { kinesis, shard, drain, letters, database } = await logOf(t)
  kinesis.put(shard, [order('a', 1), order('b', 13)])
  assert.equal((await drain()).exitCode, 0)
  await database.query('ALTER TABLE orders DROP CONSTRAINT no_13')
  assert.deepEqual(lines(await letters('replay', '--mode', 'append')), [counts({ read: 1, applied: 1 })])
  assert.deepEqual(lines(await letters('replay', '--mode', 'append')), [counts({})])
  assert.equal((await database.query('SELECT FROM orders')).length, 2)
})

async function logOf(t: TestContext): Promise<LettersScene & { database: TestDatabase }> {
  const database = await testDatabase(t)
  const scene = await lettersScene(t, () => ['--sink', database.url])
  const drain: LettersScene['drain'] = (...args) => scene.drain('--mode', 'append', ...args)
  await drain()
  scene.kinesis.put(scene.shard, [order('first', 0)])
  await drain()
  await database.query(`DELETE FROM orders; ALTER TABLE orders ADD CONSTRAINT no_13 CHECK (after->>'n' <> '13')`)
  return { ...scene, drain, database }
}

for (const [title, urlOf] of [
  ['pglite', async () => (folder: string) => `pglite:${join(folder, 'data')}`],
  [
    'cratedb',
    async (t: TestContext) => {
      const crate = await testCrate()
      t.after(() => crate.stop())
      return () => crate.url
    },
  ],
] as const) {
  test(`${title}: letters are listed, shown, written again and discarded`, async (t) => {
    const sink = await urlOf(t)
    const { kinesis, shard, drain, letters } = await lettersScene(t, (folder) => ['--sink', sink(folder)])
    const none = await letters('list')
    assert.equal(none.exitCode, 2, none.stdout)
    kinesis.put(shard, [order('a', 1), 'no record'])
    assert.equal((await drain('--format', 'dms')).exitCode, 0)
    const list = await letters('list')
    assert.equal(lines(list).length, 2, list.stderr)
    const replayed = await letters('replay')
    assert.deepEqual(lines(replayed), [counts({ read: 2, applied: 1, failed: 1 })], replayed.stderr)
    const [left] = lines(await letters('list'))
    assert.deepEqual([left!.code, left!.attempts], ['DECODE_NOT_JSON', 1])
    assert.equal(lines(await letters(`show ${left!.id}`))[0]!.text, 'no record')
    assert.deepEqual(lines(await letters(`discard ${left!.id}`, '--yes')), [{ discarded: 1 }])
    assert.deepEqual(lines(await letters('list')), [])
    assert.deepEqual(lines(await letters('replay')), [counts({})])
  })
}

test('greenplum 6: letters are written again', { skip: withoutGreenplum('6') }, async (t) => {
  const database = await greenplumDatabase(t, '6')
  const { kinesis, shard, drain, letters } = await lettersScene(t, () => ['--sink', database.url])
  kinesis.put(shard, [order('a', 1)])
  assert.equal((await drain('--format', 'dms')).exitCode, 0)
  const replayed = await letters('replay')
  assert.deepEqual(lines(replayed), [counts({ read: 1, applied: 1 })], replayed.stderr)
  assert.deepEqual(await rowsOf(database), { a: 1 })
})

test('a file: letters are lines behind the others once they are written again, and leave no value', async (t) => {
  const { kinesis, shard, drain, letters, folder } = await lettersScene(t, (folder) => [
    '--sink',
    `jsonl:${join(folder, 'changes.jsonl')}`,
    '--state',
    `file:${join(folder, 'state.json')}`,
  ])
  kinesis.put(shard, [order('a', 1), 'no record', order('b', 2)])
  assert.equal((await drain('--format', 'dms')).exitCode, 0)
  const path = join(folder, 'orders.dead-letters.jsonl')
  const list = await letters('list')
  assert.equal(lines(list).length, 3, list.stderr)
  assert.doesNotMatch(list.stdout, /secret/)
  const replayed = await letters('replay')
  assert.equal(replayed.exitCode, 1, replayed.stderr)
  assert.deepEqual(lines(replayed), [counts({ read: 3, applied: 2, failed: 1 })])
  const written = readFileSync(join(folder, 'changes.jsonl'), 'utf8')
  assert.deepEqual(written.match(/secret-\d/g), ['secret-1', 'secret-2'])
  assert.doesNotMatch(readFileSync(path, 'utf8'), /secret/)
  const [left] = lines(await letters('list'))
  assert.deepEqual([left!.code, left!.attempts], ['DECODE_NOT_JSON', 1])
  assert.deepEqual(lines(await letters(`discard ${left!.id}`, '--yes')), [{ discarded: 1 }])
  assert.equal(readFileSync(path, 'utf8'), '')
  kinesis.put(shard, [order('c', 3), 'no record either'])
  assert.equal((await drain()).exitCode, 0)
  assert.equal(lines(await letters('list')).length, 1)
})

test('a file that a relay writes: letters are listed and discarded, and not written again until it stops', async (t) => {
  const { kinesis, shard, start, letters, folder } = await lettersScene(t, (folder) => [
    '--sink',
    `jsonl:${join(folder, 'changes.jsonl')}`,
    '--state',
    `file:${join(folder, 'state.json')}`,
    '--dead-letters',
    `file:${join(folder, 'letters.jsonl')}`,
  ])
  kinesis.put(shard, ['no record', 'nor this'])
  const relay = start()
  await untilSo(async () => lines(await letters('list')).length === 2)
  const [first] = lines(await letters('list'))
  assert.deepEqual(lines(await letters(`discard ${first!.id}`, '--yes')), [{ discarded: 1 }])
  const refused = await letters('replay')
  assert.notEqual(refused.exitCode, 0)
  kinesis.put(shard, ['and one more'])
  await untilSo(async () => lines(await letters('list')).length === 2)
  relay.child.kill('SIGTERM')
  assert.equal((await relay.ended).exitCode, 0)
  assert.deepEqual(lines(await letters('replay')), [counts({ read: 2, failed: 2 })])
  assert.ok(existsSync(join(folder, 'letters.jsonl')))
})

test('gpss: letters in a file are written again beside the relay, and what is out of date undoes nothing', async (t) => {
  const place = await gpssPlace()
  const { kinesis, shard, drain, start, letters } = await lettersScene(t, (folder) => [
    ...['--sink', place.url, '--state', `file:${join(folder, 'state.json')}`],
    ...['--dead-letters', `file:${join(folder, 'letters.jsonl')}`],
  ])
  t.after(() => place.close())
  kinesis.put(shard, [order('a', 1), order('b', 2), 'no record'])
  assert.equal((await drain('--format', 'dms')).exitCode, 0)
  const relay = start()
  kinesis.put(shard, [order('b', 3), 'nor this'])
  await untilSo(async () => lines(await letters('list')).length === 4)
  const replayed = await letters('replay')
  // What the merge leaves out counts as applied there.
  assert.deepEqual(lines(replayed), [counts({ read: 4, applied: 2, failed: 2 })], replayed.stderr)
  kinesis.put(shard, [order('c', 4), 'and one more'])
  await untilSo(async () => lines(await letters('list')).length === 3)
  relay.child.kill('SIGTERM')
  assert.equal((await relay.ended).exitCode, 0)
  const rows = await place.database.query<{ id: string; n: number }>(
    `SELECT id, (data->>'n')::int AS n FROM orders_live ORDER BY id`,
  )
  assert.deepEqual(
    rows.map(({ id, n }) => [id, n]),
    [
      ['a', 1],
      ['b', 3],
      ['c', 4],
    ],
  )
})

test('--max-dead-letters stops in front of a batch in which everything is bad, and behind one whose rows are refused', async (t) => {
  const { kinesis, shard, drain, letters, rows, database } = await shop(t)
  kinesis.put(shard, [order('a', 1)])
  assert.equal((await drain()).exitCode, 0)
  kinesis.put(shard, ['no record', order('b', 2), 'nor this', 'nor this one'])
  const before = await database.query('SELECT sequence FROM cdc_relay.positions')
  const stopped = await drain('--max-dead-letters', '2/1h')
  assert.equal(stopped.exitCode, 1, stopped.stdout)
  assert.match(stopped.stderr, /TOO_MANY_DEAD_LETTERS.*3 dead letters in 1h, where --max-dead-letters allows 2/)
  assert.deepEqual(await database.query('SELECT sequence FROM cdc_relay.positions'), before)
  assert.deepEqual([lines(await letters('list')).length, await rows()], [0, { a: 1 }])
  assert.equal((await drain('--max-dead-letters', '3/1h')).exitCode, 0)
  assert.deepEqual([lines(await letters('list')).length, await rows()], [3, { a: 1, b: 2 }])

  kinesis.put(shard, [order('c', 13), order('d', 13), order('e', 5)])
  const behind = await drain('--max-dead-letters', '1/1h')
  assert.equal(behind.exitCode, 1, behind.stdout)
  assert.match(behind.stderr, /2 dead letters in 1h.*All of them are kept/)
  assert.deepEqual([lines(await letters('list')).length, await rows()], [5, { a: 1, b: 2, e: 5 }])

  const wrong = await drain('--max-dead-letters', 'many')
  assert.equal(wrong.exitCode, 2)
  assert.match(wrong.stderr, /--max-dead-letters .*is not a number and a duration such as 100/)
})

async function untilSo(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo().catch(() => false))) await sleep(50)
}
