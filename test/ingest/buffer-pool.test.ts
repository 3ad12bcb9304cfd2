import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BufferPool } from '../../src/ingest/buffer-pool.ts'

const MEBIBYTE = 1024 * 1024

test('the memory of a buffer that was given back is used again', () => {
  const pool = new BufferPool()
  const first = pool.take(MEBIBYTE)
  first.fill(7)
  pool.giveBack(first)
  const second = pool.take(MEBIBYTE - 5)
  assert.equal(second.length, MEBIBYTE)
  assert.ok(second.every((byte) => byte === 7))
})

test('who still holds a buffer that was given back, or a view of it, holds an empty one', () => {
  const pool = new BufferPool()
  const first = pool.take(MEBIBYTE)
  const view = first.subarray(10, 20)
  pool.giveBack(first)
  const second = pool.take(MEBIBYTE)
  second.fill(9)
  assert.equal(first.length, 0)
  assert.equal(view.length, 0)
  assert.throws(() => first.subarray(10, 20), TypeError)
})

test('a buffer that is too small is not taken, nor is one given twice', () => {
  const pool = new BufferPool()
  const small = pool.take(MEBIBYTE)
  pool.giveBack(small)
  pool.giveBack(small)
  assert.ok(pool.take(2 * MEBIBYTE).length >= 2 * MEBIBYTE)
  const [one, other] = [pool.take(MEBIBYTE), pool.take(MEBIBYTE)]
  one.fill(1)
  other.fill(2)
  assert.equal(one[0], 1)
})

test('little is kept for later, and small buffers not at all', () => {
  const pool = new BufferPool()
  const many = Array.from({ length: 50 }, () => pool.take(MEBIBYTE))
  const before = process.memoryUsage().arrayBuffers
  for (const buffer of many) pool.giveBack(buffer)
  assert.ok(before - process.memoryUsage().arrayBuffers > 40 * MEBIBYTE)
  const small = pool.take(100)
  pool.giveBack(small)
  assert.equal(small.length, 100)
})
