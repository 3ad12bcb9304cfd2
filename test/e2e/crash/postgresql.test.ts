import assert from 'node:assert/strict'
import test from 'node:test'
import { type FoundRow, MIRROR_QUERY, mirrorDifferences } from '../../support/life/mirror.ts'
import { postgres, testDatabase } from '../../support/postgres/postgres.ts'
import { volume } from '../../support/volume.ts'
import { everyKill, type Kills } from './kill-plan.ts'
import { killedDrain } from './killed-life.ts'

const CHANGES = volume(1_500, 10_000)
const EVERY = everyKill(volume(1, 3))
/** The mode changes the rows of a transaction alone, not its moments: some before what is durable, some behind it. */
const SOME: Kills = { ofBatches: ['positions sent', 'commit answered'], ofShardEnds: ['shard end committed'] }

test('a relay that is killed again and again leaves the mirror that the history in order leaves', async (t) => {
  const database = await testDatabase(t)
  const { life } = await killedDrain(t, { changes: CHANGES, kills: EVERY, server: await postgres(), database })

  const found = await database.query<FoundRow>(MIRROR_QUERY)
  assert.deepEqual(mirrorDifferences(life.rows(), found), [])
  assert.ok(life.wrongIfLastWins() > 0, 'a naive mirror would be right, too')
})

test('a relay that is killed again and again appends each record once', async (t) => {
  const database = await testDatabase(t)
  const { written } = await killedDrain(t, {
    ...{ changes: CHANGES, kills: volume(SOME, EVERY), server: await postgres(), database },
    options: ['--mode', 'append'],
  })

  const found = await database.query<{ shard: string; sequence: string }>('SELECT shard, sequence FROM orders')
  const texts = (records: readonly { shard: string; sequence: string }[]): string[] =>
    records.map(({ shard, sequence }) => `${shard} ${sequence}`).sort()
  assert.deepEqual(texts(found), texts(written.stored))
})
