import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change, TableName } from '../../../src/change.ts'
import { del, put } from '../../support/changes.ts'
import type { Suite } from './suite.ts'
import { testRelay } from './test-relay.ts'

/** What becomes of the row of a key, change by change. */
export function describeHistories({ name, open, counts: shown }: Suite): void {
  const histories: readonly { title: string; batches: Change[][]; rows: string[]; counts: [number, number][] }[] = [
    { title: 'inserts', batches: [[put('a', 1), put('b', 2)]], rows: ['a@1', 'b@2'], counts: [[2, 0]] },
    { title: 'a newer image', batches: [[put('a', 1)], [put('a', 2)]], rows: ['a@2'], counts: [one, one] },
    { title: 'a newer image in one batch', batches: [[put('a', 1), put('a', 2)]], rows: ['a@2'], counts: [[1, 1]] },
    { title: 'a late older image', batches: [[put('a', 2)], [put('a', 1)]], rows: ['a@2'], counts: [one, none] },
    {
      title: 'a late older image in one batch',
      batches: [[put('a', 2), put('a', 1)]],
      rows: ['a@2'],
      counts: [[1, 1]],
    },
    { title: 'a delete', batches: [[put('a', 1), put('b', 1)], [del('a', 2)]], rows: ['b@1'], counts: [[2, 0], one] },
    { title: 'a delete in one batch', batches: [[put('a', 1), del('a', 2)]], rows: [], counts: [[1, 1]] },
    { title: 'a delete of a row never seen', batches: [[del('a', 2)]], rows: [], counts: [one] },
    { title: 'an image older than the delete', batches: [[del('a', 2)], [put('a', 1)]], rows: [], counts: [one, none] },
    {
      title: 'an image older than the delete of its row',
      batches: [[put('a', 1)], [del('a', 3)], [put('a', 2)]],
      rows: [],
      counts: [one, one, none],
    },
    {
      title: 'an older image after its delete in one batch',
      batches: [[del('a', 2), put('a', 1)]],
      rows: [],
      counts: [[1, 1]],
    },
    { title: 'a late older delete', batches: [[put('a', 2)], [del('a', 1)]], rows: ['a@2'], counts: [one, none] },
    { title: 'a row inserted again', batches: [[del('a', 2)], [put('a', 3)]], rows: ['a@3'], counts: [one, one] },
    {
      title: 'late deletes of a row inserted again',
      batches: [[put('a', 1)], [del('a', 3)], [put('a', 5)], [del('a', 3), del('a', 4)]],
      rows: ['a@5'],
      counts: [one, one, one, [0, 2]],
    },
    {
      title: 'a row deleted, inserted and deleted again',
      batches: [[del('a', 3)], [put('a', 5)], [del('a', 7)], [put('a', 6)]],
      rows: [],
      counts: [one, one, one, none],
    },
    {
      title: 'a delete older than another delete',
      batches: [[del('a', 5)], [del('a', 3)], [put('a', 4)]],
      rows: [],
      counts: [one, none, none],
    },
    {
      title: 'equal versions, the later arrival wins',
      batches: [[put('a', 1, { data: { n: 'first' } })], [put('a', 1, { data: { n: 'second' } })]],
      rows: ['a@1 second'],
      counts: [one, one],
    },
    {
      title: 'equal versions in one batch, the later arrival wins',
      batches: [[put('a', 1, { data: { n: 'first' } }), put('a', 1, { data: { n: 'second' } })]],
      rows: ['a@1 second'],
      counts: [[1, 1]],
    },
    { title: 'a delete as old as its row', batches: [[put('a', 1)], [del('a', 1)]], rows: [], counts: [one, one] },
    {
      title: 'an image as old as the delete',
      batches: [[del('a', 1)], [put('a', 1)]],
      rows: ['a@1'],
      counts: [one, one],
    },
    {
      title: 'a delete as old as its row and as an earlier delete',
      batches: [[del('a', 1)], [put('a', 1)], [del('a', 1)]],
      rows: [],
      counts: [one, one, one],
    },
    {
      title: 'the same batch twice',
      batches: [
        [put('a', 1), del('b', 1)],
        [put('a', 1), del('b', 1)],
      ],
      rows: ['a@1'],
      counts: [
        [2, 0],
        [2, 0],
      ],
    },
    { title: 'no change at all', batches: [[put('a', 1)], []], rows: ['a@1'], counts: [one, [0, 0]] },
  ]
  // All in one target, each in a table of its own: opening some targets takes long.
  test(`${name}: histories`, async (t) => {
    const relay = await testRelay(t, open)
    const counted: [number, number][][] = []
    for (const [i, { batches }] of histories.entries()) {
      const moved = batches.map((changes) => changes.map((change) => ({ ...change, table: historyTable(i) })))
      counted.push(await relay.writeAll(moved))
    }
    for (const [i, { title, rows, counts }] of histories.entries()) {
      const found = (await relay.rows(historyTable(i))).map(({ key, data, version }) => {
        const { n } = JSON.parse(data) as { n?: string }
        return `${key.id}@${version}${n === undefined ? '' : ` ${n}`}`
      })
      await t.test(title, () => {
        assert.deepEqual(found.sort(), rows)
        assert.deepEqual(counted[i]!.map(shown), counts.map(shown))
      })
    }
  })
}

const historyTable = (i: number): TableName => ({ schema: null, name: `history-${i}` })
const one: [number, number] = [1, 0]
const none: [number, number] = [0, 1]
