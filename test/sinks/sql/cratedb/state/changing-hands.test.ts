import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Stored } from '../../../../../src/batch.ts'
import type { Change } from '../../../../../src/change.ts'
import type { Sink } from '../../../../../src/sinks/sink.ts'
import { at, batchOf, claimOf, del, put } from '../../../../support/changes.ts'
import { copyTables } from '../../../../support/crate/copy-tables.ts'
import type { Crate } from '../../../../support/crate/crate.ts'
import { testCrate } from '../../../../support/crate/real-crate.ts'
import { anySeed, seededRandom } from '../../../../support/life/random.ts'
import { type CrateLayout, crateSinkOf, liveRows, WRITES_ROWS } from '../../../../support/targets/crate-target.ts'
import { rejection, totals } from '../../../conformance/answers.ts'

const seed = anySeed()
const CHANGES = 250

/**
 * One history, written by processes that take the relay's name from each other, to a target that is rewound now and then.
 * Every statement is final: what a loser or a batch before a rewind has written stays, and must do no harm.
 */
for (const layout of ['document', 'columns'] as const) {
  test(`${layout}: taken over and rewound, the rows are those of the history (seed ${seed})`, async (t) => {
    const crate = await openCrate(t)
    const random = seededRandom(seed)
    const history = historyOf(random)
    crate.faults.random({ seed, share: 0.05, matching: WRITES_ROWS })
    const counts = { batches: 0, takeOvers: 0, rewinds: 0 }
    let holder: Sink | undefined
    let done = 0

    const next = (size: number): readonly Change[] => history.slice(done, done + size)
    const batch = (changes: readonly Change[]) => batchOf({ changes, positions: at({ s: `${done + changes.length}` }) })

    async function takeOver(): Promise<void> {
      const before = holder
      holder = sinkOn(t, crate, layout)
      done = doneBy(await holder.open(claimOf({}, { takeOver: true }), signal()))
      if (before === undefined) return
      counts.takeOvers++
      await rejection(before.prepare(batch(next(20)))(signal()), 'STATE_HELD')
    }

    async function write(): Promise<void> {
      const changes = next(1 + random.below(15))
      const result = await holder!.prepare(batch(changes))(signal())
      counts.batches++
      done = result.kind === 'rewound' ? doneBy(result) : done + changes.length
    }

    async function rewind(): Promise<void> {
      const putBack = ['doc', 'cdc_relay'].map((schema) => copyTables(crate, schema))
      const then = done
      for (let i = 0; i < 3; i++) await write()
      for (const restore of putBack) await restore()
      await write()
      assert.equal(done, then)
      counts.rewinds++
    }

    await takeOver()
    await write()
    while (done < CHANGES) {
      const chance = random.below(12)
      if (chance === 0) await takeOver()
      else if (chance === 1 && done < CHANGES - 60) await rewind()
      else await write()
    }
    crate.faults.calm()
    t.diagnostic(`${JSON.stringify(counts)}; ${JSON.stringify([...crate.faults.happened])}`)
    const found = liveRows(crate, { schema: null, name: 'orders' }).map(({ key, version }) => `${key.id}@${version}`)
    assert.deepEqual(found.sort(), newest(history).sort())
  })
}

test('what a loser still writes replaces nothing newer, and brings nothing deleted back', async (t) => {
  const crate = await openCrate(t)
  const [loser, winner] = [sinkOn(t, crate, 'document'), sinkOn(t, crate, 'document')]
  const write = (sink: Sink, to: string, ...changes: Change[]) =>
    sink.prepare(batchOf({ changes, positions: at({ s: to }) }))(signal())
  await loser.open(claimOf(), signal())
  await write(loser, '1', put('a', 1), put('b', 1))
  await winner.open(claimOf({}, { takeOver: true }), signal())
  const written = await write(winner, '2', put('a', 5), del('b', 5))
  assert.deepEqual(totals(written), [2, 0])
  await rejection(write(loser, '2', put('a', 3), put('b', 3), put('c', 9)), 'STATE_HELD')
  // Of what only the loser had, the winner will read the same.
  assert.deepEqual(totals(await write(winner, '3', put('c', 9))), [1, 0])
  const rows = liveRows(crate, { schema: null, name: 'orders' }).map(({ key, version }) => `${key.id}@${version}`)
  assert.deepEqual(rows.sort(), ['a@5', 'c@9'])
})

async function openCrate(t: TestContext): Promise<Crate> {
  const crate = await testCrate()
  t.after(crate.stop)
  return crate
}

function sinkOn(t: TestContext, crate: Crate, layout: CrateLayout): Sink {
  const sink = crateSinkOf({ url: crate.url, layout })
  t.after(async () => {
    crate.faults.calm()
    await sink.close()
  })
  return sink
}

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

const doneBy = ({ positions }: Pick<Stored, 'positions'>): number => Number(positions.get('s')?.sequence ?? '0')

/** Versions in no order: late changes are the rule. */
function historyOf(random: ReturnType<typeof seededRandom>): readonly Change[] {
  const versions = Array.from({ length: CHANGES }, (_, i) => i + 1)
  return Array.from({ length: CHANGES }, () => {
    const [version] = versions.splice(random.below(Math.min(40, versions.length)), 1)
    const id = `k${random.below(15)}`
    return random.chance(0.3) ? del(id, version!) : put(id, version!)
  })
}

function newest(history: readonly Change[]): string[] {
  const rows = new Map<string, Change>()
  for (const change of history) {
    const id = String(change.key!.id)
    const before = rows.get(id)
    if (before === undefined || Number(before.version) < Number(change.version)) rows.set(id, change)
  }
  return [...rows].filter(([, { op }]) => op !== 'delete').map(([id, { version }]) => `${id}@${version}`)
}
