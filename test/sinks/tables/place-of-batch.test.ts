import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeOfBatch } from '../../../src/sinks/tables/place-of-batch.ts'
import { at, batchOf, put } from '../../support/changes.ts'

test('a batch is named by its tables, its size, and its span in each shard', () => {
  const changes = [
    put('a', 1, { shard: 'one', sequence: '5' }),
    put('b', 1, { shard: 'two', sequence: '1', table: 'a.b' }),
    put('c', 1, { shard: 'one', sequence: '9' }),
  ]
  assert.deepEqual(placeOfBatch(batchOf({ changes })), {
    tables: 'orders, "a.b"',
    changes: 3,
    shards: 'one from 5 to 9, two from 1 to 1',
  })
  assert.equal(placeOfBatch(batchOf({ positions: at({ one: '5' }) })).shards, 'one')
})
