import assert from 'node:assert/strict'
import { test } from 'node:test'
import { httpAddress, inUrl, isLoopback } from '../../src/http/address.ts'

for (const [text, host, port, isLocal] of [
  ['9090', '127.0.0.1', 9090, true],
  [':0', '127.0.0.1', 0, true],
  ['localhost:80', 'localhost', 80, true],
  ['127.0.0.2:80', '127.0.0.2', 80, true],
  ['0.0.0.0:65535', '0.0.0.0', 65_535, false],
  ['relay-1.example:8080', 'relay-1.example', 8080, false],
  ['[::1]:9090', '::1', 9090, true],
  ['[::]:9090', '::', 9090, false],
] as const) {
  test(`--http ${text}`, () => {
    const address = httpAddress(text)!
    assert.deepEqual(address, { host, port })
    assert.equal(isLoopback(address.host), isLocal)
    assert.deepEqual(httpAddress(inUrl(address)), address)
  })
}

test('what is no address', () => {
  for (const text of [
    '',
    ':',
    'host',
    'host:',
    'host:65536',
    '-1',
    '1e3',
    '::1:80',
    'http://host:80',
    'a b:80',
    '80/x',
  ]) {
    assert.equal(httpAddress(text), null, text)
  }
})
