import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change, DeadLetter } from '../src/change.ts'
import { replayLetters } from '../src/replay.ts'
import { sqlSink } from '../src/sinks/sql/sink.ts'
import { raw, refused } from './sinks/letters/conformance.ts'
import { at, batchOf, claimOf, del, put } from './support/changes.ts'
import { anySeed, type Random, seededRandom } from './support/life/random.ts'
import { testDatabase } from './support/postgres/postgres.ts'
import type { TestDatabase } from './support/postgres/postgres-server.ts'
import { volume } from './support/volume.ts'

const signal = (): AbortSignal => AbortSignal.timeout(60_000)
const KEYS = 12
const CHANGES = 160
const BASE = 1_767_300_000_000_000

/** What happened, in order: each change newer than the one before it. */
const history = (random: Random): Change[] =>
  Array.from({ length: CHANGES }, (_, i) => {
    const id = `k${random.below(KEYS)}`
    return random.chance(0.25) ? del(id, BASE + i) : put(id, BASE + i)
  })

/** The last change of each key, deletes aside. */
function truth(changes: readonly Change[]): Record<string, string> {
  const last: Record<string, Change> = {}
  for (const change of changes) last[String(change.key!.id)] = change
  const rows = Object.entries(last).filter(([, { op }]) => op !== 'delete')
  return Object.fromEntries(rows.map(([id, { version }]) => [id, version]))
}

/** As the relay kept it: its record, or the change. */
function letterOf(change: Change, random: Random): DeadLetter {
  if (random.chance(0.5)) return refused(change)
  const { op, key, version } = change
  const Keys = { id: { S: String(key!.id) } }
  const image = op === 'delete' ? {} : { NewImage: { ...Keys, at: { N: version } } }
  const dynamodb = { Keys, ...image, ApproximateCreationDateTime: Number(version) }
  const eventName = op === 'delete' ? 'REMOVE' : 'INSERT'
  const record = { eventSource: 'aws:dynamodb', eventName, tableName: 'orders', dynamodb }
  return raw(change.source.sequence, Buffer.from(JSON.stringify(record)))
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const left = [...items]
  for (let i = left.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[left[i], left[j]] = [left[j]!, left[i]!]
  }
  return left
}

/** A part of what goes to the target: a change, a letter of one, or both, as after a rewind. */
interface Piece {
  readonly changes: readonly Change[]
  readonly deadLetters: readonly DeadLetter[]
}

function pieceOf(change: Change, random: Random): Piece {
  const fate = random.below(10)
  return {
    changes: fate < 6 ? [change] : [],
    deadLetters: fate >= 5 ? [letterOf(change, random)] : [],
  }
}

test('letters that are written again in any order, at any moment beside a relay, leave the mirror of the history', async (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const random = seededRandom(seed)
  const seen = { superseded: 0, applied: 0, gone: 0, replays: 0 }
  for (let life = 0; life < volume(4, 60); life++) {
    // Its session stays open as long as it is lent, and a server has no room for those of all lives.
    const database = await testDatabase()
    try {
      await oneLife(database, random, seen)
    } finally {
      await database.drop()
    }
  }
  t.diagnostic(JSON.stringify(seen))
  assert.ok(seen.superseded > 0 && seen.applied > 0 && seen.replays > 3, 'the cases were hard')
})

async function oneLife(
  database: TestDatabase,
  random: Random,
  seen: { superseded: number; applied: number; gone: number; replays: number },
): Promise<void> {
  const { url } = database
  const changes = history(random)
  const pieces = shuffled(changes, random).map((change) => pieceOf(change, random))
  const relay = sqlSink({ url, retentionMs: null })
  await relay.open(claimOf(), signal())

  async function replay(ids?: readonly string[]): Promise<void> {
    const sink = sqlSink({ url })
    const filter = ids === undefined ? {} : { ids }
    const given = { name: 'relay', settings: { mode: 'mirror' }, sink, filter }
    const counts = await replayLetters(given, signal()).finally(() => sink.close())
    assert.equal(counts.failed, 0)
    assert.equal(counts.read, counts.applied + counts.superseded + counts.gone)
    seen.replays++
    seen.applied += counts.applied
    seen.superseded += counts.superseded
    seen.gone += counts.gone
  }

  async function someLetters(): Promise<string[]> {
    const rows = await database.query<{ id: string }>('SELECT id::text AS id FROM cdc_relay.dead_letters')
    return shuffled(rows, random)
      .slice(0, 1 + random.below(rows.length + 1))
      .map(({ id }) => id)
  }

  for (let begin = 0, position = 1; begin < pieces.length; position++) {
    const some = pieces.slice(begin, begin + 1 + random.below(30))
    begin += some.length
    const batch = batchOf({
      changes: some.flatMap((piece) => piece.changes),
      deadLetters: some.flatMap((piece) => piece.deadLetters),
      positions: at({ 'shard-0': `${position}` }),
    })
    const write = relay.prepare(batch)(signal())
    const replays = random.chance(0.6) && begin > some.length ? [replay(await someLetters())] : []
    if (random.chance(0.2) && begin > some.length) replays.push(replay())
    await Promise.all([write, ...replays])
  }
  await relay.close()
  await replay()
  const rows = await database.query<{ id: string; version: string }>(
    'SELECT id, cdc_version::text AS version FROM orders',
  )
  assert.deepEqual(Object.fromEntries(rows.map(({ id, version }) => [id, version])), truth(changes))
  assert.deepEqual(await database.query('SELECT FROM cdc_relay.dead_letters'), [])
}
