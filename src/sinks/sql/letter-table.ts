import type { FailedLetter, LetterFilter, LetterPage, LetterStanding, WholeLetter } from '../letter-store.ts'
import type { Database } from '../tables/database.ts'

/** `cdc_relay.dead_letters` of a target: what `LetterStore` needs of it, and what a replay does in its transactions. */
export interface LetterTable {
  /** Tables of an earlier version are read as they are. @param withValues false to leave `raw` and `change` null */
  find(search: LetterSearch, withValues: boolean): Promise<LetterPage<WholeLetter>>
  /** As `LetterStore.standings`; absent where keys cannot be looked up. */
  standings?(relay: string, ids: readonly string[]): Promise<ReadonlyMap<string, LetterStanding>>
  /** Resolves to how many went. */
  remove(to: Database, relay: string, ids: readonly string[]): Promise<number>
  /** Counts an attempt, and keeps the new reason. Resolves to how many are still there. */
  fail(to: Database, relay: string, letters: readonly FailedLetter[]): Promise<number>
  knowsRelay(relay: string): Promise<boolean>
}

export interface LetterSearch {
  readonly relay: string
  readonly filter: LetterFilter
  /** `LetterPage.next` of the page before; null for the first. */
  readonly from: string | null
  readonly most: number
}
