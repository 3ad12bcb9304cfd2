/** The service allows five reads of a shard in a second, to all its readers together. */
export const LEAST_POLL_MS = 200
/** A shard that stays empty is read that often. */
const IDLE_POLL_MS = 1000
/** After that long without a record. */
const IDLE_AFTER_MS = 30_000
/** Iterators expire after five minutes. */
const MOST_POLL_MS = 60_000

/** Two and a half reads of a shard in a second: another reader can have as many. */
export const POLL_INTERVAL_MS = 400

/** What is wrong with a time between two reads of a caught-up shard; null if nothing. */
export function pollIntervalProblem(ms: number): string | null {
  if (ms < LEAST_POLL_MS)
    return `is less than ${LEAST_POLL_MS}ms: a shard can be read five times in a second, by all its readers together`
  if (ms > MOST_POLL_MS) return `is more than ${MOST_POLL_MS / 1000}s`
  return null
}

/** How often a shard is read: as often as the service allows while it is behind, then less, and less again while it stays empty. */
export class Pace {
  readonly #pollIntervalMs: number
  /** The reading of the clock at the first answer since the last record; null if the last answer had some. */
  #emptySince: number | null = null

  /** @param pollIntervalMs between two reads of a caught-up shard; `pollIntervalProblem` finds nothing wrong with it */
  constructor(pollIntervalMs: number) {
    this.#pollIntervalMs = pollIntervalMs
  }

  /**
   * When the next read is due. Called once for each answer.
   *
   * @param sent when the request for it was sent, by the monotonic clock
   */
  next({ sent, isBehind, isEmpty }: { sent: number; isBehind: boolean; isEmpty: boolean }): number {
    this.#emptySince = isEmpty ? (this.#emptySince ?? sent) : null
    if (isBehind) return sent + LEAST_POLL_MS
    const isIdle = this.#emptySince !== null && sent - this.#emptySince >= IDLE_AFTER_MS
    return sent + Math.max(this.#pollIntervalMs, isIdle ? IDLE_POLL_MS : 0)
  }
}
