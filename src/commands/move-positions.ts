import { RelayError } from '../errors.ts'
import { maskTexts } from '../mask.ts'
import { moveUnderClaim } from '../operate/positions/move.ts'
import { type PlannedMove, planOf } from '../operate/positions/plan.ts'
import { planText } from '../operate/positions/plan-text.ts'
import { type Repeats, repeatsInto } from '../operate/positions/repeats.ts'
import { sinkEntry } from '../sinks/by-url.ts'
import { holderText } from '../state/held.ts'
import { keeperOf } from '../state/keeper.ts'
import type { Seen, SeenHolder } from '../state/seen.ts'
import type { StateStore } from '../state/store.ts'
import { isConfirmed } from './confirmed.ts'
import type { NamedRelay } from './named-relay.ts'
import type { Errand } from './positions-errand.ts'
import { wantedMoves } from './wanted-moves.ts'

/**
 * Says what will happen, asks, and moves the positions under a claim of its own: a relay that has the name is not disturbed, and
 * none can begin in between. What was looked at must be what the claim finds.
 *
 * @param given what stands in the file of `import`
 * @throws RelayError STATE_HELD, CONFIGURATION (also without a yes)
 */
export async function movePositions(errand: Errand, store: StateStore, seen: Seen, given: string): Promise<number> {
  const { relay, own, mask, signal } = errand
  requireFree(seen)
  const plan = planOf(seen.stored.positions, await wantedMoves(errand, seen, given))
  const repeats = repeatsInto(intoOf(relay, seen))
  const isForPeople = process.stdout.isTTY && !own.json
  const sayPlan = (moved: boolean): void => {
    if (!isForPeople) process.stdout.write(`${JSON.stringify(maskTexts(planJson(seen, plan, repeats, moved), mask))}\n`)
  }
  if (isForPeople) process.stdout.write(mask(planText(relay.name, plan, repeats)))
  if (plan.length === 0) {
    sayPlan(false)
    return 0
  }
  if (!own.yes && !(await isConfirmed('Do it?', signal))) {
    sayPlan(false)
    throw new RelayError('CONFIGURATION', 'Nothing is moved: say `--yes` to do what stands there')
  }
  await moveUnderClaim(store, seen, plan, signal)
  sayPlan(true)
  if (isForPeople) process.stdout.write('Done.\n')
  return 0
}

/** @throws RelayError STATE_HELD, CONFIGURATION */
function requireFree({ relay, holder }: Seen): void {
  if (keeperOf(relay) === 'engine') {
    const detail = 'An engine (Lambda, KCL) keeps the positions of this relay: they are moved there'
    throw new RelayError('CONFIGURATION', detail, { relay: relay.name })
  }
  if (holder?.isAlive === true) throw stillHeld(relay.name, holder)
}

function stillHeld(name: string, holder: SeenHolder): RelayError {
  const { heardOf } = holder
  const heard = heardOf === null ? '' : `, heard of at ${new Date(heardOf).toISOString()}`
  const wait = heardOf === null ? '' : '; one that was killed has the name for a minute more'
  const detail = `The relay's name is held by ${holderText(holder)}${heard}: stop that relay first${wait}`
  return new RelayError('STATE_HELD', detail, { name })
}

function intoOf({ sink }: NamedRelay, { relay: { settings }, target }: Seen) {
  const entry = sink === undefined ? null : sinkEntry(sink)!
  const logs = (target?.tables ?? []).flatMap(({ isKeyedLog }) => (isKeyedLog === undefined ? [] : [isKeyedLog]))
  const found = logs.every(Boolean) ? 'keyed' : 'without key'
  const log = entry?.log === 'may be keyed' && logs.length > 0 ? found : (entry?.log ?? null)
  return { mode: settings.mode ?? 'mirror', writes: entry?.writes ?? null, log }
}

const planJson = ({ relay }: Seen, plan: readonly PlannedMove[], repeats: Repeats, moved: boolean) => ({
  name: relay.name,
  moved,
  moves: plan,
  repeats,
})
