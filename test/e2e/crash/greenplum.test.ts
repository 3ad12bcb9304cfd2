import assert from 'node:assert/strict'
import test from 'node:test'
import {
  GREENPLUM_KINDS,
  type GreenplumKind,
  greenplumDatabase,
  withoutGreenplum,
} from '../../support/greenplum/greenplum.ts'
import { type FoundRow, MIRROR_QUERY, mirrorDifferences } from '../../support/life/mirror.ts'
import { isDealt, volume } from '../../support/volume.ts'
import { everyKill, type Kills } from './kill-plan.ts'
import { killedDrain } from './killed-life.ts'

/** They differ from PostgreSQL in their statements only: each kind of kill comes to one of them, and to PostgreSQL. */
const KILLS: Readonly<Record<GreenplumKind, Kills>> = {
  '6': { ofBatches: ['first write sent', 'by chance'], ofShardEnds: ['shard end sent'] },
  '7': { ofBatches: ['commit sent'], ofShardEnds: ['child asked for'] },
  cloudberry: { ofBatches: ['positions sent', 'commit answered'], ofShardEnds: ['shard end committed'] },
}

for (const [index, kind] of GREENPLUM_KINDS.entries()) {
  if (!isDealt(index)) continue
  test(`greenplum ${kind}: killed again and again, the mirror is what the history in order leaves`, {
    skip: withoutGreenplum(kind),
  }, async (t) => {
    const database = await greenplumDatabase(t, kind)
    const { life } = await killedDrain(t, {
      ...{ changes: volume(1_300, 2_500), kills: volume(KILLS[kind], everyKill(1)) },
      ...{ server: { port: Number(new URL(database.url).port) }, database },
    })

    assert.deepEqual(mirrorDifferences(life.rows(), await database.query<FoundRow>(MIRROR_QUERY)), [])
    assert.ok(life.wrongIfLastWins() > 0, 'a naive mirror would be right, too')
  })
}
