import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Random } from '../../support/life/random.ts'
import { isDealt, volume } from '../../support/volume.ts'
import { runSeed } from '../dms/run-seed.ts'
import { repeatedLoads } from './log-truth.ts'
import { assertCame, assertDone, assertLog, assertMirror, kindsOf, newScene, type Scene } from './scene.ts'
import type { StoredPositions } from './stored-positions.ts'
import { TROUBLES, type TroubleKind, TroublePlan } from './trouble-plan.ts'
import { TroubledServer } from './troubled-server.ts'

/**
 * GPSS dies, hangs, forgets and is away, at each kind of moment and by chance, and the real program lives through all of
 * it. CDC_LIVES=20 plays so many lives; CDC_SEED=123 begins with the life of that seed.
 */
const LIVES = Number(process.env.CDC_LIVES ?? 1)
const firstSeed = runSeed()

const KINDS: readonly TroubleKind[] = [
  ...(Object.keys(TROUBLES) as (keyof typeof TROUBLES)[]),
  ...Array<TroubleKind>(volume(1, 3)).fill('death by chance'),
]
/** The SQL that merges is behind the loads of a mirror only. */
const OF_MIRROR = new Set<TroubleKind>(['death behind the commit, SQL not run'])

for (let seed = firstSeed; seed < firstSeed + LIVES; seed++) {
  if (isDealt(1)) {
    test(`in trouble with its server, it leaves the mirror that the history leaves (seed ${seed})`, async (t) => {
      await troubledDrain(t, seed, 'mirror', kindsOf('mirror', KINDS, OF_MIRROR, seed), assertMirror)
    })
  }

  if (isDealt(2)) {
    test(`in trouble with its server, it leaves a log of whole batches (seed ${seed})`, async (t) => {
      const kinds = kindsOf('append', KINDS, OF_MIRROR, seed)
      const scene = await troubledDrain(t, seed, 'append', kinds, (scene) => assertLog(scene, 'same'))
      const repeats = await repeatedLoads(scene.query, scene.feed)
      t.diagnostic(`${repeats} loads repeat another one`)
      assert.ok(repeats > 0, 'nothing was repeated')
    })
  }
}

async function troubledDrain(
  t: TestContext,
  seed: number,
  mode: 'mirror' | 'append',
  kinds: readonly TroubleKind[],
  assertTruth: (scene: Scene) => Promise<void>,
): Promise<Scene> {
  const make = (random: Random, positions: StoredPositions) =>
    new TroubledServer({ plan: new TroublePlan(kinds, random), random, positions })
  // A call that hangs is given up after two seconds.
  const scene = await newScene(t, seed, mode, make, '&deadline=2')
  const { server, args, trouble } = scene
  const end = await trouble.drain(server, args)
  assert.equal(end.exitCode, 0, end.stderr)
  t.diagnostic([...trouble.plan.met].map(([kind, count]) => `${count} × ${kind}`).join('; '))
  await assertTruth(scene)
  assertCame(kinds, trouble.plan.met)
  await assertDone(scene)
  await assertTruth(scene)
  return scene
}
