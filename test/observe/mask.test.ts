import assert from 'node:assert/strict'
import { test } from 'node:test'
import { masker, secretsOf } from '../../src/observe/mask.ts'

const CASES: [string, string][] = [
  ['postgresql://app:s3cret@db:5432/w', 'postgresql://app:***@db:5432/w'],
  ['two: crate://a:b@c and gpss://d:e@f', 'two: crate://a:***@c and gpss://d:***@f'],
  ['postgresql://db/w?user=a&password=s3cret&x=1', 'postgresql://db/w?user=a&password=***&x=1'],
  ['http://localhost:4567/', 'http://localhost:4567/'],
  ['no URL at all: 12:30', 'no URL at all: 12:30'],
]
for (const [text, masked] of CASES) test(text, () => assert.equal(masker([])(text), masked))

test('a known password is hidden wherever it stands, as written and decoded', () => {
  const secrets = secretsOf('postgresql://app:p%40ss%2Fword@db/w')
  const mask = masker(secrets)
  assert.equal(mask('login with p@ss/word failed; p%40ss%2Fword'), 'login with *** failed; ***')
})

test('a path is no URL with secrets', () => assert.deepEqual(secretsOf('pglite:./data'), []))
