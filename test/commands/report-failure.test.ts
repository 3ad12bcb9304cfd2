import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { reportFailure } from '../../src/commands/report-failure.ts'
import { RelayError } from '../../src/errors.ts'
import { listening } from '../observe/said.ts'

const SECRET = 'secret-value'

function reported(error: unknown, showsValues = false) {
  const { log, said } = listening()
  const exit = reportFailure(error, { log, isTerminal: false, columns: () => 80, show() {}, clear() {} }, showsValues)
  return { exit, ...said[0]! }
}

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

const FAULTS: [title: string, fault: () => unknown][] = [
  ['a text that is not JSON', () => JSON.parse(SECRET)],
  ['a text where an object should be', () => 'a' in (SECRET as unknown as object)],
  ['no number', () => BigInt(SECRET)],
  ['an error of a library', () => assert.fail(SECRET)],
]
for (const [title, fault] of FAULTS) {
  test(`${title}: what nobody expected has a code and says what to report, without values; --log-values shows them`, () => {
    const error = thrownBy(fault)
    const { exit, message, fields } = reported(error)
    assert.equal(exit, 1)
    assert.match(message, /^INTERNAL: .*Please report/)
    assert.doesNotMatch(JSON.stringify([message, fields]), /secret|\\n/)
    assert.match(String((fields.stack as string[]).at(-1)), /./)
    assert.match(JSON.stringify(reported(error, true).fields), /secret-value/)
  })
}

test('of an error of the operating system its words are shown', () => {
  const error = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })
  assert.match(reported(error).message, /no space left on device/)
})

test('what the other side said shows nowhere but where it is asked for', () => {
  const error = new RelayError('SINK_FAILED', 'no', {}, undefined, SECRET).at({ table: 't' })
  assert.equal(error.said(), SECRET)
  assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true, getters: true }), /secret/)
  assert.doesNotMatch(JSON.stringify(reported(error)), /secret/)
  assert.equal(reported(error, true).fields.said, SECRET)
})
