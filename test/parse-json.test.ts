import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { glob, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseJson, parseJsonWithSource } from '../src/parse-json.ts'
import { decodeJson } from './support/strict-json.ts'

/** What poisons V8: names that are the beginning of how another name is written. */
function poison(prefix: string, names: readonly string[]): void {
  for (const name of names) JSON.parse(`{${prefix}${JSON.stringify(name)}:1}`)
}

test('JSON: a name that is written with an escape is read right after an object with a backslash in a name', () => {
  poison('"k":1,', ['\\', '\\u4e', '\\n'])
  assert.deepEqual(Object.keys(parseJson('{"k":1,"\\u4e2d":2}') as object), ['k', '中'])
  assert.deepEqual(Object.keys(parseJson('{"k":1,"\\u4e2dabc":2}') as object), ['k', '中abc'])
  assert.deepEqual(Object.keys(parseJson('{"k":1,"\\n!":2}') as object), ['k', '\n!'])
  assert.deepEqual(Object.keys(parseJson('{"k":1,"\\"":2}') as object), ['k', '"'])
  const revived = parseJsonWithSource('{"k":1,"\\u4e2d":2.50}', (value, source) => source ?? value)
  assert.deepEqual(revived, { k: '1', 中: '2.50' })
})

const cases: readonly (readonly [title: string, text: string])[] = [
  ['an escape that need not be one', '{"k":1,"\\u0061\\/b":2}'],
  ['the same name twice, in two spellings', '{"a":1,"b":2,"\\u0061":3}'],
  ['the same name three times', '{"\\u0061":1,"a":2,"\\u0061":3}'],
  ['the same name twice, where each needs an escape', '{"\\"":1,"b":2,"\\u0022":3}'],
  ['a name that means something to objects', '{"k":1,"__proto\\u005f_":{"\\"":1},"\\"__proto__":{}}'],
  ['the same beside a name that needs a stand-in', '{"\\"":1,"__proto__":{"a":1},"__proto\\u005f_":{"b":1}}'],
  ['names that are indexes come first', '{"\\"":1,"b":2,"\\u0031":3,"0":4}'],
  ['names as a stand-in may have', '{"name 0":1,"\\"":2,"name 1":3,"\\\\":4,"name\\u0020\\u0032":5,"\\n":6}'],
  ['a name in front of space', '{"k":1,"\\\\"\n\t\r :1}'],
  ['a name that ends in backslashes', '{"k":1,"\\\\\\\\":1,"a":"\\\\"}'],
  ['the empty name', '{"k\\\\":1,"":2}'],
  ['values with escapes', '{"k":"\\\\","\\n":"\\":","c":["\\"","\\u4e2d"]}'],
  ['JSON inside of JSON', '{"doc":"{\\"a\\": 1}","twice":"{\\\\\\"a\\\\\\":1}"}'],
  ['halves of a pair', '{"k":1,"\\ud83d":2,"\\ude00":3,"\\ud83d\\ude00":4}'],
  ['objects in lists', '[{"\\"":1},[{"a":1,"\\"":{"\\\\":[]}}]]'],
]

for (const [title, text] of cases) {
  test(`JSON: ${title}`, () => {
    assert.deepStrictEqual(shapeOf(parseJson(text)), shapeOf(decodeJson(text)))
    assert.deepStrictEqual(shapeOf(parseJsonWithSource(text, (value) => value)), shapeOf(decodeJson(text)))
  })
}

test('JSON: what is no JSON stays none', () => {
  for (const text of [
    '{"\\u0061":1,"\\"":2',
    '{"\\x":1}',
    '{"\\u00g0":1}',
    '{"\\"\n":1}',
    '{"\\"":01}',
    '{"\\"":1,}',
    '{"\\"":1}}',
    '{"\\u0061" 1,"b\\u0061":2}',
    '{"\\"',
    '{"a\\":1}',
    '"\\"":1',
  ]) {
    assert.throws(() => parseJson(text), SyntaxError, text)
    assert.throws(() => parseJsonWithSource(text, (value) => value), SyntaxError, text)
  }
})

test('JSON: a text of any depth and length', () => {
  const deep = `${'{"\\"":'.repeat(100_000)}1${'}'.repeat(100_000)}`
  let json = parseJson(deep)
  for (let i = 0; i < 100_000; i++) json = (json as Record<string, unknown>)['"']
  assert.equal(json, 1)
  const long = '\\\\'.repeat(1_000_000)
  assert.equal(Object.keys(parseJson(`{"k":1,"${long}":"${long}"}`) as object)[1]!.length, 1_000_000)
})

test('JSON: any names, read as an independent decoder reads them, whatever objects were read before', () => {
  fc.assert(
    fc.property(document(), fc.array(name(), { maxLength: 3 }), (text, before) => {
      // Objects whose last name is how a name of the document begins, as long as that name is.
      const beginnings = tokensOf(text).map(([token, decoded]) => token.slice(0, decoded.length))
      poison('', beginnings)
      poison('"k":7,', [...before, ...beginnings])
      assert.deepStrictEqual(shapeOf(parseJson(text)), shapeOf(decodeJson(text)))
      const revived = parseJsonWithSource(text, (value) => (typeof value === 'number' ? -value : value))
      assert.deepStrictEqual(shapeOf(revived), shapeOf(decodeJson(text.replaceAll('7', '-7'))))
    }),
    { numRuns: 2000 },
  )
})

/**
 * Which engines need the detour. Once none that is supported does, `parseJson` may be `JSON.parse` again.
 * (In a process of its own: what one reads depends on all that was read before.)
 */
test('JSON: what is known of this engine is so', (t) => {
  const probe = `JSON.parse('{"k":1,"\\\\\\\\":1}');process.stdout.write(Object.keys(JSON.parse('{"k":1,"\\\\u4e2d":2}'))[1])`
  const name = execFileSync(process.execPath, ['-e', probe], { encoding: 'utf8' })
  const { v8 } = process.versions
  const [major, minor] = v8.split('.').map(Number) as [number, number]
  const isOlderThanFault = major < 12 || (major === 12 && minor < 8)
  if (name === '中') t.diagnostic(`V8 ${v8} reads escaped names right: it needs no detour`)
  else t.diagnostic(`V8 ${v8} reads ${JSON.stringify(name)} instead of 中: it needs the detour`)
  assert.ok(name === '中' || !isOlderThanFault, `V8 ${v8} has the fault, too: correct what parseJson says of versions`)
})

/** Names and their order beside the values: `deepStrictEqual` does not mind the order. */
function shapeOf(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json)) return json.map(shapeOf)
  return Object.entries(json).map(([name, value]) => [name, shapeOf(value)])
}

/** A name as it may be written: each character as it is or as one of its escapes. */
function name(): fc.Arbitrary<string> {
  return fc
    .array(
      fc.constantFrom(
        '\\\\',
        '\\"',
        '\\/',
        '\\n',
        '\\u4e2d',
        '中',
        '\\u005C',
        '\\u0022',
        '\\u0000',
        'u',
        'n',
        '4',
        'e',
        '2',
        'a',
        '\\u0061',
        '\\ud83d',
        '\\ude00',
        '😀',
        '\\b',
        '/',
        ' ',
        ':',
        '{',
      ),
      { maxLength: 5 },
    )
    .map((pieces) => pieces.join(''))
}

function document(): fc.Arbitrary<string> {
  const { value } = fc.letrec<{ value: string; object: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom('7', 'null', '"\\\\"', '"\\":"', '[]', '{}'),
      tie('object'),
      fc.array(tie('object'), { maxLength: 3 }).map((members) => `[${members.join(',')}]`),
    ),
    object: fc
      .array(fc.tuple(name(), fc.constantFrom('', ' ', '\n'), tie('value')), { maxLength: 4 })
      .map((members) => `{"k":7${members.map(([token, space, json]) => `,"${token}"${space}:${json}`).join('')}}`),
  }))
  return value
}

/** How each name of a document is written, without its quotes, and what it says. */
function tokensOf(text: string): [token: string, decoded: string][] {
  const strings = [...text.matchAll(/"((?:[^"\\]|\\.)*)"(\s*:)?/g)]
  const tokens = strings.filter(([, , colon]) => colon !== undefined).map(([, token]) => token!)
  return tokens.map((token) => [token, JSON.parse(`"${token}"`) as string])
}

/** `codecs-json.ts` only looks whether a text is JSON. */
const MAY_PARSE_BARE: readonly string[] = ['src/parse-json.ts', 'src/version.ts', 'src/sinks/tables/codecs/json.ts']

test('JSON: what comes from outside is parsed by parseJson alone, single strings aside', async () => {
  const root = new URL('../', import.meta.url)
  const found: string[] = []
  for await (const path of glob('src/**/*.ts', { cwd: root })) {
    const text = await readFile(new URL(path, root), 'utf8')
    if (/JSON\.parse(?: as|\((?!token\) as string))/.test(text) && !MAY_PARSE_BARE.includes(path)) found.push(path)
  }
  assert.deepEqual(found, [])
})
