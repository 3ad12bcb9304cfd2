import type { RelayIdentity } from '../batch.ts'
import { RelayError } from '../errors.ts'
import { stillWanted } from '../wanted-tables.ts'

/** Who keeps the positions of a name: the relay itself, or the engine (Lambda, KCL) that runs it. */
export type Keeper = 'ours' | 'engine'

/**
 * The member of a name's stored settings that says it; absent where the relay does, as in all states from before there were
 * engines. A relay of that time refuses what it does not know: `--positions was engine and is not set`.
 */
export const KEEPER_SETTING = 'positions'

export const keeperOf = ({ settings }: Pick<RelayIdentity, 'settings'>): Keeper =>
  settings[KEEPER_SETTING] === 'engine' ? 'engine' : 'ours'

/** The identity as it is stored for a name whose positions `keeper` keeps. @param stored as it was; absent for a new name */
export function keptBy(
  keeper: Keeper,
  relay: RelayIdentity,
  stored: Pick<RelayIdentity, 'settings'> = relay,
): RelayIdentity {
  const { [KEEPER_SETTING]: _, ...settings } = stillWanted(relay.settings, stored.settings)
  return { ...relay, settings: keeper === 'ours' ? settings : { ...settings, [KEEPER_SETTING]: keeper } }
}

/**
 * A name goes from a relay to an engine, or back, only on purpose: the one does not know how far the other has read.
 * @throws RelayError CONFIGURATION without `takeOver`
 */
export function requireSameKeeper(stored: RelayIdentity, keeper: Keeper, takeOver: boolean): void {
  const was = keeperOf(stored)
  if (was === keeper || takeOver) return
  const { name } = stored
  throw new RelayError('CONFIGURATION', `${KEPT[was]} ${TAKING_OVER[was]}, or use another \`--name\``, { relay: name })
}

const KEPT: Readonly<Record<Keeper, string>> = {
  engine: 'The positions of this relay are kept by an engine (Lambda, KCL), which does not share them.',
  ours: 'The positions of this relay are kept by a process that reads the stream itself, and an engine (Lambda, KCL) does not read them.',
}

const TAKING_OVER: Readonly<Record<Keeper, string>> = {
  engine:
    'To read the stream from here on, stop the engine and start once with `--take-over`: reading begins where this relay stood before the engine, or at the start of the stream, and what the target has already is not applied again',
  ours: 'To let the engine have it, stop that process, let the engine start no later than the stored positions (or at TRIM_HORIZON), and start once with `--take-over`: what the target has already is not applied again',
}
