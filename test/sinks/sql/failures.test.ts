import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { FAILURES, type FailureCode, RelayError } from '../../../src/errors.ts'
import { bySqlState, isTableFailure, placeOfBatch, sqlFailure } from '../../../src/sinks/sql/failures.ts'
import { at, batchOf, put } from '../../support/changes.ts'

const byCode: readonly [code: string, failure: FailureCode, retries: boolean][] = [
  ['08006', 'SINK_UNREACHABLE', true],
  ['08P01', 'SINK_FAILED', false],
  ['21000', 'SINK_FAILED', false],
  ['22003', 'SINK_REFUSED', false],
  ['22P05', 'SINK_REFUSED', false],
  ['23502', 'SINK_REFUSED', false],
  ['23514', 'SINK_REFUSED', false],
  ['25006', 'SINK_UNREACHABLE', true],
  ['25P03', 'SINK_BUSY', true],
  ['28P01', 'SINK_LOGIN', false],
  ['3D000', 'SINK_LOGIN', false],
  ['40001', 'SINK_BUSY', true],
  ['40P01', 'SINK_BUSY', true],
  ['40003', 'SINK_UNREACHABLE', true],
  ['42501', 'SINK_DENIED', false],
  ['42601', 'SINK_FAILED', false],
  ['42703', 'SINK_TABLE', false],
  ['42P01', 'SINK_TABLE', false],
  ['42P10', 'SINK_TABLE', false],
  ['42P07', 'SINK_BUSY', true],
  ['53100', 'SINK_BUSY', true],
  ['53300', 'SINK_BUSY', true],
  ['54000', 'SINK_REFUSED', false],
  ['55P03', 'SINK_BUSY', true],
  ['57014', 'SINK_BUSY', true],
  ['57P01', 'SINK_UNREACHABLE', true],
  ['57P03', 'SINK_UNREACHABLE', true],
  ['57P04', 'SINK_LOGIN', false],
  ['58030', 'SINK_UNREACHABLE', true],
  ['P0001', 'SINK_REFUSED', false],
  ['58M01', 'SINK_UNREACHABLE', true],
  ['XX000', 'SINK_UNCLEAR', false],
  ['XX001', 'SINK_UNCLEAR', false],
  ['ECONNREFUSED', 'SINK_UNREACHABLE', true],
  ['ECONNRESET', 'SINK_UNREACHABLE', true],
  ['EPIPE', 'SINK_UNREACHABLE', true],
  ['ENOTFOUND', 'SINK_UNREACHABLE', true],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SINK_FAILED', false],
]
for (const [code, failure, retries] of byCode) {
  test(`${code} is ${failure}`, () => {
    const error = ours(Object.assign(new Error('as the target says it'), { code }))
    assert.equal(error.code, failure)
    assert.equal(FAILURES[error.code].retry === 'always', retries)
  })
}

test('a connection that is lost without a code is known by the words of the driver', () => {
  for (const words of [
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'Client has encountered a connection error and is not queryable',
    'timeout expired',
    'Query read timeout',
  ]) {
    assert.equal(ours(new Error(words)).code, 'SINK_UNREACHABLE', words)
  }
  assert.equal(ours(new Error('Cannot read properties of undefined')).code, 'SINK_FAILED')
})

test('no socket of a local server means that it is down; no certificate means that the options are wrong', () => {
  const missing = (syscall: string) => ours(Object.assign(new Error('no such file'), { code: 'ENOENT', syscall })).code
  assert.deepEqual([missing('connect'), missing('open')], ['SINK_UNREACHABLE', 'SINK_FAILED'])
})

test('a name that two sessions make at once is busy, a row that is there twice is refused', () => {
  const unique = (schema: string) => ours(Object.assign(new Error('duplicate key'), { code: '23505', schema })).code
  assert.deepEqual([unique('pg_catalog'), unique('public')], ['SINK_BUSY', 'SINK_REFUSED'])
})

test('no value of a row is shown, nor statements and their parameters', () => {
  const about = { detail: 'Key (id)=(hunter2)', where: 'hunter2', query: 'hunter2', params: ['hunter2'], column: 'id' }
  for (const code of ['22P02', '23505', '40001', '42P01']) {
    const words = code === '22P02' ? 'invalid input syntax: "hunter2"' : 'something is wrong'
    const error = ours(Object.assign(new Error(words), { ...about, code }))
    assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /hunter2/, code)
  }
  const refused = ours(Object.assign(new Error('null value'), { code: '23502', table: 'orders', column: 'note' }))
  assert.match(refused.message, /refused a row, SQLSTATE 23502 \(table orders, column note\)/)
})

test('what is ours already keeps its code and learns the place; what is no failure passes', () => {
  const busy = new RelayError('SINK_BUSY', 'a lock was not free', { table: 'orders' })
  const placed = sqlFailure(busy, bySqlState, { changes: 3 }) as RelayError
  assert.equal(placed.code, 'SINK_BUSY')
  assert.deepEqual(placed.place, { table: 'orders', changes: 3 })
  const abort = new DOMException('stop', 'AbortError')
  assert.equal(sqlFailure(abort, bySqlState), abort)
})

test('only an error of the database says that a table is not what it was taken for', () => {
  assert.equal(isTableFailure(Object.assign(new Error(), { code: '42P01' }), bySqlState), true)
  assert.equal(isTableFailure(Object.assign(new Error(), { code: '23505' }), bySqlState), false)
  assert.equal(isTableFailure(new RelayError('SINK_TABLE', 'does not fit'), bySqlState), false)
})

test('a batch is named by its tables, its size, and its span in each shard', () => {
  const changes = [
    put('a', 1, { shard: 'one', sequence: '5' }),
    put('b', 1, { shard: 'two', sequence: '1', table: 'a.b' }),
    put('c', 1, { shard: 'one', sequence: '9' }),
  ]
  assert.deepEqual(placeOfBatch(batchOf({ changes })), {
    tables: 'orders, "a.b"',
    changes: 3,
    shards: 'one from 5 to 9, two from 1 to 1',
  })
  assert.equal(placeOfBatch(batchOf({ moves: at({ one: '5' }) })).shards, 'one')
})

function ours(error: unknown): RelayError {
  const failure = sqlFailure(error, bySqlState)
  assert.ok(failure instanceof RelayError)
  return failure
}
