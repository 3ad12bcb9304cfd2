import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sayBeginning } from '../../src/observe/beginning.ts'
import { atTimestamp, type Position, SHARD_END, TRIM_HORIZON } from '../../src/position.ts'
import { listening } from './said.ts'

const at = (sequence: string): Position => ({ sequence, arrivedAt: null, caughtUpAt: null })

const CASES: [title: string, positions: [string, Position][], fields: object][] = [
  ['a new relay', [], { shards: 'all', from: 'earliest' }],
  ['one shard', [['a', at('17')]], { shards: 1, afterPosition: 1, shard: 'a', sequence: '17' }],
  [
    'shards of each kind',
    [
      ['a', at('17')],
      ['b', at('18')],
      ['c', at(SHARD_END)],
      ['d', at(TRIM_HORIZON)],
      ['e', atTimestamp(0)],
    ],
    { shards: 5, finished: 1, afterPosition: 2, fromTime: 1, fromEarliest: 1, fromTimeOf: '1970-01-01T00:00:00.000Z' },
  ],
]
for (const [title, positions, fields] of CASES) {
  test(`${title}: where reading begins is said`, () => {
    const { log, said } = listening()
    sayBeginning(log, new Map(positions))
    assert.deepEqual(said[0]!.fields, { code: 'READS', ...fields })
  })
}

test('a relay that begins at a time does not say that it goes on', () => {
  const { log, said } = listening()
  sayBeginning(log, new Map([['e', atTimestamp(0)]]))
  assert.match(said[0]!.message, /begins where `--start` says/)
})
