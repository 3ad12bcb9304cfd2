import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Binary, Numeric, newRow, type Row, type Value } from '../../../../../src/change.ts'
import { ignoredDocument } from '../../../../../src/sinks/sql/cratedb/documents/documents.ts'
import { dynamicDocument } from '../../../../../src/sinks/sql/cratedb/documents/dynamic-documents.ts'
import {
  type ObjectMembers,
  subColumnOf,
  subColumnPath,
} from '../../../../../src/sinks/sql/cratedb/documents/sub-columns.ts'
import { volume } from '../../../../support/volume.ts'
import { DynamicColumn, documentOf, taken } from './stored-objects.ts'

const exact = (text: string): Numeric => new Numeric(text)
const rowOf = (members: Record<string, Value>): Row => Object.assign(newRow(), members)
const bytes = Binary.fromBase64Text('AP8=')
const BEYOND = '36893488147419103232'

const ignored: readonly (readonly [row: Record<string, Value>, json: string])[] = [
  [{}, '{}'],
  [{ a: null, b: true, c: 'x"\n', d: bytes }, '{"a":null,"b":true,"c":"x\\"\\n","d":"AP8="}'],
  [{ a: 1, b: -0, c: 1.5, d: 1e-7 }, '{"a":1,"b":0,"c":1.5,"d":1e-7}'],
  [{ a: exact('9223372036854775807'), b: 2 ** 62 }, '{"a":9223372036854775807,"b":4611686018427388000}'],
  [{ a: exact('9223372036854775808') }, '{"a":"9223372036854775808","cdc_numbers":["/a"]}'],
  [{ a: exact('-9223372036854775808') }, '{"a":-9223372036854775808}'],
  [{ a: 1e125 }, `{"a":"1${'0'.repeat(125)}","cdc_numbers":["/a"]}`],
  [{ a: exact('0.1234567890123456789') }, '{"a":"0.1234567890123456789","cdc_numbers":["/a"]}'],
  [{ a: [1, exact(BEYOND), 1.5] }, `{"a":["1","${BEYOND}","1.5"],"cdc_numbers":["/a"]}`],
  [{ a: [1, null, exact(BEYOND)] }, `{"a":[1,null,"${BEYOND}"],"cdc_numbers":["/a/2"]}`],
  [{ a: [1, 'a', null, rowOf({ b: [] })] }, '{"a":[1,"a",null,{"b":[]}]}'],
  [
    { 'a/b': rowOf({ 'c~.d': [[exact(BEYOND)]] }) },
    `{"a/b":{"c~%2Ed":[["${BEYOND}"]]},"cdc_numbers":["/a~1b/c~0%2Ed/0"]}`,
  ],
  [{ cdc_numbers: ['x'], n: exact(BEYOND) }, `{"%63dc_numbers":["x"],"n":"${BEYOND}","cdc_numbers":["/n"]}`],
  [{ a: rowOf({ cdc_numbers: 1 }) }, '{"a":{"cdc_numbers":1}}'],
]
for (const [members, json] of ignored) {
  test(`IGNORED: ${json.slice(0, 60)}`, () => assert.equal(ignoredDocument(rowOf(members)), json))
}

const membersOf = (catalogue: readonly (readonly [path: readonly string[], type: string])[] = []): ObjectMembers => ({
  columns: new Map(catalogue.map(([path, type]) => [subColumnPath(path), subColumnOf(type)])),
  room: { left: 900 },
})

type Step = readonly [members: Record<string, Value>, data: string, aux: string | null]
const dynamic: Readonly<Record<string, readonly Step[]>> = {
  'numbers are doubles': [[{ a: 1, b: 1.5, c: 1e21, d: [1, 2] }, '{"a":1.0,"b":1.5,"c":1e+21,"d":[1.0,2.0]}', null]],
  'a number that no double holds lies in aux': [
    [{ a: exact(BEYOND), b: 1 }, '{"b":1.0}', `{"a":"${BEYOND}","cdc_numbers":["/a"]}`],
  ],
  'a type that changed lies in aux': [
    [{ a: 1, b: 'x' }, '{"a":1.0,"b":"x"}', null],
    [{ a: '42', b: 42 }, '{}', '{"a":"42","b":42}'],
    [{ a: null, b: bytes }, '{"a":null,"b":"AP8="}', null],
  ],
  'lists that are not of one type lie in aux': [
    [{ a: [1, 'x'], b: [1, null], c: [[1]], d: ['x'] }, '{"d":["x"]}', '{"a":[1,"x"],"b":[1,null],"c":[[1]]}'],
    [{ d: [1], e: ['x'], f: null }, '{"e":["x"],"f":null}', '{"d":[1]}'],
    [{ e: [1], f: ['x'], g: null }, '{"g":null}', '{"e":[1],"f":["x"]}'],
    [{ f: 'x', g: rowOf({}) }, '{"f":"x","g":{}}', null],
  ],
  'an empty list, and null for a list, lie in aux until the catalogue knows the list': [
    [{ a: [], b: rowOf({ c: [], d: 1 }) }, '{}', '{"a":[],"b":{"c":[],"d":1}}'],
    [{ a: ['x'], b: rowOf({ c: [1] }) }, '{"a":["x"],"b":{"c":[1.0]}}', null],
    [{ a: [], b: rowOf({ c: [] }), d: null }, '{"d":null}', '{"a":[],"b":{"c":[]}}'],
    [{ a: null, b: rowOf({ c: null }), d: [] }, '{}', '{"a":null,"b":{"c":null},"d":[]}'],
    [{ e: [rowOf({ f: ['x'] }), rowOf({ f: [] })] }, '{}', '{"e":[{"f":["x"]},{"f":[]}]}'],
  ],
  'an attribute lies in aux whole, and leaves no types': [
    [{ a: rowOf({ b: 1, c: [1, 'x'] }) }, '{}', '{"a":{"b":1,"c":[1,"x"]}}'],
    [{ a: rowOf({ b: 'x' }) }, '{"a":{"b":"x"}}', null],
  ],
  'objects in a list have their members in common': [
    [{ a: [rowOf({ b: 1 }), rowOf({ b: 'x' })] }, '{}', '{"a":[{"b":1},{"b":"x"}]}'],
    [{ a: [rowOf({ b: 1 }), rowOf({ c: 'x' })] }, '{"a":[{"b":1.0},{"c":"x"}]}', null],
    [{ a: [rowOf({ c: 1 })] }, '{}', '{"a":[{"c":1}]}'],
  ],
  'a text over 32,766 bytes lies in aux': [
    [{ a: '€'.repeat(10_922), b: '' }, `{"a":"${'€'.repeat(10_922)}","b":""}`, null],
    [{ a: 'x'.repeat(32_767), b: '' }, '{"b":""}', `{"a":"${'x'.repeat(32_767)}"}`],
  ],
}
for (const [title, steps] of Object.entries(dynamic)) {
  test(`DYNAMIC: ${title}`, () => {
    const known = membersOf()
    for (const [members, data, aux] of steps)
      assert.deepEqual(dynamicDocument(rowOf(members), 'dynamic', known), { data, aux })
  })
}

test('DYNAMIC: a look at the table is asked for where it helps', () => {
  const known = membersOf()
  const isAsked = (members: Record<string, Value>): boolean => {
    dynamicDocument(rowOf(members), 'dynamic', known)
    return known.isOutdated === true
  }
  assert.equal(isAsked({ a: [], b: [rowOf({ c: ['x'] }), rowOf({ c: [] }), rowOf({ c: null })] }), false)
  assert.equal(isAsked({ a: ['x'], d: null }), false)
  assert.equal(isAsked({ a: 'x', b: [], d: [] }), false)
  assert.equal(isAsked({ a: [] }), true)
})

test('DYNAMIC: sub-columns that the table has already', () => {
  const catalogue: readonly (readonly [path: readonly string[], type: string])[] = [
    [['i'], 'bigint'],
    [['is'], 'bigint_array'],
    [['o'], 'object'],
    [['o', 't'], 'text'],
    [['at'], 'timestamp with time zone'],
    [['u'], 'undefined_array'],
  ]
  const known = membersOf(catalogue)
  const fits = rowOf({ i: 1, is: [1, 2], o: rowOf({ t: 'x' }), at: null })
  assert.deepEqual(dynamicDocument(fits, 'dynamic', known), {
    data: '{"i":1,"is":[1,2],"o":{"t":"x"},"at":null}',
    aux: null,
  })
  const nothing = rowOf({ is: [], u: [] })
  assert.deepEqual(dynamicDocument(nothing, 'dynamic', known), { data: '{"is":[],"u":[]}', aux: null })
  assert.deepEqual(dynamicDocument(rowOf({ is: null, u: ['x'] }), 'dynamic', known), {
    data: '{"is":null,"u":["x"]}',
    aux: null,
  })
  assert.deepEqual(dynamicDocument(nothing, 'dynamic', known), { data: '{"is":[],"u":[]}', aux: null })
  assert.notEqual(known.isOutdated, true)
  const fitsNot = rowOf({ i: 1.5, is: [1, 1e-7], o: rowOf({ t: 1 }), at: 'x' })
  assert.deepEqual(dynamicDocument(fitsNot, 'dynamic', known), {
    data: '{}',
    aux: '{"i":1.5,"is":[1,1e-7],"o":{"t":1},"at":"x"}',
  })
})

test('DYNAMIC: what would be a column too many lies in aux', () => {
  const known = membersOf()
  const wide = rowOf(Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`a${i}`, 'x'])))
  const { data, aux } = dynamicDocument(wide, 'dynamic', known)
  assert.equal(taken(data).size, 900)
  assert.equal(taken(aux!).size, 1_100)
})

const names = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('a', 'b', 'c', 'd') },
  fc.constantFrom(
    '',
    '__proto__',
    'a.b',
    'x[0]',
    '%2E',
    '%',
    '/',
    '~',
    '_id',
    'cdc_numbers',
    'constructor',
    '0',
    "it's",
  ),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
)
const digits = fc.stringMatching(/^[1-9]\d{0,39}$/)
const numbers = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((double) => double + 0),
  fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }).map((whole) => numeric(String(whole))),
  fc.tuple(digits, digits).map(([whole, fraction]) => numeric(`${whole}.${fraction}`.replace(/\.?0+$/, ''))),
  fc.constantFrom(1e-300, 2 ** 63, -(2 ** 63), 2 ** 53, 1e21, exact(`1${'0'.repeat(400)}`)),
)
const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom('42', '1.5', 'true', BEYOND, 'x'.repeat(32_767)),
)
const { row: rows } = fc.letrec<{ value: Value; row: Row }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'v' },
    texts,
    numbers,
    fc.constantFrom(null, true, false, bytes),
    fc.array(tie('value'), { maxLength: 3, depthIdentifier: 'v' }),
    fc.array(numbers, { maxLength: 3 }),
    fc.array(texts, { maxLength: 3 }),
    tie('row'),
  ),
  row: fc.array(fc.tuple(names, tie('value')), { maxLength: 5, depthIdentifier: 'v' }).map((members) => {
    const row = newRow()
    for (const [name, value] of members) row[name] = value
    return row
  }),
}))

/** As the decoders make them: `Numeric` only where a double does not print the same digits. */
function numeric(text: string): number | Numeric {
  return exactDigits(Number(text)) === text ? Number(text) : exact(text)
}

test('IGNORED: what is stored reads as it was', () => {
  fc.assert(
    fc.property(rows, (row) => {
      assert.deepEqual(plain(documentOf(taken(ignoredDocument(row)))), plain(row))
    }),
    { numRuns: volume(1_000, 5_000) },
  )
})

test('DYNAMIC: rows that share their columns are all taken, and read as they were', () => {
  const shares = { data: 0, aux: 0 }
  fc.assert(
    fc.property(fc.array(rows, { minLength: 2, maxLength: 6 }), (some) => {
      const column = new DynamicColumn()
      const known = membersOf()
      for (const row of some) {
        const { data, aux } = dynamicDocument(row, 'dynamic', known)
        const stored = column.store(data)
        shares.data += stored.size
        if (aux !== null) shares.aux += taken(aux).size
        const both = Object.assign(documentOf(stored), aux === null ? {} : documentOf(taken(aux)))
        assert.deepEqual(plain(both), plain(row))
      }
    }),
    { numRuns: volume(500, 2_000) },
  )
  // Neither may be a rare case.
  assert.ok(shares.data > shares.aux / 5 && shares.aux > shares.data / 5, JSON.stringify(shares))
})

/** Values as their texts, so that numbers are compared by their digits. Binary is base64, as in all JSON of ours. */
function plain(value: Value): unknown {
  if (typeof value === 'number') return { number: exactDigits(value) }
  if (value instanceof Numeric) return { number: value.text }
  if (value instanceof Binary) return value.toJSON()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return new Map(Object.entries(value).map(([name, member]) => [name, plain(member)]))
}

/** The digits that JavaScript prints, without its exponent. */
function exactDigits(double: number): string {
  if (double === 0 || !Number.isFinite(double)) return String(double)
  const [, sign, whole, fraction = '', power] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(double.toExponential())!
  const all = whole + fraction
  const point = 1 + Number(power)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${all}`
  return point >= all.length ? sign + all.padEnd(point, '0') : `${sign}${all.slice(0, point)}.${all.slice(point)}`
}
