import { requireSameSettings, unknownName } from '../../../../state/identity.ts'
import { keeperOf } from '../../../../state/keeper.ts'
import type { Database } from '../../../tables/database.ts'
import type { BesideState } from '../../replay-state.ts'
import { lookAtName } from './look.ts'
import { ensureSchema } from './migration.ts'
import { marksOf, readWithFacts } from './shared-state.ts'
import { gone, type RelayRow, readRelay, storedIdentity } from './state-rows.ts'

/** What is asked for is read by full keys, and so as it is now. Nothing is written. */
export function crateBesideState(db: Database): BesideState {
  let name = ''

  async function requireRow(): Promise<RelayRow> {
    const row = await readRelay(db, name)
    if (row === undefined) throw gone(name)
    return row
  }

  return {
    async join({ relay }) {
      // Nothing is made where there is no such relay.
      if ((await lookAtName(db, relay.name)) === null) throw unknownName(relay.name, 'the target')
      await ensureSchema(db)
      const found = await readWithFacts(db, relay.name)
      if (found === null) throw gone(relay.name)
      const stored = storedIdentity(found.row, relay.name)
      requireSameSettings(stored, relay)
      name = relay.name
      return { facts: found.facts, settings: stored.settings, isShared: keeperOf(stored) === 'engine' }
    },

    async requireName() {
      await requireRow()
    },

    async readFacts() {
      const found = await readWithFacts(db, name)
      if (found === null) throw gone(name)
      return found.facts
    },

    marks: async (_, sources) => await marksOf(db, await requireRow(), sources),
  }
}
