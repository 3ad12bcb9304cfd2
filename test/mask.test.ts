import assert from 'node:assert/strict'
import { test } from 'node:test'
import { masker, maskTexts, maskWord, secretsOf } from '../src/mask.ts'

const CASES: [string, string][] = [
  ['postgresql://app:s3cret@db:5432/w', 'postgresql://app:***@db:5432/w'],
  ['two: crate://a:b@c and gpss://d:e@f', 'two: crate://a:***@c and gpss://d:***@f'],
  ['crate://a:b@c,gpss://d:e@f', 'crate://a:***@c,gpss://d:***@f'],
  ['postgresql://db/w?user=a&password=s3cret&x=1', 'postgresql://db/w?user=a&password=***&x=1'],
  ['postgresql://db/w?sslpassword=s3cret', 'postgresql://db/w?sslpassword=***'],
  // Nobody escaped it.
  ['postgresql://app:p@ss/w#rd?@db/w', 'postgresql://app:***@db/w'],
  ['postgresql://app@corp:s3cret@db/w', 'postgresql://app@corp:***@db/w'],
  ['postgresql://app@db/w', 'postgresql://app@db/w'],
  ["host=db password='s3 cret' user=a", 'host=db password=*** user=a'],
  ['host=db password=s3cret user=a', 'host=db password=*** user=a'],
  ['gpss://db/w?password-file=/run/secret', 'gpss://db/w?password-file=/run/secret'],
  ['password authentication failed for user "app"', 'password authentication failed for user "app"'],
  ['http://localhost:4567/', 'http://localhost:4567/'],
  ['no URL at all: 12:30', 'no URL at all: 12:30'],
]
for (const [text, masked] of CASES) test(text, () => assert.equal(masker([])(text), masked))

test('a known password is hidden wherever it stands as a whole, as written and decoded', () => {
  const mask = masker(secretsOf('postgresql://app:p%40ss%2Fword@db/w'))
  assert.equal(mask('login with p@ss/word failed; p%40ss%2Fword'), 'login with *** failed; ***')
  assert.equal(masker(['abc123'])('abc123 abc1234 xabc123 (abc123)'), '*** abc1234 xabc123 (***)')
})

test('a known password that may be a part of any text is hidden in its places only', () => {
  for (const secret of ['p', '50', 'info', 'postgres', '12345678']) {
    const mask = masker([secret, ...secretsOf(`postgresql://app:${secret}@db/w`)])
    const text = `${secret} of 12345678 postgres info, applied 50`
    assert.equal(mask(text), text)
    assert.equal(mask(`postgresql://app:${secret}@db`), 'postgresql://app:***@db')
  }
})

test('a password that is a name in its URL, too, is hidden in its place only', () =>
  assert.deepEqual(secretsOf('postgresql://app-1:warehouse-1@db/warehouse-1'), []))

test('of a value the texts are masked, names and numbers stay', () => {
  const value = { abc123: 1, list: ['abc123', 50, null, { __proto__: null, text: 'is abc123' }], at: 'abc123.' }
  assert.deepEqual(maskTexts(value, masker(['abc123'])), {
    abc123: 1,
    list: ['***', 50, null, { text: 'is ***' }],
    at: '***.',
  })
})

test('a path is no URL with secrets', () => assert.deepEqual(secretsOf('pglite:./data'), []))

test('a word in the wrong place shows no password', () => {
  assert.equal(maskWord('app:s3cret@db/w'), '***@db/w')
  assert.equal(maskWord('rnu'), 'rnu')
})
