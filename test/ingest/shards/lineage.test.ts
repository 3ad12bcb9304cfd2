import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineage, listingOf, rootsOf, type Shard, type Standing } from '../../../src/ingest/shards/lineage.ts'
import { type Position, SHARD_END } from '../../../src/position.ts'

/** `id: parents`, as `'c: a b'`. */
const shard = (text: string): Shard => {
  const [id, parents = ''] = text.split(':')
  return {
    id: id!,
    parents: parents.split(' ').filter(Boolean),
    isOpen: true,
  }
}

const at = (sequence: string): Position => ({ sequence, arrivedAt: null, caughtUpAt: null })

interface Case {
  readonly title: string
  readonly listed: readonly string[]
  readonly positions: Readonly<Record<string, string>>
  readonly standings: Readonly<Record<string, Standing>>
}

const cases: readonly Case[] = [
  {
    title: 'without positions the roots are ready, all others wait',
    listed: ['a', 'b', 'c: a', 'd: c b'],
    positions: {},
    standings: { a: 'ready', b: 'ready', c: 'waiting', d: 'waiting' },
  },
  {
    title: 'a shard with a position goes on, its children wait',
    listed: ['a', 'b: a', 'c: a'],
    positions: { a: '17' },
    standings: { a: 'ready', b: 'waiting', c: 'waiting' },
  },
  {
    title: 'split: both children are ready when the parent has ended',
    listed: ['a', 'b: a', 'c: a'],
    positions: { a: SHARD_END },
    standings: { a: 'finished', b: 'ready', c: 'ready' },
  },
  {
    title: 'merge: the child waits for the second parent',
    listed: ['a', 'b', 'c: a b'],
    positions: { a: SHARD_END, b: '17' },
    standings: { a: 'finished', b: 'ready', c: 'waiting' },
  },
  {
    title: 'merge: the child waits for a second parent that was never begun',
    listed: ['a', 'b', 'c: a b'],
    positions: { a: SHARD_END },
    standings: { a: 'finished', b: 'ready', c: 'waiting' },
  },
  {
    title: 'merge: the child is ready when both parents have ended',
    listed: ['a', 'b', 'c: a b'],
    positions: { a: SHARD_END, b: SHARD_END },
    standings: { a: 'finished', b: 'finished', c: 'ready' },
  },
  {
    title: 'merge: a parent that is not listed any more counts as finished',
    listed: ['b', 'c: a b'],
    positions: { b: SHARD_END },
    standings: { b: 'finished', c: 'ready' },
  },
  {
    title: 'merge: the listed parent is waited for although the other one is gone',
    listed: ['b', 'c: a b'],
    positions: {},
    standings: { b: 'ready', c: 'waiting' },
  },
  {
    title: 'a parent whose position is left but that is not listed any more counts as finished',
    listed: ['b: a'],
    positions: { a: '17' },
    standings: { b: 'ready' },
  },
  {
    title: 'a shard that a begun one descends from was finished once, its position may be forgotten',
    listed: ['a', 'b: a', 'c: b', 'd: b'],
    positions: { c: '17' },
    standings: { a: 'finished', b: 'finished', c: 'ready', d: 'ready' },
  },
  {
    title: 'a start at an instant: what came before the shards that were open then is finished',
    listed: ['a', 'b: a', 'c: a', 'd: b c', 'e: d'],
    positions: { b: 'AT_TIMESTAMP 1000', c: 'AT_TIMESTAMP 1000' },
    standings: { a: 'finished', b: 'ready', c: 'ready', d: 'waiting', e: 'waiting' },
  },
  {
    title: 'a shard in between that holds nothing is walked too',
    listed: ['a', 'b: a', 'c: b'],
    positions: { a: SHARD_END },
    standings: { a: 'finished', b: 'ready', c: 'waiting' },
  },
  {
    title: 'a finished descendant of an unfinished shard: the descendant was begun, so the ancestor was finished',
    listed: ['a', 'b: a'],
    positions: { a: '17', b: SHARD_END },
    standings: { a: 'finished', b: 'finished' },
  },
]

for (const { title, listed, positions, standings } of cases) {
  test(`lineage: ${title}`, () => {
    const known = new Map(Object.entries(positions).map(([id, sequence]) => [id, at(sequence)]))
    assert.deepEqual(Object.fromEntries(lineage(listingOf(listed.map(shard)), known)), standings)
  })
}

test('the roots of a listing are the shards without a listed parent', () => {
  const listing = listingOf(['b: a', 'c: b', 'd', 'e: d a'].map(shard))
  assert.deepEqual(
    rootsOf(listing).map(({ id }) => id),
    ['b', 'd'],
  )
})
