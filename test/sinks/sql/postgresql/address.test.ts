import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { RelayError } from '../../../../src/errors.ts'
import { postgresAddress } from '../../../../src/sinks/sql/postgresql/address.ts'

test('all of it, as node-postgres reads it', () => {
  const url =
    'postgresql://m%40e:p%40s%25s@db.example:6432/w?schema=landing&sslmode=no-verify&application_name=a%20b&options=-c%20a%3D1&connect_timeout=3'
  const { connectionString, options, schema, connectTimeoutMs } = postgresAddress(url)
  assert.deepEqual(
    { options, schema, connectTimeoutMs },
    { options: '-c a=1 -c TimeZone=UTC', schema: 'landing', connectTimeoutMs: 3000 },
  )
  const { user, password, host, port, database, ssl } = new pg.Client({ connectionString, options })
  assert.deepEqual(
    { user, password, host, port, database, ssl },
    {
      user: 'm@e',
      password: 'p@s%s',
      host: 'db.example',
      port: 6432,
      database: 'w',
      ssl: { rejectUnauthorized: false },
    },
  )
})

test('what is left out is as node-postgres has it', () => {
  for (const url of ['postgres:///w', 'greenplum://gp@h', 'postgresql://u@h/d?sslmode=verify-full&user=u']) {
    assert.equal(postgresAddress(url).schema, null, url)
  }
  assert.equal(postgresAddress('greenplum://gp@h/w').connectionString, 'postgresql://gp@h/w')
})

const REFUSED: readonly (readonly [url: string, problem: RegExp])[] = [
  ['postgresql://u@h/d?shema=landing', /"shema" is not known \(did you mean schema\?\); there are schema, /],
  ['postgresql://u@h/d?SCHEMA=landing', /"SCHEMA" is not known \(did you mean schema\?\)/],
  ['postgresql://u@h/d?client_encoding=latin1', /"client_encoding" is not known/],
  ['postgresql://u@h/d?__proto__=x', /"__proto__" is not known/],
  ['postgresql://u@h/d?schema=a&schema=b', /schema is given twice/],
  ['postgresql://u@h/d?sslmode=verify', /sslmode is one of disable, /],
  ['postgresql://u@h/d?sslmode=', /sslmode is one of disable, /],
  ['postgresql://u@h/d?uselibpqcompat=true&sslmode=verify-ca', /needs sslrootcert/],
  ['postgresql://u@h/d?connect_timeout=5s', /connect_timeout is a whole number of seconds/],
  ['postgresql://u@h/d?statement_timeout=-1', /statement_timeout is a whole number of milliseconds/],
  ['postgresql://u@one,two/d', /several hosts/],
  ['postgresql://u:sec/ret@h/d', /@ behind its host: write .*%2F/],
  ['postgresql://u:1/secret@h/d', /%2F/],
  ['postgresql://u:1?secret@h/d', /%3F/],
  ['postgresql://u:1#secret@h/d', /%23/],
  ['postgresql://u:1@secret@h/d', /two @ in front of its host.*%40/],
  ['postgresql://u:1@secret#2@h/d', /%23/],
  ['postgresql://u:secret@h/d#2', /has a # in it/],
  ['postgresql://h/d?user=u&password=1#secret', /has a # in it/],
  ['postgresql://h/d?user=u&password=1&secret', /beside the password is not known .*%26/],
  [
    'postgresql://h/d?user=u&Pasword=1&secret',
    /"Pasword" is not known \(did you mean password\?\);.* beside the password/,
  ],
  ['postgresql://u:50%secret@h/d', /has a % in its password .*%25/],
  ['postgresql://u:secret%ff@h/d', /has a % in its password/],
  ['postgresql://u:sec:ret@h:port/d', /is not a URL: postgresql:/],
  ['postgresql:secret', /is not a URL: postgresql:/],
  ['secret', /is not a URL: postgresql:/],
]
for (const [url, problem] of REFUSED) {
  test(`refused: ${url}`, () => {
    for (const each of [url, url.replace('postgresql:', 'greenplum:')]) {
      assert.throws(
        () => postgresAddress(each),
        (error) => {
          assert.ok(error instanceof RelayError)
          assert.equal(error.code, 'CONFIGURATION')
          assert.match(error.message, problem)
          assert.doesNotMatch(`${error.message} ${error.stack} ${error.cause}`, /secret/)
          return true
        },
      )
    }
  })
}

test('all problems in one message', () => {
  const all = /several hosts.*"shema" is not known.*"slmode" is not known \(did you mean sslmode\?\).*connect_timeout/
  assert.throws(() => postgresAddress('postgresql://a,b/d?shema=x&slmode=y&connect_timeout=z'), all)
})
