import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { SourceTable } from '../src/batch.ts'
import { Binary, type Change, type DeadLetter, type StreamChange } from '../src/change.ts'
import { type ReplayCounts, type ReplayOptions, replayLetters } from '../src/replay.ts'
import type { Sink } from '../src/sinks/sink.ts'
import type { SqlSinkOptions } from '../src/sinks/sql/sink-options.ts'
import { raw, refused } from './sinks/letters/conformance.ts'
import { at, batchOf, claimOf, del, dmsPut, knownTables, put, sourceTable, unclaimedOf } from './support/changes.ts'
import { testCrate } from './support/crate/real-crate.ts'
import { greenplumDatabase, withoutGreenplum } from './support/greenplum/greenplum.ts'
import { testDatabase } from './support/postgres/postgres.ts'
import { crateSinkOf } from './support/targets/crate-target.ts'
import { sqlSinkOf } from './support/targets/sql-target.ts'

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

type Rows = readonly Readonly<Record<string, unknown>>[]

interface Place {
  readonly url: string
  query(text: string): Promise<Rows>
  sink(options: Partial<SqlSinkOptions>): Sink
}

/** A relay that holds its name all the while, and replays beside it. */
class Scene {
  readonly place: Place
  readonly #options: Partial<SqlSinkOptions>
  readonly #t: TestContext
  #sink: Sink | undefined
  #position = 0
  tables: ReadonlyMap<string, SourceTable> = new Map()

  constructor(t: TestContext, place: Place, options: Partial<SqlSinkOptions> = {}) {
    this.#t = t
    this.place = place
    this.#options = { onError: 'dead-letter', ...options }
  }

  sink(): Sink {
    const sink = this.place.sink(this.#options)
    this.#t.after(() => sink.close())
    return sink
  }

  async relay(): Promise<Sink> {
    if (this.#sink !== undefined) return this.#sink
    this.#sink = this.sink()
    await this.#sink.open(claimOf(), signal())
    return this.#sink
  }

  /** The relay writes a batch. */
  async write(
    changes: readonly StreamChange[],
    deadLetters: readonly DeadLetter[] = [],
    facts: Record<string, string> = {},
  ) {
    const sink = await this.relay()
    const positions = at({ 'shard-0': `${++this.#position}` })
    const batch = batchOf({
      changes,
      deadLetters,
      positions,
      tables: this.tables,
      facts: new Map(Object.entries(facts)),
    })
    return await sink.prepare(batch)(signal())
  }

  async replay(options: Partial<ReplayOptions> = {}): Promise<ReplayCounts> {
    const sink = options.sink ?? this.sink()
    try {
      return await replayLetters({ name: 'relay', settings: { mode: 'mirror' }, ...options, sink }, signal())
    } finally {
      await sink.close()
    }
  }

  async letters(): Promise<Rows> {
    const rows = await this.place.query('SELECT "sequence", "code", "attempts" FROM "cdc_relay"."dead_letters"')
    return [...rows].sort((a, b) => Number(a.sequence) - Number(b.sequence))
  }
}

interface Target {
  readonly title: string
  readonly skip: string | false
  open(t: TestContext): Promise<Place>
}

const sqlPlace = ({ url, query }: { url: string; query(text: string): Promise<Rows> }): Place => ({
  url,
  query,
  sink: (options) => sqlSinkOf({ url, ...options }),
})

const POSTGRESQL: Target = { title: 'postgresql', skip: false, open: async (t) => sqlPlace(await testDatabase(t)) }

const TARGETS: readonly Target[] = [
  POSTGRESQL,
  {
    title: 'greenplum 6',
    skip: withoutGreenplum('6'),
    open: async (t) => sqlPlace(await greenplumDatabase(t, '6')),
  },
  {
    title: 'cratedb',
    skip: false,
    async open(t) {
      const crate = await testCrate()
      t.after(() => crate.stop())
      return {
        url: crate.url,
        async query(text) {
          crate.query('REFRESH TABLE "cdc_relay"."dead_letters"')
          return crate.query(text)
        },
        sink: (options) => crateSinkOf({ url: crate.url, ...options }),
      }
    },
  },
]

function onEach(title: string, work: (t: TestContext, place: Place) => Promise<void>): void {
  for (const target of TARGETS) {
    test(`${target.title}: ${title}`, { skip: target.skip }, async (t) => work(t, await target.open(t)))
  }
}

const counts = (parts: Partial<ReplayCounts>): ReplayCounts => ({
  read: 0,
  applied: 0,
  superseded: 0,
  skipped: 0,
  failed: 0,
  gone: 0,
  ...parts,
})

const dynamodb = (id: string, us: number): Uint8Array =>
  Buffer.from(
    JSON.stringify({
      eventSource: 'aws:dynamodb',
      eventName: 'INSERT',
      tableName: 'orders',
      dynamodb: {
        ApproximateCreationDateTime: us,
        ApproximateCreationDateTimePrecision: 'MICROSECOND',
        Keys: { id: { S: id } },
        NewImage: { id: { S: id }, n: { N: String(us) } },
      },
    }),
  )

onEach('letters become rows and go, beside the relay that holds the name', async (t, place) => {
  const scene = new Scene(t, place)
  await scene.write(
    [put('a', 1)],
    [refused(put('b', 2)), raw('3', dynamodb('c', 1_767_300_000_000_003)), refused(put('d', 4))],
  )
  assert.deepEqual(await scene.replay(), counts({ read: 3, applied: 3 }))
  assert.deepEqual(await scene.letters(), [])
  await scene.write([put('e', 5)])
  assert.deepEqual(await versions(place), { a: 1, b: 2, c: 1_767_300_000_000_003, d: 4, e: 5 })
  assert.deepEqual(await scene.replay(), counts({}))
})

onEach('a letter that is out of date undoes nothing: not a newer row, not a delete', async (t, place) => {
  const scene = new Scene(t, place)
  const stale = [put('a', 1), del('b', 1), put('c', 1)].map((change) => refused(change))
  await scene.write([put('a', 5), put('b', 5), put('c', 2), del('c', 5, { sequence: '6' })], stale)
  assert.deepEqual(await scene.replay(), counts({ read: 3, superseded: 3 }))
  assert.deepEqual(await scene.letters(), [])
  assert.deepEqual(await versions(place), { a: 5, b: 5 })
})

onEach('what fails again stays, with its new reason and the count of its attempts', async (t, place) => {
  const scene = new Scene(t, place)
  const wrongKey: Change = put('x', 2, { key: { other: 'x' }, sequence: '2' })
  await scene.write([put('a', 1)], [refused(put('b', 4, { sequence: '4' })), raw('3')])
  await scene.write([], [{ ...refused(wrongKey), code: 'KEY_UNKNOWN' }])
  for (const attempts of [1, 2]) {
    const result = await scene.replay()
    assert.equal(result.failed, 2)
    const letters = await scene.letters()
    assert.deepEqual(
      letters.map(({ code, attempts }) => [code, Number(attempts)]),
      [
        ['SINK_TABLE', attempts],
        ['DECODE_NOT_JSON', attempts],
      ],
    )
  }
  assert.deepEqual(await versions(place), { a: 1, b: 4 })
})

onEach('what the relay knows of tables is used, its floor among it, and nothing is learned', async (t, place) => {
  const scene = new Scene(t, place, { layout: 'columns' })
  const orders: SourceTable = {
    name: { schema: 'shop', name: 'orders' },
    key: ['id'],
    columns: new Map([
      ['id', 'int32'],
      ['at', 'int64'],
    ]),
    values: 'textual',
    floor: '100',
  }
  scene.tables = knownTables(orders)
  const fact = JSON.stringify({ key: ['id'], columns: { id: 'int32', at: 'int64' }, floor: '100', version: '90' })
  const letters = [dmsPut(2, 50), dmsPut(3, 150)].map((change) => refused({ ...change, key: null }))
  await scene.write([dmsPut(1, 120)], letters, { 'table shop.orders': fact })
  assert.deepEqual(await scene.replay(), counts({ read: 2, applied: 1, superseded: 1 }))
  const rows = await place.query('SELECT "id" FROM "shop"."orders" ORDER BY "id"')
  if (place.url.startsWith('postgres')) {
    assert.deepEqual(await place.query('SELECT subject, lesson FROM cdc_relay.lessons'), [
      { subject: 'table shop.orders', lesson: fact },
    ])
    assert.deepEqual(
      rows.map(({ id }) => id),
      [1, 3],
    )
  }
})

onEach('a record that says how a table is defined teaches nothing, and stays', async (t, place) => {
  const scene = new Scene(t, place, { layout: 'columns' })
  const drop = {
    control: {},
    metadata: {
      timestamp: '2026-01-01T00:00:00.000000Z',
      'record-type': 'control',
      operation: 'drop-table',
      'partition-key-type': 'task-id',
      'schema-name': 'shop',
      'table-name': 'orders',
    },
  }
  scene.tables = knownTables(sourceTable({ id: 'int32', at: 'int64' }))
  const fact = JSON.stringify({ key: ['id'], columns: { id: 'int32', at: 'int64' }, floor: null, version: '1' })
  const letters = [raw('2', Buffer.from(JSON.stringify(drop))), refused(dmsPut(3, 3))]
  await scene.write([dmsPut(1, 1)], letters, { 'table shop.orders': fact })
  // The row is older than what the record says.
  assert.deepEqual(await scene.replay(), counts({ read: 2, applied: 1, failed: 1 }))
  assert.deepEqual(
    (await scene.letters()).map(({ code }) => code),
    ['LETTER_SCHEMA'],
  )
})

onEach('a stage that leaves a change out lets its letter go', async (t, place) => {
  const scene = new Scene(t, place)
  await scene.write([put('a', 1)], [refused(put('b', 2)), refused(put('c', 3))])
  const stages = [
    {
      admit: (item: StreamChange) =>
        item.version === '2' ? ({ kind: 'skip', reason: 'not-wanted', source: item.source } as const) : null,
    },
  ]
  assert.deepEqual(await scene.replay({ stages }), counts({ read: 2, applied: 1, skipped: 1 }))
  assert.deepEqual(await scene.letters(), [])
})

onEach('in a log each letter is one row, whatever is at it at once', async (t, place) => {
  const scene = new Scene(t, place, { mode: 'append' })
  const letters = Array.from({ length: 120 }, (_, i) => refused(put('a', i + 2, { sequence: `${i + 2}` })))
  await scene.write([put('a', 1)], letters)
  const all = await Promise.all([scene.replay(), scene.replay(), scene.replay()])
  const sequences = (await place.query('SELECT "sequence" FROM "orders"')).map(({ sequence }) => Number(sequence))
  if (place.url.startsWith('postgres')) {
    assert.equal(
      all.reduce((sum, { applied }) => sum + applied, 0),
      120,
    )
    assert.deepEqual(
      sequences.sort((a, b) => a - b),
      Array.from({ length: 121 }, (_, i) => i + 1),
    )
  }
  assert.deepEqual(await scene.letters(), [])
})

onEach('the letters of one table stay while it cannot be written, and those of others go', async (t, place) => {
  const scene = new Scene(t, place)
  await scene.write([put('a', 1), put(1, 1, { table: 'boats' })])
  const other = put('not a number', 2, { table: 'boats', key: { other: 'x' }, sequence: '2' })
  await scene.write([], [refused(other), refused(put('b', 3))])
  const result = await scene.replay()
  assert.deepEqual(result, counts({ read: 2, applied: 1, failed: 1 }))
  assert.deepEqual(await versions(place), { a: 1, b: 3 })
})

onEach('a letter with another key than its table has leaves the table as it is', async (t, place) => {
  const scene = new Scene(t, place)
  await scene.write([put('a', 1)], [refused(put(7, 2))])
  const remembered = () => place.query('SELECT "source", "keys" FROM "cdc_relay"."tables"')
  const before = await remembered()
  assert.deepEqual(await scene.replay(), counts({ read: 1, failed: 1 }))
  assert.deepEqual(
    (await scene.letters()).map(({ code }) => code),
    ['SINK_TABLE'],
  )
  assert.deepEqual(await remembered(), before)
  assert.deepEqual(await versions(place), { a: 1 })
})

onEach('a name that is not known, and other settings than the relay has, are refused', async (t, place) => {
  const scene = new Scene(t, place)
  await scene.write([put('a', 1)], [refused(put('b', 2))])
  await assert.rejects(scene.replay({ name: 'another' }), {
    code: 'CONFIGURATION',
    message: /no relay named "another"/,
  })
  await assert.rejects(scene.replay({ settings: { mode: 'append' } }), {
    code: 'STATE_DIFFERS',
    message: /--mode was mirror and is append/,
  })
  assert.equal((await scene.letters()).length, 1)
})

onEach('letters of a name that an engine has are written again, too', async (t, place) => {
  const scene = new Scene(t, place)
  const sink = scene.sink()
  await sink.open(unclaimedOf({ settings: { mode: 'mirror' } }), signal())
  await sink.prepare(batchOf({ changes: [put('a', 1)], deadLetters: [refused(put('b', 2))] }))(signal())
  assert.deepEqual(await scene.replay(), counts({ read: 1, applied: 1 }))
  assert.deepEqual(await versions(place), { a: 1, b: 2 })
})

onEach('binary keys and values come back as they were', async (t, place) => {
  const scene = new Scene(t, place)
  const blob = Binary.fromBase64Text('AAEC')
  await scene.write([put(Binary.fromBase64Text('AA=='), 1)], [refused(put(blob, 2, { data: { blob } }))])
  assert.deepEqual(await scene.replay(), counts({ read: 1, applied: 1 }))
})

async function versions({ query }: Place): Promise<Record<string, number>> {
  const view = await query('SELECT * FROM "orders"').catch(() => [])
  return Object.fromEntries(
    view
      .filter((row) => row.cdc_deleted !== true)
      .map(({ id, cdc_version }) => [String(id), Number(cdc_version)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}
