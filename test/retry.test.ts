import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { type FailureCode, RelayError } from '../src/errors.ts'
import { type Log, SILENT } from '../src/observe/log.ts'
import { retrying } from '../src/retry.ts'

// The waits are real ones, of up to minutes: time is moved on instead.
beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
afterEach(() => mock.timers.reset())

const failure = (code: FailureCode): RelayError => new RelayError(code, 'no answer')
const patient = { signal: new AbortController().signal, what: 'write the batch', log: SILENT }

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

test('tries until it succeeds, saying so at a falling rate', async () => {
  const said: string[] = []
  const log: Log = {
    ...SILENT,
    warn: (fields) => said.push(String((fields as { attempt: number }).attempt)),
    info: (_, message) => said.push(message),
  }
  assert.equal(await retrying(failing('SINK_UNREACHABLE', 20).work, { ...patient, log }), 'written')
  assert.deepEqual(said, ['1', '2', '4', '8', '16', 'Could write the batch again'])
})

test('what trying again does not cure is thrown at once', async () => {
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

test('a login that has worked before is waited for, in red', async () => {
  const errors: string[] = []
  const log: Log = { ...SILENT, error: (_, message) => errors.push(message) }
  assert.equal(await retrying(failing('SINK_LOGIN', 1).work, { ...patient, log, hasWorked: () => true }), 'written')
  assert.deepEqual(errors, ['Not allowed to write the batch any more; trying again, slowly'])
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
