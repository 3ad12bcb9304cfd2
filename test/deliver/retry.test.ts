import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retrying } from '../../src/deliver/retry.ts'
import { RelayError } from '../../src/errors.ts'
import { type Log, SILENT } from '../../src/observe/log.ts'

const unreachable = (): RelayError => new RelayError('SINK_UNREACHABLE', 'no answer')
const patient = { signal: new AbortController().signal, what: 'write the batch', initialDelayMs: 1, maxDelayMs: 1 }

test('tries until it succeeds, saying so at a falling rate', async () => {
  const said: string[] = []
  const log: Log = {
    ...SILENT,
    warn: (fields) => said.push(String((fields as { attempt: number }).attempt)),
    info: (_, message) => said.push(message),
  }
  let attempts = 0
  const result = await retrying(
    async () => {
      attempts++
      if (attempts <= 20) throw unreachable()
      return 'written'
    },
    { ...patient, log },
  )
  assert.equal(result, 'written')
  assert.deepEqual(said, ['1', '2', '4', '8', '16', 'Could write the batch again'])
})

test('an error that trying again does not cure is thrown at once', async () => {
  for (const error of [new RelayError('SINK_LOGIN', 'refused'), new TypeError('a bug')]) {
    let attempts = 0
    const work = async (): Promise<void> => {
      attempts++
      throw error
    }
    await assert.rejects(retrying(work, { ...patient, log: SILENT }), error)
    assert.equal(attempts, 1)
  }
})

test('a stop ends the wait between two attempts, never an attempt', async () => {
  const stopping = new AbortController()
  const finished: string[] = []
  const work = async (): Promise<void> => {
    stopping.abort()
    await new Promise((resolve) => setImmediate(resolve))
    finished.push('attempt')
    throw unreachable()
  }
  const options = { ...patient, signal: stopping.signal, initialDelayMs: 1e9, maxDelayMs: 1e9, log: SILENT }
  await assert.rejects(retrying(work, options), { name: 'AbortError' })
  assert.deepEqual(finished, ['attempt'])
})
