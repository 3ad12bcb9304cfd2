import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  Binary,
  type Change,
  type DeadLetter,
  Numeric,
  type Row,
  recordToJson,
  type StreamChange,
  type TableName,
  tableLabel,
  toJson,
} from '../../src/change.ts'
import type { Facts, Claim, Stored, Batch, Rewound, Written } from '../../src/batch.ts'
import { type FailureCode, RelayError } from '../../src/errors.ts'
import { type Position, SHARD_END } from '../../src/position.ts'
import type { Sink } from '../../src/sinks/sink.ts'
import { at, batchOf, canonicalJson, claimOf, createTable, del, dropTable, put, row } from '../support/changes.ts'

/** An empty place where a sink writes: a database, a folder, the memory. */
export interface SinkTarget {
  /** One more sink over this target, as another process would open it. The suite closes it. */
  sink(mode: 'mirror' | 'append'): Sink
  /** The rows that live in the mirror of a source table, in any order. No sink is open then. */
  rows(table: TableName): Promise<MirrorRow[]>
  /** What append mode wrote of a source table, in order, each as the JSON of the change record. No sink is open then. */
  log(table: TableName): Promise<string[]>
  /** Code and detail, and the bytes or the change, of each dead letter. No sink is open then. */
  deadLetters(): Promise<Pick<DeadLetter, 'code' | 'detail' | 'raw'>[]>
  /** Copies everything; the function puts it back, as a restored backup does, while sinks are open. */
  backup?(): Promise<() => Promise<void>>
  /** Lets go of what reading needed, before a sink is opened again. */
  release?(): Promise<void>
  close(): Promise<void>
}

export interface MirrorRow {
  /** Column → value as the target prints it; bytes as `\x` and hexadecimal digits. */
  readonly key: Readonly<Record<string, string>>
  /** JSON. */
  readonly data: string
  readonly version: string
}

export interface SinkAbilities {
  /** Why a name cannot be taken from a holder that lives, where that is so. */
  readonly noTakeOver?: string
  /** Why it is not tried whether a name is held, where that takes long and another run of the suite tries it. */
  readonly slowRefusal?: string
  /** Why nothing can be put back under an open sink, where that is so. */
  readonly noBackup?: string
  /** Why a batch that fails can leave some of it behind, where that is so. */
  readonly noTransactions?: string
  /** Why an attribute that is null cannot be told from one that is absent, where that is so. Inside of a value it can. */
  readonly noNulls?: string
  /** Why the log has no order, where that is so. */
  readonly noOrder?: string
  /** Why the target cannot tell that it holds something newer, where that is so: such changes count as applied. */
  readonly cannotTellSuperseded?: string
  /** Where the target says which names it gives columns: attribute → column. */
  readonly columnOf?: (attribute: string) => string
  /** How a key of bytes is printed; `\\x` and hexadecimal digits if absent. */
  readonly bytesText?: (bytes: Uint8Array) => string
}

/** What every sink must do that keeps rows apart by key. `open` gives an empty target. */
export function describeSink(name: string, open: () => Promise<SinkTarget>, abilities: SinkAbilities = {}): void {
  const {
    noTakeOver,
    slowRefusal,
    noBackup,
    noNulls,
    noOrder,
    cannotTellSuperseded,
    columnOf = (attribute) => attribute,
    bytesText = hex,
    noTransactions,
  } = abilities
  /** Applied and superseded, as far as the target tells them apart. */
  const told = ([applied, superseded]: readonly [number, number]): number[] =>
    cannotTellSuperseded === undefined ? [applied, superseded] : [applied + superseded]
  /** The row as the target gives it back. */
  const kept = (row: Row): string => canonicalJson(toJson(noNulls === undefined ? row : withoutNulls(row)))
  const sink = (title: string, run: (relay: TestRelay) => Promise<void>, skip?: string): void => {
    test(`${name}: ${title}`, { skip: skip ?? false }, async (t) => run(await testRelay(t, open)))
  }

  const histories: readonly { title: string; batches: Change[][]; rows: string[]; counts: [number, number][] }[] = [
    { title: 'inserts', batches: [[put('a', 1), put('b', 2)]], rows: ['a@1', 'b@2'], counts: [[2, 0]] },
    { title: 'a newer image', batches: [[put('a', 1)], [put('a', 2)]], rows: ['a@2'], counts: [one, one] },
    { title: 'a newer image in one batch', batches: [[put('a', 1), put('a', 2)]], rows: ['a@2'], counts: [[1, 1]] },
    { title: 'a late older image', batches: [[put('a', 2)], [put('a', 1)]], rows: ['a@2'], counts: [one, none] },
    {
      title: 'a late older image in one batch',
      batches: [[put('a', 2), put('a', 1)]],
      rows: ['a@2'],
      counts: [[1, 1]],
    },
    { title: 'a delete', batches: [[put('a', 1), put('b', 1)], [del('a', 2)]], rows: ['b@1'], counts: [[2, 0], one] },
    { title: 'a delete in one batch', batches: [[put('a', 1), del('a', 2)]], rows: [], counts: [[1, 1]] },
    { title: 'a delete of a row never seen', batches: [[del('a', 2)]], rows: [], counts: [one] },
    { title: 'an image older than the delete', batches: [[del('a', 2)], [put('a', 1)]], rows: [], counts: [one, none] },
    {
      title: 'an image older than the delete of its row',
      batches: [[put('a', 1)], [del('a', 3)], [put('a', 2)]],
      rows: [],
      counts: [one, one, none],
    },
    {
      title: 'an older image after its delete in one batch',
      batches: [[del('a', 2), put('a', 1)]],
      rows: [],
      counts: [[1, 1]],
    },
    { title: 'a late older delete', batches: [[put('a', 2)], [del('a', 1)]], rows: ['a@2'], counts: [one, none] },
    { title: 'a row inserted again', batches: [[del('a', 2)], [put('a', 3)]], rows: ['a@3'], counts: [one, one] },
    {
      title: 'late deletes of a row inserted again',
      batches: [[put('a', 1)], [del('a', 3)], [put('a', 5)], [del('a', 3), del('a', 4)]],
      rows: ['a@5'],
      counts: [one, one, one, [0, 2]],
    },
    {
      title: 'a row deleted, inserted and deleted again',
      batches: [[del('a', 3)], [put('a', 5)], [del('a', 7)], [put('a', 6)]],
      rows: [],
      counts: [one, one, one, none],
    },
    {
      title: 'a delete older than another delete',
      batches: [[del('a', 5)], [del('a', 3)], [put('a', 4)]],
      rows: [],
      counts: [one, none, none],
    },
    {
      title: 'equal versions, the later arrival wins',
      batches: [[put('a', 1, { data: { n: 'first' } })], [put('a', 1, { data: { n: 'second' } })]],
      rows: ['a@1 second'],
      counts: [one, one],
    },
    {
      title: 'equal versions in one batch, the later arrival wins',
      batches: [[put('a', 1, { data: { n: 'first' } }), put('a', 1, { data: { n: 'second' } })]],
      rows: ['a@1 second'],
      counts: [[1, 1]],
    },
    { title: 'a delete as old as its row', batches: [[put('a', 1)], [del('a', 1)]], rows: [], counts: [one, one] },
    {
      title: 'an image as old as the delete',
      batches: [[del('a', 1)], [put('a', 1)]],
      rows: ['a@1'],
      counts: [one, one],
    },
    {
      title: 'a delete as old as its row and as an earlier delete',
      batches: [[del('a', 1)], [put('a', 1)], [del('a', 1)]],
      rows: [],
      counts: [one, one, one],
    },
    {
      title: 'the same batch twice',
      batches: [
        [put('a', 1), del('b', 1)],
        [put('a', 1), del('b', 1)],
      ],
      rows: ['a@1'],
      counts: [
        [2, 0],
        [2, 0],
      ],
    },
    { title: 'no change at all', batches: [[put('a', 1)], []], rows: ['a@1'], counts: [one, [0, 0]] },
  ]
  // All in one target, each in a table of its own: opening some targets takes long.
  test(`${name}: histories`, async (t) => {
    const relay = await testRelay(t, open)
    const counted: [number, number][][] = []
    for (const [i, { batches }] of histories.entries()) {
      const moved = batches.map((changes) => changes.map((change) => ({ ...change, table: historyTable(i) })))
      counted.push(await relay.writeAll(moved))
    }
    for (const [i, { title, rows, counts }] of histories.entries()) {
      const found = (await relay.rows(historyTable(i))).map(({ key, data, version }) => {
        const { n } = JSON.parse(data) as { n?: string }
        return `${key.id}@${version}${n === undefined ? '' : ` ${n}`}`
      })
      await t.test(title, () => {
        assert.deepEqual(found.sort(), rows)
        assert.deepEqual(counted[i]!.map(told), counts.map(told))
      })
    }
  })

  sink('the whole image replaces the row', async (relay) => {
    await relay.write(put('a', 1, { data: { gone: 1, kept: null, nested: { list: [1, 'x', null, { deep: true }] } } }))
    const after = row({ id: 'a', kept: null, nested: { list: [null] } })
    await relay.write({ ...put('a', 2), after })
    assert.deepEqual(await relay.rows('orders'), [{ key: { id: 'a' }, data: kept(after), version: '2' }])
  })

  sink('what the stream carries survives: digits, bytes, odd text, odd names', async (relay) => {
    const data = {
      big: new Numeric('12345678901234567890123456789012345678'),
      small: new Numeric('-0.00000000000000000000000000000000000001'),
      bytes: Binary.from([0, 1, 254, 255]) as Binary,
      text: `quote " backslash \\ tab \t line \n \u2028 ${String.fromCodePoint(0x1f600)} \u0001`,
      'a.b "c" $1 ? :x': [new Numeric('9007199254740993'), 0.1, -5, ''],
      __proto__x: 1,
    }
    const after = row({ ...data, ['__proto__']: 'own', id: 'a' })
    await relay.write({ ...put('a', 1), after })
    assert.deepEqual(await relay.rows('orders'), [
      { key: { id: 'a' }, data: canonicalJson(JSON.stringify(after)), version: '1' },
    ])
  })

  sink('keys are told apart exactly as the source tells them apart', async (relay) => {
    const pair = (a: string, b: string): Change => put(null, 1, { table: 'pairs', key: { a, b } })
    const counts = await relay.writeAll([
      [put('A', 1), put('a', 1), put('a ', 1), put('á', 1), put('', 1)],
      [pair('a', 'bc'), pair('ab', 'c'), pair('1:a', 'b'), pair('1', ':ab')],
      [
        put(1, 1, { table: 'numbers', data: {} }),
        put(new Numeric('1'), 2, { table: 'numbers', data: {} }),
        put(1e21, 1, { table: 'numbers', data: {} }),
        put(new Numeric('1000000000000000000000'), 2, { table: 'numbers', data: {} }),
        put(new Numeric('0.1234567890123456789012345678'), 1, { table: 'numbers', data: {} }),
        put(-1e-7, 1, { table: 'numbers', data: {} }),
      ],
      [put(bytes(1, 2), 1, { table: 'blobs', data: {} }), put(bytes(1, 2), 2, { table: 'blobs', data: {} })],
    ])
    assert.deepEqual(counts, [
      [5, 0],
      [4, 0],
      [4, 2],
      [1, 1],
    ])
    const keys = async (table: string): Promise<string[]> =>
      (await relay.rows(table)).map(({ key, version }) => `${Object.values(key).join('|')}@${version}`).sort()
    assert.deepEqual(await keys('orders'), ['@1', 'A@1', 'a @1', 'a@1', 'á@1'])
    assert.deepEqual(await keys('pairs'), ['1:a|b@1', '1|:ab@1', 'ab|c@1', 'a|bc@1'].sort())
    assert.deepEqual(await keys('numbers'), [
      '-0.0000001@1',
      '0.1234567890123456789012345678@1',
      '1000000000000000000000@2',
      '1@2',
    ])
    assert.deepEqual(await keys('blobs'), [`${bytesText(bytes(1, 2))}@2`])
  })

  sink('deletes of number and binary keys', async (relay) => {
    await relay.writeAll([
      [put(new Numeric('1.5'), 1, { table: 'numbers' }), put(bytes(7), 1, { table: 'blobs' })],
      [del(1.5, 3, { table: 'numbers' }), del(bytes(7), 3, { table: 'blobs' })],
      [put(1.5, 2, { table: 'numbers' }), put(bytes(7), 2, { table: 'blobs' })],
    ])
    assert.deepEqual(await relay.rows('numbers'), [])
    assert.deepEqual(await relay.rows('blobs'), [])
  })

  sink('several tables with odd names, and odd key attributes', async (relay) => {
    const long = 'ä'.repeat(40)
    const tables = ['Orders', 'orders', 'a.b', 'q"uo\'te', '__proto__', 'select', ' ', `${long}1`, `${long}2`]
    const attributes = ['Id', 'a.b', 'q"uote', '__proto__', 'data', 'cdc_version', 'ctid', 'key', `${long}x`]
    const changes = tables.map((table, i) =>
      put(null, i + 1, { table, key: { [attributes[i]!]: `key ${i}` }, data: { table } }),
    )
    assert.deepEqual(await relay.write(...changes), [tables.length, 0])
    const late = changes.map((change) => ({ ...change, op: 'delete' as const, after: null, version: '1' }))
    assert.deepEqual(told(await relay.write(...late)), told([1, tables.length - 1]))
    assert.deepEqual(await relay.rows(tables[0]!), [])
    for (const [i, table] of tables.entries()) {
      if (i === 0) continue
      const { key, after } = changes[i]!
      const expected = { [columnOf(Object.keys(key!)[0]!)]: `key ${i}` }
      assert.deepEqual(
        await relay.rows(table),
        [
          {
            key: Object.assign(Object.create(null), expected),
            data: canonicalJson(JSON.stringify(after)),
            version: `${i + 1}`,
          },
        ].map(plain),
        table,
      )
    }
  })

  sink('a table of a schema of its source', async (relay) => {
    await relay.write(put('a', 1, { table: { schema: 'shop', name: 'orders' } }), put('b', 1))
    assert.deepEqual(
      (await relay.rows({ schema: 'shop', name: 'orders' })).map(({ key }) => key.id),
      ['a'],
    )
    assert.deepEqual(
      (await relay.rows('orders')).map(({ key }) => key.id),
      ['b'],
    )
  })

  sink('many rows in one batch, and again', async (relay) => {
    const ids = Array.from({ length: 3000 }, (_, i) => `id-${i}`)
    assert.deepEqual(await relay.write(...ids.map((id) => put(id, 2))), [3000, 0])
    const changes = ids.map((id, i) => (i % 3 === 0 ? put(id, 1) : i % 3 === 1 ? put(id, 3) : del(id, 3)))
    assert.deepEqual(told(await relay.write(...changes)), told([2000, 1000]))
    assert.equal((await relay.rows('orders')).length, 2000)
  })

  sink('positions: begun, moved, ended, remembered; and moved without a change', async (relay) => {
    const first = at({ 'shard-0': 'AT_TIMESTAMP 1754300000000' })
    let asked = 0
    const claim = claimOf(
      {},
      {
        async firstPositions() {
          asked++
          return first
        },
      },
    )
    assert.deepEqual((await relay.open(claim)).positions, first)
    await relay.batch({ changes: [put('a', 1)], positions: at({ 'shard-0': '1', 'shard-1': '5' }) })
    const last: [string, Position][] = [
      ['shard-0', { sequence: SHARD_END, arrivedAt: 1_754_300_000_123, caughtUpAt: null }],
      ['shard-2', { sequence: '9'.repeat(56), arrivedAt: null, caughtUpAt: 1_754_300_000_999 }],
    ]
    await relay.batch({ changes: [], positions: new Map(last) })
    assert.deepEqual((await relay.open(claim)).positions, new Map([...at({ 'shard-1': '5' }), ...last]))
    assert.equal(asked, 1)
  })

  sink('lessons: the newest of a subject is there when the relay comes again, for its name alone', async (relay) => {
    await relay.learn({ 'table shop.orders': '{"key":null}', 'sends-nulls': 'true' })
    await relay.write(put('a', 1))
    await relay.learn({ 'table shop.orders': '{"key":["id"]}', ['__proto__']: '[]' })
    const { facts: lessons } = await relay.open()
    assert.deepEqual(
      [...lessons].sort(([a], [b]) => (a < b ? -1 : 1)),
      [
        ['__proto__', '[]'],
        ['sends-nulls', 'true'],
        ['table shop.orders', '{"key":["id"]}'],
      ],
    )
    await relay.close()
    assert.deepEqual((await relay.open(claimOf({ name: 'second' }))).facts, new Map())
  })

  sink('schema changes are counted as applied of their table', async (relay) => {
    assert.deepEqual(await relay.write(createTable({ id: 'text', at: 'int64' }, 1)), one)
    const table = { schema: 'shop', name: 'orders' }
    assert.deepEqual(await relay.write(put('a', 2, { table }), createTable({ id: 'text' }, 1), put('b', 2)), [3, 0])
    assert.deepEqual(await relay.write(dropTable(1)), one)
    assert.deepEqual(
      (await relay.rows(table)).map(({ key }) => key.id),
      ['a'],
    )
  })

  sink('dead letters are kept with the batch', async (relay) => {
    const source = { format: 'unknown', stream: 'changes', shard: 'shard-0', sequence: '1' } as const
    const raw = new Uint8Array([0, 255, 10])
    const letters: DeadLetter[] = [
      { kind: 'dead-letter', code: 'DECODE_NOT_TEXT', detail: 'not text', raw, source },
      { kind: 'dead-letter', code: 'TEXT_NUL', detail: 'a name "\0" and \ud800 \\u0000', raw, source },
      { kind: 'dead-letter', code: 'SINK_REFUSED', detail: 'too long', change: put('a\0', 1), source },
    ]
    await relay.batch({ changes: [], deadLetters: letters, positions: at({ 'shard-0': '1' }) })
    const found = await relay.deadLetters()
    assert.deepEqual(
      found.map(({ code, raw }) => ({ code, raw: raw === undefined ? null : [...raw] })),
      [
        { code: 'DECODE_NOT_TEXT', raw: [...raw] },
        { code: 'TEXT_NUL', raw: [...raw] },
        { code: 'SINK_REFUSED', raw: null },
      ],
    )
  })

  const atomic = (title: string, run: (relay: TestRelay) => Promise<void>): void => sink(title, run, noTransactions)
  atomic('a batch that is refused leaves nothing behind, and the next one is written', async (relay) => {
    if (!(await relay.refusesNul())) return
    await relay.write(put('a', 1))
    const failed = relay.write(put('b', 2), put('c', 2, { data: { secret: 'hunter2 \0' } }))
    const failure = await rejection(failed, 'SINK_REFUSED')
    assert.match(failure.message, /tables orders, changes 2, shards shard-0 from 2 to 2/)
    assert.doesNotMatch(`${failure.message} ${failure.stack} ${String(failure.cause)}`, /hunter2/)
    assert.deepEqual(await relay.write(put('d', 2)), one)
    assert.deepEqual((await relay.rows('orders')).map(({ key }) => key.id).sort(), ['a', 'd'])
  })

  sink(
    'two relays of one name: the second is refused and told who holds it',
    async (relay) => {
      await relay.write(put('a', 1))
      const failure = await rejection(relay.another().open(claimOf(), signal()), 'STATE_HELD')
      assert.match(failure.message, new RegExp(`process ${process.pid}\\b`))
      assert.deepEqual(await relay.write(put('a', 2)), one)
    },
    slowRefusal,
  )

  sink(
    'a name taken over: the one before stops at its next batch, and nothing of it is written',
    async (relay) => {
      await relay.write(put('a', 1))
      const other = relay.another()
      assert.deepEqual([...(await other.open(claimOf({}, { takeOver: true }), signal())).positions.keys()], ['shard-0'])
      const failure = await rejection(relay.write(put('b', 9)), 'STATE_HELD')
      assert.match(failure.message, new RegExp(`process ${process.pid}\\b`))
      const write = other.prepare(batchOf({ changes: [put('a', 2)], positions: at({ 'shard-1': '1' }) }))
      const written = await write(signal())
      assert.deepEqual(totals(written), one)
      await rejection(relay.write(put('b', 10)), 'STATE_HELD')
      await other.close()
      if (noTransactions !== undefined) return
      assert.deepEqual(
        (await relay.rows('orders')).map(({ key, version }) => `${key.id}@${version}`),
        ['a@2'],
      )
    },
    noTakeOver,
  )

  sink('two relays of different names do not see each other', async (relay) => {
    await relay.write(put('a', 1))
    await relay.close()
    assert.deepEqual((await relay.open(claimOf({ name: 'second' }))).positions, new Map())
    assert.deepEqual(await relay.write(put('a', 1, { table: 'others' })), one)
  })

  sink('what belongs to another pipeline is refused', async (relay) => {
    await relay.write(put('a', 1))
    await relay.close()
    const failure = await rejection(relay.open(claimOf({ settings: { mode: 'append' } })), 'STATE_DIFFERS')
    assert.match(failure.message, /--mode was mirror and is append/)
  })

  sink(
    'a target that is set back: nothing is written, reading begins again where it stands',
    async (relay) => {
      await relay.write(put('a', 1))
      const putBack = await relay.backup()
      await relay.write(put('a', 2), put('b', 2))
      const [late, later] = [relay.prepare(put('c', 3)), relay.prepare(put('d', 4))]
      await putBack()
      const expected = { kind: 'rewound', positions: at({ 'shard-0': '1' }), facts: new Map() }
      assert.deepEqual(await late(signal()), expected)
      // It was prepared before, from records that are now read again.
      assert.deepEqual(await later(signal()), expected)
      relay.standsAt(1)
      assert.deepEqual(await relay.write(put('a', 2), put('b', 2)), [2, 0])
      if (noTransactions !== undefined) return
      assert.deepEqual((await relay.rows('orders')).map(({ key, version }) => `${key.id}@${version}`).sort(), [
        'a@2',
        'b@2',
      ])
    },
    noBackup,
  )

  sink(
    'a target that is set back gives the lessons that it holds, and what is not written is not learned',
    async (relay) => {
      await relay.learn({ a: '1', b: '1' })
      const putBack = await relay.backup()
      await relay.learn({ a: '2', c: '2' })
      const [late, later] = [relay.prepareLessons(new Map([['b', '3']])), relay.prepareLessons(new Map([['d', '4']]))]
      await putBack()
      const held = new Map([
        ['a', '1'],
        ['b', '1'],
      ])
      const expected = { kind: 'rewound', positions: at({ 'shard-0': '1' }), facts: held }
      assert.deepEqual(await late(signal()), expected)
      assert.deepEqual(await later(signal()), expected)
      assert.deepEqual((await relay.open()).facts, held)
    },
    noBackup,
  )

  sink('the next batch is prepared while one is written', async (relay) => {
    await relay.write(put('a', 1))
    const first = relay.prepare(put('a', 2), put('b', 2))
    const writing = first(signal())
    const second = relay.prepare(put('a', 3), del('b', 3), put('new', 1, { table: 'others' }))
    assert.deepEqual(totals(await writing), [2, 0])
    assert.deepEqual(totals(await second(signal())), [3, 0])
    assert.deepEqual(
      (await relay.rows('orders')).map(({ key, version }) => `${key.id}@${version}`),
      ['a@3'],
    )
  })

  sink('closing waits for a write, twice is fine, and so is closing what was never opened', async (relay) => {
    await relay.another().close()
    await relay.write(put('a', 1))
    const writing = relay.prepare(put('b', 1))(signal())
    await Promise.all([relay.close(), relay.close()])
    assert.deepEqual(totals(await writing), one)
    assert.equal((await relay.rows('orders')).length, 2)
  })

  const append = (title: string, run: (relay: TestRelay) => Promise<void>): void => {
    test(`${name}, append: ${title}`, async (t) => run(await testRelay(t, open, 'append')))
  }

  append('every change is a row, whatever its key and version, with all its fields', async (relay) => {
    const full: Change = {
      ...put('a', 1_720_742_302_233_719, { sequence: '77', before: row({ id: 'a', n: 1 }) }),
      op: 'update',
      time: '2024-07-11T23:58:22.233719Z',
      transaction: { id: 't1', record: '2', commitTime: '2024-07-11T23:58:22Z', position: null },
      source: {
        format: 'dynamodb',
        stream: 'changes',
        shard: 'shard-0',
        sequence: '77',
        subSequence: 3,
        eventId: 'e-1',
      },
    }
    const expired: Change = { ...del('b', 2), expired: true }
    const changes = [
      full,
      put('a', 1),
      put('a', 1, { sequence: '78' }),
      expired,
      put(null, 4, { key: { n: new Numeric('1'), b: bytes(1) } }),
    ]
    assert.deepEqual(await relay.writeAll([changes.slice(0, 2), changes.slice(2)]), [
      [2, 0],
      [3, 0],
    ])
    const inOrder = (log: string[]): string[] => (noOrder === undefined ? log : log.sort())
    assert.deepEqual(
      inOrder(await relay.log('orders')),
      inOrder(changes.map((change) => canonicalJson(recordToJson(change)))),
    )
  })

  append('schema changes are in the books, and are no rows', async (relay) => {
    const table = { schema: 'shop', name: 'orders' }
    await relay.write(createTable({ id: 'text' }, 1), put('a', 1, { table }), dropTable(2))
    assert.equal((await relay.log(table)).length, 1)
  })

  append('several tables', async (relay) => {
    assert.deepEqual(await relay.write(put('a', 1), put('b', 1, { table: 'others' }), put('c', 2)), [3, 0])
    assert.deepEqual((await relay.log('others')).length, 1)
  })
}

const withoutNulls = (all: Row): Row =>
  row(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)))
const historyTable = (i: number): TableName => ({ schema: null, name: `history-${i}` })
const one: [number, number] = [1, 0]
const none: [number, number] = [0, 1]
const hex = (bytes: Uint8Array): string => `\\x${Buffer.from(bytes).toString('hex')}`
const bytes = (...values: number[]): Binary => Binary.from(values) as Binary
const signal = (): AbortSignal => AbortSignal.timeout(30_000)
const tableName = (table: string | TableName): TableName =>
  typeof table === 'string' ? { schema: null, name: table } : table
const plain = (row: MirrorRow): MirrorRow => ({ ...row, key: { ...row.key } })

/** Applied and superseded of all tables. */
export function totals(written: Written | Rewound): [applied: number, superseded: number] {
  assert.ok(written.kind === 'written', 'the target was set back')
  const counts = [...written.tables.values()]
  return [
    counts.reduce((sum, { applied }) => sum + applied, 0),
    counts.reduce((sum, { superseded }) => sum + superseded, 0),
  ]
}

/** How many changes the answer tells the end of. */
export function accounted(written: Written): number {
  const [applied, superseded] = totals(written)
  const skipped = [...(written.skips?.values() ?? [])].reduce((sum, count) => sum + count, 0)
  return applied + superseded + skipped + (written.deadLettered ?? 0)
}

export async function rejection(work: Promise<unknown>, code: FailureCode): Promise<RelayError> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.ok(error instanceof RelayError, `rejects with ${code}, not ${String(error)}`)
  assert.equal(error.code, code, error.message)
  return error
}

/** A relay of the test: one sink at a time, opened when needed, whose shard 0 moves by one with every batch. */
class TestRelay {
  readonly #target: SinkTarget
  readonly #mode: 'mirror' | 'append'
  readonly #sinks: Sink[] = []
  #sink: Sink | undefined
  #claim: Claim = claimOf()
  #position = 0

  constructor(target: SinkTarget, mode: 'mirror' | 'append') {
    this.#target = target
    this.#mode = mode
  }

  /** A sink of its own. */
  another(): Sink {
    const sink = this.#target.sink(this.#mode)
    this.#sinks.push(sink)
    return sink
  }

  async open(claim: Claim = this.#claim): Promise<Stored> {
    await this.close()
    this.#claim = claim
    await this.#target.release?.()
    const sink = this.another()
    const stored = await sink.open(claim, signal())
    this.#sink = sink
    return stored
  }

  async #opened(): Promise<Sink> {
    if (this.#sink === undefined) await this.open()
    return this.#sink!
  }

  async refusesNul(): Promise<boolean> {
    return (await this.#opened()).refusesNul
  }

  /** The sink must be open. */
  prepare(...changes: StreamChange[]) {
    return this.#prepare({ changes })
  }

  /** The sink must be open. A batch without a change. */
  prepareLessons(lessons: Facts) {
    return this.#prepare({ facts: lessons })
  }

  #prepare(parts: Partial<Batch>) {
    return this.#sink!.prepare(batchOf({ ...parts, positions: at({ 'shard-0': `${++this.#position}` }) }))
  }

  async batch(parts: Partial<Batch>): Promise<[number, number]> {
    return totals(await (await this.#opened()).prepare(batchOf(parts))(signal()))
  }

  async learn(lessons: Readonly<Record<string, string>>): Promise<void> {
    await this.#opened()
    totals(await this.prepareLessons(new Map(Object.entries(lessons)))(signal()))
  }

  async write(...changes: StreamChange[]): Promise<[number, number]> {
    await this.#opened()
    const written = await this.prepare(...changes)(signal())
    const labels = new Set(changes.map(({ table }) => tableLabel(table)))
    if (written.kind === 'written') {
      assert.deepEqual(new Set(written.tables.keys()), labels)
      assert.equal(accounted(written), changes.length, 'the books add up')
    }
    return totals(written)
  }

  async writeAll(batches: readonly StreamChange[][]): Promise<[number, number][]> {
    const counts: [number, number][] = []
    for (const changes of batches) counts.push(await this.write(...changes))
    return counts
  }

  /** Where the target stands after it was set back. */
  standsAt(position: number): void {
    this.#position = position
  }

  async backup(): Promise<() => Promise<void>> {
    return await this.#target.backup!()
  }

  async rows(table: string | TableName): Promise<MirrorRow[]> {
    await this.close()
    const rows = await this.#target.rows(tableName(table))
    return rows.map((row) => plain({ ...row, data: canonicalJson(row.data) }))
  }

  async log(table: string | TableName): Promise<string[]> {
    await this.close()
    return (await this.#target.log(tableName(table))).map(canonicalJson)
  }

  async deadLetters(): Promise<Pick<DeadLetter, 'code' | 'detail' | 'raw'>[]> {
    await this.close()
    return await this.#target.deadLetters()
  }

  async close(): Promise<void> {
    const sink = this.#sink
    this.#sink = undefined
    await sink?.close()
  }

  async end(): Promise<void> {
    await this.close()
    for (const sink of this.#sinks) await sink.close()
    await this.#target.close()
  }
}

async function testRelay(t: TestContext, open: () => Promise<SinkTarget>, mode: 'mirror' | 'append' = 'mirror') {
  const relay = new TestRelay(await open(), mode)
  t.after(() => relay.end())
  return relay
}
