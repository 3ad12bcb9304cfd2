import type { TestContext } from 'node:test'
import { connect } from '../../../src/sinks/sql/connect.ts'
import { sqlLetterStore } from '../../../src/sinks/sql/letter-store.ts'
import { batchOf, claimOf } from '../../support/changes.ts'
import { testCrate } from '../../support/crate/real-crate.ts'
import { greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { pgliteFolder } from '../../support/postgres/pglite.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { sqlSinkOf } from '../../support/targets/sql-target.ts'
import { describeLetters, type LettersPlace } from './conformance.ts'

/** @param release before another opens it */
function sqlPlace(url: string, deletes: 'hard' | 'soft' = 'hard'): LettersPlace {
  return {
    async keep(relay, letters) {
      const sink = sqlSinkOf({ url, deletes, onError: 'dead-letter' })
      const signal = AbortSignal.timeout(30_000)
      try {
        await sink.open(claimOf({ name: relay }), signal)
        await sink.prepare(batchOf({ deadLetters: letters }))(signal)
      } finally {
        await sink.close()
      }
    },
    open: async (relay) => sqlLetterStore(await connect(url), relay),
  }
}

describeLetters('postgresql', async (t) => sqlPlace((await testDatabase(t)).url), { keepsTimes: true })

describeLetters('pglite', folderPlace, { keepsTimes: true })

for (const kind of ['6', '7'] as const) {
  const skip = withoutGreenplum(kind)
  describeLetters(`greenplum ${kind}`, async (t) => sqlPlace((await greenplumDatabase(t, kind)).url), {
    keepsTimes: true,
    skip,
  })
}

describeLetters(
  'cratedb',
  async (t) => {
    const crate = await testCrate()
    t.after(() => crate.stop())
    return sqlPlace(crate.url, 'soft')
  },
  { keepsTimes: true, hasOrder: false },
)

/** One at a time has it open. */
async function folderPlace(t: TestContext): Promise<LettersPlace> {
  const folder = await pgliteFolder()
  const place = sqlPlace(folder.url)
  let close = async (): Promise<void> => {}
  t.after(async () => {
    await close()
    await folder.empty()
  })
  return {
    async keep(relay, letters) {
      await close()
      await place.keep(relay, letters)
    },
    async open(relay) {
      await close()
      const store = await place.open(relay)
      close = store.close
      return store
    },
  }
}
