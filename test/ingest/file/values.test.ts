import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type FileValue, MAX_VALUE_BYTES, type Rest, ValueCutter } from '../../../src/ingest/file/values.ts'

interface Read {
  readonly values: readonly FileValue[]
  readonly rest: Rest
}

/** Read in pieces of these sizes, in turn. */
function read(bytes: Buffer, from = 0, sizes: readonly number[] = [bytes.length + 1]): Read {
  const cutter = new ValueCutter(from)
  const values: FileValue[] = []
  for (let at = from, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    values.push(...cutter.cut(bytes.subarray(at, at + size)))
    at += size
  }
  const rest = cutter.finish()
  return { values: [...values, ...rest.values], rest }
}

const textsOf = (values: readonly FileValue[]): string[] => values.map(({ bytes }) => bytes.toString())

const cases: readonly (readonly [title: string, text: string, values: readonly string[], unfinished?: string])[] = [
  ['lines', '{"a":1}\n{"a":2}\r\n\n  \n{"a":3}', ['{"a":1}', '{"a":2}', '{"a":3}']],
  ['nothing between values', '{"a":"}{"}{"a":{"b":[1,{}]}}{}', ['{"a":"}{"}', '{"a":{"b":[1,{}]}}', '{}']],
  [
    'values of many lines',
    '{\n  "a": 1\n}\n{\n  "a": [\n    2\n  ]\n}\n',
    ['{\n  "a": 1\n}', '{\n  "a": [\n    2\n  ]\n}'],
  ],
  ['a mark of UTF-8', '\uFEFF{"a":1}', ['{"a":1}']],
  ['a list', '[{"a":1},\n {"a":[{"b":2}]}]', ['{"a":1}', '{"a":[{"b":2}]}']],
  ['lists and values', '[{"a":1}][]{"a":2}\n[{"a":3}]', ['{"a":1}', '{"a":2}', '{"a":3}']],
  ['members of a list that are no objects', '[{}, 1, [{"a":1}], null]', ['{}', '1', '[{"a":1}]', 'null']],
  ['an answer', '{"Records":[{"a":1},{"Records":[2]}],"More":{"Records":[3]}}', ['{"a":1}', '{"Records":[2]}']],
  [
    'an answer with something in front',
    '{\n "More": [{"Records":[1]}], "x":"\\"", "Records" : [ {"a":1} ]\n}\n{"a":2}',
    ['{"a":1}', '{"a":2}'],
  ],
  ['an answer with nothing in it', '{"Records":[],"NextShardIterator":"A"}', []],
  ['a member of that name that is no list', '{"Records":{"a":[1]}}', ['{"Records":{"a":[1]}}']],
  ['text of that name', '{"a":"Records","b":[1]}', ['{"a":"Records","b":[1]}']],
  [
    'escapes',
    '{"a":"\\\\","b\\"{":"\\u007b\\""}{"a":"\\\\\\""}',
    ['{"a":"\\\\","b\\"{":"\\u007b\\""}', '{"a":"\\\\\\""}'],
  ],

  ['lines that are no JSON', 'no json {"a":1}\n42\n"text"\n{"a":2}\n', ['no json {"a":1}', '42', '"text"', '{"a":2}']],
  ['lists without records', '["a","{"]\n[1]\n[]\n[[{}]]\n', ['["a","{"]', '[1]', '[[{}]]']],
  ['a line of a log that begins with a bracket', '[12:00:01] began\n{"a":1}\n', ['[12:00:01] began', '{"a":1}']],
  ['a broken line', '{"a":1 2}\n{"a":2}\n', ['{"a":1 2}', '{"a":2}']],
  ['a broken line with lists', '{"a":? [{"S":1},{"S":2}]}\n{"a":2}\n', ['{"a":? [{"S":1},{"S":2}]}', '{"a":2}']],
  ['a line that was cut off in text', '{"a":"b\n{"a":2}\n{"a":3}\n', ['{"a":"b', '{"a":2}', '{"a":3}']],
  ['a line that was cut off behind a name', '{"a":\n{"a":2}\n{"a":3}\n', ['{"a":', '{"a":2}', '{"a":3}']],
  ['a line that was cut off in a list', '{"a":[\n{"a":2}\n{"a":3}\n', ['{"a":[', '{"a":2}', '{"a":3}']],
  ['the line before the last, cut off in a list', '{"a":[\n{"a":2}\n', ['{"a":[', '{"a":2}']],
  ['the last line, cut off, with its end', '{"a":1}\n{"a"\n', ['{"a":1}', '{"a"']],
  [
    'a value that was cut off among others',
    '{"a":1}{"a":[{"b":{"a":3}{"a":4}',
    ['{"a":1}', '{"a":[{"b":{"a":3}', '{"a":4}'],
  ],
  [
    'garbage among values',
    '{"a":1}xx{"a":2}\0\0{"a":3}\n{"a":4}',
    ['{"a":1}', 'xx', '{"a":2}', '\0\0', '{"a":3}', '{"a":4}'],
  ],
  ['brackets too many, which break nothing', '{"a":1}}\n]\n{"a":2}\n', ['{"a":1}', '}', ']', '{"a":2}']],
  [
    'a value of many lines that breaks',
    '{\n  "a": 1\n}\n{\n  "b" 2,\n  "c": {\n    "d": 3\n  }\n}\n{\n  "a": 4\n}\n',
    ['{\n  "a": 1\n}', '{\n  "b" 2,\n  "c": {\n    "d": 3\n  }\n}', '{\n  "a": 4\n}'],
  ],
  [
    'a member of a list of many lines that breaks',
    '{\n  "Records": [\n    {\n      "a" 1,\n      "b": 2\n    },\n    {\n      "a": 3\n    }\n  ],\n  "More": 4\n}\n{"a":5}\n',
    ['{\n      "a" 1,\n      "b": 2\n    },', '{\n      "a": 3\n    }', '{"a":5}'],
  ],
  ['the end of a file of many lines that breaks', '{"a":1}\n{\n  "a" 2\n}\n', ['{"a":1}', '{\n  "a" 2\n}']],

  ['an unfinished line', '{"a":1}\n{"a":"b', ['{"a":1}'], '{"a":"b'],
  ['an unfinished value of many lines', '{"a":1}\n{\n  "a": 1,\n', ['{"a":1}'], '{\n  "a": 1,\n'],
  ['an unfinished member of a list', '{"Records":[{"a":1},{"a":', ['{"a":1}'], '{"a":'],
  ['an unfinished line that is no JSON', '{"a":1}\nno js', ['{"a":1}'], 'no js'],
]

for (const [title, text, values, unfinished] of cases) {
  test(`values of a file: ${title}`, () => {
    const bytes = Buffer.from(text)
    const whole = read(bytes)
    assert.deepEqual(textsOf(whole.values), values)
    assert.equal(whole.rest.unfinished?.bytes.toString(), unfinished)
    // Torn anywhere, the same.
    for (let size = 1; size < 8; size++) assert.deepEqual(read(bytes, 0, [size]), whole, `in pieces of ${size} bytes`)
    // From behind any value, the same, where what is not JSON does not matter to what follows.
    for (const [i, { end }] of whole.values.entries()) {
      const next = read(bytes, end)
      if (!title.includes('break') && !title.includes('among')) {
        assert.deepEqual(next.values, whole.values.slice(i + 1), `from ${end}`)
      }
    }
  })
}

test('values of a file: a list that is open at the end is reported', () => {
  assert.equal(read(Buffer.from('{"Records":[{"a":1},')).rest.isListOpen, true)
  assert.equal(read(Buffer.from('[{"a":1}\n')).rest.isListOpen, true)
  assert.equal(read(Buffer.from('[{"a":1}]{"Records":[]}')).rest.isListOpen, false)
})

const json = fc.json({ maxDepth: 4 })
const spaced = fc.tuple(json, fc.nat(4)).map(([text, indent]) => JSON.stringify(JSON.parse(text), null, indent))
const record = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()).map((object) => JSON.stringify(object))
const spacedRecord = fc.tuple(record, fc.nat(4)).map(([text, indent]) => JSON.stringify(JSON.parse(text), null, indent))
const blanks = fc.constantFrom('', '\n', '\r\n', ' ', '\t\n', '\n\n  \n')

/** A piece of a file, and the values that it stands for. */
const piece = fc.oneof(
  {
    weight: 4,
    arbitrary: spacedRecord.filter((text) => !('Records' in JSON.parse(text))).map((text) => [text, [text]] as const),
  },
  fc.tuple(spacedRecord, fc.array(spaced, { maxLength: 2 }), blanks).map(([first, more, blank]): [string, string[]] => {
    const members = [first, ...more]
    return [`[${blank}${members.join(`,${blank}`)}${blank}]`, members]
  }),
  fc
    .tuple(record, fc.array(spacedRecord, { maxLength: 3 }), record, blanks)
    .map(
      ([before, members, behind, blank]) =>
        [
          `{"before":${before},${blank}"Records":[${members.join(`${blank},`)}${blank}],"behind":${behind}}`,
          members,
        ] as const,
    ),
)

test('values of a file: any values, whatever is between them, torn and begun anywhere', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(piece, blanks), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 }),
      fc.nat(),
      (pieces, sizes, nth) => {
        const bytes = Buffer.from(pieces.map(([[text], blank]) => text + blank).join(''))
        const { values, rest } = read(bytes, 0, sizes)
        assert.deepEqual(
          textsOf(values),
          pieces.flatMap(([[, members]]) => members),
        )
        assert.deepEqual([rest.unfinished, rest.isListOpen], [undefined, false])
        for (const [i, { end }] of values.entries()) assert.ok(end > (values[i - 1]?.end ?? 0), 'the offsets grow')
        if (values.length === 0) return
        const from = nth % values.length
        assert.deepEqual(read(bytes, values[from]!.end, sizes).values, values.slice(from + 1))
      },
    ),
    { numRuns: 500 },
  )
})

test('values of a file: damage costs no value but those that it touches, and everything is given out', () => {
  const line = fc.record({ id: fc.nat(), text: fc.string(), list: fc.array(fc.jsonValue(), { maxLength: 2 }) })
  fc.assert(
    fc.property(
      fc.array(line, { minLength: 3, maxLength: 8 }),
      fc.nat(),
      fc.string({ maxLength: 9 }),
      (rows, at, damage) => {
        const lines = rows.map((row) => JSON.stringify(row))
        const hit = at % (lines.length - 1)
        const broken = lines[hit]!.slice(0, at % lines[hit]!.length) + damage.replaceAll('\n', '')
        const text = lines.map((own, i) => `${i === hit ? broken : own}\n`).join('')
        const { values, rest } = read(Buffer.from(text))
        const texts = textsOf(values)
        assert.equal(rest.unfinished, undefined)
        // A line that was cut off may swallow the beginning of nothing but the line behind it.
        for (const [i, own] of lines.entries()) if (i !== hit) assert.ok(texts.includes(own), `${own} of ${text}`)
        const letters = (of: string): string => of.replaceAll(/\s/g, '')
        assert.equal(letters(texts.join('')), letters(text))
      },
    ),
    { numRuns: 500 },
  )
})

test('values of a file: a value that never ends is refused before it fills the memory', () => {
  const cutter = new ValueCutter(0)
  cutter.cut(Buffer.from('{"a":1}\n{"a":"'))
  const chunk = Buffer.alloc(1024 * 1024, 'x')
  assert.throws(
    () => {
      for (let bytes = 0; bytes <= MAX_VALUE_BYTES; bytes += chunk.length) cutter.cut(chunk)
    },
    { code: 'SOURCE_BROKEN', place: { byte: 8 } },
  )
})
