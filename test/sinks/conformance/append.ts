import assert from 'node:assert/strict'
import { Binary, type Change, Numeric, recordToJson } from '../../../src/change.ts'
import { canonicalJson, createTable, del, dropTable, put, row } from '../../support/changes.ts'
import type { Suite } from './suite.ts'

/** The log of changes. */
export function describeAppend({ append, lacks }: Suite): void {
  append('every change is a row, whatever its key and version, with all its fields', async (relay) => {
    const full: Change = {
      ...put('a', 1_720_742_302_233_719, { sequence: '77', before: row({ id: 'a', n: 1 }) }),
      op: 'update',
      time: '2024-07-11T23:58:22.233719Z',
      transaction: { id: 't1', record: '2', commitTime: '2024-07-11T23:58:22Z', position: null },
      source: {
        format: 'dynamodb',
        stream: 'changes',
        shard: 'shard-0',
        sequence: '77',
        subSequence: 3,
        eventId: 'e-1',
      },
    }
    const expired: Change = { ...del('b', 2), expired: true }
    const changes = [
      full,
      put('a', 1),
      put('a', 1, { sequence: '78' }),
      expired,
      put(null, 4, { key: { n: new Numeric('1'), b: bytes(1) } }),
    ]
    assert.deepEqual(await relay.writeAll([changes.slice(0, 2), changes.slice(2)]), [
      [2, 0],
      [3, 0],
    ])
    const inOrder = (log: string[]): string[] => (lacks.keepsOrder === undefined ? log : log.sort())
    assert.deepEqual(
      inOrder(await relay.log('orders')),
      inOrder(changes.map((change) => canonicalJson(recordToJson(change)))),
    )
  })

  append('schema changes are counted, and are no rows', async (relay) => {
    const table = { schema: 'shop', name: 'orders' }
    await relay.write(createTable({ id: 'text' }, 1), put('a', 1, { table }), dropTable(2))
    assert.equal((await relay.log(table)).length, 1)
  })

  append('several tables', async (relay) => {
    assert.deepEqual(await relay.write(put('a', 1), put('b', 1, { table: 'others' }), put('c', 2)), [3, 0])
    assert.deepEqual((await relay.log('others')).length, 1)
  })
}

const bytes = (...values: number[]): Binary => Binary.from(values) as Binary
