import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { FAILURES, type FailureCode, RelayError } from '../../../src/errors.ts'
import { type Blame, bySqlState, sqlFailure } from '../../../src/sinks/sql/failures.ts'

/** What an error of a statement with rows may be blamed on, and what it is where no row is at fault. */
const byCode: readonly [code: string, blame: Blame, failure: FailureCode, retries: boolean][] = [
  ['08006', 'target', 'SINK_UNREACHABLE', true],
  ['08P01', 'target', 'SINK_FAILED', false],
  ['0A000', 'unknown', 'SINK_FAILED', false],
  ['21000', 'unknown', 'SINK_FAILED', false],
  ['22003', 'row', 'SINK_FAILED', false],
  ['2200H', 'table', 'SINK_TABLE', false],
  ['22P05', 'row', 'SINK_FAILED', false],
  ['23502', 'rule', 'SINK_FAILED', false],
  ['23514', 'rule', 'SINK_FAILED', false],
  ['25006', 'target', 'SINK_UNREACHABLE', true],
  ['25P02', 'target', 'SINK_FAILED', false],
  ['25P03', 'target', 'SINK_BUSY', true],
  ['28P01', 'target', 'SINK_LOGIN', false],
  ['38001', 'unknown', 'SINK_FAILED', false],
  ['3D000', 'target', 'SINK_LOGIN', false],
  ['3F000', 'table', 'SINK_TABLE', false],
  ['40001', 'target', 'SINK_BUSY', true],
  ['40002', 'rule', 'SINK_FAILED', false],
  ['40P01', 'target', 'SINK_BUSY', true],
  ['40003', 'target', 'SINK_UNREACHABLE', true],
  ['42501', 'table', 'SINK_DENIED', false],
  ['42601', 'unknown', 'SINK_FAILED', false],
  ['42703', 'table', 'SINK_TABLE', false],
  ['42P01', 'table', 'SINK_TABLE', false],
  ['42P10', 'table', 'SINK_TABLE', false],
  ['42P07', 'unknown', 'SINK_BUSY', true],
  ['42P06', 'unknown', 'SINK_BUSY', true],
  ['42701', 'unknown', 'SINK_BUSY', true],
  ['42710', 'unknown', 'SINK_BUSY', true],
  ['44000', 'rule', 'SINK_FAILED', false],
  ['53100', 'target', 'SINK_BUSY', true],
  ['53300', 'target', 'SINK_BUSY', true],
  ['54000', 'row', 'SINK_FAILED', false],
  ['54001', 'row', 'SINK_FAILED', false],
  ['54011', 'table', 'SINK_TABLE', false],
  ['55000', 'unknown', 'SINK_FAILED', false],
  ['55P03', 'target', 'SINK_BUSY', true],
  ['57014', 'target', 'SINK_BUSY', true],
  ['57P01', 'target', 'SINK_UNREACHABLE', true],
  ['57P03', 'target', 'SINK_UNREACHABLE', true],
  ['57P04', 'target', 'SINK_LOGIN', false],
  ['58030', 'target', 'SINK_UNREACHABLE', true],
  ['P0001', 'unknown', 'SINK_FAILED', false],
  ['P0002', 'unknown', 'SINK_FAILED', false],
  ['CUST1', 'unknown', 'SINK_FAILED', false],
  ['58M01', 'target', 'SINK_UNREACHABLE', true],
  ['XX000', 'unknown', 'SINK_UNCLEAR', false],
  ['XX001', 'target', 'SINK_FAILED', false],
  ['ECONNREFUSED', 'target', 'SINK_UNREACHABLE', true],
  ['ECONNRESET', 'target', 'SINK_UNREACHABLE', true],
  ['EPIPE', 'target', 'SINK_UNREACHABLE', true],
  ['ENOTFOUND', 'target', 'SINK_UNREACHABLE', true],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'target', 'SINK_TLS', false],
]
for (const [code, blame, failure, retries] of byCode) {
  test(`${code} is ${failure}, of a statement with rows it blames: ${blame}`, () => {
    const thrown = Object.assign(new Error('as the target says it'), { code })
    const error = ours(thrown)
    assert.equal(error.code, failure)
    assert.equal(FAILURES[error.code].retry === 'always', retries)
    assert.deepEqual(bySqlState.meaning(thrown), { blame, code: failure, patience: 0 })
  })
}

test('a RAISE says nothing of the server, whatever its code; one that says to try again is tried again, and not for ever', () => {
  const raised = (code: string) =>
    bySqlState.meaning(Object.assign(new Error('as its author says it'), { code, routine: 'exec_stmt_raise' }))
  for (const code of ['40001', '57014', '53100', '08006', '55P03']) {
    const { blame, patience } = raised(code)
    assert.deepEqual([blame, patience], ['unknown', 3], code)
  }
  for (const code of ['42P01', '42501', '28000', '3D000', 'XX001', '22023', '23505', 'P0001']) {
    const { blame, patience } = raised(code)
    assert.deepEqual([blame, patience], ['unknown', 0], code)
  }
})

test('a policy of row security refuses rows with the code of a missing right', () => {
  const refused = (routine: string) =>
    bySqlState.meaning(Object.assign(new Error('no'), { code: '42501', routine })).blame
  assert.deepEqual([refused('ExecWithCheckOptions'), refused('aclcheck_error')], ['unknown', 'table'])
})

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
  const unique = (schema: string) =>
    bySqlState.meaning(Object.assign(new Error('duplicate key'), { code: '23505', schema })).blame
  assert.deepEqual([unique('pg_catalog'), unique('public')], ['target', 'rule'])
})

test('no value of a row is shown, nor statements and their parameters', () => {
  const about = { detail: 'Key (id)=(hunter2)', where: 'hunter2', query: 'hunter2', params: ['hunter2'], column: 'id' }
  for (const code of ['22P02', '23505', '40001', '42P01', '42601', 'XX000', 'P0001', 'CUST1']) {
    const words = code === '40001' || code === '42P01' ? 'something is wrong' : 'invalid: "hunter2"'
    const error = ours(Object.assign(new Error(words), { ...about, code }))
    assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /hunter2/, code)
  }
  const notNull = { code: '23502', table: 'orders', column: 'note' }
  assert.equal(
    bySqlState.refusal(Object.assign(new Error('null value'), notNull)),
    'The target refused a row, SQLSTATE 23502 (table orders, column note)',
  )
  const where = 'PL/pgSQL function shop."no hunter2"(text) line 3 at RAISE'
  assert.equal(
    bySqlState.refusal(Object.assign(new Error('hunter2'), { code: 'P0001', routine: 'exec_stmt_raise', where })),
    'The target refused a row, SQLSTATE P0001 (raised by function shop."no hunter2")',
  )
})

test('names that a function of the target gave to its error are no names of the target', () => {
  const named = { code: '23514', schema: 'hunter2', table: 'hunter2', column: 'hunter2', constraint: 'hunter2' }
  const raised = { routine: 'exec_stmt_raise', where: 'PL/pgSQL function shop.audit() line 3 at RAISE' }
  const thrown = { routine: 'PLy_elog_impl', where: 'Traceback (most recent call last):\nPL/Python function "audit"' }
  for (const origin of [raised, thrown]) {
    const refusal = bySqlState.refusal(Object.assign(new Error('no'), { ...named, ...origin }))
    assert.match(refusal, /SQLSTATE 23514/)
    assert.doesNotMatch(refusal, /hunter2/)
  }
  // What a statement of such a function ran into, the server itself names.
  const within = { code: '23514', table: 'audit', where: 'PL/pgSQL function shop.audit() line 3 at SQL statement' }
  assert.match(bySqlState.refusal(Object.assign(new Error('no'), within)), /\(table audit, in function shop\.audit\)/)
})

test('what a function of the target says is not shown, whatever its code; what it said is kept apart for --log-values', () => {
  const where = 'PL/pgSQL function shop.audit() line 3 at EXECUTE'
  const error = ours(Object.assign(new Error('relation "hunter2" does not exist'), { code: '42P01', where }))
  assert.equal(error.detail, 'The target refused a statement, SQLSTATE 42P01 (in function shop.audit)')
  assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true, getters: true }), /hunter2/)
  assert.equal(error.said(), `relation "hunter2" does not exist | ${where}`)
})

test('what the server itself says in a function of the target is shown, what the function says is not', () => {
  const ended = { code: '57P01', routine: 'ProcessInterrupts', where: 'PL/pgSQL function die() line 1' }
  const words = 'terminating connection due to administrator command'
  assert.equal(ours(Object.assign(new Error(words), ended)).detail, `The target said: ${words}`)
  const foreign = { code: '57P01', where: 'PL/Python function "f"' }
  assert.doesNotMatch(ours(Object.assign(new Error('hunter2'), foreign)).message, /hunter2/)
})

test('a fault of this program is not taken for words of the target', () => {
  const fault = new TypeError('Cannot read properties of undefined')
  assert.equal(sqlFailure(fault, bySqlState), fault)
})

const tables = [{ schema: 'shop', name: 'Orders' }]
const RIGHTS: [words: string, fix: string][] = [
  ['permission denied for table Orders', 'GRANT SELECT, INSERT, UPDATE, DELETE ON shop."Orders" TO "app-1"'],
  ['permission denied for relation "Orders"', 'GRANT SELECT, INSERT, UPDATE, DELETE ON shop."Orders" TO "app-1"'],
  ['permission denied for table relays', 'GRANT SELECT, INSERT, UPDATE, DELETE ON relays TO "app-1"'],
  ['permission denied for schema shop', 'GRANT USAGE, CREATE ON SCHEMA shop TO "app-1"'],
  ['permission denied for database warehouse', 'GRANT CREATE ON DATABASE warehouse TO "app-1"'],
  ['permission denied for sequence orders_id_seq', 'GRANT USAGE ON SEQUENCE orders_id_seq TO "app-1"'],
  ['must be owner of table Orders', 'ALTER TABLE shop."Orders" OWNER TO "app-1"'],
]
for (const [words, fix] of RIGHTS) {
  test(`${words}: the statement that fixes it stands in the message, once`, () => {
    const { code, detail } = sqlFailure(
      Object.assign(new Error(words), { code: '42501' }),
      bySqlState,
      {},
      { user: 'app-1', tables },
    ) as RelayError
    assert.equal(code, 'SINK_DENIED')
    assert.equal(detail.split(fix).length, 2, detail)
  })
}

const TLS: [error: object, words: RegExp][] = [
  [{ code: 'SELF_SIGNED_CERT_IN_CHAIN' }, /sslrootcert=PATH.*sslmode=no-verify/],
  [{ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, /sslrootcert=PATH/],
  [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, /one of its names.*verify-ca/],
  [{ code: 'CERT_HAS_EXPIRED' }, /needs a new certificate/],
  [{ message: 'The server does not support SSL connections' }, /does not support SSL connections.*sslmode=disable/],
]
for (const [error, words] of TLS) {
  test(`a TLS connection that fails says what to do: ${JSON.stringify(error)}`, () => {
    const { code, message } = ours(Object.assign(new Error('no'), error))
    assert.equal(code, 'SINK_TLS')
    assert.match(message, words)
  })
}

test('a server that wants TLS, or does not, is distinguished from one that refuses the user', () => {
  const words = 'no pg_hba.conf entry for host "10.0.0.1", user "app", database "w", no encryption'
  const { code, detail } = ours(Object.assign(new Error(words), { code: '28000' }))
  assert.equal(code, 'SINK_LOGIN')
  assert.match(detail, /It wants TLS: `sslmode=verify-full`/)
})

test('what is ours already keeps its code and learns the place; what is no failure passes', () => {
  const busy = new RelayError('SINK_BUSY', 'a lock was not free', { table: 'orders' })
  const placed = sqlFailure(busy, bySqlState, { changes: 3 }) as RelayError
  assert.equal(placed.code, 'SINK_BUSY')
  assert.deepEqual(placed.place, { table: 'orders', changes: 3 })
  const abort = new DOMException('stop', 'AbortError')
  assert.equal(sqlFailure(abort, bySqlState), abort)
})

function ours(error: unknown): RelayError {
  const failure = sqlFailure(error, bySqlState)
  assert.ok(failure instanceof RelayError)
  return failure
}
