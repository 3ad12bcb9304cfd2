import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Delivery, type DeliveryOptions, deliver } from '../../support/dms-life/delivery.ts'
import { type DmsLife, type DmsLifeOptions, dmsLife } from '../../support/dms-life/dms-life.ts'
import { type Kinesalite, startKinesalite } from '../../support/kinesis/kinesalite.ts'
import { ordersLife, type StreamRecord } from '../../support/life/life.ts'
import { type FoundRow, MIRROR_QUERY, mirrorDifferences } from '../../support/life/mirror.ts'
import { type Random, seededRandom } from '../../support/life/random.ts'
import { type ReshardedStream, writeReshardedStream } from '../../support/life/stream.ts'
import { postgres, testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { startRelay } from '../../support/processes/relay-process.ts'
import { isDealt, volume } from '../../support/volume.ts'
import { type BatchKill, KillPlan, OF_SHARD_ENDS, PLANNED } from '../crash/kill-plan.ts'
import { drainWithKills } from '../crash/killed-relay.ts'
import { type Help, operatorOptions } from './operator.ts'
import { runSeed } from './run-seed.ts'
import { type MirrorSettings, targetDifferences } from './target-tables.ts'

/** Lives of DMS tables in a stream, mirrored by the real program, which is killed again and again. CDC_SEED=123 brings a life again. */
const STREAM = 'dms-changes'
/** Small, so that there are many batches to be killed in. */
const BATCH = ['--batch-records', '10']

/** In the short run the kinds that come with every batch are dealt out to the lives; the first one of each is not by chance. */
const DEALT: Readonly<Record<'one' | 'two' | 'eight' | 'resharded', readonly BatchKill[]>> = {
  one: ['first write sent', 'by chance'],
  two: ['positions sent'],
  eight: ['commit sent'],
  resharded: ['commit answered'],
}

const seed = runSeed()
if (isDealt(0))
  test(`a DMS feed on one shard (seed ${seed})`, async (t) => {
    const scene = await newScene(t, { shards: 1, interleaving: 'by-time' })
    await put(
      scene,
      scene.delivery.arrivals.map(({ record }) => record),
    )
    await mirror(scene, 'one', { missing: 'null', onReload: 'keep', deletes: 'hard' })
  })

if (isDealt(1))
  test(`a DMS feed on two shards, and a DynamoDB feed in the same stream (seed ${seed})`, async (t) => {
    const scene = await newScene(t, { shards: 2, interleaving: 'shuffled' })
    const orders = ordersLife({ seed, changes: 400, orders: 60 })
    await put(scene, [
      ...alternating(
        scene.delivery.arrivals.map(({ record }) => record),
        [...orders.records()],
      ),
    ])
    await mirror(scene, 'two', { missing: 'keep', onReload: 'keep', deletes: 'hard' })

    const found = await scene.database.query<FoundRow>(MIRROR_QUERY)
    assert.deepEqual(mirrorDifferences(orders.rows(), found), [])
    assert.ok(orders.wrongIfLastWins() > 0)
  })

if (isDealt(1))
  test(`a DMS feed on eight shards, keys known from create-table on other shards (seed ${seed})`, async (t) => {
    const scene = await newScene(t, { shards: 8, interleaving: 'changes-last' })
    await put(
      scene,
      scene.delivery.arrivals.map(({ record }) => record),
    )
    await mirror(scene, 'eight', { missing: 'keep', onReload: 'sweep', deletes: 'soft' })
  })

if (isDealt(0))
  test(`a DMS feed in a stream that was resharded on the way (seed ${seed})`, async (t) => {
    const scene = await newScene(t, { shards: 4, interleaving: 'by-time' })
    const records = scene.delivery.arrivals.map(({ record }) => record)
    const cuts = { splitAfter: records.length * 0.3, mergeAfter: records.length * 0.6 }
    const written = await writeReshardedStream(scene.kinesis, STREAM, records, cuts)
    // The emulator dates records behind a reshard up to a second ahead: to a relay that began sooner they would be newer than its start.
    await sleep(1_100)
    // What lies behind what is not what `untoldKeys` takes it to be.
    await mirror({ ...scene, written }, 'resharded', { missing: 'null', onReload: 'keep', deletes: 'hard' }, 'all')
  })

interface Scene {
  readonly t: TestContext
  readonly random: Random
  readonly kinesis: Kinesalite
  readonly database: TestDatabase
  readonly life: DmsLife
  readonly delivery: Delivery
  readonly shards: number
  readonly written: ReshardedStream
}

/** With what every life is to have: a reload, resumes, and control records that tell the keys. */
const LIFE: Omit<DmsLifeOptions, 'seed'> = {
  changes: 400,
  keys: 20,
  endpoint: { includeControlDetails: true },
  story: { reload: 'with-drop-table', resumes: 2 },
}

async function newScene(t: TestContext, how: DeliveryOptions): Promise<Scene> {
  const kinesis = await startKinesalite()
  t.after(() => kinesis.close())
  const random = seededRandom(seed)
  const life = dmsLife({ seed: seed + how.shards, ...LIFE })
  return {
    t,
    random,
    kinesis,
    database: await testDatabase(t),
    life,
    delivery: deliver(life.records, how, random),
    shards: how.shards,
    written: { stored: [], parents: new Map() },
  }
}

async function put({ kinesis, shards }: Scene, records: readonly StreamRecord[]): Promise<void> {
  await kinesis.createStream(STREAM, shards)
  await kinesis.put(
    STREAM,
    records.map(({ partitionKey, data }) => ({ key: partitionKey, data })),
  )
}

/** Mirrors the stream with kills, and once more without any: that one finds nothing to do. */
async function mirror(
  scene: Scene,
  which: keyof typeof DEALT,
  settings: MirrorSettings,
  help: Help = 'little',
): Promise<void> {
  const kinds = volume<readonly BatchKill[]>(DEALT[which], PLANNED)
  const { t, random, kinesis, database, life, delivery, written } = scene
  const options = [
    ...['--format', 'auto', '--before-image-field', life.endpoint.beforeImageField],
    ...['--missing-columns', settings.missing, '--on-reload', settings.onReload, '--deletes', settings.deletes],
    ...operatorOptions(life, delivery, help),
    ...BATCH,
  ]
  const plan = new KillPlan(random, { ofBatches: kinds, ofShardEnds: OF_SHARD_ENDS })
  const server = await postgres()
  const drained = await drainWithKills({ kinesis, stream: STREAM, written, server, database, options, plan, random })
  t.diagnostic(`${drained.processes} processes, ${drained.watchedMoves} moves of positions watched`)
  t.diagnostic([...plan.kills].map(([kind, count]) => `${count} × ${kind}`).join(', '))
  t.diagnostic(JSON.stringify(delivery.figures))
  for (const kind of kinds) assert.ok(plan.kills.has(kind), `never killed at "${kind}"`)
  assert.deepEqual(drained.askedForTooEarly, [])
  await assertTruth()

  const args = ['run', '--source', STREAM, '--sink', database.url, '--endpoint-url', kinesis.endpoint, '--until-latest']
  const end = await startRelay([...args, ...options]).ended
  assert.equal(end.exitCode, 0, end.stderr)
  const { read, applied } = JSON.parse(end.stdout)
  assert.deepEqual({ read, applied }, { read: 0, applied: 0 })
  await assertTruth()

  async function assertTruth(): Promise<void> {
    assert.deepEqual(await targetDifferences((text) => database.query(text), life, settings), [])
    assert.deepEqual(await database.query('SELECT code, detail FROM cdc_relay.dead_letters'), [])
  }
}

/** One of each in turn, as long as there are both. */
function* alternating<T>(some: readonly T[], others: readonly T[]): Generator<T> {
  for (let index = 0; index < Math.max(some.length, others.length); index++) {
    if (index < some.length) yield some[index]!
    if (index < others.length) yield others[index]!
  }
}
