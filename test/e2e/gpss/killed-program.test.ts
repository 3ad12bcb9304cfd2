import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { isDealt, volume } from '../../support/volume.ts'
import { runSeed } from '../dms/run-seed.ts'
import { type KillKind, KillPlan, STRIKES, type StrikeKind } from './kill-plan.ts'
import { Killer } from './killed-program.ts'
import { repeatedLoads } from './log-truth.ts'
import { assertCame, assertDone, assertLog, assertMirror, kindsOf, newScene, type Scene } from './scene.ts'

/**
 * The real program between a stream and GPSS is killed again and again, the server stays: at each kind of moment, and by
 * chance. CDC_LIVES=20 plays so many lives; CDC_SEED=123 begins with the life of that seed.
 */
const LIVES = Number(process.env.CDC_LIVES ?? 1)
const firstSeed = runSeed()

const KINDS: readonly KillKind[] = [
  ...(Object.keys(STRIKES) as StrikeKind[]),
  ...Array<KillKind>(volume(1, 3)).fill('by chance'),
]
/** The SQL that merges is behind the loads of a mirror only. */
const OF_MIRROR = new Set<KillKind>(['behind the commit, SQL still run', 'behind the commit, SQL not run'])

for (let seed = firstSeed; seed < firstSeed + LIVES; seed++) {
  if (isDealt(0)) {
    test(`killed, it leaves the mirror that the history leaves (seed ${seed})`, async (t) => {
      await killedDrain(t, seed, 'mirror', kindsOf('mirror', KINDS, OF_MIRROR, seed), assertMirror)
    })
  }

  if (isDealt(1)) {
    test(`killed, it leaves a log of whole batches (seed ${seed})`, async (t) => {
      const kinds = kindsOf('append', KINDS, OF_MIRROR, seed)
      const scene = await killedDrain(t, seed, 'append', kinds, (scene) => assertLog(scene, 'any'))
      const repeats = await repeatedLoads(scene.query, scene.feed)
      t.diagnostic(`${repeats} loads repeat another one`)
      assert.ok(repeats > 0, 'nothing was repeated')
    })
  }
}

async function killedDrain(
  t: TestContext,
  seed: number,
  mode: 'mirror' | 'append',
  kinds: readonly KillKind[],
  assertTruth: (scene: Scene) => Promise<void>,
): Promise<Scene> {
  const scene = await newScene(t, seed, mode, (random, positions) => {
    return new Killer({ plan: new KillPlan(kinds, random), random, positions })
  })
  const { server, args, trouble } = scene
  const { processes, end } = await trouble.drain(server, args)
  assert.equal(end.exitCode, 0, end.stderr)
  t.diagnostic(
    `${processes} processes, ${scene.positions.all.length} batches begun: ${[...trouble.plan.kills].map(([kind, count]) => `${count} × ${kind}`).join('; ')}`,
  )
  await assertTruth(scene)
  assertCame(kinds, trouble.plan.kills)
  await assertDone(scene)
  await assertTruth(scene)
  return scene
}
