import type { FailureCode, RelayError } from '../errors.ts'
import type { Work } from '../retry.ts'
import type { Observer } from './observer.ts'

/** Work that failed, and is tried again now. */
export interface Trouble {
  readonly code: FailureCode
  /** For people: "write the batch". */
  readonly what: string
  /** When the first of its attempts in a row failed, epoch ms. */
  readonly sinceMs: number
}

/** What fails and is tried again: now, and how often since the start. */
export class Troubles implements Partial<Observer> {
  readonly #now = new Map<Work, Trouble>()
  /** Code → attempts that failed with it. */
  readonly attempts = new Map<FailureCode, number>()

  failed(work: Work, { code }: RelayError): void {
    const sinceMs = this.#now.get(work)?.sinceMs ?? Date.now()
    this.#now.set(work, { code, what: work.what, sinceMs })
    this.attempts.set(code, (this.attempts.get(code) ?? 0) + 1)
  }

  ended(work: Work): void {
    this.#now.delete(work)
  }

  now(): readonly Trouble[] {
    return [...this.#now.values()]
  }
}
