import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startKinesalite } from '../support/kinesalite.ts'
import { ordersLife } from '../support/life.ts'
import { type FoundRow, MIRROR_QUERY, mirrorDifferences } from '../support/life-mirror.ts'
import { anySeed, seededRandom } from '../support/life-random.ts'
import { writeReshardedStream } from '../support/life-stream.ts'
import { postgres, testDatabase } from '../support/postgres.ts'
import { KillPlan } from './kill-plan.ts'
import { type Drained, drainWithKills } from './killed-relay.ts'

const CHANGES = 10_000
const ORDERS = 1_500
/** Small, so that there are many batches to be killed in. */
const BATCH = ['--batch-records', '25']

/** The same life for all tests of a run. */
const seed = anySeed()

async function killedDrain(t: TestContext, options: readonly string[]) {
  const kinesis = await startKinesalite()
  t.after(() => kinesis.close())
  const life = ordersLife({ seed, changes: CHANGES, orders: ORDERS })
  const cuts = { splitAfter: CHANGES * 0.35, mergeAfter: CHANGES * 0.7 }
  const written = await writeReshardedStream(kinesis, 'orders-changes', life.records(), cuts)
  // The emulator dates records behind a reshard up to a second ahead: to a relay that began sooner they would be newer than its start.
  await sleep(1_100)

  const random = seededRandom(seed)
  const plan = new KillPlan(random)
  const database = await testDatabase(t)
  const server = await postgres()
  const drained = await drainWithKills({
    ...{ kinesis, stream: 'orders-changes', written, server, database },
    ...{ options: [...BATCH, ...options], plan, random },
  })
  t.diagnostic(`seed ${seed}, ${written.stored.length} records, ${JSON.stringify(life.figures)}`)
  t.diagnostic(`${drained.processes} processes, ${drained.watchedMoves} moves of positions watched`)
  t.diagnostic([...plan.kills].map(([kind, count]) => `${count} × ${kind}`).join(', '))
  return { life, written, plan, database, drained }
}

/** What holds in every mode. */
function assertKilledAndInOrder(plan: KillPlan, { watchedMoves, ...drained }: Drained, children: number): void {
  for (const kind of ['first write sent', 'positions sent', 'commit sent', 'commit answered', 'by chance'] as const) {
    assert.ok((plan.kills.get(kind) ?? 0) >= 3, `killed at "${kind}" only ${plan.kills.get(kind) ?? 0} times`)
  }
  for (const kind of ['shard end sent', 'shard end committed', 'child asked for'] as const) {
    assert.ok((plan.kills.get(kind) ?? 0) >= 1, `never killed at "${kind}"`)
  }
  assert.ok(watchedMoves > 50, `only ${watchedMoves} moves of positions were watched`)
  assert.equal(drained.childrenAskedFor.size, children)
  assert.deepEqual(drained.askedForTooEarly, [])
}

test('a relay that is killed again and again leaves the mirror that the history in order leaves', async (t) => {
  const { life, written, plan, database, drained } = await killedDrain(t, [])

  const found = await database.query<FoundRow>(MIRROR_QUERY)
  assert.deepEqual(mirrorDifferences(life.rows(), found), [])
  assert.ok(life.wrongIfLastWins() > 0, 'a naive mirror would be right, too')
  assertKilledAndInOrder(plan, drained, written.parents.size)
})

test('a relay that is killed again and again appends each record once', async (t) => {
  const { written, plan, database, drained } = await killedDrain(t, ['--mode', 'append'])

  const found = await database.query<{ shard: string; sequence: string }>('SELECT shard, sequence FROM orders')
  const texts = (records: readonly { shard: string; sequence: string }[]): string[] =>
    records.map(({ shard, sequence }) => `${shard} ${sequence}`).sort()
  assert.deepEqual(texts(found), texts(written.stored))
  assertKilledAndInOrder(plan, drained, written.parents.size)
})
