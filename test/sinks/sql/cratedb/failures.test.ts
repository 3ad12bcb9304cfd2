import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { RelayError } from '../../../../src/errors.ts'
import { byWordsOfCrate, LoneRefusal, wantsSmallerBatch } from '../../../../src/sinks/sql/cratedb/failures.ts'
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
  ['XX000', 'Cannot add column `x` to table `t` with column policy `strict`', 'SINK_TABLE'],
  ['42P07', "Relation 't' already exists.", 'SINK_BUSY'],
  ['0A000', 'The table doc.t already has a column named z', 'SINK_BUSY'],
  ['42601', "line 1:8: mismatched input 'blocked by:' expecting", 'SINK_FAILED'],
  // As version 5.10 says it.
  ['XX000', "line 1:8: mismatched input 'blocked by:' expecting", 'SINK_FAILED'],
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
  ['XX000', 'For input string: "s3cret"', /not the number/],
  ['XX000', 'For input string: "no master, read-only, blocked by: s3cret"', /not the number/],
  ['XX000', 'Value out of range. Value:"70000" Radix:10', /not the number/],
  ['XX000', 'illegal syntax', /not the number/],
  [
    'XX000',
    'Character s is neither a decimal digit number, decimal point, nor "e" notation exponential mark.',
    /number/,
  ],
  ['XX000', 'Invalid format: "s3cret"', /date or time/],
  ['XX000', 'Invalid UUID string: s3cret not connected', /UUID/],
  ['XX000', 'Limit of max column depth [100] in table [t] exceeded', /too deep/],
  ['XX000', 'Value 9223372036854775807 exceeds allowed range for column of type bigint', /two ends/],
  ['XX000', 'Cannot add column `x` to strict object `o`', /does not know/],
  ['XX000', '/ by zero', /divides by zero/],
  ['XX000', 'can not write type [class java.math.BigInteger]', /64 bits/],
  ['XX000', "Unrecognized token 's3cret': was expecting (JSON String, Number, Array, Object or token 'null')", /JSON/],
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

test('of known words those that may stand beside a value are shown alone', () => {
  const shown = (words: string) => byWordsOfCrate.words(said('XX000', words))
  assert.equal(shown('[s3cret]: version conflict, document already exists'), 'CrateDB said: … version conflict …')
  const blocked = 'index [t] blocked by: [FORBIDDEN/5/index read-only (api)]; s3cret'
  assert.equal(shown(blocked), 'CrateDB said: … blocked by: [FORBIDDEN/5/index read-only (api)]; …')
  const denied = "Missing 'DML' privilege for user 'app'"
  assert.equal(shown(denied), `CrateDB said: ${denied}`)
})

test('of words that are not known none are shown: where they quote a value nobody can tell', () => {
  for (const words of ['Something about `s3cret` and "s3cret" is odd', 'No such thing: s3cret']) {
    const error = said('XX000', words)
    assert.equal(byWordsOfCrate.meaning(error).blame, 'unknown')
    assert.equal(byWordsOfCrate.words(error), 'CrateDB said something that the relay does not know (SQLSTATE XX000)')
    assert.equal(
      byWordsOfCrate.refusal(error),
      'CrateDB refused a row, in words that the relay does not know (SQLSTATE XX000)',
    )
  }
})

test('what a value says is not what CrateDB says', () => {
  for (const value of ['primary shard is not active', 'blocked by: me', "Missing 'DML' privilege", 'Data too large']) {
    for (const words of [`Odd: "${value}"`, `Odd \`${value}\` "${value}"`, `'${value}' is odd`]) {
      assert.equal(byWordsOfCrate.meaning(said('XX000', words)).blame, 'unknown', words)
      assert.equal(wantsSmallerBatch(said('XX000', words)), false, words)
    }
  }
})

test('what is refused alone, and again, is the row, whatever the words are', () => {
  const refusal = new LoneRefusal(said('XX000', 'Odd: "s3cret"'))
  assert.deepEqual(byWordsOfCrate.meaning(refusal), { blame: 'rule', code: 'SINK_UNCLEAR', patience: 0 })
  assert.match(byWordsOfCrate.refusal(refusal), /^CrateDB refused a row, in words that the relay does not know/)
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
