import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { moveUnderClaim } from '../../../src/operate/positions/move.ts'
import { planOf } from '../../../src/operate/positions/plan.ts'
import type { Positions } from '../../../src/position.ts'
import { fileStateStore } from '../../../src/state/file.ts'
import type { StateStore } from '../../../src/state/store.ts'
import { at, claimOf, progress } from '../../support/changes.ts'

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

const NAME = claimOf().relay.name

test('what was looked at moves as a whole, under a claim that ends with the store', async (t) => {
  const store = await relayAt(t, at({ a: '5', b: '7' }))
  const one = store()
  const seen = (await one.look(NAME))!
  await moveUnderClaim(
    one,
    seen,
    planOf(seen.stored.positions, new Map([...at({ a: '3', c: '1' }), ['b', null]])),
    signal(),
  )
  const busy = await store().look(NAME)
  assert.deepEqual([busy?.stored.positions, busy?.holder?.isAlive], [at({ a: '3', c: '1' }), true])
  await one.close()
  assert.equal((await store().look(NAME))?.holder?.isAlive, false)
})

test('nothing moves if another process moved something since the look, or has the name', async (t) => {
  const store = await relayAt(t, at({ a: '5' }))
  const one = store()
  const seen = (await one.look(NAME))!
  const plan = planOf(seen.stored.positions, at({ a: '3' }))

  const relay = store()
  await relay.claim(claimOf(), signal())
  await assert.rejects(moveUnderClaim(one, seen, plan, signal()), { code: 'STATE_HELD' })
  await relay.move(progress(at({ a: '6' })), signal())
  await relay.close()
  await assert.rejects(moveUnderClaim(one, seen, plan, signal()), {
    code: 'STATE_HELD',
    detail: /moved the positions since/,
  })
  assert.deepEqual((await store().look(NAME))?.stored.positions, at({ a: '6' }))
})

test('a name that was removed since the look is not entered again', async (t) => {
  const store = await relayAt(t, at({ a: '5' }))
  const one = store()
  const seen = (await one.look(NAME))!
  await rm(store.path)
  const plan = planOf(seen.stored.positions, at({ a: '3' }))
  await assert.rejects(moveUnderClaim(one, seen, plan, signal()), { code: 'STATE_REMOVED' })
  assert.equal(await store().look(NAME), null)
})

test('the plan says what a move means for the records, and leaves out what stays', () => {
  const sequence = (text: string, arrivedAt: number | null = null) => ({ sequence: text, arrivedAt, caughtUpAt: null })
  const cases = [
    ['10', '9', 'reads again'],
    ['9', '10', 'skips'],
    ['9', '9', undefined],
    ['9', 'SHARD_END', 'skips'],
    ['SHARD_END', '9', 'reads again'],
    ['9', 'TRIM_HORIZON', 'reads again'],
    ['TRIM_HORIZON', '9', 'skips'],
    [undefined, '9', 'skips'],
    [undefined, 'TRIM_HORIZON', 'reads again'],
    ['9', null, 'begins again'],
    [undefined, null, undefined],
    ['AT_TIMESTAMP 5', 'AT_TIMESTAMP 4', 'reads again'],
    ['AT_TIMESTAMP 4', 'AT_TIMESTAMP 5', 'skips'],
    ['AT_TIMESTAMP 4', '9', 'reads again or skips'],
    ['nine', '9', 'reads again or skips'],
  ] as const
  for (const [from, to, effect] of cases) {
    const positions: Positions = from === undefined ? new Map() : new Map([['a', sequence(from)]])
    const [move] = planOf(positions, new Map([['a', to === null ? null : sequence(to)]]))
    assert.equal(move?.effect, effect, `${from} → ${to}`)
  }
  const [known] = planOf(new Map([['a', sequence('9', 5)]]), new Map([['a', sequence('AT_TIMESTAMP 6')]]))
  assert.equal(known?.effect, 'skips')
})

/** A state file, given up, with these positions. The stores over it are closed at the end of the test. */
async function relayAt(t: TestContext, positions: Positions): Promise<(() => StateStore) & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-move-'))
  const path = join(folder, 'state.json')
  const stores: StateStore[] = []
  t.after(async () => {
    for (const store of stores) await store.close()
    await rm(folder, { recursive: true })
  })
  const first = fileStateStore(path)
  await first.claim(claimOf(), signal())
  await first.move(progress(positions), signal())
  await first.close()
  const store = (): StateStore => {
    const one = fileStateStore(path)
    stores.push(one)
    return one
  }
  return Object.assign(store, { path })
}
