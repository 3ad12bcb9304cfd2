import type { Claim, Facts, Progress, Stored, Unclaimed } from '../batch.ts'
import type { Seen } from './seen.ts'

/** What a relay must remember between runs, for sinks that cannot keep it themselves. */
export interface StateStore {
  /**
   * Claims the name: from now on positions move only for us. Returns where the shards stand, and what was learned.
   * @throws RelayError STATE_DIFFERS (what differs, and how to begin again), STATE_HELD (who holds it)
   */
  claim(claim: Claim, signal: AbortSignal): Promise<Stored>

  /**
   * Makes `progress` durable, all of it or nothing. Call it only once everything up to its positions is durable in the
   * sink. Returns null when it is; or, when the store turns out to hold older positions than those last read or written
   * (it was restored), claims again and returns what it holds: read again from there. The same progress again, after an
   * answer was lost, is no harm.
   * @throws RelayError STATE_HELD when another process has claimed the name since
   */
  move(progress: Progress, signal: AbortSignal): Promise<Stored | null>

  /**
   * What is stored under a name, whoever has it; null if nothing is. Needs no claim, and takes none: nobody waits for it, and it
   * changes nothing, nor makes what is missing (a file, tables). What it returns was there at one moment.
   * @throws RelayError STATE_NEWER, STATE_BROKEN; STATE_HELD where only one process can have the store open, and another has
   */
  look(name: string): Promise<Seen | null>

  /** For names that nobody claims; absent where only one process can have the store open. */
  readonly shared?: SharedFacts

  /** Gives the claim up. Twice is fine. */
  close(): Promise<void>
}

/** What a store remembers of a name whose positions an engine keeps: who the relay is, and what its processes learned. */
export interface SharedFacts {
  /**
   * Finds the name, or enters it, and resolves to its facts. Claims nothing.
   * @throws RelayError STATE_DIFFERS; CONFIGURATION where a relay keeps its positions itself, without `takeOver`
   */
  join(opening: Unclaimed): Promise<Facts>
  /** The facts of the name that was joined, as they are now. */
  read(): Promise<Facts>
  /** Merges facts into them, all or none, by the rules of `opening`. */
  merge(facts: Facts): Promise<void>
}
