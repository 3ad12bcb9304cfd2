import assert from 'node:assert/strict'
import { type Position, SHARD_END } from '../../../src/position.ts'
import { at, batchOf, claimOf, put } from '../../support/changes.ts'
import { rejection, totals } from './answers.ts'
import type { Suite } from './suite.ts'
import { signal } from './test-relay.ts'

/** What a sink remembers of a name that it has claimed, and what keeps others from it. */
export function describeClaimed({ sink, lacks }: Suite): void {
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

  sink('facts: the newest of a subject is there when the relay comes again, for its name alone', async (relay) => {
    await relay.learn({ 'table shop.orders': '{"key":null}', 'sends-nulls': 'true' })
    await relay.write(put('a', 1))
    await relay.learn({ 'table shop.orders': '{"key":["id"]}', ['__proto__']: '[]' })
    const { facts } = await relay.open()
    assert.deepEqual(
      [...facts].sort(([a], [b]) => (a < b ? -1 : 1)),
      [
        ['__proto__', '[]'],
        ['sends-nulls', 'true'],
        ['table shop.orders', '{"key":["id"]}'],
      ],
    )
    await relay.close()
    assert.deepEqual((await relay.open(claimOf({ name: 'second' }))).facts, new Map())
  })

  sink(
    'what is stored is looked at while batches are written, and neither is in the way of the other',
    async (relay) => {
      await relay.write(put('a', 1))
      const before = await relay.look()
      if (before === undefined) return
      assert.deepEqual(before!.stored.positions, at({ 'shard-0': '1' }))
      const [written, ...seen] = await Promise.all([
        relay.writeAll([[put('b', 2)], [put('a', 3)]]),
        ...Array.from({ length: 5 }, () => relay.look()),
      ])
      assert.deepEqual(written, [one, one])
      for (const each of seen) assert.match(each!.stored.positions.get('shard-0')!.sequence, /^[123]$/)
      const after = await relay.look()
      assert.deepEqual(after!.stored.positions, at({ 'shard-0': '3' }))
      assert.deepEqual([after!.relay.name, after!.holder?.isAlive], [before!.relay.name, true])
    },
  )

  sink(
    'two relays of one name: the second is refused, with who holds it',
    async (relay) => {
      await relay.write(put('a', 1))
      const failure = await rejection(relay.another().open(claimOf(), signal()), 'STATE_HELD')
      assert.match(failure.message, new RegExp(`process ${process.pid}\\b`))
      assert.deepEqual(await relay.write(put('a', 2)), one)
    },
    'refusesHeldName',
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
      if (lacks.isAtomic !== undefined) return
      assert.deepEqual(
        (await relay.rows('orders')).map(({ key, version }) => `${key.id}@${version}`),
        ['a@2'],
      )
    },
    'takesOver',
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
    'a target that is rewound: nothing is written, reading begins again where it stands',
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
      if (lacks.isAtomic !== undefined) return
      assert.deepEqual((await relay.rows('orders')).map(({ key, version }) => `${key.id}@${version}`).sort(), [
        'a@2',
        'b@2',
      ])
    },
    'canBeRestored',
  )

  sink(
    'a target that is rewound gives the facts that it holds, and what is not written is not learned',
    async (relay) => {
      await relay.learn({ a: '1', b: '1' })
      const putBack = await relay.backup()
      await relay.learn({ a: '2', c: '2' })
      const [late, later] = [relay.prepareFacts(new Map([['b', '3']])), relay.prepareFacts(new Map([['d', '4']]))]
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
    'canBeRestored',
  )
}
const one: [number, number] = [1, 0]
