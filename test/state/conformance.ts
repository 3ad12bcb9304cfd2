import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { type TestContext, test } from 'node:test'
import type { Claim, Facts, RelayIdentity, Stored } from '../../src/batch.ts'
import { RelayError } from '../../src/errors.ts'
import { atTimestamp, type Position, type Positions, SHARD_END, TRIM_HORIZON } from '../../src/position.ts'
import type { StateStore } from '../../src/state/store.ts'
import { withoutSettings } from '../../src/state/stored.ts'
import { leftOut, WANTED_SETTING } from '../../src/wanted-tables.ts'
import { progress } from '../support/changes.ts'

/** An empty place where state can be kept: a file, a database. */
export interface StateMemory {
  /** A store over this memory as one more process would open it. The suite closes it. */
  store(): StateStore | Promise<StateStore>
  /** Copies all that is remembered; the function puts it back, as a restored backup does. No store needs to be closed for it. */
  backup(): Promise<() => Promise<void>>
  /** How much is stored, in bytes or rows. */
  size(): Promise<number>
  close(): Promise<void>
}

export interface StateAbilities {
  /** Why a name cannot be taken from a holder that lives, where that is so. */
  readonly noTakeOver?: string
  /** Why one memory holds only one relay, where that is so. */
  readonly oneName?: string
  /** Why the memory of a holder cannot be looked at, where that is so. */
  readonly noLook?: string
}

/** What every state store must do. `open` gives an empty memory. */
export function describeStateStore(
  name: string,
  open: () => Promise<StateMemory>,
  { noTakeOver, oneName, noLook }: StateAbilities = {},
): void {
  const state = (
    title: string,
    options: { skip?: string | undefined },
    run: (memory: Opened) => Promise<void>,
  ): void => {
    test(`${name}: ${title}`, { skip: options.skip ?? false }, async (t) => run(await opened(t, open)))
  }

  state('a new relay begins with its first positions, asked for once', {}, async ({ store }) => {
    const begin = new Map([
      ['shardId-000000000000', atTimestamp(1_754_300_000_000)],
      ['shardId-000000000001', { sequence: TRIM_HORIZON, arrivedAt: null, caughtUpAt: null }],
    ])
    const { claim, asked } = claimOf({ first: begin })
    const first = await store()
    assert.deepEqual(withoutSettings(await first.claim(claim, signal())), stored(begin))
    await first.close()

    assert.deepEqual(withoutSettings(await (await store()).claim(claim, signal())), stored(begin))
    assert.equal(asked(), 1)
  })

  state('moves are there after a restart, and other shards stay where they are', {}, async ({ store }) => {
    const first = await store()
    await first.claim(claimOf().claim, signal())
    assert.equal(await first.move(progress(new Map([at('a', LONG), at('b', '7'), at('c', '1')])), signal()), null)
    assert.equal(
      await first.move(
        progress(new Map([at('b', SHARD_END), ['c', { ...at('c', '2')[1], caughtUpAt: null }]])),
        signal(),
      ),
      null,
    )
    assert.equal(await first.move(progress(new Map([at('d', '0')])), signal()), null)
    await first.close()

    assert.deepEqual(
      withoutSettings(await (await store()).claim(claimOf().claim, signal())),
      stored(
        new Map([at('a', LONG), at('b', SHARD_END), ['c', { ...at('c', '2')[1], caughtUpAt: null }], at('d', '0')]),
      ),
    )
  })

  state('a shard that is only seen caught up keeps its sequence number', {}, async ({ store }) => {
    const first = await store()
    await first.claim(claimOf().claim, signal())
    await first.move(progress(new Map([['a', { sequence: '5', arrivedAt: 1_000, caughtUpAt: null }]])), signal())
    const later: Positions = new Map([['a', { sequence: '5', arrivedAt: 1_000, caughtUpAt: 1_754_300_000_123 }]])
    assert.equal(await first.move(progress(later), signal()), null)
    await first.close()
    assert.deepEqual(withoutSettings(await (await store()).claim(claimOf().claim, signal())), stored(later))
  })

  state('the same move again, after an answer was lost, is no harm', {}, async ({ store }) => {
    const first = await store()
    await first.claim(claimOf().claim, signal())
    const moves = new Map([at('a', '5')])
    assert.equal(await first.move(progress(moves), signal()), null)
    assert.equal(await first.move(progress(moves), signal()), null)
    await first.close()
    assert.deepEqual(withoutSettings(await (await store()).claim(claimOf().claim, signal())), stored(moves))
  })

  state('the positions of another pipeline are refused, and stay', {}, async ({ store }) => {
    const owner = await store()
    await owner.claim(claimOf({ relay: { start: '2026-11-01T00:00:00Z' } }).claim, signal())
    await owner.move(progress(new Map([at('a', '5')])), signal())
    await owner.close()

    const stream = RELAY.stream
    const others: readonly [Partial<RelayIdentity>, RegExp][] = [
      [{ stream: { ...stream, id: 'arn:other' } }, /arn:other/],
      [{ stream: { ...stream, created: '2026-10-10T10:10:10Z' } }, /2026-10-10T10:10:10Z/],
      [{ start: 'latest' }, /--start latest/],
      [{ settings: { mode: 'append' } }, /--mode/],
    ]
    for (const [relay, words] of others) {
      const other = await store()
      await assert.rejects(other.claim(claimOf({ relay }).claim, signal()), failure('STATE_DIFFERS', words))
      await other.close()
    }
    const again = await store()
    assert.deepEqual(withoutSettings(await again.claim(claimOf().claim, signal())), stored(new Map([at('a', '5')])))
    await again.close()
    // What a later run leaves unsaid is still what the first run said.
    const claim = claimOf({ relay: { start: 'earliest' } }).claim
    await assert.rejects(
      async () => (await store()).claim(claim, signal()),
      failure('STATE_DIFFERS', /2026-11-01T00:00:00Z/),
    )
  })

  state("what is the tables' own may change, and which tables are wanted is remembered", {}, async ({ store }) => {
    const settings = { ...RELAY.settings, include: 'a b' }
    const wanted = { include: ['a', 'b'], exclude: [] }
    const open = async (parts: Partial<Claim> & { readonly settings: RelayIdentity['settings'] }) => {
      const owner = await store()
      const { claim } = claimOf({ relay: { settings: parts.settings } })
      const { claimed } = await owner.claim({ ...claim, ...parts }, signal())
      const seen = await owner.look(RELAY.name)
      await owner.close()
      return { claimed, stored: seen!.relay.settings }
    }
    const first = await open({ settings, wanted })
    assert.deepEqual(first.stored, settings)
    assert.equal(leftOut(first.stored), null)

    const changed = { ...settings, layout: 'columns', table: 'a=c', deletes: 'soft', include: 'b' }
    const second = await open({ settings: changed, wanted: { include: ['b'], exclude: [] } })
    assert.deepEqual(second.claimed?.changed, [
      '--layout was document and is columns',
      '--include was a b and is b',
      '--table was not set and is a=c',
      '--deletes was not set and is soft',
    ])
    assert.deepEqual(second.claimed.settings, second.stored)
    const { [WANTED_SETTING]: _, ...plain } = second.stored
    assert.deepEqual(plain, changed)

    const third = await open({ settings: changed, wanted: { include: ['b'], exclude: [] } })
    assert.deepEqual([third.claimed?.changed, third.stored], [[], second.stored])
    const fourth = await open({ settings, wanted })
    const since = leftOut(fourth.stored)!
    assert.match(since({ schema: null, name: 'a' })!, /^20.*Z$/)
    assert.equal(since({ schema: null, name: 'b' }), undefined)
    const last = await open({ settings, wanted, forgetsGaps: true })
    assert.deepEqual(last.stored, settings)
  })

  state('a stream may know its older self by other means than equality', {}, async ({ store }) => {
    const first = await store()
    await first.claim(claimOf().claim, signal())
    await first.close()

    const remembered: string[] = []
    const isSameAs = (created: string): boolean => remembered.push(created) > 0
    for (const created of ['grown', 'grown more']) {
      const next = await store()
      await next.claim(claimOf({ relay: { stream: { ...RELAY.stream, created, isSameAs } } }).claim, signal())
      await next.close()
    }
    assert.deepEqual(remembered, [RELAY.stream.created, RELAY.stream.created])
  })

  state('two relays of different names do not see each other', { skip: oneName }, async ({ store }) => {
    const one = await store()
    await one.claim(claimOf({ relay: { name: 'one' } }).claim, signal())
    await one.move(progress(new Map([at('a', '5')]), learned({ a: '1' })), signal())
    await one.close()

    const two = await store()
    assert.deepEqual(
      withoutSettings(await two.claim(claimOf({ relay: { name: 'two' } }).claim, signal())),
      stored(new Map()),
    )
    await two.move(progress(new Map([at('a', '6')]), learned({ a: '2' })), signal())
    await two.close()
    const again = await store()
    assert.deepEqual(
      withoutSettings(await again.claim(claimOf({ relay: { name: 'one' } }).claim, signal())),
      stored(new Map([at('a', '5')]), learned({ a: '1' })),
    )
  })

  state('a name that is held is refused with its holder, and free once that is closed', {}, async ({ store }) => {
    const holder = await store()
    await holder.claim(claimOf().claim, signal())
    await holder.move(progress(new Map([at('a', '5')])), signal())

    const claimLate = async (): Promise<Stored> => (await store()).claim(claimOf().claim, signal())
    await assert.rejects(claimLate, failure('STATE_HELD', new RegExp(`process ${process.pid} on`)))
    assert.equal(await holder.move(progress(new Map([at('a', '6')])), signal()), null)
    await holder.close()
    assert.deepEqual(withoutSettings(await claimLate()), stored(new Map([at('a', '6')])))
  })

  state(
    'a name can be taken over, and then moves no more for the one before',
    { skip: noTakeOver },
    async ({ store }) => {
      const before = await store()
      await before.claim(claimOf().claim, signal())
      await before.move(progress(new Map([at('a', '5')])), signal())

      const after = await store()
      assert.deepEqual(
        withoutSettings(await after.claim(claimOf({ takeOver: true }).claim, signal())),
        stored(new Map([at('a', '5')])),
      )
      await assert.rejects(
        before.move(progress(new Map([at('a', '6')])), signal()),
        failure('STATE_HELD', /process \d+/),
      )
      assert.equal(await after.move(progress(new Map([at('a', '7')])), signal()), null)
      await assert.rejects(
        before.move(progress(new Map([at('a', '8')])), signal()),
        failure('STATE_HELD', /process \d+/),
      )
      await Promise.all([before.close(), after.close()])
      assert.deepEqual(
        withoutSettings(await (await store()).claim(claimOf().claim, signal())),
        stored(new Map([at('a', '7')])),
      )
    },
  )

  state('a restored backup gives its older positions once, then goes on from them', {}, async ({ store, memory }) => {
    const only = await store()
    await only.claim(claimOf().claim, signal())
    await only.move(progress(new Map([at('a', '5'), at('b', '5')])), signal())
    const restore = await memory.backup()
    await only.move(progress(new Map([at('a', '6'), at('c', '1')])), signal())
    await restore()

    const old = stored(new Map([at('a', '5'), at('b', '5')]))
    assert.deepEqual(await only.move(progress(new Map([at('a', '7')])), signal()), old)
    assert.equal(await only.move(progress(new Map([at('a', '6')])), signal()), null)
    await only.close()
    assert.deepEqual(
      withoutSettings(await (await store()).claim(claimOf().claim, signal())),
      stored(new Map([at('a', '6'), at('b', '5')])),
    )
  })

  state('a backup from before the claim is older, not another holder', {}, async ({ store, memory }) => {
    const earlier = await store()
    await earlier.claim(claimOf().claim, signal())
    await earlier.move(progress(new Map([at('a', '5')])), signal())
    await earlier.close()
    const restore = await memory.backup()

    const only = await store()
    await only.claim(claimOf().claim, signal())
    await only.move(progress(new Map([at('a', '6')])), signal())
    await restore()
    assert.deepEqual(await only.move(progress(new Map([at('a', '7')])), signal()), stored(new Map([at('a', '5')])))
    assert.equal(await only.move(progress(new Map([at('a', '6')])), signal()), null)
  })

  state('what is learned is there after a restart, the newest of each subject', {}, async ({ store }) => {
    const first = await store()
    assert.deepEqual((await first.claim(claimOf().claim, signal())).facts, NONE)
    await first.move(
      progress(new Map([at('a', '1')]), learned({ 'table shop.orders': '{"key":null}', other: 'true' })),
      signal(),
    )
    await first.move(progress(new Map([at('a', '2')])), signal())
    const news = learned({ 'table shop.orders': '{"key":["id"]}', ['__proto__']: '["\\u0000"]', '': '' })
    assert.equal(await first.move(progress(new Map([at('b', '1')]), news), signal()), null)
    await first.close()

    const all = learned({ '': '', ['__proto__']: '["\\u0000"]', other: 'true', 'table shop.orders': '{"key":["id"]}' })
    const again = await store()
    assert.deepEqual(
      withoutSettings(await again.claim(claimOf().claim, signal())),
      stored(new Map([at('a', '2'), at('b', '1')]), all),
    )
    // What an earlier run learned is not forgotten by the first move of the next.
    await again.move(progress(new Map([at('a', '3')]), learned({ other: 'false' })), signal())
    await again.close()
    assert.deepEqual(
      (await (await store()).claim(claimOf().claim, signal())).facts,
      new Map([...all, ['other', 'false']]),
    )
  })

  state('what is learned of 10,000 subjects, and without a position that moves', {}, async ({ store }) => {
    const first = await store()
    await first.claim(claimOf().claim, signal())
    const many = new Map(Array.from({ length: 10_000 }, (_, i) => [`table "s ${i}".t'ä'`, `{"key":["${i}"]}`]))
    assert.equal(await first.move(progress(new Map(), many), signal()), null)
    assert.equal(await first.move(progress(new Map(), learned({ more: '1' })), signal()), null)
    await first.close()
    assert.deepEqual(
      withoutSettings(await (await store()).claim(claimOf().claim, signal())),
      stored(new Map(), new Map([...many, ['more', '1']])),
    )
  })

  state('facts of the same move again, after an answer was lost, are no harm', {}, async ({ store }) => {
    const first = await store()
    await first.claim(claimOf().claim, signal())
    const facts = learned({ a: '1' })
    assert.equal(await first.move(progress(new Map([at('a', '5')]), facts), signal()), null)
    assert.equal(await first.move(progress(new Map([at('a', '5')]), facts), signal()), null)
    await first.close()
    assert.deepEqual(
      withoutSettings(await (await store()).claim(claimOf().claim, signal())),
      stored(new Map([at('a', '5')]), facts),
    )
  })

  state('a restored backup gives its older facts, and what was refused is not learned', {}, async (opened) => {
    const { store, memory } = opened
    const only = await store()
    await only.claim(claimOf().claim, signal())
    await only.move(progress(new Map([at('a', '5')]), learned({ a: '1', b: '1' })), signal())
    const restore = await memory.backup()
    await only.move(progress(new Map([at('a', '6')]), learned({ a: '2', c: '2' })), signal())
    await restore()

    const old = stored(new Map([at('a', '5')]), learned({ a: '1', b: '1' }))
    assert.deepEqual(await only.move(progress(new Map([at('a', '7')]), learned({ b: '3', d: '3' })), signal()), old)
    assert.equal(await only.move(progress(new Map([at('a', '6')]), learned({ c: '2' })), signal()), null)
    await only.close()
    assert.deepEqual(
      withoutSettings(await (await store()).claim(claimOf().claim, signal())),
      stored(new Map([at('a', '6')]), learned({ a: '1', b: '1', c: '2' })),
    )
  })

  state('who lost the name teaches nothing any more', { skip: noTakeOver }, async ({ store }) => {
    const before = await store()
    await before.claim(claimOf().claim, signal())
    const after = await store()
    await after.claim(claimOf({ takeOver: true }).claim, signal())
    for (const moves of [new Map([at('a', '6')]), new Map()]) {
      await assert.rejects(
        before.move(progress(moves, learned({ a: '1' })), signal()),
        failure('STATE_HELD', /process \d+/),
      )
    }
    await Promise.all([before.close(), after.close()])
    assert.deepEqual(withoutSettings(await (await store()).claim(claimOf().claim, signal())), stored(new Map()))
  })

  state('a shard that is forgotten is gone, with what moves beside it, and the others stay', {}, async ({ store }) => {
    const first = await store()
    await first.claim(claimOf().claim, signal())
    await first.move(progress(new Map([at('a', SHARD_END), at('b', '5'), at('c', SHARD_END)])), signal())
    assert.equal(await first.move(progress(new Map([at('b', '6')]), learned({ x: '1' }), ['a']), signal()), null)
    await first.close()
    const again = await store()
    const left = new Map([at('b', '6'), at('c', SHARD_END)])
    assert.deepEqual(withoutSettings(await again.claim(claimOf().claim, signal())), stored(left, learned({ x: '1' })))
    // Alone, and of a shard that was moved in an earlier run.
    assert.equal(await again.move(progress(new Map(), NONE, ['c']), signal()), null)
    await again.close()
    assert.deepEqual(
      withoutSettings(await (await store()).claim(claimOf().claim, signal())),
      stored(new Map([at('b', '6')]), learned({ x: '1' })),
    )
  })

  state('to forget again what is forgotten, or was never known, is no harm', {}, async ({ store }) => {
    const first = await store()
    await first.claim(claimOf().claim, signal())
    await first.move(progress(new Map([at('a', SHARD_END), at('b', '5')])), signal())
    for (const _ of ['once', 'again', 'after an answer was lost']) {
      assert.equal(await first.move(progress(new Map([at('b', '6')]), NONE, ['a', 'never known']), signal()), null)
    }
    assert.equal(await first.move(progress(new Map(), NONE, ['a']), signal()), null)
    await first.close()
    assert.deepEqual(
      withoutSettings(await (await store()).claim(claimOf().claim, signal())),
      stored(new Map([at('b', '6')])),
    )
  })

  state('a shard that was forgotten can be begun again', {}, async ({ store }) => {
    const first = await store()
    await first.claim(claimOf().claim, signal())
    await first.move(progress(new Map([at('a', SHARD_END)])), signal())
    await first.move(progress(new Map(), NONE, ['a']), signal())
    assert.equal(await first.move(progress(new Map([at('a', '7')])), signal()), null)
    await first.close()
    assert.deepEqual(
      withoutSettings(await (await store()).claim(claimOf().claim, signal())),
      stored(new Map([at('a', '7')])),
    )
  })

  state('who lost the name forgets nothing any more', { skip: noTakeOver }, async ({ store }) => {
    const before = await store()
    await before.claim(claimOf().claim, signal())
    const held = new Map([at('a', SHARD_END), at('b', '5')])
    await before.move(progress(held), signal())
    const after = await store()
    await after.claim(claimOf({ takeOver: true }).claim, signal())
    for (const moves of [new Map(), new Map([at('b', '6')])]) {
      await assert.rejects(before.move(progress(moves, NONE, ['a']), signal()), failure('STATE_HELD', /process \d+/))
    }
    await Promise.all([before.close(), after.close()])
    assert.deepEqual(withoutSettings(await (await store()).claim(claimOf().claim, signal())), stored(held))
  })

  state('a backup in which a shard is not read out: it is not forgotten', {}, async ({ store, memory }) => {
    const only = await store()
    await only.claim(claimOf().claim, signal())
    const old = new Map([at('a', '17'), at('b', '5')])
    await only.move(progress(old), signal())
    const restore = await memory.backup()
    await only.move(progress(new Map([at('a', SHARD_END)])), signal())
    await restore()
    assert.deepEqual(await only.move(progress(new Map(), NONE, ['a']), signal()), stored(old))
    await only.move(progress(new Map([at('a', SHARD_END)])), signal())
    assert.equal(await only.move(progress(new Map(), NONE, ['a']), signal()), null)
    await only.close()
    assert.deepEqual(
      withoutSettings(await (await store()).claim(claimOf().claim, signal())),
      stored(new Map([at('b', '5')])),
    )
  })

  state('a backup from before a shard was forgotten has it again', {}, async ({ store, memory }) => {
    const only = await store()
    await only.claim(claimOf().claim, signal())
    const old = new Map([at('a', SHARD_END), at('b', '5')])
    await only.move(progress(old), signal())
    const restore = await memory.backup()
    await only.move(progress(new Map([at('b', '6')]), NONE, ['a']), signal())
    await restore()
    assert.deepEqual(await only.move(progress(new Map([at('b', '7')])), signal()), stored(old))
    assert.equal(await only.move(progress(new Map([at('b', '6')]), NONE, ['a']), signal()), null)
    await only.close()
    assert.deepEqual(
      withoutSettings(await (await store()).claim(claimOf().claim, signal())),
      stored(new Map([at('b', '6')])),
    )
  })

  state('of 10,000 shards that come and go what is stored stays small', {}, async ({ store, memory }) => {
    const only = await store()
    await only.claim(claimOf().claim, signal())
    const generation = (n: number): string[] =>
      Array.from({ length: n < 0 || n >= 40 ? 0 : 250 }, (_, i) => `shardId-${n}-${i}`)
    const sizes: number[] = []
    for (let n = 0; n < 42; n++) {
      const moves = new Map([
        ...generation(n).map((shard) => at(shard, LONG)),
        ...generation(n - 1).map((shard) => at(shard, SHARD_END)),
        at('stays', String(n)),
      ])
      assert.equal(await only.move(progress(moves, NONE, generation(n - 2)), signal()), null)
      sizes.push(await memory.size())
    }
    await only.close()
    assert.ok(Math.max(...sizes) <= 2 * sizes[2]!, `stored: ${sizes}`)
    assert.deepEqual(
      withoutSettings(await (await store()).claim(claimOf().claim, signal())),
      stored(new Map([at('stays', '41')])),
    )
  })

  state('a look at what is not there finds nothing, and makes nothing', {}, async ({ store }) => {
    const looker = await store()
    assert.equal(await looker.look(RELAY.name), null)
    assert.equal(await looker.look(RELAY.name), null)
    await looker.close()
    const { claim, asked } = claimOf()
    assert.deepEqual(withoutSettings(await (await store()).claim(claim, signal())), stored(new Map()))
    assert.equal(asked(), 1)
  })

  state(
    'who looks sees who holds the name and what is stored, and is in the way of nobody',
    { skip: noLook },
    async (all) => {
      const holder = await all.store()
      await holder.claim(claimOf({ relay: { start: 'latest' } }).claim, signal())
      await holder.move(progress(new Map([at('a', LONG), at('b', '7')]), learned({ x: '1', '': '2' })), signal())
      const looker = await all.store()
      const look = await looker.look(RELAY.name)
      assert.deepEqual(look?.stored, stored(new Map([at('a', LONG), at('b', '7')]), learned({ x: '1', '': '2' })))
      assert.deepEqual(
        [look.relay.name, look.relay.stream.id, look.relay.stream.created, look.relay.start, look.relay.settings],
        [RELAY.name, RELAY.stream.id, RELAY.stream.created, 'latest', RELAY.settings],
      )
      assert.deepEqual([look.holder?.host, look.holder?.process, look.holder?.isAlive], [hostname(), process.pid, true])
      assert.ok(Math.abs(Date.parse(look.holder!.since) - Date.now()) < 3_600_000, look.holder!.since)
      assert.equal(await holder.move(progress(new Map([at('a', '8')]), NONE, ['b']), signal()), null)
      assert.deepEqual((await looker.look(RELAY.name))?.stored.positions, new Map([at('a', '8')]))
      await looker.close()
      assert.equal(await holder.move(progress(new Map([at('a', '9')])), signal()), null)
    },
  )

  state('who looks at a name that nobody holds sees who had it last, and claims nothing', {}, async ({ store }) => {
    const before = await store()
    await before.claim(claimOf().claim, signal())
    await before.move(progress(new Map([at('a', '5')]), learned({ x: '1' })), signal())
    await before.close()
    const looker = await store()
    const look = await looker.look(RELAY.name)
    assert.deepEqual(look?.stored, stored(new Map([at('a', '5')]), learned({ x: '1' })))
    assert.deepEqual([look.holder?.process, look.holder?.isAlive], [process.pid, false])
    assert.deepEqual(await looker.look(RELAY.name), look)
    await looker.close()
    assert.deepEqual(
      withoutSettings(await (await store()).claim(claimOf().claim, signal())),
      stored(new Map([at('a', '5')]), learned({ x: '1' })),
    )
  })

  state('of two names a look sees the one that it is asked for', { skip: oneName }, async ({ store }) => {
    const one = await store()
    await one.claim(claimOf({ relay: { name: 'one' } }).claim, signal())
    await one.move(progress(new Map([at('a', '5')])), signal())
    await one.close()
    const looker = await store()
    assert.deepEqual((await looker.look('one'))?.stored.positions, new Map([at('a', '5')]))
    assert.equal(await looker.look('two'), null)
  })

  state('can be closed twice, and before it was ever used', {}, async ({ store }) => {
    const unused = await store()
    await unused.close()
    const used = await store()
    await used.claim(claimOf().claim, signal())
    await used.close()
    await used.close()
  })
}

/** As long as they get. */
const LONG = '49'.padEnd(56, '8')

const RELAY: RelayIdentity = {
  name: 'orders',
  stream: {
    id: 'arn:aws:kinesis:eu-north-1:111122223333:stream/orders',
    created: '2026-01-01T00:00:00.000Z',
    retentionMs: 86_400_000,
  },
  start: null,
  settings: { mode: 'mirror', layout: 'document' },
}

const NONE: Facts = new Map()

const learned = (facts: Readonly<Record<string, string>>): Facts => new Map(Object.entries(facts))

const stored = (positions: Positions, facts: Facts = NONE): Stored => ({ positions, facts })

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

function at(shard: string, sequence: string): [string, Position] {
  return [shard, { sequence, arrivedAt: 1_754_300_000_000 + sequence.length, caughtUpAt: 1_754_300_000_999 }]
}

interface ClaimParts {
  readonly relay?: Partial<RelayIdentity>
  readonly first?: Positions
  readonly takeOver?: boolean
}

function claimOf({ relay = {}, first = new Map(), takeOver = false }: ClaimParts = {}): {
  claim: Claim
  asked(): number
} {
  let asked = 0
  const firstPositions = async (): Promise<Positions> => {
    asked++
    return first
  }
  const settings = { ...RELAY.settings, ...relay.settings }
  return { claim: { relay: { ...RELAY, ...relay, settings }, firstPositions, takeOver }, asked: () => asked }
}

function failure(code: RelayError['code'], words: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof RelayError, String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, words)
    return true
  }
}

interface Opened {
  readonly memory: StateMemory
  store(): Promise<StateStore>
}

/** A memory whose stores are closed at the end of the test, whatever became of it. */
async function opened(t: TestContext, open: () => Promise<StateMemory>): Promise<Opened> {
  const memory = await open()
  const stores: StateStore[] = []
  t.after(async () => {
    for (const store of stores) await store.close()
    await memory.close()
  })
  const store = async (): Promise<StateStore> => {
    const one = await memory.store()
    stores.push(one)
    return one
  }
  return { memory, store }
}
