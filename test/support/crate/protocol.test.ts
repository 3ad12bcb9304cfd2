import assert from 'node:assert/strict'
import { test } from 'node:test'
import { certificateAuthority } from '../gpss/certificates.ts'
import { connectTo } from './client.ts'
import { startCrate } from './crate.ts'
import { int16, message, text } from './protocol.ts'
import { openScene } from './scene.ts'
import { execute, openWire, parse, SYNC } from './wire-client.ts'

const INSERT = 'INSERT INTO a (k, s) VALUES ($1, $2)'
const LONG = 'x'.repeat(40_000)

test('the login tells the version of CrateDB, and calls itself PostgreSQL 14', async (t) => {
  const { wire, crate } = await openScene(t)
  assert.equal(wire.parameters.get('crate_version'), '6.4.3')
  assert.equal(wire.parameters.get('server_version'), '14.0')
  crate.settings.crateVersion = '5.10.12'
  const later = await openWire(crate)
  t.after(async () => later.close())
  assert.equal(later.parameters.get('crate_version'), '5.10.12')
})

test('a password is asked in clear, and a wrong one is refused', async (t) => {
  const crate = await startCrate({ password: 'right' })
  t.after(crate.stop)
  await assert.rejects(connectTo(crate, { password: 'wrong' }), { code: '28000' })
  const client = await connectTo(crate, { password: 'right' })
  assert.equal((await client.query('SELECT 1 AS one')).rows[0].one, 1)
})

test('without a certificate TLS is refused', async (t) => {
  const crate = await startCrate()
  t.after(crate.stop)
  await assert.rejects(connectTo(crate, { ssl: { rejectUnauthorized: false } }), /does not support SSL/)
})

test('with a certificate all that is said is said in TLS', async (t) => {
  const authority = certificateAuthority()
  const { key, certificate } = authority.issue('localhost')
  const crate = await startCrate({ password: 'right', tls: { key, cert: certificate } })
  t.after(crate.stop)
  const ssl = { ca: authority.certificate, rejectUnauthorized: true }
  const client = await connectTo(crate, { ssl, password: 'right' })
  assert.equal((await client.query('SELECT 1 AS one')).rows[0].one, 1)
  await client.end()
})

test('the database of the URL is the schema, and the user name without one', async (t) => {
  const { crate } = await openScene(t)
  const asking = async (database: string | undefined) => {
    const client = await connectTo(crate, { database })
    return (await client.query('SELECT CURRENT_SCHEMA AS s')).rows[0].s
  }
  assert.equal(await asking('sales'), 'sales')
  assert.equal(await asking(undefined), 'crate')
})

test('of the startup parameters only options count', async (t) => {
  const { crate } = await openScene(t)
  const showing = async (config: object) => {
    const client = await connectTo(crate, config)
    return Object.values((await client.query('SHOW statement_timeout')).rows[0])[0]
  }
  assert.equal(await showing({ statement_timeout: 60_000 }), '0s')
  assert.equal(await showing({ options: '-c statement_timeout=60000' }), '1m')
  assert.equal(await showing({ options: '-c statement_timeout=54321' }), '54321ms')
})

test('BEGIN and COMMIT are taken and change nothing: what was written before a lost connection is there', async (t) => {
  const { client, crate, rows } = await openScene(t)
  const lost = await connectTo(crate)
  await lost.query('BEGIN')
  await lost.query('INSERT INTO a (k) VALUES (1)')
  await lost.end()
  assert.equal((await rows('SELECT k FROM a WHERE k = 1')).length, 1)
  assert.equal((await client.query('COMMIT')).command, 'COMMIT')
})

test('after an error the status is E, and nothing has to be reset', async (t) => {
  const { wire } = await openScene(t)
  assert.deepEqual((await wire.exchange(message('Q', text('SELECT x FROM a')))).at(-1), 'Z E')
  assert.deepEqual(await wire.exchange(message('Q', text('SELECT 1'))), ['T', 'D', 'C SELECT 1', 'Z I'])
  assert.deepEqual(await wire.exchange(message('Q', text(' ;'))), ['I', 'Z I'])
})

test('N binds before one Sync: a tag for each, -3 where a shard refused', async (t) => {
  const { wire, crate } = await openScene(t)
  const answers = await wire.exchange(parse(INSERT), execute('1', 'a'), execute('2', LONG), execute('3', 'c'), SYNC)
  assert.deepEqual(answers, ['1', '2', '2', '2', 'C INSERT 0 1', 'C INSERT 0 -3', 'C INSERT 0 1', 'Z I'])
  assert.deepEqual(crate.executed.at(-1), { text: INSERT, binds: 3 })
})

test('N binds of which the coordinator refuses one: nothing is written, one ErrorResponse for each', async (t) => {
  const { wire, crate } = await openScene(t)
  const answers = await wire.exchange(parse(INSERT), execute('1', 'a'), execute('two', 'b'), execute('3', 'c'), SYNC)
  const error = 'E XX000 For input string: "two"'
  assert.deepEqual(answers.slice(4), [error, error, error, 'Z E'])
  assert.deepEqual(crate.query('SELECT k FROM a'), [])
})

test('a key that is not there shows as -3 when deletes come in bulk, and as 0 alone', async (t) => {
  const { wire, client } = await openScene(t)
  await client.query('INSERT INTO a (k) VALUES (1)')
  const answers = await wire.exchange(parse('DELETE FROM a WHERE k = $1'), execute('1'), execute('2'), SYNC)
  assert.deepEqual(answers.slice(-3), ['C DELETE 1', 'C DELETE -3', 'Z I'])
  assert.equal((await client.query('DELETE FROM a WHERE k = 2')).rowCount, 0)
})

test('writes of several texts before one Sync run group by group', async (t) => {
  const { wire, crate } = await openScene(t)
  const update = 'UPDATE a SET n = 1 WHERE k = $1'
  await wire.exchange(
    parse(INSERT),
    execute('1', 'a'),
    parse(update),
    execute('1'),
    parse(INSERT),
    execute('2', 'b'),
    SYNC,
  )
  assert.deepEqual(crate.executed.slice(-2), [
    { text: INSERT, binds: 2 },
    { text: update, binds: 1 },
  ])
})

test('a read cannot follow writes that are still queued', async (t) => {
  const { wire, crate } = await openScene(t)
  const answers = await wire.exchange(parse(INSERT), execute('1', 'a'), parse('SELECT 1'), execute(), SYNC)
  assert.deepEqual(answers.slice(-2), ['E 0A000 Only write operations are allowed in Batch statements', 'Z E'])
  assert.deepEqual(crate.query('SELECT k FROM a'), [])
})

test('more parameters than a signed 16 bit number counts break the bind', async (t) => {
  const { client, crate } = await openScene(t)
  const binding = (count: number) => {
    const list = Array.from({ length: count }, (_, at) => `$${at + 1}`)
    return client.query(
      `SELECT 1 FROM a WHERE k IN (${list.join(',')})`,
      list.map((_, at) => at),
    )
  }
  crate.settings.maxStatementLength = 1_000_000
  crate.settings.maxParameters = 100
  await binding(100)
  await assert.rejects(binding(101), /Too many parameters: 101/)
})

test('a count of parameters beyond 32,767 is read as a negative number', async (t) => {
  const { wire } = await openScene(t)
  const bind = message('B', text(''), text(''), int16(0), Buffer.from([0x80, 0x00]))
  assert.match((await wire.exchange(parse('SELECT 1'), bind, SYNC)).at(-2)!, /-32768/)
})

test('a statement that is parsed has 262,144 characters at most; a simple query any number', async (t) => {
  const { client, crate } = await openScene(t)
  const ofLength = (length: number) => ({
    text: `SELECT '${'x'.repeat(length - 9)}'`,
    values: [],
    queryMode: 'extended',
  })
  await client.query(ofLength(262_144))
  await assert.rejects(client.query(ofLength(262_145)), /statement_max_length/)
  await client.query(ofLength(262_145).text)
  crate.settings.crateVersion = '5.10.16'
  await client.query(ofLength(262_145))
})

test('Describe of a statement tells the types of its parameters and its columns', async (t) => {
  const { wire } = await openScene(t)
  const describe = message('D', Buffer.from('S'), text(''))
  assert.deepEqual(await wire.exchange(parse('SELECT s FROM a WHERE k = $1'), describe, SYNC), ['1', 't', 'T', 'Z I'])
  assert.deepEqual(await wire.exchange(parse(INSERT), describe, SYNC), ['1', 't', 'n', 'Z I'])
})

test('a message of many chunks arrives whole', async (t) => {
  const { client, crate } = await openScene(t)
  const documents = Array.from({ length: 2000 }, (_, at) => ({ at, text: 'y'.repeat(1000) }))
  await client.query(
    'INSERT INTO a (k, i) (SELECT k, i FROM unnest($1::array(bigint), $2::array(object(ignored))) AS u (k, i))',
    [documents.map(({ at }) => at), documents],
  )
  assert.deepEqual(crate.query('SELECT count(*) AS c FROM a'), [{ c: 2000n }])
})

test('types have the numbers of PostgreSQL, and travel as its text', async (t) => {
  const { client } = await openScene(t)
  const { fields, rows } = await client.query(
    `SELECT 'a'::text AS s, true AS b, 1::smallint AS i2, 1::integer AS i4, 1::bigint AS i8, 1.5::real AS f4, 2::double AS f8,
      1.50::numeric(5,2) AS n, '2024-01-01T00:00:00.123456Z'::timestamptz AS ts, '{"a":1.0}'::object AS o,
      ['x', null, 'a"b\\'] AS sa, [1,2]::array(bigint) AS ia, ['{"y":[1]}']::array(object) AS oa, [[1],[2]] AS nested`,
  )
  assert.deepEqual(
    fields.map(({ name, dataTypeID }) => [name, dataTypeID]),
    [
      ['s', 1043],
      ['b', 16],
      ['i2', 21],
      ['i4', 23],
      ['i8', 20],
      ['f4', 700],
      ['f8', 701],
      ['n', 1700],
      ['ts', 1184],
      ['o', 114],
      ['sa', 1015],
      ['ia', 1016],
      ['oa', 199],
      ['nested', 114],
    ],
  )
  assert.deepEqual(rows[0], {
    s: 'a',
    b: true,
    i2: 1,
    i4: 1,
    i8: '1',
    f4: 1.5,
    f8: 2,
    n: '1.50',
    ts: new Date('2024-01-01T00:00:00.123Z'),
    o: { a: 1 },
    sa: ['x', null, 'a"b\\'],
    ia: ['1', '2'],
    oa: [{ y: [1] }],
    nested: [[1], [2]],
  })
})

test('arrays of parameters are read with the escapes that drivers write', async (t) => {
  const { rows } = await openScene(t)
  const texts = ['a"b', 'c\\d', '', 'NULL', null, '{x,y}', 'ä\n']
  const found = await rows('SELECT x FROM unnest($1::array(text)) AS u (x)', [texts])
  assert.deepEqual(
    found.map(({ x }) => x),
    texts,
  )
})
