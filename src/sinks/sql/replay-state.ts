import type { Batch, Facts, RelayIdentity, Replaying, Stored } from '../../batch.ts'
import { letterOutcomes } from '../letter-outcomes.ts'
import type { LetterTable } from './letter-table.ts'
import type { SharedState } from './shared-state.ts'
import { type UnclaimedState, unclaimedState } from './unclaimed-state.ts'

/** What a replay asks of the state of a name, whoever keeps its positions. It writes nothing of it. */
export interface BesideState extends Pick<SharedState, 'requireName' | 'readFacts' | 'marks'> {
  /** Before anything else. @throws RelayError CONFIGURATION for a name that is not known; STATE_DIFFERS */
  join(replaying: Replaying): Promise<Beside>
}

export interface Beside {
  readonly facts: Facts
  readonly settings: RelayIdentity['settings']
  /** True if an engine keeps the positions: then each record is once in a log by a key. */
  readonly isShared: boolean
}

/**
 * The state of a name whose letters are written again, beside whoever has it. Where there are transactions, letters are deleted in
 * that of their rows, and it is rolled back if one of them was gone already: so each takes effect once, whoever else is at it.
 *
 * @param isAtomic false where statements are final one by one: then a letter that is gone is no harm, as a repeat is none
 */
export function replayState(
  state: BesideState,
  letters: LetterTable,
  { replaying, facts, looks, isAtomic }: ReplayOptions,
): UnclaimedState {
  const { name } = replaying.relay
  /** The batch whose COMMIT was asked for last: its letters may be gone because it was done. */
  let asked: unknown = null

  const beside = unclaimedState({ ...state, mergeFacts: learnsNothing }, replaying, facts, looks)

  return {
    ...beside,

    async settleLetters(to, batch, failed) {
      const { done, again } = letterOutcomes(batch, failed)
      const wanted = done.length + again.length
      const settled = (await letters.fail(to, name, again)) + (await letters.remove(to, name, done))
      if (isAtomic && settled < wanted) return false
      asked = batch
      return true
    },

    /** Somebody else let some of the letters go: the batch is to be made again without them. */
    async settle(progress): Promise<Stored | null> {
      const { letters: given = [] } = progress as Batch
      const ids = given.flatMap((letter) => letter.ids)
      const left = await letters.find({ relay: name, filter: { ids }, from: null, most: 1 }, false)
      if (asked === progress && left.letters.length === 0) return null
      return beside.stored()
    },
  }
}

interface ReplayOptions {
  readonly replaying: Replaying
  readonly facts: Facts
  /** False for a log, whose rows are the same whatever is known of their tables. */
  readonly looks: boolean
  readonly isAtomic: boolean
}

async function learnsNothing(_to: unknown, facts: Facts): Promise<void> {
  if (facts.size > 0) throw new Error('a replay learns nothing')
}
