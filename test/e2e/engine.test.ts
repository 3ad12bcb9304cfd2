import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RawRecord } from '../../src/change.ts'
import { pushedSource } from '../../src/ingest/pushed.ts'
import { openRelay } from '../../src/open-relay.ts'
import { sqlSink } from '../../src/sinks/sql/sink.ts'
import { anySeed, type Random, seededRandom } from '../support/life/random.ts'
import { testDatabase } from '../support/postgres/postgres.ts'
import type { TestDatabase } from '../support/postgres/postgres-server.ts'
import { type NodeProcess, startNode } from '../support/processes/node-process.ts'
import { volume } from '../support/volume.ts'

const SHARDS = ['a', 'b', 'c']
const RECORDS = 60
const KEYS = 7

/** Record `n` of a shard, of one of few rows; the later one has the greater version. */
function record(shard: string, n: number): RawRecord {
  const item = { id: { S: `${shard}-${n % KEYS}` }, n: { N: `${n}` } }
  const time = {
    ApproximateCreationDateTime: 1754300000000000 + n,
    ApproximateCreationDateTimePrecision: 'MICROSECOND',
  }
  const dynamodb = { Keys: { id: item.id }, NewImage: item, ...time }
  const said = { eventID: `${n}`, eventSource: 'aws:dynamodb', eventName: 'MODIFY', tableName: 'orders', dynamodb }
  return { shard, sequence: `${1000 + n}`, arrivedAt: null, data: Buffer.from(JSON.stringify(said)) }
}

const recordsOf = (shard: string): RawRecord[] => Array.from({ length: RECORDS }, (_, n) => record(shard, n))

/** Runs of the records of a shard, some of them twice, and in any order: what several processes of an engine may give. */
function givenRuns(shard: string, random: Random): RawRecord[][] {
  const records = recordsOf(shard)
  const runs: RawRecord[][] = []
  for (let at = 0; at < records.length; ) {
    const run = records.slice(at, at + 1 + random.below(12))
    runs.push(run)
    if (random.chance(0.4)) runs.push(records.slice(Math.max(0, at - random.below(10)), at + 1 + random.below(8)))
    at += run.length
  }
  for (let i = runs.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[runs[i], runs[j]] = [runs[j]!, runs[i]!]
  }
  return runs
}

async function requireTruth(
  database: TestDatabase,
  mode: 'mirror' | 'append',
  shards: readonly string[],
): Promise<void> {
  if (mode === 'append') {
    const count = 'SELECT count(*)::int AS rows, count(DISTINCT (shard, sequence))::int AS records FROM orders'
    const all = shards.length * RECORDS
    assert.deepEqual(await database.query(count), [{ rows: all, records: all }])
    return
  }
  const rows = await database.query<{ id: string; n: number }>(`SELECT id, (data->>'n')::int AS n FROM orders`)
  const expected = shards.flatMap((shard) => {
    return Array.from({ length: KEYS }, (_, key) => {
      const last = recordsOf(shard).findLast((_, n) => n % KEYS === key)!
      return { id: `${shard}-${key}`, n: Number(last.sequence) - 1000 }
    })
  })
  const byId = (one: { id: string }, other: { id: string }): number => (one.id < other.id ? -1 : 1)
  assert.deepEqual(rows.sort(byId), expected.sort(byId))
}

for (const mode of ['mirror', 'append'] as const) {
  test(`${mode}: relays of one name at once, repeats and stragglers in any order: each record counts once`, async (t) => {
    const seed = anySeed()
    t.diagnostic(`seed ${seed}`)
    const random = seededRandom(seed)
    const database = await testDatabase(t)
    const relays = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const pushed = pushedSource({ id: 'arn:aws:kinesis:eu-north-1:1:stream/changes' })
        const sink = sqlSink({ url: database.url, mode })
        const relay = await openRelay({ name: 'engine', source: pushed, sink, settings: { mode } })
        return { relay, pushed }
      }),
    )
    const [calling, other, running] = relays as [Opened, Opened, Opened]
    const run = running.relay.run(new AbortController().signal)
    const ways = [
      (given: RawRecord[]) => calling.relay.deliver(given[0]!.shard, given),
      (given: RawRecord[]) => other.relay.deliver(given[0]!.shard, given),
      (given: RawRecord[]) => running.pushed.push(given[0]!.shard, given),
    ]
    const answers = await Promise.all(
      SHARDS.flatMap((shard) => givenRuns(shard, random)).map((given) => random.pick(ways)(given)),
    )
    assert.ok(answers.every((answer) => answer === 'committed'))
    running.pushed.end()
    await run
    for (const { relay } of relays) await relay.close()
    await requireTruth(database, mode, SHARDS)
    assert.deepEqual(await database.query('SELECT count(*)::int AS count FROM cdc_relay.positions'), [{ count: 0 }])
  })

  test(`${mode}: a process that is killed between its write and its answer: what it was given comes again`, async (t) => {
    const database = await testDatabase(t)
    let relay = await startRelay(database, mode)
    const shards = SHARDS.slice(0, volume(2, SHARDS.length))
    for (const shard of shards) {
      relay.give(shard)
      while ((await writtenOf(database, mode, shard)) === 0) await sleep(5)
      await relay.process.kill()
      // This one goes on, and is the next to be killed.
      relay = await startRelay(database, mode)
      relay.give(shard)
      assert.equal(await relay.answer(), '"committed"')
    }
    await relay.process.kill()
    await requireTruth(database, mode, shards)
  })
}

interface Opened {
  readonly relay: Awaited<ReturnType<typeof openRelay>>
  readonly pushed: ReturnType<typeof pushedSource>
}

interface StartedRelay {
  readonly process: NodeProcess
  /** Gives it all records of a shard. */
  give(shard: string): void
  answer(): Promise<string>
}

async function startRelay(database: TestDatabase, mode: string): Promise<StartedRelay> {
  const process = startNode(import.meta.resolve('../support/processes/pushed-relay.ts'), [database.url, mode])
  const lines = process.lines[Symbol.asyncIterator]()
  const answer = async (): Promise<string> => (await lines.next()).value
  assert.equal(await answer(), 'open')
  return {
    process,
    answer,
    give(shard) {
      const records = recordsOf(shard).map(({ sequence, data }) => [sequence, Buffer.from(data).toString()])
      process.child.stdin!.write(`${JSON.stringify({ shard, records })}\n`)
    },
  }
}

/** Rows of a shard that others see. */
async function writtenOf(database: TestDatabase, mode: string, shard: string): Promise<number> {
  const [{ there } = { there: null }] = await database.query<{ there: string | null }>(
    `SELECT to_regclass('orders')::text AS there`,
  )
  if (there === null) return 0
  const ofShard = mode === 'append' ? `shard = '${shard}'` : `id LIKE '${shard}-%'`
  const text = `SELECT count(*)::int AS count FROM orders WHERE ${ofShard}`
  const [{ count } = { count: 0 }] = await database.query<{ count: number }>(text)
  return count
}
