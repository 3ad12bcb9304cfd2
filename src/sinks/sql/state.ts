import type { Progress, Stored } from '../../batch.ts'
import type { StateStore } from '../../state/store.ts'
import type { Database } from '../tables/database.ts'

/**
 * What a relay remembers in the target: who it is, where its shards stand and what it learned.
 *
 * The fence: a claim is a number that goes up with each process that takes the name, and the random id of its owner.
 * Positions move only under our claim, and only from the value that we last read or wrote; facts are written with
 * them or not at all. While a session of ours lives it holds an advisory lock on the name, so that nobody takes it by
 * mistake; what keeps a lost session from doing harm is the claim.
 */
export interface SqlState {
  claim: StateStore['claim']
  /** The relay's name. */
  name(): string
  /** What was last read or written. */
  stored(): Stored
  /** How often the target was found at older positions. */
  rewinds(): number
  /** Before a transaction: takes the lock on the name again if a new session began. Where it is not free, the claim alone guards. */
  keepLock(): Promise<unknown>
  /** Before something is remembered under the name outside of a batch. @throws RelayError STATE_REMOVED if it is not there any more */
  requireName(to: Database): Promise<void>
  /**
   * Moves and forgets positions and writes facts, last in a batch's transaction. False if not all of that happened: then
   * roll back and `settle`. One statement where nothing was learned or forgotten.
   * The claim stays locked until the end of the transaction, so that a takeover waits for it.
   */
  moveWithin(trx: Database, progress: Progress): Promise<boolean>
  /** The transaction of it is durable. */
  moved(progress: Progress): void
  /**
   * After progress that did not all happen: null if the target holds it after all (an answer was lost); else the name
   * was claimed again, and what the target holds is returned.
   * @throws RelayError STATE_HELD, STATE_REMOVED
   */
  settle(progress: Progress, signal: AbortSignal): Promise<Stored | null>
  /** Gives the claim up, before the connection is closed. Twice is fine. */
  close(): Promise<void>
}
