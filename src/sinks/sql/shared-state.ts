import type { Facts, Unclaimed } from '../../batch.ts'
import type { Database } from '../tables/database.ts'

/**
 * What a target remembers of a name that nobody claims, since an engine keeps its positions: who the relay is, and the facts
 * that its processes learned. Any number of processes have it open.
 */
export interface SharedState {
  /**
   * Before anything else. Finds the name, or enters it; looks only, where it is known and an engine's.
   * @throws RelayError STATE_DIFFERS; CONFIGURATION where a relay keeps its positions itself, without `takeOver`
   */
  join(opening: Unclaimed): Promise<Facts>

  /** Of the name that was joined. @throws RelayError STATE_REMOVED if somebody removed it since */
  requireName(to: Database): Promise<void>

  /** All facts of the name, as they are now. @throws RelayError STATE_REMOVED */
  readFacts(): Promise<Facts>

  /**
   * Merges facts into those of the name, at the end of a batch's transaction where there is such; else at once, and whole or
   * not at all.
   * @throws RelayError STATE_REMOVED; CONFIGURATION if a relay has taken the name over
   */
  mergeFacts(to: Database, facts: Facts): Promise<void>

  /**
   * Marks of what the name's processes share, which change with it: of the facts, and of what is remembered of these
   * source tables (absent as long as nothing is).
   * @throws RelayError STATE_REMOVED
   */
  marks(to: Database, sources: readonly string[]): Promise<Marks>
}

export interface Marks {
  readonly facts: string
  readonly tables: ReadonlyMap<string, string>
}

/** The facts of both, and only those that are news to the stored ones. */
export function newsOf(stored: Facts, facts: Facts, { factRules }: Unclaimed): Facts {
  const news = new Map<string, string>()
  for (const [subject, fact] of facts) {
    const known = stored.get(subject)
    const merged = known === undefined ? fact : factRules.merge(subject, known, fact)
    if (merged !== known) news.set(subject, merged)
  }
  return news
}

/** What the name was joined as. @template Life what is new each time that the name is entered */
export interface Joined<Life> {
  readonly opening: Unclaimed
  readonly life: Life
}

export function requireJoined<Life>(joined: Joined<Life> | undefined): Joined<Life> {
  if (joined === undefined) throw new Error('the name must be joined first')
  return joined
}

/** Nobody: what stands as holder of a name that is not claimed. */
export const NOBODY = { owner: '00000000-0000-0000-0000-000000000000', host: 'an engine', pid: 0 } as const
