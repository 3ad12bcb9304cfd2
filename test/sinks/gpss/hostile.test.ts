import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Change } from '../../../src/change.ts'
import { RelayError } from '../../../src/errors.ts'
import { SILENT } from '../../../src/observe/log.ts'
import { sayRetries } from '../../../src/observe/retries.ts'
import { retrying } from '../../../src/retry.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import {
  at,
  batchOf,
  canonicalJson,
  claimOf,
  del,
  dmsDel,
  dmsPatch,
  dmsPut,
  knownTables,
  put,
  SHOP_ORDERS,
  sourceTable,
} from '../../support/changes.ts'
import { rawClient } from '../../support/gpss/raw-client.ts'
import type { Fault, GpssSettings, Moment } from '../../support/gpss/settings.ts'
import type { ConnectRequest } from '../../support/gpss/wire-messages.ts'
import { anySeed, type Random, seededRandom } from '../../support/life/random.ts'
import { type GpssPlace, gpssPlace, liveRows } from '../../support/targets/gpss-target.ts'
import { mirrorRows } from '../../support/targets/sql-target.ts'
import { isDealt, volume } from '../../support/volume.ts'
import { rejection } from '../conformance/answers.ts'

/**
 * Servers of every temper. On each, histories of few keys are played: whole images of one table shuffled and repeated,
 * partial ones of another in order, some of them delivered again; cut into batches, over two runs of a relay. What the
 * mirrors must then hold is worked out here, without anything of src/.
 */
const BATCHES = volume(6, 12)
const KEYS = 5

interface Temper {
  readonly name: string
  readonly settings: GpssSettings
  /** Where things happen: `METHOD/MOMENT`, at every third such moment. */
  readonly fault?: readonly [when: string, fault: Fault]
  /** How often at most. */
  readonly times?: number
  /** Seconds. */
  readonly deadline?: number
}

const outside = { preSql: 'outside', postSql: 'outside' } as const

const tempers: readonly Temper[] = [
  { name: 'SQL behind the commit', settings: outside },
  { name: 'SQL twice', settings: { preSql: 'inside twice', postSql: 'inside twice' } },
  { name: 'SQL behind the commit twice', settings: { preSql: 'outside twice', postSql: 'outside twice' } },
  { name: 'a server before 1.10', settings: { before110: true, failedWrite: 'keep' }, fault: ['Write/start', boom()] },
  { name: 'data errors at Close, Abort ignored', settings: { dataErrors: 'close', abortIgnored: true } },
  { name: 'a second load into a table refused', settings: { concurrentLoads: 'refuse' } },
  {
    name: 'names folded to lower case',
    settings: { foldNames: true, databaseType: 'upper', describeMissing: 'empty' },
  },
  { name: 'Write UNAVAILABLE', settings: {}, fault: ['Write/start', { kind: 'error', code: 14, message: 'away' }] },
  { name: 'Write reset', settings: {}, fault: ['Write/end', { kind: 'reset' }] },
  { name: 'Close reset, SQL behind the commit', settings: outside, fault: ['Close/after commit', { kind: 'reset' }] },
  { name: 'death in Close before the commit', settings: {}, fault: ['Close/before commit', { kind: 'restart' }] },
  { name: 'death in Close after the commit', settings: {}, fault: ['Close/after commit', { kind: 'restart' }] },
  {
    name: 'death in Close between the commit and the SQL behind it',
    settings: outside,
    fault: ['Close/after commit', { kind: 'restart' }],
  },
  { name: 'sessions forgotten', settings: {}, fault: ['Open/start', { kind: 'forget session' }] },
  { name: 'sessions forgotten in a load', settings: {}, fault: ['Close/start', { kind: 'forget session' }] },
  {
    name: 'no answer to Close',
    settings: {},
    fault: ['Close/before commit', { kind: 'hang' }],
    times: 2,
    deadline: 1,
  },
]

function boom(): Fault {
  return { kind: 'error', message: 'unexpected EOF' }
}

for (const [index, temper] of tempers.entries()) {
  if (!isDealt(index)) continue
  test(`gpss with ${temper.name}: the mirrors are right, the positions follow`, async (t) => {
    let happened = 0
    let moments = 0
    const fault = ({ call, moment }: { call: { method: string }; moment: Moment }): Fault | undefined => {
      if (temper.fault === undefined || `${call.method}/${moment}` !== temper.fault[0] || happened === temper.times)
        return
      if (++moments % 3 !== 0) return
      happened++
      return temper.fault[1]
    }
    const place = await gpssPlace({ ...temper.settings, fault })
    t.after(place.close)
    await play(t, place, temper.deadline)
    assert.ok(temper.fault === undefined || happened > 0, 'nothing happened')
  })
}

const TABLE = sourceTable({ id: 'text', a: 'int64', b: 'int64', c: 'text' })

async function play(t: TestContext, place: GpssPlace, deadline: number | undefined): Promise<void> {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const random = seededRandom(seed)
  const whole = wholeHistory(random)
  const partial = partialHistory(random)
  const delivered = shuffled(random, [...whole, ...whole.filter(() => random.chance(0.3))])
  const batches = Array.from({ length: BATCHES }, (_, i) => [
    ...slice(delivered, i),
    // What was written is delivered again, as after a crash.
    ...(i > 0 && random.chance(0.5) ? slice(partial, i - 1) : []),
    ...slice(partial, i),
  ])

  const url = deadline === undefined ? place.url : `${place.url}&deadline=${deadline}`
  for (const half of [0, 1]) {
    const sink = place.sink({ url, layout: null })
    await persisting(() => sink.open(claimOf(), AbortSignal.timeout(30_000)))
    for (let i = half * (BATCHES / 2); i < (half + 1) * (BATCHES / 2); i++) {
      await writeBatch(place, sink, batches[i]!, i)
    }
    await sink.close()
  }

  const query = (text: string) => place.database.query<Record<string, string | null>>(text)
  const orders = await mirrorRows(query, { schema: null, name: 'orders' }, 'soft')
  assert.deepEqual(sorted(orders.map(({ data }) => canonicalJson(data))), lastOfWhole(whole), `seed ${seed}`)
  const shop = await liveRows(query, SHOP_ORDERS)
  assert.deepEqual(sorted(shop.map(({ data }) => canonicalJson(data))), foldOfPartial(partial), `seed ${seed}`)
  const [left] = await query(`SELECT string_agg(relname, ',') AS tables FROM pg_class WHERE relname LIKE 'stage\\_%'`)
  for (const stage of left!.tables!.split(',')) {
    const [{ count } = { count: null }] = await query(`SELECT count(*) FROM cdc_relay.${stage}`)
    assert.equal(Number(count), 0, `${stage} is empty in the end`)
  }
}

async function writeBatch(place: GpssPlace, sink: Sink, changes: readonly Change[], i: number): Promise<void> {
  const moves = at({ shard: String(i + 1) })
  const write = sink.prepare(batchOf({ changes, tables: knownTables(TABLE), positions: moves }))
  await persisting(
    () => write(AbortSignal.timeout(30_000)),
    async () => {
      assert.equal(await storedPosition(place), i === 0 ? undefined : String(i), 'no position moves before its rows')
    },
  )
  assert.equal(await storedPosition(place), String(i + 1))
}

async function storedPosition({ folder }: GpssPlace): Promise<string | undefined> {
  const state = JSON.parse(await readFile(join(folder, 'relay.state.json'), 'utf8')) as {
    positions: Record<string, { sequence: string }>
  }
  return state.positions.shard?.sequence
}

/** Tries again as the relay does. */
async function persisting(work: () => Promise<unknown>, failed = async (): Promise<void> => {}): Promise<void> {
  for (let failures = 0; ; failures++) {
    try {
      await work()
      return
    } catch (error) {
      const isPassing = error instanceof RelayError && /^SINK_(UNREACHABLE|BUSY)$/.test(error.code)
      if (!isPassing || failures === 10) throw error
      await failed()
    }
  }
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const left = [...list]
  return list.map(() => left.splice(random.below(left.length), 1)[0]!)
}

const slice = <T>(all: readonly T[], i: number): T[] =>
  all.slice(Math.floor((i * all.length) / BATCHES), Math.floor(((i + 1) * all.length) / BATCHES))

function wholeHistory(random: Random): Change[] {
  return Array.from({ length: 60 }, (_, i) => {
    const key = `k${random.below(KEYS)}`
    return random.chance(0.3) ? del(key, i + 1) : put(key, i + 1, { data: { n: i, [`only ${i % 3}`]: 'x' } })
  })
}

function partialHistory(random: Random): Change[] {
  return Array.from({ length: 60 }, (_, i) => {
    const key = `k${random.below(KEYS)}`
    if (random.chance(0.15)) return dmsDel(key, i + 1)
    if (random.chance(0.15)) return dmsPut(key, i + 1, { data: { a: i, b: null, c: `row ${i}` } })
    return dmsPatch(key, i + 1, { data: { [random.pick(['a', 'b'])]: i } })
  })
}

function lastOfWhole(history: readonly Change[]): string[] {
  const last = new Map(history.map((change) => [change.key!.id, change.after]))
  return sorted([...last.values()].filter((row) => row !== null).map((row) => canonicalJson(JSON.stringify(row))))
}

/** A patch of a row that is not there makes one: DMS sends it only of rows that there are. */
function foldOfPartial(history: readonly Change[]): string[] {
  const rows = new Map<unknown, Record<string, unknown>>()
  for (const { op, key, after, complete } of history) {
    if (op === 'delete') rows.delete(key!.id)
    else rows.set(key!.id, { ...(complete ? {} : rows.get(key!.id)), ...after })
  }
  const withoutNulls = (row: object) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))
  return sorted([...rows.values()].map((row) => canonicalJson(JSON.stringify(withoutNulls(row)))))
}

const sorted = (texts: readonly string[]): string[] => [...texts].sort()

/** What a server says of a second load into a table, in words of its own. */
const unheardOf = ['pq: table is spoken for', 'table is spoken for']

for (const refuseWith of unheardOf) {
  const settings = { concurrentLoads: { refuseWith } } as const

  test(`tables that go into one log follow one another, others need not: ${refuseWith}`, async (t) => {
    const place = await gpssPlace(settings)
    t.after(place.close)
    const into = (name: string) => (name.startsWith('part') ? 'whole' : name)
    const sink = place.sink({ mode: 'append', routes: ({ name }) => ({ schema: null, name: into(name) }) })
    t.after(sink.close)
    await sink.open(claimOf(), AbortSignal.timeout(30_000))
    const tables = ['part1', 'a', 'part2', 'b', 'part3', 'part4', 'c']
    const changes = tables.flatMap((table) => Array.from({ length: 20 }, (_, i) => put(`k${i}`, i + 1, { table })))
    await sink.prepare(batchOf({ changes, positions: at({ shard: '1' }) }))(AbortSignal.timeout(30_000))
    const [counted] = await place.database.query(
      `SELECT (SELECT count(*)::int FROM whole) AS whole, (SELECT count(*)::int FROM a) AS a, (SELECT count(*)::int FROM c) AS c`,
    )
    assert.deepEqual({ ...counted }, { whole: 80, a: 20, c: 20 })
    const refused = place.server.calls.filter(({ message }) => message === refuseWith)
    assert.deepEqual(refused, [])
  })

  test(`what another relay's load keeps from us is tried again until it is over: ${refuseWith}`, async (t) => {
    let refusals = 0
    const other = { end: async (): Promise<void> => {} }
    const place = await gpssPlace({
      ...settings,
      fault({ call: { method, session }, moment }) {
        if (method === 'Open' && moment === 'start' && session !== others && ++refusals === 3) void other.end()
        return undefined
      },
    })
    t.after(place.close)
    const client = rawClient(new URL(place.url).host)
    t.after(client.end)
    const others = await client.connect(loginOf(place))
    await client.open(others, 'Insert', 'cdc_relay.stage', { InsertColumns: ['cdc_part'] })
    other.end = () => client.disconnect(others)
    const sink = place.sink()
    t.after(sink.close)
    const { signal } = new AbortController()
    await sink.open(claimOf(), signal)
    const write = sink.prepare(batchOf({ changes: [put('a', 1)], positions: at({ shard: '1' }) }))
    await retrying(() => write(signal), { signal, observer: sayRetries(SILENT), what: 'write the batch' })
    assert.ok(refusals > 3)
    assert.equal((await place.database.query('SELECT 1 FROM orders')).length, 1)
  })
}

for (const placement of ['inside', 'outside', 'outside twice'] as const) {
  test(`two relays that merge the same new keys into one table take turns, SQL ${placement}`, async (t) => {
    const place = await gpssPlace({ preSql: placement, postSql: placement })
    t.after(place.close)
    const sinks = ['one', 'two'].map((relay) => place.sink({ relay }))
    t.after(() => Promise.all(sinks.map((sink) => sink.close())))
    const write = async (i: number, version: number) => {
      const changes = Array.from({ length: 10 }, (_, n) => put(`k${version}-${n}`, version + i, { data: { from: i } }))
      const batch = batchOf({ changes, positions: at({ shard: `${version}` }) })
      await sinks[i]!.prepare(batch)(AbortSignal.timeout(30_000))
    }
    for (const [i, sink] of sinks.entries()) {
      await sink.open(claimOf({ name: `relay-${i}` }), AbortSignal.timeout(30_000))
      await write(i, 1)
    }
    // Someone is about to add one of the keys, and then does not: until then both wait, and neither sees the other.
    const someone = new pg.Client({ connectionString: place.database.url })
    await someone.connect()
    await someone.query(`BEGIN; INSERT INTO orders (id) VALUES ('k10-0')`)
    const both = Promise.all([write(0, 10), write(1, 10)])
    both.catch(() => {})
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    while ((await place.database.query(waiting)).length < 2) await sleep(20)
    await someone.query('ROLLBACK')
    await someone.end()
    await both
    assert.deepEqual(
      place.server.calls.filter(({ method, message }) => method === 'Close' && message !== null),
      [],
      'none of them was refused, not even once',
    )
    const rows = await place.database.query(`SELECT data->'from' AS from FROM orders WHERE cdc_version >= 10`)
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      Array.from({ length: 10 }, () => ({ from: 1 })),
    )
  })
}

function loginOf({ database }: GpssPlace): Partial<ConnectRequest> {
  const { hostname, port, username, password } = new URL(database.url)
  return { Host: hostname, Port: Number(port), Username: username, Password: password, DB: database.name }
}

test('names that GPSS folds are refused at once, with what to do', async (t) => {
  const place = await gpssPlace({ foldNames: true })
  t.after(place.close)
  const sink = place.sink()
  await sink.open(claimOf(), AbortSignal.timeout(30_000))
  const batch = batchOf({ changes: [put('a', 1, { table: 'Orders' })], positions: at({ shard: '1' }) })
  const failure = await rejection(sink.prepare(batch)(AbortSignal.timeout(30_000)), 'SINK_TABLE')
  assert.match(failure.message, /public\.Orders was made, but GPSS does not find it.*--table/)
  await sink.close()
})

test('a row that no load gets past, left behind by an earlier run, holds nothing up', async (t) => {
  const place = await gpssPlace(outside)
  t.after(place.close)
  const write = async (...changes: Change[]) => {
    const sink = place.sink({ onError: 'dead-letter' })
    await sink.open(claimOf(), AbortSignal.timeout(30_000))
    const batch = batchOf({ changes, positions: at({ shard: changes[0]!.version }) })
    await sink.prepare(batch)(AbortSignal.timeout(30_000))
    await sink.close()
  }
  await write(put('a', 1))
  const [stage] = await place.database.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relname LIKE 'stage\\_%'`,
  )
  const shape = /'([0-9a-f]{24})' THEN/.exec(
    place.server.calls.findLast(({ open }) => open !== null)!.open!.PostSQL,
  )![1]
  await place.database.query(`INSERT INTO cdc_relay.${stage!.name} VALUES
    (0, '000000000000001000000000001/000001/rows/${shape}', '{"k0":"old","v":1,"d":{"id":"old"}}'),
    (0, '000000000000002000000000001/000001/rows/another', '{"no":"such shape"}')`)
  await write(put('b', 2))
  const ids = async () =>
    (await place.database.query<{ id: string }>('SELECT id FROM orders_live ORDER BY id')).map(({ id }) => id)
  assert.deepEqual(await ids(), ['a', 'b', 'old'], 'what an earlier load left is merged')
  await place.database.query(`INSERT INTO cdc_relay.${stage!.name} VALUES
    (0, '000000000000001000000000001/000001/rows/${shape}', '{"k0":"bad","v":1,"d":"\\u0000"}')`)
  await write(put('c', 3))
  assert.deepEqual(await ids(), ['a', 'b', 'c', 'old'])
})
