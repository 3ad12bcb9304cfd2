import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forgettable } from '../../../src/ingest/shards/forgettable.ts'
import { type Listing, lineage, listingOf } from '../../../src/ingest/shards/lineage.ts'
import { type Moves, planOf, progressOf } from '../../../src/operate/positions/plan.ts'
import { type Back, type Lineage, rewind } from '../../../src/operate/positions/rewind.ts'
import { atTimestamp, type Position, type Positions, readFrom, SHARD_END, TRIM_HORIZON } from '../../../src/position.ts'
import { advance } from '../../../src/state/stored.ts'
import { anySeed, type Random, seededRandom } from '../../support/life/random.ts'
import { volume } from '../../support/volume.ts'

const NOT_ASKED = 'name the stream'

const at = (sequence: string, arrivedAt: number | null = null): Position => ({ sequence, arrivedAt, caughtUpAt: null })
const EARLIEST = at(TRIM_HORIZON)

const SPLIT: Lineage = new Map([
  ['p', []],
  ['c', ['p']],
  ['d', ['p']],
])

interface Case {
  readonly title: string
  readonly stands: Readonly<Record<string, Position>>
  readonly to: Back
  readonly shards?: readonly string[]
  readonly lineage?: Lineage
  readonly moves: Readonly<Record<string, Position | null>>
}

const TIME: Back = { kind: 'time', ms: 100 }

const CASES: readonly Case[] = [
  {
    title: 'open shards go back to the time; one that stands in front of it stays',
    stands: { a: at('5', 150), b: at('5', 99), c: EARLIEST, d: atTimestamp(100), e: atTimestamp(101), f: at('5') },
    to: TIME,
    moves: { a: atTimestamp(100), e: atTimestamp(100), f: atTimestamp(100) },
  },
  {
    title: 'a record that came at the very time is read again',
    stands: { a: at('5', 100) },
    to: TIME,
    moves: { a: atTimestamp(100) },
  },
  {
    title: 'a shard that ended before the time stays finished, whether the stream is asked or not',
    stands: { p: at(SHARD_END, 99), c: at('5', 150) },
    to: TIME,
    moves: { c: atTimestamp(100) },
  },
  {
    title: 'where a shard ended since, it is read again, and those that came from it begin behind it',
    stands: { p: at(SHARD_END, 120), c: at('5', 150), d: at('5', 90) },
    to: TIME,
    lineage: SPLIT,
    moves: { p: atTimestamp(100), c: null, d: null },
  },
  {
    title: 'a shard that is not listed any more stays',
    stands: { o: at(SHARD_END, 120), c: at('5', 150) },
    to: TIME,
    lineage: new Map([['c', ['o']]]),
    moves: { c: atTimestamp(100) },
  },
  {
    title: 'to the oldest record, all of them: without the stream nothing is left',
    stands: { p: at(SHARD_END, 1), c: at('5', 150), d: EARLIEST },
    to: { kind: 'earliest' },
    moves: { p: null, c: null, d: null },
  },
  {
    title: 'to the oldest record, as the stream lists them',
    stands: { o: at(SHARD_END, 0), p: at(SHARD_END, 1), c: at('5', 150) },
    to: { kind: 'earliest' },
    lineage: new Map([...SPLIT, ['p', ['o']]]),
    moves: { p: EARLIEST, c: null },
  },
  {
    title: 'one open shard of several',
    stands: { p: at(SHARD_END, 120), c: at('5', 150), d: at('5', 150) },
    to: { kind: 'earliest' },
    shards: ['c'],
    moves: { c: EARLIEST },
  },
  {
    title: 'one finished shard, with what came from it',
    stands: { p: at(SHARD_END, 120), c: at('5', 150), x: at('5', 150) },
    to: TIME,
    shards: ['p'],
    lineage: new Map([...SPLIT, ['x', []]]),
    moves: { p: atTimestamp(100), c: null },
  },
  {
    title: 'nothing came since',
    stands: { a: at('5', 99) },
    to: TIME,
    lineage: new Map([['a', []]]),
    moves: {},
  },
]

for (const { title, stands, to, shards = null, lineage: known = NOT_ASKED, moves } of CASES) {
  test(`rewind: ${title}`, () => {
    const found = rewind(new Map(Object.entries(stands)), { to, shards: shards && new Set(shards), lineage: known })
    assert.deepEqual(Object.fromEntries(found), moves)
  })
}

test('rewind: a shard that ended since then needs the stream, and the message says so', () => {
  const positions = new Map([
    ['p', at(SHARD_END, 120)],
    ['q', at(SHARD_END)],
    ['c', at('5', 150)],
  ])
  assert.throws(() => rewind(positions, { to: TIME, shards: null, lineage: NOT_ASKED }), {
    code: 'CONFIGURATION',
    detail: /p and 1 more ended.*name the stream/,
  })
})

const seed = anySeed()

test(`rewind: of streams that are split and merged all is read again from there on, and nothing is skipped (seed ${seed})`, () => {
  const random = seededRandom(seed)
  const seen = { resharded: 0, needsStream: 0, naiveMisses: 0, chosen: 0, startedLater: 0 }
  const rounds = volume(3_000, 30_000)
  for (let round = 0; round < rounds; round++) {
    const stream = randomStream(random)
    const { positions, startedAt } = readInPart(stream, random)
    const to: Back = random.chance(0.2) ? { kind: 'earliest' } : { kind: 'time', ms: random.below(stream.now + 1) }
    const stored = [...positions.keys()].filter((shard) => stream.listing.has(shard))
    const shards = random.chance(0.2) && stored.length > 0 ? new Set([random.pick(stored)]) : null
    const isAsked = random.chance(0.7)
    const parents: Lineage = new Map(Array.from(stream.listing.values(), ({ id, parents }) => [id, parents]))
    let moves: Moves
    try {
      moves = rewind(positions, { to, shards, lineage: isAsked ? parents : NOT_ASKED })
    } catch {
      assert.ok(!isAsked)
      seen.needsStream++
      continue
    }
    const wanted = new Set(toRead(stream, positions))
    // Where the stream is not asked, nothing tells of shards that ended before a relay with `--start` first ran.
    const since = !isAsked && to.kind === 'time' ? Math.max(0, startedAt ?? 0) : 0
    for (const [shard, records] of stream.records) {
      if (!stream.listing.has(shard) || (shards !== null && !shards.has(shard))) continue
      for (const record of records) {
        if (record >= since && (to.kind === 'earliest' || record >= to.ms)) wanted.add(record)
      }
    }
    const after = moved(positions, moves)
    const read = toRead(stream, after)
    const missing = [...wanted].filter((record) => !read.has(record))
    assert.deepEqual(missing, [], JSON.stringify({ round, to, isAsked, positions: [...positions], moves: [...moves] }))

    if ([...positions.values()].some(({ sequence }) => sequence === SHARD_END)) seen.resharded++
    if (shards !== null) seen.chosen++
    if (startedAt !== null) seen.startedLater++
    const naive = toRead(stream, naively(positions, to))
    if (shards === null && [...wanted].some((record) => !naive.has(record))) seen.naiveMisses++
  }
  for (const [what, times] of Object.entries(seen)) assert.ok(times > rounds / 200, `${what}: ${times}`)
})

/** Sets each position to where reading is to begin, which a rewind that knows no lineage would do. */
const naively = (positions: Positions, to: Back): Positions =>
  new Map(Array.from(positions.keys(), (shard) => [shard, to.kind === 'earliest' ? EARLIEST : atTimestamp(to.ms)]))

function moved(positions: Positions, moves: Moves): Positions {
  return advance({ positions, facts: new Map() }, progressOf(planOf(positions, moves))).positions
}

interface RandomStream {
  /** A clock that goes on with each record and each reshard: no two at a time. */
  readonly now: number
  readonly listing: Listing
  /** When each record came, which is its sequence number, too. */
  readonly records: ReadonlyMap<string, readonly number[]>
  /** When a shard was opened. */
  readonly opened: ReadonlyMap<string, number>
  readonly closed: ReadonlyMap<string, number>
}

function randomStream(random: Random): RandomStream {
  const parents = new Map<string, string[]>()
  const records = new Map<string, number[]>()
  const opened = new Map<string, number>()
  const closed = new Map<string, number>()
  let now = 0
  const open = (...from: string[]): void => {
    const id = `s${parents.size}`
    parents.set(id, from)
    records.set(id, [])
    opened.set(id, now)
  }
  open()
  if (random.chance(0.5)) open()
  for (let step = 0; step < 5 + random.below(30); step++) {
    now++
    const live = [...parents.keys()].filter((id) => !closed.has(id))
    const one = random.pick(live)
    if (random.chance(0.75)) records.get(one)!.push(now)
    else if (live.length > 1 && random.chance(0.5)) {
      const other = random.pick(live.filter((id) => id !== one))
      for (const id of [one, other]) closed.set(id, now)
      open(one, other)
    } else {
      closed.set(one, now)
      open(one)
      open(one)
    }
  }
  const heldSince = random.chance(0.5) ? 0 : random.below(now)
  const listed = [...parents].filter(([id]) => (closed.get(id) ?? now) >= heldSince)
  const listing = listingOf(listed.map(([id, from]) => ({ id, parents: from, isOpen: !closed.has(id) })))
  return { now, listing, records, opened, closed }
}

/** What a relay stores that read some of the stream, from its oldest record or from a time. */
function readInPart(stream: RandomStream, random: Random): { positions: Positions; startedAt: number | null } {
  const { records, now, opened, closed } = stream
  const startedAt = random.chance(0.3) ? random.below(now) : null
  const positions = new Map<string, Position>()
  if (startedAt !== null) {
    for (const id of records.keys()) {
      const wasOpen = opened.get(id)! <= startedAt && (closed.get(id) ?? now + 1) > startedAt
      if (wasOpen) positions.set(id, atTimestamp(startedAt))
    }
  }
  // While it read, all were listed.
  const all = listingOf(
    [...records.keys()].map((id) => ({ id, parents: parentsIn(stream, id), isOpen: !closed.has(id) })),
  )
  for (let turns = random.below(40); turns > 0; turns--) {
    const ready = [...lineage(all, positions)].filter(([, standing]) => standing === 'ready').map(([id]) => id)
    if (ready.length === 0) break
    const id = random.pick(ready)
    const [next] = unread(records.get(id)!, positions.get(id))
    if (next !== undefined) positions.set(id, at(String(next), next))
    else if (closed.has(id)) positions.set(id, { ...(positions.get(id) ?? EARLIEST), sequence: SHARD_END })
  }
  const isTidy = random.chance(0.5)
  for (const shard of isTidy ? forgettable(stream.listing, positions, now + 1) : []) positions.delete(shard)
  return { positions, startedAt }
}

const parentsIn = ({ listing }: RandomStream, id: string): readonly string[] => listing.get(id)?.parents ?? []

/** The records of listed shards that a relay reads from there on, to the end of the stream. */
function toRead({ listing, records }: RandomStream, from: Positions): Set<number> {
  const positions = new Map(from)
  const read = new Set<number>()
  for (;;) {
    const ready = [...lineage(listing, positions)].find(([, standing]) => standing === 'ready')
    if (ready === undefined) return read
    for (const record of unread(records.get(ready[0])!, positions.get(ready[0]))) read.add(record)
    positions.set(ready[0], at(SHARD_END))
  }
}

function unread(records: readonly number[], position: Position | undefined): readonly number[] {
  const place = readFrom(position)
  if (place.kind === 'end') return []
  if (place.kind === 'time') return records.filter((record) => record >= place.ms)
  return place.kind === 'after' ? records.filter((record) => record > Number(place.sequence)) : records
}
