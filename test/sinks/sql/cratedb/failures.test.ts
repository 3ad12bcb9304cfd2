import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { RelayError } from '../../../../src/errors.ts'
import { byWordsOfCrate, wantsSmallerBatch } from '../../../../src/sinks/sql/cratedb/failures.ts'
import { sqlFailure } from '../../../../src/sinks/sql/failures.ts'

/** As node-postgres throws what a server said. */
function said(state: string, words: string): Error {
  const error = new pg.DatabaseError(words, words.length, 'error')
  return Object.assign(error, { code: state, severity: 'ERROR' })
}

const cases: readonly (readonly [state: string, words: string, code: string])[] = [
  ['XX000', 'ClusterBlockException[blocked by: [FORBIDDEN/12/index read-only / allow delete (api)]]', 'SINK_BUSY'],
  ['XX000', '[parent] Data too large, data for [x] would be [1/1b]', 'SINK_BUSY'],
  ['XX000', 'rejected execution of shard operation', 'SINK_BUSY'],
  ['XX000', 'Job killed. statement_timeout (1m)', 'SINK_BUSY'],
  ['57014', 'Job killed.', 'SINK_BUSY'],
  ['XX000', '[t][0] primary shard is not active Timeout: [1m]', 'SINK_UNREACHABLE'],
  ['XX000', '[t] shard 1 is not available', 'SINK_UNREACHABLE'],
  ['XX000', 'SERVICE_UNAVAILABLE/1/state not recovered / no master', 'SINK_UNREACHABLE'],
  ['28000', 'No valid auth.host_based entry found', 'SINK_LOGIN'],
  ['XX000', "Missing 'DML' privilege for user 'me'", 'SINK_DENIED'],
  ['42P01', "Relation 't' unknown", 'SINK_TABLE'],
  ['42703', 'Column x unknown', 'SINK_TABLE'],
  ['3F000', "Schema 's' unknown", 'SINK_TABLE'],
  ['XX000', 'Limit of total columns [1000] in table [t] exceeded', 'SINK_TABLE'],
  ['XX000', 'Cannot add column `x` to strict object `o`', 'SINK_TABLE'],
  ['XX000', 'Cannot add column `x` to table `t` with column policy `strict`', 'SINK_TABLE'],
  ['42P07', "Relation 't' already exists.", 'SINK_BUSY'],
  ['0A000', 'The table doc.t already has a column named z', 'SINK_BUSY'],
  ['42601', "line 1:8: mismatched input 'blocked by:' expecting", 'SINK_FAILED'],
  ['42883', 'Unknown function: f()', 'SINK_FAILED'],
  ['XX000', 'Statement exceeds `statement_max_length` (262145 allowed: 262144)', 'SINK_FAILED'],
  ['XX000', 'Illegal capacity: -32768', 'SINK_FAILED'],
  ['XX000', 'NullPointerException in io.crate.X', 'SINK_UNCLEAR'],
  ['0A000', 'Something else is not supported', 'SINK_FAILED'],
  ['XX000', 'node closed {node-1}', 'SINK_UNREACHABLE'],
  ['XX000', '[node-1][10.0.0.1:4300] connect_timeout[30s]', 'SINK_UNREACHABLE'],
  ['XX000', 'MasterNotDiscoveredException in org.elasticsearch.X', 'SINK_UNREACHABLE'],
  ['XX000', 'The relation "t" doesn\'t support or allow INSERT operations.', 'SINK_BUSY'],
]
for (const [state, words, code] of cases) {
  test(`${state} ${words} is ${code}`, () => {
    const failure = sqlFailure(said(state, words), byWordsOfCrate)
    assert.ok(failure instanceof RelayError)
    assert.equal(failure.code, code)
    const { blame } = byWordsOfCrate.meaning(said(state, words))
    assert.ok(blame !== 'row' && blame !== 'rule')
    assert.equal(blame === 'table', code === 'SINK_TABLE' || code === 'SINK_DENIED')
  })
}

const rows: readonly (readonly [state: string, words: string, reason: RegExp])[] = [
  ['XX000', 'Cannot cast object element `x` with value `s3cret` to type `bigint`', /cannot be cast/],
  ['42601', "'s3cret...' is too long for the text type of length: 3", /too long/],
  ['XX000', 'Document contains at least one immense term in field="s3cret"', /too long/],
  ['XX000', 'Mixed dataTypes inside a list are not supported. Found s3cret', /differing types/],
  ['XX000', 'Cannot detect the type of the value: s3cret', /no type/],
  ['XX000', '"s3cret.b" contains a dot', /name/],
  ['XX000', '"x" must not be null', /null/],
  ['XX000', 'Given value s3cret for generated column g does not match calculation x = 1', /generated/],
  ['XX000', 'Failed CONSTRAINT c CHECK ("q" > 0) for values: [s3cret]', /CHECK/],
  ['XX000', 'Validation failed for x: Invalid value s3cret', /does not fit/],
  ['23505', 'A document with the same primary key exists already s3cret', /23505/],
]
for (const [state, words, reason] of rows) {
  test(`a row is refused: ${words}`, () => {
    const failure = sqlFailure(said(state, words), byWordsOfCrate, { shard: 'shard-1' })
    assert.ok(failure instanceof RelayError)
    assert.equal(byWordsOfCrate.meaning(said(state, words)).blame, 'rule')
    assert.match(byWordsOfCrate.refusal(said(state, words)), reason)
    assert.doesNotMatch(`${failure.message}${failure.cause}`, /s3cret/)
  })
}

test('of words that are not known only those without quotes are shown', () => {
  const words = byWordsOfCrate.words(said('XX000', 'Something about `s3cret` and "s3cret" is odd'))
  assert.equal(words, 'CrateDB said: Something about … is odd')
})

test('a schema that is said to be unknown may be one on which the user has no right', () => {
  const words = byWordsOfCrate.words(said('3F000', `Schema 'land"ing' unknown. Maybe you meant 'landing'`))
  assert.match(words, /^CrateDB said: Schema 'land"ing' unknown\. Maybe you meant 'landing'\. /)
  assert.match(words, /no right on it.*GRANT DQL, DML, DDL ON SCHEMA "land""ing" TO/)
})

test('what node-postgres itself throws', () => {
  for (const error of [
    new Error('Connection terminated unexpectedly'),
    Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }),
    Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
  ]) {
    assert.deepEqual(byWordsOfCrate.meaning(error), { blame: 'target', code: 'SINK_UNREACHABLE', patience: 0 })
  }
})

test('fewer rows at once may help against limits, and nothing else', () => {
  assert.equal(wantsSmallerBatch(said('XX000', 'CircuitBreakingException[[query] Data too large]')), true)
  assert.equal(wantsSmallerBatch(said('XX000', 'Statement exceeds `statement_max_length`')), true)
  assert.equal(wantsSmallerBatch(said('XX000', 'rejected execution')), false)
  assert.equal(wantsSmallerBatch('Data too large'), false)
})
