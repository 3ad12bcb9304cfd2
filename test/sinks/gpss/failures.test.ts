import assert from 'node:assert/strict'
import { test } from 'node:test'
import { status } from '@grpc/grpc-js'
import type { FailureCode } from '../../../src/errors.ts'
import { gpssFailure, refusalsIn, type Status, withoutValues } from '../../../src/sinks/gpss/failures.ts'

const failure = (error: Status, method: string) => gpssFailure(error, method, {}, (text) => text)

const internal: Readonly<Record<string, FailureCode>> = {
  'pq: password authentication failed for user "gp"': 'SINK_LOGIN',
  'pq: no pg_hba.conf entry for host "10.0.0.9", user "gp", database "dw", SSL off': 'SINK_LOGIN',
  'pq: role "gp" does not exist': 'SINK_LOGIN',
  'pq: empty password returned by client': 'SINK_LOGIN',
  'pq: database "dw" does not exist': 'SINK_LOGIN',
  'pq: permission denied for relation orders': 'SINK_DENIED',
  'pq: must be owner of relation orders': 'SINK_DENIED',
  'pq: terminating connection due to administrator command': 'SINK_UNREACHABLE',
  'pq: the database system is in recovery mode': 'SINK_UNREACHABLE',
  'pq: failed to acquire resources on one or more segments': 'SINK_UNREACHABLE',
  'dial tcp 10.0.0.1:5432: connect: connection refused': 'SINK_UNREACHABLE',
  'driver: bad connection': 'SINK_UNREACHABLE',
  'pq: deadlock detected': 'SINK_BUSY',
  'pq: canceling statement due to lock timeout': 'SINK_BUSY',
  'pq: sorry, too many clients already': 'SINK_BUSY',
  'pq: Out of memory  (seg3 slice1 10.0.0.1:6003 pid=7)': 'SINK_BUSY',
  'pq: segment reject limit reached, aborting operation  (seg4 slice1 host:6004 pid=7)': 'SINK_REFUSED',
  'pq: invalid input syntax for type integer: "permission denied"': 'SINK_REFUSED',
  'pq: invalid byte sequence for encoding "UTF8": 0x00': 'SINK_REFUSED',
  'pq: value too long for type character varying(3)': 'SINK_REFUSED',
  'pq: value "99999999999" is out of range for type integer': 'SINK_REFUSED',
  'pq: date/time field value out of range: "2024-13-01"': 'SINK_REFUSED',
  'pq: null value in column "a" violates not-null constraint': 'SINK_REFUSED',
  'pq: duplicate key value violates unique constraint "orders_pkey"': 'SINK_REFUSED',
  'pq: numeric field overflow': 'SINK_REFUSED',
  'pq: unsupported Unicode escape sequence': 'SINK_REFUSED',
  'pq: relation "public.orders" does not exist': 'SINK_TABLE',
  'pq: column "b" of relation "orders" does not exist': 'SINK_TABLE',
  'pq: column "a" is of type integer but expression is of type json': 'SINK_TABLE',
  'pq: cannot do this': 'SINK_UNCLEAR',
  'session not found': 'SINK_UNREACHABLE',
  'Load task is already opened': 'SINK_UNREACHABLE',
  'Need to open a load task before write': 'SINK_UNREACHABLE',
}

test('what the words of GPSS mean', () => {
  for (const [details, code] of Object.entries(internal))
    assert.equal(failure({ code: status.INTERNAL, details }, 'Write').code, code, details)
})

const statuses: readonly (readonly [status, string, FailureCode])[] = [
  [status.UNAVAILABLE, 'No connection established. Last error: connect ECONNREFUSED', 'SINK_UNREACHABLE'],
  [status.UNAVAILABLE, 'Last error: Error: self-signed certificate in certificate chain', 'SINK_FAILED'],
  [status.DEADLINE_EXCEEDED, 'Deadline exceeded', 'SINK_UNREACHABLE'],
  [status.CANCELLED, 'Call cancelled', 'SINK_UNREACHABLE'],
  [status.UNKNOWN, 'pq: deadlock detected', 'SINK_BUSY'],
  [status.UNKNOWN, '', 'SINK_UNREACHABLE'],
  [status.RESOURCE_EXHAUSTED, 'grpc: received message larger than max (4194312 vs. 4194304)', 'SINK_REFUSED'],
  [status.RESOURCE_EXHAUSTED, 'quota', 'SINK_BUSY'],
  [status.UNAUTHENTICATED, 'who are you', 'SINK_LOGIN'],
  [status.PERMISSION_DENIED, 'no', 'SINK_DENIED'],
  [status.UNIMPLEMENTED, 'unknown service api.Gpss', 'SINK_FAILED'],
]

test('what a status means', () => {
  for (const [code, details, meaning] of statuses)
    assert.equal(failure({ code, details }, 'Write').code, meaning, details)
  const { detail } = failure({ code: status.UNIMPLEMENTED, details: 'unknown service' }, 'Connect')
  assert.match(detail, /^Connect failed with UNIMPLEMENTED: unknown service: .*Check host and port/)
})

test('a host that is not reached is named: that of GPSS, or that which GPSS does not reach', () => {
  const unheard = { code: status.UNAVAILABLE, details: 'connect ECONNREFUSED 10.0.0.1:5000. Resolution note: ' }
  assert.equal(
    failure(unheard, 'Connect').detail,
    'Connect failed with UNAVAILABLE: connect ECONNREFUSED 10.0.0.1:5000.',
  )
  const unreached = { code: status.INTERNAL, details: 'dial tcp: lookup coordinater: no such host' }
  const { code, detail } = failure(unreached, 'Connect')
  assert.equal(code, 'SINK_UNREACHABLE')
  assert.match(detail, /lookup coordinater: no such host: GPSS does not reach Greenplum\. Check greenplum-host/)
})

test('a password that is a part of the words is hidden, and they mean the same', () => {
  const error = { code: status.INTERNAL, details: 'pq: schema "landing" does not exist' }
  const { code, message } = gpssFailure(error, 'Open', { gpss: 'h:1' }, (text) => text.replaceAll('x', '***'))
  assert.equal(code, 'SINK_TABLE')
  assert.match(message, /Open failed with INTERNAL: pq: schema "landing" does not e\*\*\*ist \(gpss h:1\)/)
})

test('names stay in the words, values of rows do not', () => {
  const words: Readonly<Record<string, string>> = {
    'null value in column "a" violates not-null constraint': 'null value in column "a" violates not-null constraint',
    'column "b" of relation "t" does not exist': 'column "b" of relation "t" does not exist',
    'invalid input syntax for type integer: "x" column "y"': 'invalid input syntax for type integer: "…"',
    'invalid input value for enum mood: "sad"': 'invalid input value for enum mood: "…"',
    'value "1"2" is out of range for type integer': 'value "…" is out of range for type integer',
    'bad "a\nb"': 'bad "…"',
    'invalid byte sequence for encoding "UTF8": 0xe9 0x41': 'invalid byte sequence for encoding "UTF8"',
    'duplicate key value  DETAIL: Key (id)=(5) already exists.': 'duplicate key value',
    'unfinished "': 'unfinished "…"',
    'column "': 'column "…"',
  }
  for (const [message, kept] of Object.entries(words)) assert.equal(withoutValues(message), kept)
})

test('of what Greenplum and GPSS say only what is known is shown: a trigger may raise a value anywhere', () => {
  const shown: Readonly<Record<string, string>> = {
    'pq: not s3cret': "in words of Greenplum's that are not known",
    'pq: no operand in tsquery: "s3cret &"': "in words of Greenplum's that are not known",
    s3cret: 'in words that are not known',
    'pq: s3cret violates our constraint s3cret': 'in words that are not known',
    'pq: value "s3cret" is out of range for type integer': 'pq: out of range for type integer',
    'pq: invalid input syntax for type integer: "s3cret"': 'pq: invalid input syntax for type integer: "…"',
    'the load has failed: pq: invalid input syntax for type integer: "s3cret"':
      'invalid input syntax for type integer: "…"',
    'pq: relation "a.b" does not exist': 'pq: relation "a.b" does not exist',
    'pq: permission denied for relation orders': 'pq: permission denied for relation orders',
    'dial tcp 10.0.0.1:5432: connect: connection refused': 'dial tcp 10.0.0.1:5432: connect: connection refused',
  }
  for (const [details, words] of Object.entries(shown)) {
    const failed = failure({ code: status.INTERNAL, details }, 'Write')
    assert.ok(failed.detail.replace(/^Write failed with INTERNAL(: |, )/, '').startsWith(words), failed.detail)
    assert.doesNotMatch(failed.message, /s3cret/)
    assert.equal(failed.said(), details)
  }
})

test('of the rows that were left out only known words are shown, once', () => {
  const rows = ['value too long for type text', '1,secret,2024', 'value too long for type text', 'pq: x: "secret"']
  assert.deepEqual(refusalsIn(rows), ['value too long for type text'])
})
