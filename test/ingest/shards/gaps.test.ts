import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findGaps, gapFailure, spansOf } from '../../../src/ingest/shards/gaps.ts'
import { listingOf, type Shard } from '../../../src/ingest/shards/lineage.ts'
import { type Position, readUntil, SHARD_END, TRIM_HORIZON } from '../../../src/position.ts'

const HELD_SINCE = 1000

const shard = (id: string, ...parents: string[]): Shard => ({
  id,
  parents,
  isOpen: true,
})
const position = (sequence: string, arrivedAt: number | null, caughtUpAt: number | null): Position => ({
  sequence,
  arrivedAt,
  caughtUpAt,
})

interface Case {
  readonly title: string
  readonly listed: readonly Shard[]
  readonly positions: Readonly<Record<string, Position>>
  readonly gaps: readonly (readonly [shard: string, from: number | null])[]
}

const cases: readonly Case[] = [
  { title: 'nothing read yet', listed: [shard('a')], positions: {}, gaps: [] },
  {
    title: 'the last record still held',
    listed: [shard('a')],
    positions: { a: position('17', 1000, null) },
    gaps: [],
  },
  {
    title: 'the last record expired',
    listed: [shard('a')],
    positions: { a: position('17', 999, null) },
    gaps: [['a', 999]],
  },
  {
    title: 'the last record expired, but nothing was left to read later',
    listed: [shard('a')],
    positions: { a: position('17', 5, 1000) },
    gaps: [],
  },
  {
    title: 'read after it was last caught up',
    listed: [shard('a')],
    positions: { a: position('17', 1000, 5) },
    gaps: [],
  },
  {
    title: 'both expired: the later one counts',
    listed: [shard('a')],
    positions: { a: position('17', 5, 900) },
    gaps: [['a', 900]],
  },
  {
    title: 'an empty shard that was watched too long ago',
    listed: [shard('a')],
    positions: { a: position(TRIM_HORIZON, null, 900) },
    gaps: [['a', 900]],
  },
  {
    title: 'a start at an instant that has expired since',
    listed: [shard('a')],
    positions: { a: position('AT_TIMESTAMP 900', null, null) },
    gaps: [['a', 900]],
  },
  {
    title: 'a start at an instant that is still held',
    listed: [shard('a')],
    positions: { a: position('AT_TIMESTAMP 1000', null, null) },
    gaps: [],
  },
  {
    title: 'no time known',
    listed: [shard('a')],
    positions: { a: position('17', null, null) },
    gaps: [],
  },
  {
    title: 'a finished shard is exempt, listed or not',
    listed: [shard('a')],
    positions: { a: position(SHARD_END, 5, 5), b: position(SHARD_END, 5, 5) },
    gaps: [],
  },
  {
    title: 'an unfinished shard that is not listed any more, however late it was read',
    listed: [shard('b')],
    positions: { a: position('17', 2000, 2000) },
    gaps: [['a', 2000]],
  },
  {
    title: 'an unlisted shard of which nothing is known',
    listed: [shard('b')],
    positions: { a: position('17', null, null) },
    gaps: [['a', null]],
  },
  {
    title: 'an unlisted parent of a shard that was begun',
    listed: [shard('b', 'a')],
    positions: { a: position('17', 5, 5), b: position('18', 1000, null) },
    gaps: [],
  },
  {
    title: 'the child of an unlisted, unfinished parent: the gap is the one of the parent',
    listed: [shard('b', 'a')],
    positions: { a: position('17', 5, 5) },
    gaps: [['a', 5]],
  },
  {
    title: 'a child that was not begun in time after its parent',
    listed: [shard('a'), shard('b', 'a'), shard('c', 'a')],
    positions: { a: position(SHARD_END, 900, 950), c: position('18', 1000, null) },
    gaps: [['b', 950]],
  },
  {
    title: 'a child that is still in time',
    listed: [shard('a'), shard('b', 'a')],
    positions: { a: position(SHARD_END, 900, 1000) },
    gaps: [],
  },
  {
    title: 'the child of a merge: its records begin after its later parent',
    listed: [shard('c', 'a', 'b')],
    positions: { a: position(SHARD_END, 900, null), b: position(SHARD_END, 1000, null) },
    gaps: [],
  },
  {
    title: 'a child that still waits for its other parent',
    listed: [shard('b'), shard('c', 'a', 'b')],
    positions: { a: position(SHARD_END, 900, null), b: position('17', 1000, null) },
    gaps: [],
  },
]

for (const { title, listed, positions, gaps } of cases) {
  test(`gaps: ${title}`, () => {
    const found = findGaps(listingOf(listed), new Map(Object.entries(positions)), HELD_SINCE)
    assert.deepEqual(
      found,
      gaps.map(([id, from]) => ({ shard: id, from, to: HELD_SINCE })),
    )
  })
}

test('a shard is read until the latest of what is known', () => {
  assert.equal(readUntil(position('17', 5, 7)), 7)
  assert.equal(readUntil(position('AT_TIMESTAMP 9', null, 7)), 9)
  assert.equal(readUntil(position('17', null, null)), null)
})

test('the failure names the shards and the spans', () => {
  const error = gapFailure([{ shard: 'shardId-1', from: 0, to: 86_400_000 }], 'orders')
  assert.equal(error.code, 'SOURCE_GAP')
  assert.match(error.message, /shardId-1 from 1970-01-01T00:00:00.000Z to 1970-01-02T00:00:00.000Z/)
  assert.match(error.message, /stream orders/)
})

test('of many gaps the first few are named', () => {
  const gaps = Array.from({ length: 8 }, (_, i) => ({ shard: `s${i}`, from: null, to: 0 }))
  assert.match(spansOf(gaps), /^s0 from an unknown time to .*; s4 [^;]*; and 3 more shards$/)
})
