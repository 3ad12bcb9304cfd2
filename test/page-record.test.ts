import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesIn, firstByteOf, PageBytes, type PageRecord, sharesSequence } from '../src/page-record.ts'

const BUFFER = Buffer.from('{"a":"é"}1{}2{}22{}22')
const places = { dataEnds: [10, 13, 16, 20], ends: [11, 14, 18, 22], arrivals: [5, Number.NaN, 6, 7] }
const page = new PageBytes('shard', BUFFER, places)
const [first, second, third, fourth] = page.records() as [PageRecord, PageRecord, PageRecord, PageRecord]

test('records of a page are views of its bytes', () => {
  assert.equal(Buffer.from(first.data).toString(), '{"a":"é"}')
  assert.equal(Buffer.from(second.data).toString(), '{}')
  assert.deepEqual([bytesIn(first), bytesIn(second), firstByteOf(second)], [10, 2, 0x7b])
  assert.equal(
    firstByteOf(new PageBytes('shard', Buffer.from('3'), { dataEnds: [0], ends: [1], arrivals: [5] }).records()[0]!),
    undefined,
  )
  const plain = { shard: 'shard', sequence: '2', arrivedAt: null, data: new Uint8Array([9, 8]) }
  assert.deepEqual([firstByteOf(plain), bytesIn(plain)], [9, 2])
})

test('a record tells what its page knows of it', () => {
  assert.deepEqual(
    page.records().map(({ shard, sequence, arrivedAt }) => [shard, sequence, arrivedAt]),
    [
      ['shard', '1', 5],
      ['shard', '2', null],
      ['shard', '22', 6],
      ['shard', '22', 7],
    ],
  )
})

test('records share a sequence number if all of it is the same', () => {
  assert.deepEqual(
    [sharesSequence(first, second), sharesSequence(second, third), sharesSequence(third, fourth)],
    [false, false, true],
  )
  const plain = { shard: 'shard', sequence: '22', arrivedAt: null, data: new Uint8Array() }
  assert.deepEqual([sharesSequence(plain, third), sharesSequence(second, plain)], [true, false])
  const [other] = new PageBytes('shard', Buffer.from('1'), { dataEnds: [0], ends: [1], arrivals: [5] }).records()
  assert.deepEqual([sharesSequence(first, other!), sharesSequence(other!, second)], [true, false])
})

test('whether the page is UTF-8 is asked of its records alone', () => {
  const half = Buffer.concat([BUFFER, Buffer.from([0xc3])])
  assert.equal(new PageBytes('shard', half, places).isUtf8, true)
  assert.equal(new PageBytes('shard', half, { ...places, ends: [11, 14, 18, half.length] }).isUtf8, false)
})
