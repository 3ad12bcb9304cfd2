import assert from 'node:assert/strict'
import { after, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Kinesalite, startKinesalite } from '../../support/kinesis/kinesalite.ts'
import { type Life, ordersLife } from '../../support/life/life.ts'
import { anySeed, seededRandom } from '../../support/life/random.ts'
import { type ReshardedStream, writeReshardedStream } from '../../support/life/stream.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { type KillKind, KillPlan, type Kills } from './kill-plan.ts'
import { type Drained, drainWithKills } from './killed-relay.ts'

/** Small batches, so that there are many to be killed in. */
const BATCH = ['--batch-records', '25']
const STREAM = 'orders-changes'

interface WrittenLife {
  readonly kinesis: Kinesalite
  readonly life: Life
  readonly written: ReshardedStream
}

export interface KilledDrain extends WrittenLife {
  readonly plan: KillPlan
  readonly drained: Drained
}

/** The same life for all tests of a file. */
const seed = anySeed()
const lives = new Map<number, Promise<WrittenLife>>()

after(async () => {
  for (const { kinesis } of await Promise.all(lives.values())) await kinesis.close()
})

/** Drains the life of a table of orders into a database with relays that are killed. */
export async function killedDrain(
  t: TestContext,
  { changes, kills, options = [], server, database }: Killed,
): Promise<KilledDrain> {
  const lived = lives.get(changes) ?? writtenLife(changes)
  lives.set(changes, lived)
  const { kinesis, life, written } = await lived
  const random = seededRandom(seed)
  const plan = new KillPlan(random, kills)
  const drained = await drainWithKills({
    ...{ kinesis, stream: STREAM, written, server, database },
    ...{ options: [...BATCH, ...options], plan, random },
  })
  t.diagnostic(`seed ${seed}, ${written.stored.length} records, ${JSON.stringify(life.figures)}`)
  t.diagnostic(`${drained.processes} processes, ${drained.watchedMoves} moves of positions watched`)
  t.diagnostic([...plan.kills].map(([kind, count]) => `${count} × ${kind}`).join(', '))
  assertKilledAndInOrder(plan, kills, drained, written)
  return { kinesis, life, written, plan, drained }
}

export interface Killed {
  readonly changes: number
  readonly kills: Kills
  /** Of the program. */
  readonly options?: readonly string[]
  /** To be connected to; the database is reached by its URL. */
  readonly server: { readonly port: number }
  readonly database: TestDatabase
}

async function writtenLife(changes: number): Promise<WrittenLife> {
  const kinesis = await startKinesalite()
  const life = ordersLife({ seed, changes, orders: Math.ceil(changes / 6) })
  const cuts = { splitAfter: changes * 0.35, mergeAfter: changes * 0.7 }
  const written = await writeReshardedStream(kinesis, STREAM, life.records(), cuts)
  // The emulator dates records behind a reshard up to a second ahead: to a relay that began sooner they would be newer than its start.
  await sleep(1_100)
  return { kinesis, life, written }
}

/** What holds in every mode. */
function assertKilledAndInOrder(
  plan: KillPlan,
  { ofBatches, ofShardEnds }: Kills,
  { watchedMoves, childrenAskedFor, askedForTooEarly }: Drained,
  { parents }: ReshardedStream,
): void {
  const planned = Map.groupBy<KillKind, KillKind>([...ofBatches, ...ofShardEnds], (kind) => kind)
  for (const [kind, { length }] of planned) {
    assert.ok((plan.kills.get(kind) ?? 0) >= length, `killed at "${kind}" only ${plan.kills.get(kind) ?? 0} times`)
  }
  assert.ok(watchedMoves > 50, `only ${watchedMoves} moves of positions were watched`)
  assert.equal(childrenAskedFor.size, parents.size)
  assert.deepEqual(askedForTooEarly, [])
}
