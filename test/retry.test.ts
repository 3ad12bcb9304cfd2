import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { type FailureCode, RelayError } from '../src/errors.ts'
import { type RetryObserver, retrying } from '../src/retry.ts'

// The waits are real ones, of up to minutes: time is moved on instead.
beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
afterEach(() => mock.timers.reset())

const failure = (code: FailureCode): RelayError => new RelayError(code, 'no answer')
const nobody: RetryObserver = { failed() {}, ended() {} }
const patient = { signal: new AbortController().signal, what: 'write the batch', observer: nobody }

/** Fails `times` times with `code`, then succeeds; after each failure time moves on by ten minutes. */
function failing(code: FailureCode, times: number): { work: () => Promise<string>; attempts: () => number } {
  let attempts = 0
  const work = async (): Promise<string> => {
    attempts++
    if (attempts > times) return 'written'
    setImmediate(() => mock.timers.tick(600_000))
    throw failure(code)
  }
  return { work, attempts: () => attempts }
}

test('tries until it succeeds, telling of each attempt that failed, and of the end', async () => {
  const heard: unknown[] = []
  const observer: RetryObserver = {
    failed: (work, error) => heard.push([work.what, error.code]),
    ended: (work, hasSucceeded) => heard.push([work.what, hasSucceeded]),
  }
  const options = { ...patient, observer }
  assert.equal(await retrying(failing('SINK_UNREACHABLE', 3).work, options), 'written')
  const failed = ['write the batch', 'SINK_UNREACHABLE']
  assert.deepEqual(heard.splice(0), [failed, failed, failed, ['write the batch', true]])
  await assert.rejects(retrying(failing('SINK_UNCLEAR', 6).work, options), { code: 'SINK_UNCLEAR' })
  assert.deepEqual(heard.at(-1), ['write the batch', false])
  heard.splice(0)
  await retrying(failing('SINK_BUSY', 0).work, options)
  assert.deepEqual(heard, [])
})

test('what trying again does not fix is thrown at once', async () => {
  for (const code of ['SINK_REFUSED', 'SINK_DENIED', 'SINK_LOGIN'] as const) {
    const { work, attempts } = failing(code, 1)
    await assert.rejects(retrying(work, patient), { code })
    assert.equal(attempts(), 1)
  }
  await assert.rejects(
    retrying(() => Promise.reject(new TypeError('a bug')), patient),
    TypeError,
  )
})

test('what may never pass is tried six times, and what is known to pass does not count', async () => {
  assert.equal(await retrying(failing('SINK_UNCLEAR', 5).work, patient), 'written')
  const { work, attempts } = failing('SINK_UNCLEAR', 6)
  await assert.rejects(retrying(work, patient), { code: 'SINK_UNCLEAR' })
  assert.equal(attempts(), 6)
  const busy = failing('SINK_BUSY', 10)
  const unclear = failing('SINK_UNCLEAR', 5)
  assert.equal(await retrying(() => busy.work().then(unclear.work), patient), 'written')
})

test('a login that has worked before is waited for', async () => {
  assert.equal(await retrying(failing('SINK_LOGIN', 1).work, { ...patient, hasWorked: () => true }), 'written')
})

test('a stop ends the wait between two attempts, never an attempt', async () => {
  const stopping = new AbortController()
  const finished: string[] = []
  const work = async (): Promise<void> => {
    stopping.abort()
    await new Promise((resolve) => setImmediate(resolve))
    finished.push('attempt')
    throw failure('SINK_UNREACHABLE')
  }
  await assert.rejects(retrying(work, { ...patient, signal: stopping.signal }), { name: 'AbortError' })
  assert.deepEqual(finished, ['attempt'])
})
