import type { ChangeSource, ValuePath } from '../change.ts'

/** What is kept of a dead letter beside the values of its row: fit for a list, a log, a terminal. */
export interface KeptLetter {
  /** Names it in its place; short enough to be typed, or to be begun: the beginning of a long one is enough. */
  readonly id: string
  /** ISO 8601; null where the place does not keep it (a file). */
  readonly recordedAt: string | null
  readonly code: string
  readonly detail: string
  /** As `tableLabel` prints it; null for a record that could not be read. */
  readonly table: string | null
  /** Of its change; null for a record that could not be read. */
  readonly version: string | null
  readonly source: Omit<ChangeSource, 'format'>
  /** How often it was written again in vain. */
  readonly attempts: number
  /** When that was last, ISO 8601; null if never. */
  readonly triedAt: string | null
}

/** A dead letter with the values of its row: `raw` or `change`. */
export interface WholeLetter extends KeptLetter {
  /** The bytes of the record. */
  readonly raw: Uint8Array | null
  /** The change record as JSON, every number with all its digits. */
  readonly change: string | null
  /** Where base64 in the change stands for bytes. Of letters from before that was kept: empty. */
  readonly binary: readonly ValuePath[]
}

/** A long id is named by its beginning, too, if that is so long. */
const LEAST_DIGITS = 8

/** Whether an id that was typed names the letter with this one. */
export const namesLetter = (typed: string, id: string): boolean =>
  typed === id || (typed.length >= LEAST_DIGITS && id.startsWith(typed))

/** What is asked for; absent: all. */
export interface LetterFilter {
  /** As `namesLetter` compares them, where ids are long; else whole ones. */
  readonly ids?: readonly string[]
  /** Source table, as `tableLabel` prints it. */
  readonly table?: string
  readonly code?: string
  readonly shard?: string
  /** Recorded at this moment or later, epoch ms. */
  readonly sinceMs?: number
  /** Recorded before it. */
  readonly untilMs?: number
}

export interface LetterPage<Letter> {
  /** In the order in which they were kept. */
  readonly letters: readonly Letter[]
  /** Where the next page begins; null: this was the last. */
  readonly next: string | null
}

/**
 * `open`: the mirror differs because of the letter. `healed`: its key holds something whole that is as new, so the letter changes nothing
 * any more. `not known` where neither can be told: a record that could not be read, a log, a key that is not known.
 */
export type LetterStanding = 'open' | 'healed' | 'not known'

/** A letter that was written again in vain, with its new reason. */
export interface FailedLetter {
  readonly id: string
  readonly code: string
  readonly detail: string
  /** Of its change, where it was a record that can be read by now; else null. */
  readonly table: string | null
  readonly version: string | null
}

/**
 * A place that keeps the dead letters of one relay. A letter is open as long as it is there. The relay may run meanwhile, and
 * keep more; several may have the place open.
 */
export interface LetterStore {
  /** Letters without values. @param from `next` of the page before; null: the first */
  list(filter: LetterFilter, from: string | null, most: number): Promise<LetterPage<KeptLetter>>

  /** The same with values. */
  read(filter: LetterFilter, from: string | null, most: number): Promise<LetterPage<WholeLetter>>

  /** How these stand, by their full ids; those that are left out are `not known`. Absent: so are all. */
  standings?(ids: readonly string[]): Promise<ReadonlyMap<string, LetterStanding>>

  /**
   * Lets letters go, by their full ids. One that is not there any more is no harm.
   * @returns how many went
   */
  remove(ids: readonly string[]): Promise<number>

  /**
   * What was written again is durable: lets these go, and keeps for those what was wrong this time. Absent where the target
   * does it in the transaction that writes the rows.
   */
  settle?(done: readonly string[], failed: readonly FailedLetter[]): Promise<void>

  /** False if the place has never heard of the relay: its name is perhaps misspelt. */
  knowsRelay(): Promise<boolean>

  /** Twice is fine. */
  close(): Promise<void>
}
