import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorContext, type FailureCode, RelayError } from '../../src/errors.ts'
import { sayRetries } from '../../src/observe/retries.ts'
import { listening } from './said.ts'

/** What is said, with the clock in the test's hand. */
function heard() {
  const { log, said } = listening()
  const clock = { ms: 0 }
  return { said, clock, observer: sayRetries(log, { nowMs: () => clock.ms }) }
}

const failure = (code: FailureCode, place: ErrorContext = {}): RelayError => new RelayError(code, 'no answer', place)
const READ = 'read records'

test('a stream that is away is said once for all its shards, then at a falling rate', () => {
  const { said, clock, observer } = heard()
  const works = Array.from({ length: 500 }, () => ({ what: READ }))
  // Half a minute in which each shard is tried ten times a second.
  for (clock.ms = 0; clock.ms <= 31_000; clock.ms += 100) {
    for (const [i, work] of works.entries()) {
      observer.failed(work, failure('SOURCE_UNREACHABLE', { stream: 's', shard: `shard-${i}` }))
    }
  }
  assert.deepEqual(
    said.map(({ fields }) => fields.attempts),
    [1, 5001, 15_001, 35_001, 75_001, 155_001],
  )
  assert.deepEqual(said[0], {
    level: 'warn',
    fields: { code: 'SOURCE_UNREACHABLE', detail: 'no answer', attempts: 1, stream: 's', shard: 'shard-0' },
    message: 'Could not read records; trying again',
  })
  assert.deepEqual(said[1]!.fields, {
    code: 'SOURCE_UNREACHABLE',
    detail: 'no answer',
    attempts: 5001,
    stream: 's',
    shards: 500,
  })
  said.length = 0
  for (const work of works) observer.ended(work, true)
  assert.deepEqual(said, [
    {
      level: 'info',
      fields: {
        code: 'RECOVERED',
        of: 'SOURCE_UNREACHABLE',
        attempts: 155_500,
        afterMs: 31_100,
        stream: 's',
        shards: 500,
      },
      message: 'Could read records again',
    },
  ])
})

test('what one shard could not and can again names the shard', () => {
  const { said, clock, observer } = heard()
  const work = { what: READ }
  for (clock.ms = 0; clock.ms < 300; clock.ms += 100) {
    observer.failed(work, failure('SOURCE_THROTTLED', { stream: 's', shard: 'shard-7' }))
  }
  observer.ended(work, true)
  assert.deepEqual(said[1]!.fields, {
    code: 'RECOVERED',
    of: 'SOURCE_THROTTLED',
    attempts: 3,
    afterMs: 300,
    stream: 's',
    shard: 'shard-7',
  })
})

test('a trouble that comes and goes is said at a falling rate, too; after a long rest it is new', () => {
  const { said, clock, observer } = heard()
  for (clock.ms = 0; clock.ms < 60_000; clock.ms += 500) {
    const work = { what: READ }
    observer.failed(work, failure('SOURCE_THROTTLED', { shard: 'a' }))
    observer.ended(work, true)
  }
  assert.equal(said.length, 12)
  said.length = 0
  clock.ms += 700_000
  observer.failed({ what: READ }, failure('SOURCE_THROTTLED', { shard: 'a' }))
  assert.equal(said.length, 1)
  clock.ms += 1000
  observer.failed({ what: READ }, failure('SOURCE_THROTTLED', { shard: 'a' }))
  assert.equal(said.length, 2)
})

test('another kind of trouble is said at once; work that was given up is not said to work again', () => {
  const { said, observer } = heard()
  const work = { what: 'write the batch' }
  observer.failed(work, failure('SINK_UNREACHABLE'))
  observer.failed(work, failure('SINK_BUSY'))
  observer.failed(work, failure('SINK_BUSY'))
  assert.deepEqual(
    said.map(({ fields }) => fields.code),
    ['SINK_UNREACHABLE', 'SINK_BUSY'],
  )
  observer.ended(work, false)
  assert.equal(said.length, 2)
})

test('what the other side said is left out, unless it is asked for', () => {
  for (const showsValues of [false, true]) {
    const { log, said } = listening()
    const error = new RelayError('SINK_BUSY', 'busy', {}, undefined, 'secret-value')
    sayRetries(log, { showsValues }).failed({ what: 'write the batch' }, error)
    assert.equal(said[0]!.fields.said, showsValues ? 'secret-value' : undefined)
    assert.equal(JSON.stringify(said).includes('secret'), showsValues)
  }
})

test('a login that has worked before is said in red', () => {
  const { said, observer } = heard()
  observer.failed({ what: 'write the batch' }, failure('SINK_LOGIN'))
  assert.deepEqual(
    [said[0]!.level, said[0]!.message],
    ['error', 'Not allowed to write the batch any more; trying again, slowly'],
  )
})
