import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sqlparse } from '@cratedb/cratedb-sqlparse'
import type { Stored } from '../../../../../src/batch.ts'
import { FAILURES, RelayError } from '../../../../../src/errors.ts'
import { SILENT } from '../../../../../src/observe/log.ts'
import { connect } from '../../../../../src/sinks/sql/connect.ts'
import { cratedb } from '../../../../../src/sinks/sql/cratedb/dialect.ts'
import { byWordsOfCrate } from '../../../../../src/sinks/sql/cratedb/failures.ts'
import { crateState } from '../../../../../src/sinks/sql/cratedb/state/state.ts'
import { sqlFailure } from '../../../../../src/sinks/sql/failures.ts'
import type { StateStore } from '../../../../../src/state/store.ts'
import { advance, withoutSettings } from '../../../../../src/state/stored.ts'
import { describeStateStore } from '../../../../state/conformance.ts'
import { at, claimOf, progress } from '../../../../support/changes.ts'
import { copyTables } from '../../../../support/crate/copy-tables.ts'
import { type Crate, startCrate } from '../../../../support/crate/crate.ts'
import { testCrate } from '../../../../support/crate/real-crate.ts'
import { anySeed, type Random, seededRandom } from '../../../../support/life/random.ts'
import { volume } from '../../../../support/volume.ts'

/** A store as one more process would open it: one that goes on, as the relay does, where trying again can help. */
async function storeOn(crate: Crate): Promise<StateStore> {
  const connection = await connect(crate.url)
  const state = crateState(connection, SILENT, 25)
  return {
    claim: (claim, signal) => persistent(() => state.claim(claim, signal)),
    move: (progress, signal) =>
      persistent(async () => {
        if (await state.moveWithin(connection.db, progress)) return null
        return await state.settle(progress, signal)
      }),
    look: (name) => persistent(() => cratedb.lookAt(connection, name)),
    async close() {
      await state.close()
      await connection.close()
    },
  }
}

async function persistent<T>(work: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await work()
    } catch (error) {
      const failure = sqlFailure(error, byWordsOfCrate)
      if (!(failure instanceof RelayError) || FAILURES[failure.code].retry !== 'always' || attempts === 100)
        throw failure
    }
  }
}

describeStateStore('cratedb', async () => {
  const crate = await testCrate()
  return {
    store: () => storeOn(crate),
    backup: async () => copyTables(crate, 'cdc_relay'),
    size: async () => positionsSize(crate),
    close: crate.stop,
  }
})

const seed = anySeed()
const STEPS = volume(50, 150)

describeStateStore(`cratedb, each move in trouble (seed ${seed})`, async () => {
  const crate = await startCrate()
  const random = seededRandom(seed)
  return {
    store: async () => troubled(await storeOn(crate), crate, random),
    backup: async () => copyTables(crate, 'cdc_relay'),
    size: async () => positionsSize(crate),
    close: crate.stop,
  }
})

const positionsSize = (crate: Crate): number =>
  String(crate.query('SELECT "positions" FROM "cdc_relay"."relays"')[0]?.positions).length

/** The suite counts what a claim asks for; and who cannot give a name up leaves the next one waiting for a minute. */
function troubled(store: StateStore, { faults }: Crate, random: Random): StateStore {
  return {
    ...store,
    async move(...news) {
      faults.random({ seed: random.below(2 ** 31), share: 0.4 })
      try {
        return await store.move(...news)
      } finally {
        faults.calm()
      }
    },
  }
}

test(`cratedb: whatever goes wrong, what was moved is there, and only the last who claimed moves (seed ${seed})`, async (t) => {
  const crate = await startCrate()
  t.after(crate.stop)
  const random = seededRandom(seed)
  const opened: StateStore[] = []
  t.after(async () => {
    crate.faults.calm()
    for (const store of opened) await store.close()
  })
  let holder: StateStore | undefined
  let there: Stored = { positions: new Map(), facts: new Map() }
  const counts = { moves: 0, takeOvers: 0, rewinds: 0 }

  async function takeOver(): Promise<void> {
    const before = holder
    holder = await storeOn(crate)
    opened.push(holder)
    assert.deepEqual(sorted(await holder.claim(claimOf({}, { takeOver: true }), signal())), sorted(there))
    if (before === undefined) return
    await assert.rejects(before.move(progress(at({ a: 'lost' }), new Map([['a', 'lost']])), signal()), {
      code: 'STATE_HELD',
    })
    counts.takeOvers++
  }

  /** True if a position moved. */
  async function move(): Promise<boolean> {
    counts.moves++
    const shards = ['a', 'b', 'c'].filter(() => random.chance(0.5))
    const moves = at(Object.fromEntries(shards.map((shard) => [shard, String(counts.moves)])))
    const facts = random.chance(0.3) ? new Map([[random.pick(['x', '__proto__']), `"${counts.moves}"`]]) : new Map()
    assert.equal(await holder!.move(progress(moves, facts), signal()), null)
    there = advance(there, progress(moves, facts))
    return moves.size > 0
  }

  async function rewind(): Promise<void> {
    const older = there
    const restore = copyTables(crate, 'cdc_relay')
    while (!(await move()));
    await restore()
    there = older
    assert.deepEqual(sorted((await holder!.move(progress(at({ a: 'lost' })), signal()))!), sorted(older))
    counts.rewinds++
  }

  crate.faults.random({ seed, share: 0.25 })
  await takeOver()
  for (let step = 0; step < STEPS; step++) {
    const chance = random.below(10)
    // Each of them at least once, whatever the lot says.
    if (chance === 0 || step === 10) await takeOver()
    else if (chance === 1 || step === 20) await rewind()
    else await move()
  }
  await takeOver()
  t.diagnostic(`${JSON.stringify(counts)}; ${JSON.stringify([...crate.faults.happened])}`)
  assert.ok(counts.takeOvers > 0 && counts.rewinds > 0)
})

test('cratedb: a claim that was never given up is free once its heartbeat is a minute old, and not before', async (t) => {
  const { crate, store } = await place(t)
  const only = await store()
  await only.claim(claimOf(), signal())
  await only.close()
  const beat = (ms: number) =>
    crate.query(`UPDATE "cdc_relay"."relays" SET "owner" = 'another', "pid" = 7, "heartbeat" = ${Date.now() - ms}`)
  beat(30_000)
  const waiting = (await store()).claim(claimOf(), AbortSignal.timeout(200))
  await assert.rejects(waiting, { name: 'AbortError' })
  beat(60_000)
  assert.deepEqual((await (await store()).claim(claimOf(), signal())).facts, new Map())
})

test('cratedb: a name that was taken is not taken back, not even from one that has given it up', async (t) => {
  const { store } = await place(t)
  const before = await store()
  await before.claim(claimOf(), signal())
  const after = await store()
  await after.claim(claimOf({}, { takeOver: true }), signal())
  await after.close()
  await assert.rejects(before.move(progress(at({ a: '5' })), signal()), { code: 'STATE_HELD' })
})

test('cratedb: tokens that change although nobody wrote are taken, by moves and by heartbeats', async (t) => {
  const { crate, store } = await place(t)
  const only = await store()
  await only.claim(claimOf(), signal())
  crate.movePrimaries()
  assert.equal(await only.move(progress(at({ a: '5' })), signal()), null)
  crate.movePrimaries()
  const beats = (): unknown => crate.query('SELECT "heartbeat" FROM "cdc_relay"."relays"')[0]!.heartbeat
  const before = beats()
  while (beats() === before) await sleep(10)
  assert.equal(await only.move(progress(at({ a: '6' })), signal()), null)
})

test('cratedb: what a relay forgets when its row is deleted, facts too', async (t) => {
  const { crate, store } = await place(t)
  const first = await store()
  await first.claim(claimOf(), signal())
  await first.move(progress(at({ a: '5' }), new Map([['table orders', '1']])), signal())
  crate.query('DELETE FROM "cdc_relay"."relays"')
  await assert.rejects(first.move(progress(at({ a: '6' })), signal()), { code: 'STATE_REMOVED' })
  await first.close()
  assert.deepEqual(withoutSettings(await (await store()).claim(claimOf(), signal())), {
    positions: new Map(),
    facts: new Map(),
  })
})

test('cratedb: of facts only the newest page stays', async (t) => {
  const { crate, store } = await place(t)
  const first = await store()
  await first.claim(claimOf(), signal())
  for (const fact of ['1', '2', '3']) await first.move(progress(new Map(), new Map([['x', fact]])), signal())
  // What a crash left between the facts and the row that was to name them.
  crate.query(`INSERT INTO "cdc_relay"."lessons" ("life", "claim", "revision", "name", "lessons")
    SELECT "life", "claim", "revision" - 1, "name", 'left' FROM "cdc_relay"."lessons"`)
  assert.equal(crate.query('SELECT * FROM "cdc_relay"."lessons"').length, 2)
  await first.close()
  crate.refresh()
  assert.deepEqual((await (await store()).claim(claimOf(), signal())).facts, new Map([['x', '3']]))
  assert.equal(crate.query('SELECT * FROM "cdc_relay"."lessons"').length, 1)
})

test('cratedb: it says no more than its grammar takes, and never a transaction or REFRESH', async (t) => {
  const { crate, store } = await place(t)
  const only = await store()
  await only.claim(claimOf(), signal())
  await only.move(progress(at({ a: '5' }), new Map([['x', '1']])), signal())
  await only.close()
  assert.ok(crate.sent.length > 10)
  for (const text of crate.sent) {
    assert.deepEqual(
      sqlparse(text).map(({ exception }) => exception ?? null),
      [null],
      text,
    )
    assert.doesNotMatch(text, /^\s*(begin|start|commit|end|rollback|savepoint|release|refresh)\b/i)
  }
})

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

const sorted = ({ positions, facts }: Stored) => ({
  positions: [...positions].sort(),
  facts: [...facts].sort(),
})

async function place(t: TestContext): Promise<{ crate: Crate; store: () => Promise<StateStore> }> {
  const crate = await testCrate()
  const stores: StateStore[] = []
  t.after(async () => {
    for (const store of stores) await store.close()
    await crate.stop()
  })
  const store = async (): Promise<StateStore> => {
    const one = await storeOn(crate)
    stores.push(one)
    return one
  }
  return { crate, store }
}
