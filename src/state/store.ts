import type { Lessons } from '../change.ts'
import type { Positions, StreamIdentity } from '../position.ts'

/** Who a relay is, so that the positions of another pipeline are never taken for its own. */
export interface RelayIdentity {
  readonly name: string
  readonly stream: StreamIdentity
  /** `--start` as given; null if it was not: then a new relay begins at `earliest` and a known one goes on. */
  readonly start: string | null
  /** What would make the target differ if it changed: mode, layout, routing. By option name, so that a message can name it. */
  readonly settings: Readonly<Record<string, string>>
}

/** What is needed to claim a name. */
export interface Claim {
  readonly relay: RelayIdentity
  /** Asked once, if the name is new: the positions to begin with. Stored together with the identity. */
  firstPositions(): Promise<Positions>
  /** Take the name from a holder that still lives. */
  readonly takeOver: boolean
}

/** What a store holds of a relay. */
export interface Stored {
  readonly positions: Positions
  /** Of each subject what was learned last. */
  readonly lessons: Lessons
}

/** What a relay must remember between runs, for sinks that cannot keep it themselves. */
export interface StateStore {
  /**
   * Claims the name: from now on positions move only for us. Returns where the shards stand, and what was learned.
   * @throws RelayError STATE_DIFFERS (what differs, and how to begin anew), STATE_HELD (who holds it)
   */
  claim(claim: Claim, signal: AbortSignal): Promise<Stored>

  /**
   * Makes `moves` and `lessons` durable, all or none. Call it only once everything up to them is durable in the sink.
   * Returns null when they are; or, when the store turns out to hold older positions than those last
   * read or written (it was restored), claims again and returns what it holds: read again from there.
   * @throws RelayError STATE_HELD when another process has claimed the name since
   */
  move(moves: Positions, lessons: Lessons, signal: AbortSignal): Promise<Stored | null>

  /** Gives the claim up. Twice is fine. */
  close(): Promise<void>
}
