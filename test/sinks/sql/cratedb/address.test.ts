import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { RelayError } from '../../../../src/errors.ts'
import { crateAddress } from '../../../../src/sinks/sql/cratedb/address.ts'

const read = (url: string, environment = {}) => crateAddress(url, environment)

test('what is left out: user crate, port 5432, schema doc', () => {
  assert.deepEqual(read('crate://db.example'), {
    connectionString: 'postgresql://crate@db.example:5432/doc',
    options: '',
    schema: 'doc',
    objects: 'ignored',
  })
})

test('all of it', () => {
  const url =
    'crate://me:p%40ss%2F@[::2]:6432/Sales?sslmode=verify-full&sslrootcert=/etc/ca.pem&options=-c%20a%3D1&objects=dynamic'
  assert.deepEqual(read(url), {
    connectionString: 'postgresql://me:p%40ss%2F@[::2]:6432/Sales?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem',
    options: '-c a=1',
    schema: 'Sales',
    objects: 'dynamic',
  })
})

test('node-postgres reads it so', () => {
  const url = 'crate://m%40e:p%40ss%2F@db.example/Größe?sslmode=no-verify&options=-c%20a%3D1&password-in-clear=yes'
  const { connectionString, options } = read(url)
  const client = new pg.Client({ connectionString, options })
  const { user, password, host, port, database, ssl } = client
  assert.deepEqual(
    { user, password, host, port, database, ssl },
    {
      user: 'm@e',
      password: 'p@ss/',
      host: 'db.example',
      port: 5432,
      database: 'Größe',
      ssl: { rejectUnauthorized: false },
    },
  )
})

const allowed = [
  'crate://u:secret@localhost/doc',
  'crate://u:secret@127.0.0.1/doc',
  'crate://u:secret@[::1]:5433/doc',
  'crate://u:secret@db/doc?sslmode=require',
  'crate://u:secret@db/doc?sslrootcert=/ca.pem',
  'crate://u:secret@db/doc?password-in-clear=yes',
]
for (const url of allowed) {
  test(`a password may go over ${url}`, () => assert.match(read(url).connectionString, /u:secret@/))
}

test('the name of ours does not reach node-postgres', () => {
  assert.doesNotMatch(read('crate://u:secret@db/doc?password-in-clear=yes').connectionString, /clear/)
})

const refused: readonly (readonly [url: string, problem: RegExp])[] = [
  ['crate://u:secret@db/doc', /clear text.*sslmode=verify-full.*password-in-clear=yes/],
  ['crate://u:secret@db/doc?sslmode=disable', /clear text/],
  ['crate://u:secret@db/doc?sslmode=disable&sslrootcert=/ca.pem', /clear text/],
  ['crate://u:secret@localhost.example/doc', /clear text/],
  ['crate://u:secret@db/doc?password-in-clear=no', /password-in-clear can only be yes/],
  ['crate://u@db:4200/doc', /4200 is the HTTP port.*5432/],
  ['crate://u@db/a/b', /"a\/b" is no schema/],
  ['crate://u@db/sys', /"sys" is no schema/],
  ['crate://u@db/?sslmode=on', /sslmode is one of disable, /],
  ['crate://u@db/?objects=strict', /objects is ignored or dynamic/],
  ['crate://u@db/?statement_timeout=5', /"statement_timeout" is not known/],
  ['crate:///doc', /names no host/],
  ['crate://u:sec/ret@db/doc', /%2F/],
  ['crate://u:1/secret@db', /%2F/],
  ['crate://u:secret?x@db/doc', /%3F/],
  ['crate://u:sec:ret@db:port/doc', /is not of the form crate:/],
  ['postgresql://u:secret@db/doc', /is not of the form crate:/],
  ['secret', /is not of the form crate:/],
]
for (const [url, problem] of refused) {
  test(`refused: ${url}`, () => {
    assert.throws(() => read(url), isConfiguration(problem))
  })
}

test('all problems in one message', () => {
  const all = /4200.*schema.*"x" is not known.*sslmode.*clear text/
  assert.throws(() => read('crate://u:secret@db:4200/a.b?x=1&sslmode='), isConfiguration(all))
})

test('a password of the environment counts, too', () => {
  assert.throws(() => read('crate://u@db/doc', { PGPASSWORD: 'secret' }), isConfiguration(/clear text/))
})

function isConfiguration(problem: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof RelayError)
    assert.equal(error.code, 'CONFIGURATION')
    assert.match(error.message, problem)
    assert.doesNotMatch(`${error.message} ${error.stack} ${error.cause}`, /secret/)
    return true
  }
}
