import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Kept } from '../../src/http/kept.ts'

test('it is learned once at a time, and what fails leaves what was known', async () => {
  const answers = [Promise.withResolvers<number>(), Promise.withResolvers<number>()]
  let asked = 0
  const kept = new Kept(() => answers[asked++]!.promise)
  assert.equal(kept.known(0), null)
  const fresh = [kept.fresh(60_000), kept.fresh(60_000)]
  assert.equal(asked, 1)
  answers[0]!.resolve(7)
  assert.deepEqual(await Promise.all(fresh), [7, 7])
  const again = kept.fresh(60_000)
  assert.equal(asked, 2)
  answers[1]!.reject(new Error('away'))
  assert.equal(await again, 7)
  assert.equal(kept.known(60_000), 7)
  assert.equal(asked, 2)
})

test('who waits for long enough gets what is known', async () => {
  let asked = 0
  const kept = new Kept(() => (asked++ === 0 ? Promise.resolve(1) : new Promise<number>(() => {})))
  assert.equal(await kept.fresh(60_000), 1)
  assert.equal(await kept.fresh(1), 1)
  assert.equal(await new Kept<number>(() => new Promise(() => {})).fresh(1), null)
})

test('what is known is learned again only after a while, and after a hundred times what it took', async () => {
  let asked = 0
  const kept = new Kept(async () => ++asked)
  kept.known(60_000)
  await nextTurn()
  assert.equal(kept.known(60_000), 1)
  assert.equal(asked, 1)
})
