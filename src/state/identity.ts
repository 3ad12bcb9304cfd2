import type { Claim, ClaimedSettings, RelayIdentity } from '../batch.ts'
import { RelayError } from '../errors.ts'
import { stillWanted, WANTED_SETTING, withWanted } from '../wanted-tables.ts'
import { KEEPER_SETTING, requireSameKeeper } from './keeper.ts'

/**
 * What keeps the positions of `stored` from being those of `claimed`, in words for the operator; empty if nothing does.
 * A claim without `--start` goes on wherever the relay stands; `earliest` is what a first run without it meant.
 */
export function compareIdentity(stored: RelayIdentity, claimed: RelayIdentity): string[] {
  return [
    ...(stored.name === claimed.name ? [] : [`they are of the relay "${stored.name}", this one is "${claimed.name}"`]),
    ...compareStream(stored.stream, claimed.stream),
    ...compareStart(stored.start, claimed.start),
    ...compareSettings(stored.settings, claimed.settings),
  ]
}

/**
 * @param howToForget what removes the stored positions, as an instruction: "delete the file relay.state.json"
 * @throws RelayError STATE_DIFFERS with every difference and how to begin again
 */
export function requireSameIdentity(stored: RelayIdentity, claimed: RelayIdentity, howToForget: string): void {
  const differences = compareIdentity(stored, claimed)
  if (differences.length === 0) return
  throw new RelayError(
    'STATE_DIFFERS',
    `The stored positions do not belong to what is run now: ${differences.join('; ')}. To begin again on purpose, ${howToForget}`,
    { relay: claimed.name },
  )
}

/**
 * What may change under a name that a relay claims. Where the tables go, and how rows lie in them, is each table's own: what does not fit
 * one that is written already, the target says of that table. Which tables are wanted is remembered: see `leftOut`.
 */
const OF_TABLES = ['layout', 'deletes', 'table']
const OF_WANTED_TABLES = ['include', 'exclude']

/** What a claim says of a relay. */
export type Claimed = Pick<Claim, 'relay' | 'takeOver' | 'wanted' | 'forgetsGaps'>

/**
 * What is stored of a known name once a relay has claimed it that keeps the positions itself.
 *
 * @param howToForget as for `requireSameIdentity` @param now ISO 8601
 * @throws RelayError STATE_DIFFERS for what may not change; CONFIGURATION for a name under an engine
 */
export function claimedSettings(
  stored: RelayIdentity,
  { relay, takeOver, wanted, forgetsGaps = false }: Claimed,
  howToForget: string,
  now = new Date().toISOString(),
): ClaimedSettings {
  const free = new Set(wanted === undefined ? OF_TABLES : [...OF_TABLES, ...OF_WANTED_TABLES])
  const fixed = Object.entries(relay.settings).filter(([name]) => !free.has(name))
  const asStored = Object.entries(stored.settings).filter(([name]) => free.has(name))
  requireSameIdentity(stored, { ...relay, settings: Object.fromEntries([...fixed, ...asStored]) }, howToForget)
  requireSameKeeper(stored, 'ours', takeOver)
  return {
    settings:
      wanted === undefined
        ? stillWanted(relay.settings, stored.settings)
        : withWanted(relay.settings, stored.settings, wanted, forgetsGaps, now),
    changed: compareSettings(stored.settings, relay.settings),
  }
}

/**
 * For those who go on with the settings of a relay, whatever stream it reads.
 * @throws RelayError STATE_DIFFERS with every difference
 */
export function requireSameSettings(
  stored: Pick<RelayIdentity, 'settings'>,
  given: Pick<RelayIdentity, 'name' | 'settings'>,
): void {
  const differences = compareSettings(stored.settings, given.settings)
  if (differences.length === 0) return
  const detail = `The options are not those of the relay: ${differences.join('; ')}`
  throw new RelayError('STATE_DIFFERS', detail, { relay: given.name })
}

/** @param where in words */
export const unknownName = (name: string, where: string): RelayError =>
  new RelayError('CONFIGURATION', `There is no relay named "${name}" in ${where}: is its \`--name\` another one?`, {
    relay: name,
  })

function compareStream(stored: RelayIdentity['stream'], claimed: RelayIdentity['stream']): string[] {
  if (stored.id !== claimed.id) return [`they are of the stream ${stored.id}, not of ${claimed.id}`]
  const isSame = claimed.isSameAs?.(stored.created) ?? stored.created === claimed.created
  return isSame ? [] : [`${claimed.id} is not what it was: created ${stored.created} then, ${claimed.created} now`]
}

function compareStart(stored: string | null, claimed: string | null): string[] {
  if (claimed === null || claimed === (stored ?? 'earliest')) return []
  return [`the first run began with --start ${stored ?? 'earliest'}, now it is --start ${claimed}`]
}

/**
 * States of before there was a choice of layouts say `document` whether it was given or not; they are known by what they
 * do not say. Without `--layout` rows of DynamoDB, and those relays knew no others, are documents still.
 */
function compareSettings(stored: RelayIdentity['settings'], claimed: RelayIdentity['settings']): string[] {
  const names = [...new Set([...Object.keys(stored), ...Object.keys(claimed)])]
  const hadNoChoice = stored.layout === 'document' && stored['missing-columns'] === undefined
  return names
    .filter((name) => name !== KEEPER_SETTING && name !== WANTED_SETTING)
    .filter((name) => !(name === 'layout' && hadNoChoice && (claimed.layout ?? '') === ''))
    .filter((name) => (stored[name] ?? '') !== (claimed[name] ?? ''))
    .map((name) => `--${name} was ${shown(stored[name])} and is ${shown(claimed[name])}`)
}

/** `settingsOf` writes an option that was not given as empty text. */
const shown = (setting: string | undefined): string => (setting === undefined || setting === '' ? 'not set' : setting)
