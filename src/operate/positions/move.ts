import type { Claim } from '../../batch.ts'
import { RelayError } from '../../errors.ts'
import { nameRemoved } from '../../state/removed.ts'
import type { Seen } from '../../state/seen.ts'
import type { StateStore } from '../../state/store.ts'
import { isSame } from '../../state/stored.ts'
import { type PlannedMove, progressOf } from './plan.ts'

/**
 * Claims the name for as long as this process lives, or the store is open, and moves its positions, all of them or none: if what the
 * claim finds is still what was seen.
 * @throws RelayError STATE_HELD, STATE_REMOVED
 */
export async function moveUnderClaim(
  store: StateStore,
  seen: Seen,
  plan: readonly PlannedMove[],
  signal: AbortSignal,
): Promise<void> {
  const { relay } = seen
  const claim: Claim = {
    relay,
    takeOver: false,
    firstPositions: async () => {
      throw nameRemoved(relay.name, 'the state')
    },
  }
  const found = await store.claim(claim, signal)
  if (!isSame(found, seen.stored)) throw movedMeanwhile(relay.name)
  if ((await store.move(progressOf(plan), signal)) !== null) throw movedMeanwhile(relay.name)
}

function movedMeanwhile(name: string): RelayError {
  const detail = 'Another process moved the positions since they were looked at, and nothing else is moved: look again'
  return new RelayError('STATE_HELD', detail, { relay: name })
}
