import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RelayError } from '../../../src/errors.ts'
import { gpssAddress } from '../../../src/sinks/gpss/address.ts'

test('what a URL leaves out', () => {
  assert.deepEqual(gpssAddress('gpss://gp@stream.example/dw', {}), {
    target: 'stream.example:5000',
    tls: null,
    greenplum: { host: 'stream.example', port: 5432, database: 'dw', user: 'gp' },
    password: { text: '' },
    schema: 'public',
    stagingSchema: '',
    sessionTimeoutSeconds: 240,
    deadlineMs: 120_000,
  })
})

test('what a URL says', () => {
  const parameters = [
    'greenplum-host=mdw&greenplum-port=5433&user=g%40p&password=p%26w&schema=Sales&staging-schema=stage',
    'tls=on&ca=/c/ca.pem&cert=/c/own.pem&key=/c/own.key&session-timeout=1000&deadline=30',
  ]
  assert.deepEqual(gpssAddress(`gpss://[::1]:5019/a%20b?${parameters.join('&')}`, { PGPASSWORD: 'other' }), {
    target: '[::1]:5019',
    tls: { ca: '/c/ca.pem', own: { cert: '/c/own.pem', key: '/c/own.key' } },
    greenplum: { host: 'mdw', port: 5433, database: 'a b', user: 'g@p' },
    password: { text: 'p&w' },
    schema: 'Sales',
    stagingSchema: 'stage',
    sessionTimeoutSeconds: 1000,
    deadlineMs: 30_000,
  })
  assert.equal(gpssAddress('gpss://gp@[::1]/dw', {}).greenplum.host, '::1')
  assert.deepEqual(gpssAddress('gpss://gp@h/dw?tls=on', {}).tls, { ca: null, own: null })
  assert.equal(gpssAddress('gpss://gp@h/dw?deadline=900', {}).sessionTimeoutSeconds, 1800)
})

test('where the password comes from', () => {
  const environment = { CDC_RELAY_GPSS_PASSWORD: 'ours', PGPASSWORD: 'usual' }
  const password = (url: string, variables: Record<string, string> = environment) =>
    gpssAddress(url, variables).password
  assert.deepEqual(password('gpss://gp:p%3Aw@h/dw'), { text: 'p:w' })
  assert.deepEqual(password('gpss://gp@h/dw?password-file=/run/secret'), { file: '/run/secret' })
  assert.deepEqual(password('gpss://gp@h/dw'), { text: 'ours' })
  assert.deepEqual(password('gpss://gp@h/dw', { CDC_RELAY_GPSS_PASSWORD: '', PGPASSWORD: 'usual' }), { text: 'usual' })
})

test('every problem is named at once, and no password', () => {
  const url =
    'gpss://gp:secret@h/?user=x&password=secret&password-file=f&tls=yes&ca=c&cert=d&deadline=0&greenplum-port=70000&hots=y&schema=a&schema=b'
  assert.throws(
    () => gpssAddress(url, {}),
    (error) => {
      assert.ok(error instanceof RelayError)
      assert.equal(error.code, 'CONFIGURATION')
      assert.doesNotMatch(error.message, /secret/)
      const said = error.detail
        .split(' has problems: ')[1]!
        .split('; ')
        .filter((part) => !part.startsWith('there are'))
      assert.deepEqual(said, [
        'a parameter beside the password is not known (write & in a password as %26)',
        'schema is given twice',
        'deadline must be a whole number from 1 to 86400',
        'tls must be on or off',
        'cert and key need each other',
        'greenplum-port must be a whole number from 1 to 65535',
        'the database is missing',
        'the user is given twice',
        'the password is given twice',
        'password and password-file exclude each other',
      ])
      return true
    },
  )
  const problem = (text: string, words: RegExp) => assert.throws(() => gpssAddress(text, {}), words)
  problem('gpss://gp@h/dw?shema=x', /"shema" is not known \(did you mean schema\?\); there are greenplum-host, /)
  problem(
    'gpss://gp:1#secret@h/dw',
    /^RelayError: CONFIGURATION: The URL of GPSS has an @ behind its host: write .*%23/,
  )
  problem('gpss:///', /host of GPSS is missing; the database is missing; the user is missing/)
  problem('gpss://h:port/dw', /is not a URL/)
  problem('gpss://gp@h/dw?ca=x', /ca, cert and key need tls=on/)
  problem('gpss://g%zz@h/dw', /the user is not percent-encoded; the user is missing/)
  problem('gpss://gp@h/dw?session-timeout=60&deadline=60', /session-timeout must be longer than deadline/)
})
