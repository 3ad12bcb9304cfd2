import prettyMs from 'pretty-ms'
import type { DeadLetter } from '../change.ts'
import { RelayError } from '../errors.ts'

/** How many dead letters may come in how long a time. */
export interface LetterLimit {
  readonly count: number
  readonly intervalMs: number
}

/** Watches that dead letters stay single cases: a relay for which suddenly everything is bad would empty its stream into them. */
export class LetterWatch {
  readonly #limit: LetterLimit
  readonly #now: () => number
  /** Those of the last interval that are durable, the oldest first. */
  readonly #kept: { readonly ms: number; readonly count: number }[] = []
  #sum = 0

  /** @param now a clock that only goes forward, ms */
  constructor(limit: LetterLimit, now: () => number = () => performance.now()) {
    this.#limit = limit
    this.#now = now
  }

  /** Before a batch with these is written. @throws RelayError TOO_MANY_DEAD_LETTERS if they would be too many */
  requireRoom(letters: readonly DeadLetter[]): void {
    if (letters.length > 0) this.#require(letters, letters.length, 'The batch with them is not written')
  }

  /**
   * They are durable.
   * @param letters of a batch @param refused how many more the target refused
   * @throws RelayError TOO_MANY_DEAD_LETTERS if they are too many
   */
  kept(letters: readonly DeadLetter[], refused: number): void {
    const count = letters.length + refused
    if (count === 0) return
    this.#kept.push({ ms: this.#now(), count })
    this.#sum += count
    this.#require(letters, 0, 'All of them are kept, and the positions stand behind them')
  }

  #require(letters: readonly DeadLetter[], more: number, where: string): void {
    const { count, intervalMs } = this.#limit
    const since = this.#now() - intervalMs
    while (this.#kept[0] !== undefined && this.#kept[0].ms <= since) this.#sum -= this.#kept.shift()!.count
    const sum = this.#sum + more
    if (sum <= count) return
    const [first] = letters
    const said = first === undefined ? '' : `, as ${first.code}: ${first.detail}`
    const detail = `${sum} dead letters in ${prettyMs(intervalMs)}, where --max-dead-letters allows ${count}${said}. ${where}`
    const place = first === undefined ? {} : { shard: first.source.shard, sequence: first.source.sequence }
    throw new RelayError('TOO_MANY_DEAD_LETTERS', detail, place)
  }
}
