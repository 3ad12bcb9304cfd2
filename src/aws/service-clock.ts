import { setTimeout as sleep } from 'node:timers/promises'

/** The Date header counts whole seconds, and some servers write it from a cache that is up to a second old. */
const HEADER_PRECISION_MS = 2000

/**
 * What time it is at the service, by the Date header of its answers, as two bounds: never trusting that this machine's
 * clock is right. Every answer narrows the bounds. Before the first one, and where no Date is sent, it is our own clock.
 */
export class ServiceClock {
  // Offsets from the monotonic clock, which a correction of the machine's time does not move.
  #low = performance.timeOrigin
  #high = performance.timeOrigin
  #isOurs = true

  /** A reading of the monotonic clock, ms: what the other methods take. */
  reading(): number {
    return performance.now()
  }

  /** Resolves once the monotonic clock reads that, at once if it does. @throws the signal's reason */
  async reach(reading: number, signal: AbortSignal): Promise<void> {
    const waitMs = reading - this.reading()
    if (waitMs > 0) await sleep(waitMs, undefined, { signal })
  }

  /** @param date the header; what is no date is ignored */
  learn(date: string, sent: number, received: number): void {
    const ms = Date.parse(date)
    if (Number.isNaN(ms)) return
    const low = ms - received
    const high = ms + HEADER_PRECISION_MS - sent
    this.#low = Math.max(low, this.#isOurs ? low : this.#low)
    this.#high = Math.min(high, this.#isOurs ? high : this.#high)
    this.#isOurs = false
    // Contradictory: one of the clocks has jumped or drifted since. What was heard last is right.
    if (this.#low > this.#high) {
      this.#low = low
      this.#high = high
    }
  }

  /** Epoch ms; at the service it was this or later. */
  earliest(reading: number = this.reading()): number {
    return Math.floor(this.#low + reading)
  }

  /** Epoch ms; at the service it was this or earlier. */
  latest(reading: number = this.reading()): number {
    return Math.ceil(this.#high + reading)
  }
}
