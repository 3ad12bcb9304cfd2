import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesIn, firstByteOf, PageBytes, PageRecord } from '../src/page-record.ts'

const BUFFER = Buffer.from('{"a":"é"}{}')
const page = new PageBytes(BUFFER, BUFFER.length)
const first = new PageRecord('shard', '1', 5, page, 0, 10)
const second = new PageRecord('shard', '2', null, page, 10, 12)

test('records of a page are views of its bytes', () => {
  assert.equal(Buffer.from(first.data).toString(), '{"a":"é"}')
  assert.equal(Buffer.from(second.data).toString(), '{}')
  assert.deepEqual([bytesIn(first), bytesIn(second), firstByteOf(second)], [10, 2, 0x7b])
  assert.equal(firstByteOf(new PageRecord('shard', '3', null, page, 3, 3)), undefined)
  assert.equal(firstByteOf({ ...second, data: new Uint8Array([9, 8]) }), 9)
  assert.equal(bytesIn({ ...second, data: new Uint8Array([9, 8]) }), 2)
})

test('a copy with other data is a plain record', () => {
  const data = new Uint8Array([1])
  assert.deepEqual({ ...first, data }, { shard: 'shard', sequence: '1', arrivedAt: 5, data })
})

test('whether the page is UTF-8 is asked of its records alone', () => {
  const half = Buffer.concat([BUFFER, Buffer.from([0xc3])])
  assert.equal(new PageBytes(half, BUFFER.length).isUtf8, true)
  assert.equal(new PageBytes(half, half.length).isUtf8, false)
})
