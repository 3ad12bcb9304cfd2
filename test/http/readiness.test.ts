import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FailureCode, RelayError } from '../../src/errors.ts'
import { checksOf, type Standing } from '../../src/http/readiness.ts'
import { Troubles } from '../../src/observe/troubles.ts'

const LIMITS = { stalledAfterMs: 1000, mostParked: 10 }
const WELL: Standing = { isOpen: true, troubles: [], idleMs: 0, parked: new Map() }

const failing = (code: FailureCode): Pick<Standing, 'troubles'> => ({ troubles: [{ code, what: 'go on', sinceMs: 0 }] })

for (const [title, parts, unwell] of [
  ['all is well', {}, []],
  ['the target is not open yet', { isOpen: false }, ['target']],
  ['the target is away', failing('SINK_UNREACHABLE'), ['target']],
  ['the store of the state is away', failing('STATE_UNREACHABLE'), ['target']],
  ['the stream is away', failing('SOURCE_UNREACHABLE'), ['source']],
  ['credentials have expired', failing('AWS_CREDENTIALS'), ['source']],
  ['the stream throttles', failing('SOURCE_THROTTLED'), []],
  ['work waits, for not too long', { idleMs: 999 }, []],
  ['nothing comes of work', { idleMs: 1000 }, ['progress']],
  ['nothing comes of work since attempts fail', { idleMs: 9999, ...failing('SINK_BUSY') }, ['target']],
  ['a table is parked', { parked: new Map([['a', 10]]) }, []],
  [
    'much is kept of a parked table',
    {
      parked: new Map([
        ['a', 11],
        ['b', 1],
      ]),
    },
    ['parked'],
  ],
] as const) {
  test(`ready? ${title}`, () => {
    const checks = checksOf({ ...WELL, ...parts }, LIMITS, 5000)
    assert.deepEqual(
      checks.map(({ name }) => name),
      ['target', 'source', 'progress', 'parked'],
    )
    assert.deepEqual(
      checks.flatMap(({ name, isOk }) => (isOk ? [] : [name])),
      unwell,
    )
  })
}

test('a check says what fails and since when, and never in the words of the target', () => {
  const troubles = new Troubles()
  const work = { what: 'write the batch' }
  troubles.failed(work, new RelayError('SINK_BUSY', 'a lock', {}, undefined, 'secret'))
  troubles.failed(work, new RelayError('SINK_UNREACHABLE', 'gone', {}, undefined, 'secret'))
  const [{ sinceMs } = { sinceMs: 0 }] = troubles.now()
  const [target] = checksOf({ ...WELL, troubles: troubles.now() }, LIMITS, sinceMs + 65_000)
  assert.equal(target!.detail, 'SINK_UNREACHABLE: could not write the batch for 65 s')
  troubles.ended(work)
  assert.deepEqual(troubles.now(), [])
  assert.deepEqual(
    [...troubles.attempts],
    [
      ['SINK_BUSY', 1],
      ['SINK_UNREACHABLE', 1],
    ],
  )
})
