import type { Written } from '../../batch.ts'
import { type DeadLetter, tableLabel } from '../../change.ts'
import type { ObservedBatch, Observer } from '../../observe/observer.ts'

/** A dead letter as far as it may be shown: reason and place, and no value of it. */
export interface ShownLetter {
  /** When it came, epoch ms. */
  readonly at: number
  readonly code: string
  /** Null where the record could not be read. */
  readonly table: string | null
  readonly detail: string
  readonly shard: string
  readonly sequence: string
}

const MOST_LETTERS = 50

/** The dead letters that came last. */
export class LastLetters implements Partial<Observer> {
  readonly #letters: ShownLetter[] = []

  /** The newest first. */
  get all(): readonly ShownLetter[] {
    return this.#letters
  }

  wrote({ deadLetters }: ObservedBatch, { refused = [] }: Written): void {
    if (deadLetters.length === 0 && refused.length === 0) return
    for (const letter of [...deadLetters, ...refused].slice(-MOST_LETTERS)) this.#letters.unshift(shown(letter))
    this.#letters.length = Math.min(this.#letters.length, MOST_LETTERS)
  }
}

const shown = ({ code, change, detail, source: { shard, sequence } }: DeadLetter): ShownLetter => ({
  at: Date.now(),
  code,
  table: change === undefined ? null : tableLabel(change.table),
  detail,
  shard,
  sequence,
})
