import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { CompiledQuery } from 'kysely'
import { readRelation } from '../../../src/sinks/sql/catalogue.ts'
import { connect } from '../../../src/sinks/sql/connect.ts'
import type { Connection } from '../../../src/sinks/sql/connection.ts'
import { codecFor } from '../../../src/sinks/tables/codecs/codec-for.ts'
import type { Column } from '../../../src/sinks/tables/relation.ts'
import { anySeed, seededRandom } from '../../support/life/random.ts'
import { pgliteFolder } from '../../support/postgres/pglite.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { type PostgresVersion, withoutPostgres } from '../../support/postgres/postgres-programs.ts'
import { isDealt } from '../../support/volume.ts'

/**
 * What columns of every type hold of texts as DMS sends them, decided before the server sees them, and held against what the
 * server itself makes of the text as a literal of the column.
 */
interface Texts {
  /** The server takes them, and alters nothing. */
  readonly held: readonly string[]
  /** It refuses them, or rounds, cuts or completes them. */
  readonly aside: readonly string[]
  /** It refuses them, which is not known before. */
  readonly refused?: readonly string[]
  /** The first version that has the type. */
  readonly since?: number
}

const TYPES: Readonly<Record<string, Texts>> = {
  mood: { held: ['fine', 'so so', 'ärger'], aside: ['angry', 'Fine', '', ' fine'] },
  'mood[]': { held: ['{fine,"so so"}', '{NULL}'], aside: ['{angry}', 'fine', '{fine'] },
  happy: { held: ['fine'], aside: ['angry'], refused: ['so so'] },
  name: { held: ['a', 'n'.repeat(63), 'ä'.repeat(31)], aside: ['n'.repeat(64), 'ä'.repeat(32)] },
  '"char"': { held: ['a', ''], aside: ['ab', 'ä'] },
  oid: { held: ['0', '4294967295'], aside: ['-1', '4294967296', 'x', ''] },
  'bit(3)': { held: ['101'], aside: ['10', '1010', '102', '', 'abc'] },
  bit: { held: ['1'], aside: ['', '10'] },
  'varbit(3)': { held: ['101', '', '1', 'B10', 'b10'], aside: ['1010', 'x1F', '2'] },
  varbit: { held: ['1'.repeat(200), 'x1F', 'XaB'], aside: ['x1G', '1 0'] },
  'bit(3)[]': { held: ['{101,000}'], aside: ['{10}', '{1010}', '{abc}'] },
  inet: {
    held: [
      '10.0.0.1',
      '10.0.0.1/8',
      '10/8',
      '255.255.255.255/32',
      '0.0.0.0/0',
      '::1',
      '::',
      '1::/16',
      'fe80::1/64',
      '::ffff:1.2.3.4',
      '1:2:3:4:5:6:7:8',
      '2001:DB8::/32',
      '010.1.1.1',
    ],
    aside: [
      '10.0.0.256',
      '10.0.0',
      '10.0.0.0/33',
      '10.1/24',
      '1:2:3',
      ':::',
      '::1/129',
      '::1/064',
      '::g',
      '10.0.0.1/',
      '',
      'localhost',
      '1.2.3.4.5',
      '10.0.0.1 ',
      '1:2:3:4:5:6:7:8:9',
      '1::2::3',
      '::1.2.3.400',
    ],
  },
  cidr: {
    held: [
      '10.0.0.0/8',
      '10',
      '192.168.1',
      '128.1',
      '224',
      '10.0.0.1',
      '10.0.0.1/32',
      '2001:db8::/32',
      '::1',
      '192.168.0.0/25',
    ],
    aside: ['10.0.0.1/8', '192.168.1.1/24', '2001:db8::1/32', '10/33', '', 'x', '10.', '256'],
  },
  macaddr: {
    held: [
      '08:00:2b:01:02:03',
      '08-00-2B-01-02-03',
      '08002b:010203',
      '08002b-010203',
      '0800.2b01.0203',
      '08002b010203',
      '8:0:2b:1:2:3',
    ],
    aside: ['08:00:2b:01:02', '08:00:2b:01:02:03:04', 'zz:00:2b:01:02:03', '', '08:00-2b:01:02:03'],
  },
  macaddr8: { held: ['08:00:2b:01:02:03:04:05'], aside: [], refused: ['08:00', 'x'] },
  money: {
    held: [
      '12.34',
      '-12.3',
      '5',
      '$1.00',
      '-$1,234.50',
      '($3.20)',
      '92233720368547758.07',
      '-92233720368547758.08',
      '12.3400',
      '$ 2',
    ],
    aside: ['12.345', '$12.345', '92233720368547758.08', 'abc', '', '€5', '$', '-$'],
  },
  'money[]': { held: ['{12.34,$5.00}', '{"$1,000.00"}'], aside: ['{12.345}', '{x}'] },
  price: { held: ['99.50', '100'], aside: ['99.505', '1000'], refused: ['101', '-1'] },
  cheap: { held: ['9.5'], aside: ['9.505'], refused: ['11', '-1'] },
  'price[]': { held: ['{99.5,NULL}'], aside: ['{99.505}'], refused: ['{-1}'], since: 11 },
  'numeric(5,2)': { held: ['123.45', '-0.5', '1.500'], aside: ['123.456', '1234', 'x'] },
  'numeric(5,2)[]': {
    held: ['{123.45,1}', '{{1,2},{3,4}}', '[0:1]={1,2}', '{}', '{NULL,1.50}'],
    aside: ['{123.456}', '{1234}', '{x}', '{1,2', '{{1},{2,3}}', '[0:2]={1,2}', '{1,{2}}'],
  },
  'varchar(3)': { held: ['abc', ''], aside: ['abcd', 'abc '] },
  'varchar(3)[]': { held: ['{abc,"a,b",NULL,"",a\\"b}'], aside: ['{abcd}', '{"abc "}', '{a,,b}'] },
  'char(3)[]': { held: ['{abc,"a,b"}'], aside: ['{abcd}'] },
  'text[]': {
    held: [
      '{a,"b c",{}}'.replace(',{}', ''),
      '{"a\\\\b","{","}"}',
      ' { a , b c } ',
      '{a\\ }',
      '[2:3]={x,y}',
      '{"NULL",null}',
    ],
    aside: ['a', '', '{a}b', '{a,}', '{"a"b}', '{"a', '[1:2]{a,b}'],
  },
  'integer[]': { held: ['{1,2,-3}', '{+4}'], aside: ['{1.5}', '{9999999999}', '{a}', '[1,2]'] },
  'bytea[]': { held: ['{"\\\\x00ff","\\\\x"}'], aside: ['{"\\\\xzz"}', '{"\\\\x0"}'] },
  'jsonb[]': { held: ['{"{\\"a\\": 1}","[]"}'], aside: ['{"{a"}'] },
  'boolean[]': { held: ['{t,f}', '{true,no}'], aside: ['{2}'] },
  'uuid[]': { held: ['{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'], aside: ['{a0}'] },
  'inet[]': { held: ['{10.0.0.1,::1}'], aside: ['{10.0.0.300}'] },
  'box[]': { held: ['{(2,2),(0,0);(1,1),(0,0)}'], aside: [], refused: ['{(1,1)}'] },
  'interval(0)[]': { held: ['{"1 day 02:03:04"}'], aside: ['{00:00:01.5}'] },
  'timestamp(0)': { held: ['2024-07-12 01:17:42'], aside: ['2024-07-12 01:17:42.5', '2024-13-01'] },
  'timestamp(0)[]': { held: ['{"2024-07-12 01:17:42"}'], aside: ['{"2024-07-12 01:17:42.5"}', '{"2024-02-30"}'] },
  'timestamptz(3)': { held: ['2024-07-12 01:17:42.123+00'], aside: ['2024-07-12 01:17:42.1234+00'] },
  'timestamptz(3)[]': { held: ['{"2024-07-12 01:17:42.123+02"}'], aside: ['{"2024-07-12 01:17:42.1234+00"}'] },
  'time(2)': { held: ['01:02:03.45', '24:00:00'], aside: ['01:02:03.456', '25:00:00'] },
  'timetz(2)': { held: ['01:02:03.45+02'], aside: ['01:02:03.456+02'] },
  'time(2)[]': { held: ['{01:02:03.45}'], aside: ['{01:02:03.456}'] },
  interval: {
    held: [
      '1 year 2 mons 3 days 04:05:06.789',
      '-1 days +02:03:00',
      '00:00:00',
      '1 day',
      '90',
      '1.5 days',
      '2 weeks ago',
      'P1Y2M3DT4H5M6.5S',
      'PT36H',
      '1-2',
      '+02 03:04:05.123456',
      '-00:00:01.000001',
      '@ 1 minute 2 secs',
      '100:00:00',
      '1.5 years',
      '3 milliseconds',
      '1 century',
      '2:30.5',
      '1d 2h',
      '-1-2 3 4:05:06',
      'P-1D',
      '0.5 mons',
    ],
    aside: ['00:00:00.1234567', '1.0000001 secs', 'PT0.0000001S', '3000000000 days', '1.2.3', '0.0000001'],
    refused: ['a while', '1 fortnight', '', '01:60:00', '1 2 3'],
  },
  'interval(0)': { held: ['1 day 02:03:04', '1 year'], aside: ['02:03:04.5', 'a while'] },
  'interval(3)': { held: ['02:03:04.125', '0.5 secs'], aside: ['02:03:04.1256'] },
  'interval year': { held: ['2 years', '3', '24 mons'], aside: ['1 year 2 mons', '1 day', 'x'] },
  'interval year to month': { held: ['1-2', '1 year 2 mons', '5'], aside: ['1 mon 1 day', '1 mon 00:00:01'] },
  'interval day': { held: ['3 days', '4', '1 mon 3 days'], aside: ['1 day 01:00:00'] },
  'interval day to hour': { held: ['1 day 02:00:00', '5'], aside: ['1 day 02:30:00'] },
  'interval day to minute': { held: ['1 day 02:03:00'], aside: ['1 day 02:03:04'] },
  'interval hour to minute': { held: ['02:03'], aside: ['02:03:04'] },
  'interval minute to second': { held: ['02:03', '00:02:03.5'], aside: ['02:03.1234567'] },
  'interval second(1)': { held: ['1.5', '00:00:02.5'], aside: ['1.55'] },
  span: { held: ['1 day'], aside: ['00:00:01.5'] },
  stamp: { held: ['2024-07-12 01:17:42.5'], aside: ['2024-07-12 01:17:42.55'] },
  stamps: { held: ['{"2024-07-12 01:17:42.5"}'], aside: ['{"2024-07-12 01:17:42.55"}'] },
  int4range: {
    held: ['[1,3)', '(1,3]', '[1,]', '(,)', 'empty', ' [ 1 , 2 ] '],
    aside: ['[3,1]', '[1,2', '1,2', '[a,b]', '[1.5,2]', '[1,2147483647]', '[1,2,3]', '', '[1,99999999999)'],
  },
  int8range: { held: ['[1,9223372036854775807)'], aside: ['[1,9223372036854775807]'] },
  numrange: { held: ['[1.5,1.50]', '[0.1,"10"]', '(-1.25,)'], aside: ['[2,1.99]', '[x,)'] },
  daterange: {
    held: ['[2024-01-01,2024-02-29]', '(,2024-01-01)'],
    aside: ['[2024-02-30,)', '[2024-02-01,2024-01-01]'],
  },
  tsrange: {
    held: ['["2024-01-01 00:00:00","2024-01-01 00:00:00.5")', '[2024-01-01,infinity)'],
    aside: ['["2024-01-01 00:00:00.1234567",)', '[2024-01-02,2024-01-01]'],
  },
  tstzrange: { held: ['["2024-01-01 00:00:00+00",)'], aside: ['["2024-01-01 00:00:00.1234567+00",)'] },
  'int4range[]': { held: ['{"[1,3)",empty}'], aside: ['{"[3,1)"}'] },
  int4multirange: {
    held: ['{[1,3),[5,7)}', '{}', '{empty}', '{[1,2], [4,5]}'],
    aside: ['{[3,1)}', '[1,3)', '{[1,3}', '{[1,3),}'],
    since: 14,
  },
  floats: { held: ['[1.5,2)'], aside: ['[1.23456789012345678901,)'], refused: ['[2,1]'] },
  pair: {
    held: ['(1.25,abc)', '(,)', '("1.5","a,b")', '(1,"a""b")', '(1,a\\,b)'],
    aside: ['(1.255,a)', '(1,abcd)', '(1)', '(1,a,b)', '1,a', 'x', '(x,a)'],
  },
  point: { held: ['(1.5,2)', '1,2'], aside: ['(1.23456789012345678901,2)'], refused: ['(1,', 'x', ''] },
  box: { held: ['(1,1),(0,0)'], aside: ['(1.23456789012345678901,1),(0,0)'], refused: ['(1,1)'] },
  circle: { held: ['<(1,2),3>'], aside: ['<(1,2),3.14159265358979323846>'], refused: ['<(1,2),-3>'] },
  polygon: { held: ['((0,0),(1,1))'], aside: [], refused: ['(0'] },
  path: { held: ['[(0,0),(1,1)]'], aside: [], refused: ['['] },
  lseg: { held: ['[(0,0),(1,1)]'], aside: [], refused: ['[(0,0)]'] },
  line: { held: ['{1,-1,0}'], aside: [], refused: ['{0,0,0}'] },
  pg_lsn: { held: ['16/B374D848'], aside: [], refused: ['x'] },
  tsvector: { held: [`'a':1 'b':2`], aside: [], refused: [`'a`] },
  tsquery: { held: [`'a' & 'b'`], aside: [], refused: ['a &'] },
  jsonpath: { held: ['$."a"'], aside: [], refused: ['$.['], since: 12 },
  uuid: { held: ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'], aside: ['a0'] },
  json: { held: ['{"a":1}'], aside: ['{'] },
  real: { held: ['1.5', '0.1'], aside: ['1.23456789', '1e400', 'x'] },
  'real[]': { held: ['{1.5,NaN}'], aside: ['{1.23456789}'] },
}
const PREPARE = [
  `CREATE TYPE mood AS ENUM ('fine', 'so so', 'ärger')`,
  `CREATE DOMAIN happy AS mood CHECK (VALUE = 'fine')`,
  'CREATE DOMAIN price AS numeric(5,2) CHECK (VALUE >= 0) CHECK (VALUE <= 100)',
  'CREATE DOMAIN cheap AS price CHECK (VALUE < 10)',
  'CREATE DOMAIN span AS interval(0)',
  'CREATE DOMAIN stamp AS timestamp(1)',
  'CREATE DOMAIN stamps AS timestamp(1)[]',
  'CREATE TYPE floats AS RANGE (subtype = float8)',
  'CREATE TYPE pair AS (a numeric(5,2), b varchar(3))',
]

interface Server {
  readonly connection: Connection
  readonly version: number
  query(text: string, values?: readonly unknown[]): Promise<Record<string, string | null>[]>
}

async function server(url: string): Promise<Server> {
  const connection = await connect(url)
  const query: Server['query'] = async (text, values = []) =>
    (await connection.db.executeQuery<Record<string, string | null>>(CompiledQuery.raw(text, [...values]))).rows
  for (const statement of PREPARE) await query(statement)
  await query(`SET TIME ZONE 'America/New_York'`)
  const [row] = await query('SHOW server_version_num')
  return { connection, query, version: Math.floor(Number(row!.server_version_num) / 10_000) }
}

const VERSIONS = ['18', '14', '12', '10'] as const

const databases: Readonly<Record<string, () => Promise<string>>> = {
  ...Object.fromEntries(VERSIONS.map((version) => [`PostgreSQL ${version}`, () => newDatabase(version)])),
  PGlite: async () => (await pgliteFolder()).url,
}

async function newDatabase(version: PostgresVersion): Promise<string> {
  const database = await testDatabase(undefined, version)
  after(database.drop)
  return database.url
}

for (const [index, [name, makeDatabase]] of Object.entries(databases).entries()) {
  if (!isDealt(index)) continue
  const version = /\d+/.exec(name)?.[0] as PostgresVersion | undefined
  test(`every type on ${name}`, { skip: version === undefined ? false : withoutPostgres(version) }, async (t) => {
    const target = await server(await makeDatabase())
    try {
      for (const [type, texts] of Object.entries(TYPES)) {
        if ((texts.since ?? 0) > target.version) continue
        await t.test(type, () => check(target, type, texts))
      }
    } finally {
      await target.connection.close()
    }
  })
}

let tables = 0

async function check({ connection, query }: Server, type: string, texts: Texts): Promise<void> {
  const table = `t${++tables}`
  await query(`CREATE TABLE ${table} (id int, v ${type})`)
  const column = (await readRelation(connection.db, 'public', table))!.columns.find(({ name }) => name === 'v')!
  const { mayBeRefused = false, encode } = codecFor(column, 'textual')
  for (const text of texts.held) {
    const token = encode(text)
    assert.notEqual(token, undefined, `${JSON.stringify(text)} is held`)
    const ours = await written(query, table, column, token!)
    assert.equal(ours, await literal(query, table, text), `${JSON.stringify(text)} as the server reads it`)
  }
  for (const text of texts.aside) {
    assert.equal(encode(text), undefined, `${JSON.stringify(text)} lies aside`)
    // Refused, or not what it was.
    assert.notEqual(await literal(query, table, text).catch(() => null), text)
  }
  for (const text of texts.refused ?? []) {
    assert.ok(mayBeRefused, 'the codec says that the server may refuse')
    await assert.rejects(written(query, table, column, encode(text)!), `${JSON.stringify(text)} is refused`)
    await assert.rejects(literal(query, table, text))
  }
}

/** As the layout `columns` writes it. */
async function written(query: Server['query'], table: string, column: Column, token: string): Promise<string | null> {
  const { travelsAs, castTo } = codecFor(column, 'textual')
  const cast = castTo === null ? '' : `::${castTo}`
  const insert = `INSERT INTO ${table} SELECT 1, s.c0${cast} FROM json_to_recordset($1::json) AS s(c0 ${travelsAs})`
  const rows = await query(`${insert} RETURNING v::text AS v`, [`[{"c0":${token}}]`])
  return rows[0]!.v!
}

async function literal(query: Server['query'], table: string, text: string): Promise<string | null> {
  const rows = await query(`INSERT INTO ${table} VALUES (2, '${text.replaceAll("'", "''")}') RETURNING v::text AS v`)
  return rows[0]!.v!
}

/** Of texts made at random out of these pieces a type takes those that the server takes. */
const PIECES: Readonly<Record<string, readonly string[]>> = {
  inet: [
    '1',
    '10',
    '255',
    '256',
    '0',
    '01',
    'a',
    'fe80',
    '.',
    '.',
    '.',
    ':',
    ':',
    '::',
    '/',
    '/8',
    '/33',
    '/129',
    '1.2.3.4',
    ' ',
  ],
  cidr: ['1', '10', '192', '224', '255', '0', 'fe80', '.', '.', '.0', ':', '::', '/', '/8', '/24', '/32', '/64', '0.0'],
  'integer[]': ['{', '}', ',', '1', '{2', ',3}', 'NULL', ' ', '{1,2}', '[1:2]=', '{{1},{2}}', '{"4"}'],
  'text[]': ['{', '}', ',', 'a', '"', '"b"', '\\', ' ', 'NULL', '{a,b}', '{"",', '{c', ',"d}"}'],
  int4range: ['[', ')', '(', ']', ',', ',', '1', '2', '"', ' ', 'empty', '[1,2)'],
  int4multirange: ['{', '}', '[1,2)', ',', '(3,4]', ' ', 'empty', '[', ')', '1'],
  pair: ['(', ')', ',', ',', '1', 'a', '"', '""', '\\', ' ', '(1,a)'],
  'varbit(6)': ['0', '1', 'x', 'B', 'f', 'F', '2', ' '],
}

test('texts at random: a type takes what PostgreSQL takes', async () => {
  const { connection, query } = await server(await newDatabase('18'))
  const seed = anySeed()
  const random = seededRandom(seed)
  for (const [type, pieces] of Object.entries(PIECES)) {
    const texts = Array.from({ length: 3000 }, () =>
      Array.from({ length: 1 + random.below(6) }, () => random.pick(pieces)).join(''),
    )
    const table = `t${++tables}`
    await query(`CREATE TABLE ${table} (v ${type})`)
    const column = (await readRelation(connection.db, 'public', table))!.columns[0]!
    const { encode } = codecFor(column, 'textual')
    const isTaken = await query(
      `SELECT o, pg_input_is_valid(o, '${type}') AS "isTaken" FROM json_array_elements_text($1::json) AS o`,
      [JSON.stringify([...new Set(texts)])],
    )
    let taken = 0
    for (const { o, isTaken: is } of isTaken as unknown as { o: string; isTaken: boolean }[]) {
      taken += is ? 1 : 0
      // Empty rows in rows PostgreSQL 17 takes, and makes one empty array of them.
      if (/\{\s*\{\s*\}/.test(o)) continue
      assert.equal(encode(o) !== undefined, is, `${type} ${JSON.stringify(o)}, seed ${seed}`)
    }
    assert.ok(taken > 0, `${type}: ${taken} of ${isTaken.length} are taken, seed ${seed}`)
  }
  await connection.close()
})

const OF_INTERVALS = [
  ...['1', '10', '0.5', '1.25', '.5', '-', '+', ' ', ' ', ' day', ' year', ' mon', 'mons', ' week', ' hours', ' min'],
  ...[
    ' secs',
    's',
    'm',
    'h',
    'd',
    'y',
    ':',
    '04:05',
    '04:05:06.5',
    '1-2',
    ' ago',
    '@ ',
    'P',
    'T',
    '1Y',
    '2M',
    '3D',
    '4H',
  ],
  ...['1.5S', '1W', '3:4', ' ms', 'us', '-1-2', '100:00:00'],
]

for (const version of ['18', '12', '10'] as const) {
  if (!isDealt(VERSIONS.indexOf(version))) continue
  test(`intervals at random: what travels is what PostgreSQL ${version} reads`, {
    skip: withoutPostgres(version),
  }, async () => {
    const { connection, query } = await server(await newDatabase(version))
    const seed = anySeed()
    const random = seededRandom(seed)
    await query('CREATE TABLE intervals (v interval)')
    await query(`CREATE FUNCTION read(text text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN text::interval::text;
      EXCEPTION WHEN others THEN RETURN NULL; END $$`)
    const column = (await readRelation(connection.db, 'public', 'intervals'))!.columns[0]!
    const { encode } = codecFor(column, 'textual')
    const pairs = Array.from({ length: 5000 }, () => {
      const text = Array.from({ length: 1 + random.below(6) }, () => random.pick(OF_INTERVALS)).join('')
      const token = encode(text)
      return token === undefined ? [] : [[text, JSON.parse(token) as string]]
    }).flat()
    const rows = await query(
      `SELECT o->>0 AS text, read(o->>0) AS theirs, read(o->>1) AS ours FROM json_array_elements($1::json) AS o`,
      [JSON.stringify(pairs)],
    )
    for (const { text, theirs, ours } of rows) assert.equal(ours, theirs, `${JSON.stringify(text)}, seed ${seed}`)
    assert.ok(rows.some(({ theirs }) => theirs !== null))
    await connection.close()
  })
}
