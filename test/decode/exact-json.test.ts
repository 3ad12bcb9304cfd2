import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Numeric, type Row, toJson } from '../../src/change.ts'
import { holdsOddNumber, parseExact } from '../../src/decode/exact-json.ts'
import { RelayError } from '../../src/errors.ts'

const cases: readonly (readonly [title: string, text: string, json: string])[] = [
  ['a bare number', '12345678901234567890', '12345678901234567890'],
  ['a bare negative number', '-0.10000000000000000001', '-0.10000000000000000001'],
  ['a bare number behind space', '\n\t 9007199254740993 ', '9007199254740993'],
  [
    'numbers behind everything that can stand in front of one',
    '[9007199254740993,9007199254740993, 9007199254740993,\n9007199254740993,\t9007199254740993,\r9007199254740993,{"a":9007199254740993}]',
    '[9007199254740993,9007199254740993,9007199254740993,9007199254740993,9007199254740993,9007199254740993,{"a":9007199254740993}]',
  ],
  [
    '16 digits, some of which a double has',
    '[9007199254740991,9007199254740992,9999999999999999]',
    '[9007199254740991,9007199254740992,9999999999999999]',
  ],
  ['digits lost inside of the safe range', '[0.12345678901234567890]', '[0.1234567890123456789]'],
  [
    'one of many digits that is nearly a short one',
    '[0.10000000000000000001,1.0000000000000000001,4.00000000000000000]',
    '[0.10000000000000000001,1.0000000000000000001,4]',
  ],
  ['one spelling of each value', '[1e2,1E+2,100.0,1000e-1,0.1e3]', '[100,100,100,100,100]'],
  [
    'one spelling of each exact value',
    '[90071992547409935e-1,9.0071992547409935E15,9007199254740993.500]',
    '[9007199254740993.5,9007199254740993.5,9007199254740993.5]',
  ],
  ['zeros', '[0,-0,0.000000000000000000000,-0.00000000000000000000,0e99999,0E-99999]', '[0,0,0,0,0,0]'],
  [
    'what a double cannot reach',
    '[1e309,-1e400,1e-330]',
    `[1${'0'.repeat(309)},-1${'0'.repeat(400)},0.${'0'.repeat(329)}1]`,
  ],
  ['the ends of a double', '[1.7976931348623157e308,5e-324]', '[1.7976931348623157e+308,5e-324]'],
  [
    'digits that a double has, with an exponent that it has not',
    '[1.7976931348623157e400]',
    `[17976931348623157${'0'.repeat(384)}]`,
  ],
  ['a thousand zeros by exponent', '[12e1000,1.2e-999]', `[12${'0'.repeat(1000)},0.${'0'.repeat(998)}12]`],
  ['two thousand zeros as they are', `[1${'0'.repeat(2000)}]`, `[1${'0'.repeat(2000)}]`],
  [
    'text that looks like numbers',
    '{"a":": 12345678901234567890","1e400":" 1e9999 ,"}',
    '{"a":": 12345678901234567890","1e400":" 1e9999 ,"}',
  ],
  [
    'names that mean something to objects',
    '{"__proto__":{"__proto__":12345678901234567890},"constructor":[{"toJSON":1}]}',
    '{"__proto__":{"__proto__":12345678901234567890},"constructor":[{"toJSON":1}]}',
  ],
  [
    'the same without odd numbers',
    '{"__proto__":{"__proto__":1},"constructor":[{"toJSON":1}]}',
    '{"__proto__":{"__proto__":1},"constructor":[{"toJSON":1}]}',
  ],
  ['text, null, booleans', '["a\\u0000\\ud800",null,true,false,{},[]]', '["a\\u0000\\ud800",null,true,false,{},[]]'],
  [
    '1000 levels',
    `${'[{"a":'.repeat(500)}9007199254740993${'}]'.repeat(500)}`,
    `${'[{"a":'.repeat(500)}9007199254740993${'}]'.repeat(500)}`,
  ],
]

for (const [title, text, json] of cases) {
  test(`exact JSON: ${title}`, () => assert.equal(toJson(parseExact(text)), json))
}

test('exact JSON: a number is a number where a double is that number, else Numeric in plain digits', () => {
  assert.equal(parseExact('9007199254740992'), 9007199254740992)
  assert.equal(parseExact('100000000000000000000'), 1e20)
  assert.equal(parseExact('3.141592653589793'), Math.PI)
  assert.deepEqual(parseExact('9007199254740993'), new Numeric('9007199254740993'))
  assert.deepEqual(parseExact('3.1415926535897931'), new Numeric('3.1415926535897931'))
  assert.deepEqual(parseExact('-1.5e400'), new Numeric(`-15${'0'.repeat(399)}`))
})

test('exact JSON: no name means anything to a row', () => {
  for (const text of ['{"a":1}', '{"a":9007199254740993}']) {
    const row = parseExact(text) as Row
    assert.equal(row.toString, undefined)
    assert.equal('__proto__' in row, false)
  }
  const own = parseExact('{"__proto__":9007199254740993}') as Row
  assert.deepEqual(Object.keys(own), ['__proto__'])
})

const refused: readonly (readonly [title: string, text: string, detail: string])[] = [
  ['half a document', '{"a":"secret', 'A text of 12 characters is not the JSON document it should be'],
  [
    'half a document with an odd number',
    '{"a":9007199254740993,"b":"secret',
    'A text of 33 characters is not the JSON document',
  ],
  ['no text', '', 'A text of 0 characters'],
  ['two documents', '{}{}', 'A text of 4 characters'],
  ['a number no JSON has', '[01]', 'A text of 4 characters'],
  ['1001 levels', '['.repeat(1001) + ']'.repeat(1001), 'The JSON text is nested deeper than 1000 levels'],
  ['100,000 levels', '['.repeat(1e5) + ']'.repeat(1e5), 'The JSON text is nested deeper than 1000 levels'],
  [
    '100,000 levels around an odd number',
    `${'['.repeat(1e5)}1e400${']'.repeat(1e5)}`,
    'The JSON text is nested deeper than 1000 levels',
  ],
  ['an exponent that would fill the memory', '[1e1001]', 'The JSON text has a number with an exponent beyond 1000'],
  [
    'an exponent of many digits',
    '{"a":[1e-99999999999999999999]}',
    'The JSON text has a number with an exponent beyond 1000',
  ],
]

for (const [title, text, detail] of refused) {
  test(`exact JSON: refused: ${title}`, () => {
    assert.throws(
      () => parseExact(text),
      (error) => {
        assert.ok(error instanceof RelayError, String(error))
        assert.equal(error.code, 'DECODE_VALUE')
        assert.ok(error.detail.startsWith(detail), error.detail)
        assert.ok(!error.message.includes('secret') && error.cause === undefined)
        return true
      },
    )
  })
}

test('exact JSON: a hostile number costs no more than its length', () => {
  const zeros = '0'.repeat(500_000)
  assert.deepEqual(parseExact(`1${zeros}1${zeros}`), new Numeric(`1${zeros}1${zeros}`))
  assert.deepEqual(parseExact(`0.${zeros}1`), new Numeric(`0.${zeros}1`))
})

test('exact JSON: the exact reading is for what needs it', () => {
  const plain = [
    '{"a":1,"b":-1.5,"c":123456789012345,"t":"2026-01-01T20:40:00.123456Z"}',
    '[0.1,1e-7,2.5E-3]',
    '[1e3,1.0e+02,999e12,1.234567890123450e+15]',
    '"12345678901234567890"',
    '["1e5","x1e5","12e"]',
    '[3.141592653589793,9007199254740991]',
    '{"uuid":"5e40a1e3-1e5a-4e11-9e07-00000000000e"}',
    '{"lsn":"0000000A/1C004330.2.0000000A/1C004330"}',
  ]
  for (const text of plain) assert.equal(holdsOddNumber(text), false, text)
  const odd = [
    '9007199254740993',
    '[0.10000000000000001]',
    '{"a":1e15}',
    '{"a": -1.5E+18}',
    '[1e400]',
    '[1e-400]',
    '[1e99999]',
  ]
  for (const text of odd) assert.equal(holdsOddNumber(text), true, text)
})

/** Number tokens of every kind, most of them beyond a double. */
const numberToken = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.constant('0'), fc.stringMatching(/^[1-9][0-9]{0,25}$/, { size: 'max' })),
    fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{1,25}$/, { size: 'max' })),
    fc.oneof(
      { weight: 3, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: fc.stringMatching(/^[eE][+-]?[0-9]{1,2}$/) },
    ),
  )
  .map((parts) => parts.join(''))

interface Written {
  /** JSON text with white space and long numbers. */
  readonly text: string
  /** The same, each number as a fraction in its one form. */
  readonly meaning: unknown
}

const space = fc.constantFrom('', '', ' ', '\n', '\t')
const name = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('__proto__', 'constructor', 'toJSON', ': 1e5,'))

/** Random documents. Integers as names are left out: an object moves them to its front. */
const document = fc.letrec<{ node: Written }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    numberToken.map((text) => ({ text, meaning: fraction(text) })),
    fc
      .oneof(fc.string(), fc.constantFrom(': 12345678901234567890,', '" 1e400'))
      .map((text) => ({ text: JSON.stringify(text), meaning: text })),
    fc.constantFrom(null, true, false).map((constant) => ({ text: String(constant), meaning: constant })),
    fc.tuple(space, fc.array(tie('node'), { maxLength: 5 })).map(([gap, members]) => ({
      text: `[${members.map(({ text }) => gap + text + gap).join(',')}]`,
      meaning: members.map(({ meaning }) => meaning),
    })),
    fc
      .tuple(space, fc.uniqueArray(fc.tuple(name, tie('node')), { selector: ([member]) => member, maxLength: 5 }))
      .map(([gap, members]) => ({
        text: `{${members.map(([member, { text }]) => `${gap}${JSON.stringify(member)}${gap}:${gap}${text}${gap}`).join(',')}}`,
        meaning: new Map(members.map(([member, { meaning }]) => [member, meaning])),
      })),
  ),
})).node

test('exact JSON: any document of any numbers is printed with the numbers it had', () => {
  let odd = 0
  let documents = 0
  fc.assert(
    fc.property(document, ({ text, meaning }) => {
      documents++
      if (holdsOddNumber(text)) odd++
      assert.deepEqual(meaningOf(toJson(parseExact(text))), meaning)
    }),
    { numRuns: 1000, verbose: 1 },
  )
  assert.ok(odd > 200 && documents - odd > 200, `${odd} of ${documents} documents held odd numbers`)
})

test('exact JSON: a number is a double exactly if the shortest decimal of the double is the number', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (double) => {
      assert.ok(Object.is(parseExact(JSON.stringify(double)), double + 0))
      const wider = double.toExponential(20)
      const isSame = fraction(wider) === fraction(String(double))
      assert.equal(typeof parseExact(wider), isSame ? 'number' : 'object')
    }),
    { numRuns: 500, verbose: 1 },
  )
})

/** What JSON text means, read by other means than those under test. */
function meaningOf(text: string): unknown {
  const reviver = (_: string, value: unknown, { source }: { readonly source?: string }): unknown => {
    if (typeof value === 'number') return fraction(source!)
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
    return new Map(Object.entries(value))
  }
  return JSON.parse(text, reviver as (name: string, value: unknown) => unknown)
}

/** A decimal as an integer count of 1E-500; never equal to a text of a document, since those are short. */
function fraction(text: string): string {
  const [, minus, integer, digits = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!
  const count = BigInt(integer! + digits) * 10n ** BigInt(500 + Number(exponent) - digits.length)
  return `${minus === '-' && count > 0n ? '-' : ''}${count}E-500`
}
