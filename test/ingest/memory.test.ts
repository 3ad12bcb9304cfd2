import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Lease, MemoryBudget } from '../../src/ingest/memory.ts'

const { signal } = new AbortController()

/** Asks, and tells whether it was served within the turns of the event loop that follow. */
function ask(budget: MemoryBudget, bytes: number, until: AbortSignal = signal) {
  const asked = { lease: null as Lease | null, error: null as unknown }
  budget.reserve(bytes, until).then(
    (lease) => {
      asked.lease = lease
    },
    (error: unknown) => {
      asked.error = error
    },
  )
  return asked
}

test('serves while there is room, then waits for what is freed', async () => {
  const budget = new MemoryBudget(10)
  const [a, b, c] = [ask(budget, 6), ask(budget, 4), ask(budget, 1)]
  await turn()
  assert.ok(a.lease && b.lease)
  assert.equal(c.lease, null)
  b.lease.resize(3)
  await turn()
  assert.ok(c.lease)
})

test('serves in order of asking: a small wish does not overtake a large one', async () => {
  const budget = new MemoryBudget(10)
  const first = ask(budget, 8)
  await turn()
  const [large, small] = [ask(budget, 9), ask(budget, 1)]
  await turn()
  assert.equal(large.lease, null)
  assert.equal(small.lease, null)
  first.lease!.release()
  await turn()
  assert.ok(large.lease && small.lease)
})

test('a wish larger than the budget is served, alone', async () => {
  const budget = new MemoryBudget(10)
  const [one, large] = [ask(budget, 1), ask(budget, 100)]
  await turn()
  assert.equal(large.lease, null)
  one.lease!.release()
  await turn()
  assert.ok(large.lease)
  const next = ask(budget, 1)
  await turn()
  assert.equal(next.lease, null)
})

test('what turns out larger than the budget is owed: all of it must come back first', async () => {
  const budget = new MemoryBudget(10)
  const large = ask(budget, 10)
  await turn()
  large.lease!.resize(25)
  const next = ask(budget, 10)
  large.lease!.resize(1)
  await turn()
  assert.equal(next.lease, null)
  large.lease!.release()
  await turn()
  assert.ok(next.lease)
})

test('released twice counts once', async () => {
  const budget = new MemoryBudget(10)
  const [a, b] = [ask(budget, 5), ask(budget, 5)]
  await turn()
  a.lease!.release()
  a.lease!.release()
  const both = [ask(budget, 5), ask(budget, 5)]
  await turn()
  assert.deepEqual(
    both.map(({ lease }) => lease !== null),
    [true, false],
  )
  assert.ok(b.lease)
})

test('an abort ends the waiting, and those behind are served', async () => {
  const budget = new MemoryBudget(10)
  const stop = new AbortController()
  const first = ask(budget, 8)
  await turn()
  const [large, small] = [ask(budget, 9, stop.signal), ask(budget, 2)]
  await turn()
  assert.equal(small.lease, null)
  stop.abort(new Error('stopped'))
  await turn()
  assert.match(String(large.error), /stopped/)
  assert.ok(small.lease && first.lease)
})

test('after an abort nothing is served', async () => {
  const budget = new MemoryBudget(10)
  const late = ask(budget, 1, AbortSignal.abort(new Error('stopped')))
  await turn()
  assert.match(String(late.error), /stopped/)
})
