export type Verdict = 'as expected' | 'differs' | 'open' | 'not permitted'

/** How a check ended. */
export interface Finding {
  readonly id: string
  readonly what: string
  readonly expected: string
  readonly found: string
  readonly decides: string
  readonly verdict: Verdict
  /** What follows from a difference; null where there is none. */
  readonly consequence: string | null
}

/** A step that should have worked did not: that is what is found. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed'
}

/** The user of the server lacks a right. */
export class NotPermitted extends Error {
  override readonly name = 'NotPermitted'
}
