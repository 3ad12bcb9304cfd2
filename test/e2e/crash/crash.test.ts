import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { GREENPLUM_KINDS, greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { startKinesalite } from '../../support/kinesis/kinesalite.ts'
import { ordersLife } from '../../support/life/life.ts'
import { type FoundRow, MIRROR_QUERY, mirrorDifferences } from '../../support/life/mirror.ts'
import { anySeed, seededRandom } from '../../support/life/random.ts'
import { writeReshardedStream } from '../../support/life/stream.ts'
import { postgres, type TestDatabase, testDatabase } from '../../support/postgres/postgres.ts'
import { volume } from '../../support/volume.ts'
import { KillPlan } from './kill-plan.ts'
import { type Drained, drainWithKills } from './killed-relay.ts'

/** Small batches, so that there are many to be killed in. */
const BATCH = ['--batch-records', '25']

/** How often the relay is killed at each planned moment, in which life. */
interface Size {
  readonly changes: number
  readonly orders: number
  readonly kills: number
}

const FEW: Size = { changes: 2_000, orders: 350, kills: 1 }
const LARGE: Size = volume(FEW, { changes: 10_000, orders: 1_500, kills: 3 })
/** For what differs from PostgreSQL in its statements only. */
const SMALL: Size = volume(FEW, { changes: 2_500, orders: 400, kills: 1 })

/** The same life for all tests of a run. */
const seed = anySeed()

/** @param server to connect to; the database is reached by its URL */
async function killedDrain(
  t: TestContext,
  options: readonly string[],
  { changes, orders, kills }: Size,
  server: { readonly port: number },
  database: TestDatabase,
) {
  const kinesis = await startKinesalite()
  t.after(() => kinesis.close())
  const life = ordersLife({ seed, changes, orders })
  const cuts = { splitAfter: changes * 0.35, mergeAfter: changes * 0.7 }
  const written = await writeReshardedStream(kinesis, 'orders-changes', life.records(), cuts)
  // The emulator dates records behind a reshard up to a second ahead: to a relay that began sooner they would be newer than its start.
  await sleep(1_100)

  const random = seededRandom(seed)
  const plan = new KillPlan(random, kills)
  const drained = await drainWithKills({
    ...{ kinesis, stream: 'orders-changes', written, server, database },
    ...{ options: [...BATCH, ...options], plan, random },
  })
  t.diagnostic(`seed ${seed}, ${written.stored.length} records, ${JSON.stringify(life.figures)}`)
  t.diagnostic(`${drained.processes} processes, ${drained.watchedMoves} moves of positions watched`)
  t.diagnostic([...plan.kills].map(([kind, count]) => `${count} × ${kind}`).join(', '))
  return { life, written, plan, drained }
}

/** What holds in every mode. */
function assertKilledAndInOrder(
  plan: KillPlan,
  { watchedMoves, ...drained }: Drained,
  children: number,
  { kills }: Size,
): void {
  for (const kind of ['first write sent', 'positions sent', 'commit sent', 'commit answered', 'by chance'] as const) {
    assert.ok((plan.kills.get(kind) ?? 0) >= kills, `killed at "${kind}" only ${plan.kills.get(kind) ?? 0} times`)
  }
  for (const kind of ['shard end sent', 'shard end committed', 'child asked for'] as const) {
    assert.ok((plan.kills.get(kind) ?? 0) >= 1, `never killed at "${kind}"`)
  }
  assert.ok(watchedMoves > 50, `only ${watchedMoves} moves of positions were watched`)
  assert.equal(drained.childrenAskedFor.size, children)
  assert.deepEqual(drained.askedForTooEarly, [])
}

test('a relay that is killed again and again leaves the mirror that the history in order leaves', async (t) => {
  const database = await testDatabase(t)
  const { life, written, plan, drained } = await killedDrain(t, [], LARGE, await postgres(), database)

  const found = await database.query<FoundRow>(MIRROR_QUERY)
  assert.deepEqual(mirrorDifferences(life.rows(), found), [])
  assert.ok(life.wrongIfLastWins() > 0, 'a naive mirror would be right, too')
  assertKilledAndInOrder(plan, drained, written.parents.size, LARGE)
})

test('a relay that is killed again and again appends each record once', async (t) => {
  const database = await testDatabase(t)
  const { written, plan, drained } = await killedDrain(t, ['--mode', 'append'], LARGE, await postgres(), database)

  const found = await database.query<{ shard: string; sequence: string }>('SELECT shard, sequence FROM orders')
  const texts = (records: readonly { shard: string; sequence: string }[]): string[] =>
    records.map(({ shard, sequence }) => `${shard} ${sequence}`).sort()
  assert.deepEqual(texts(found), texts(written.stored))
  assertKilledAndInOrder(plan, drained, written.parents.size, LARGE)
})

for (const kind of GREENPLUM_KINDS) {
  test(`greenplum ${kind}: killed again and again, the mirror is what the history in order leaves`, {
    skip: withoutGreenplum(kind),
  }, async (t) => {
    const database = await greenplumDatabase(t, kind)
    const server = { port: Number(new URL(database.url).port) }
    const { life, written, plan, drained } = await killedDrain(t, [], SMALL, server, database)

    assert.deepEqual(mirrorDifferences(life.rows(), await database.query<FoundRow>(MIRROR_QUERY)), [])
    assertKilledAndInOrder(plan, drained, written.parents.size, SMALL)
  })
}
