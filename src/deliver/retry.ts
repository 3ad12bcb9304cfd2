import { setTimeout as sleep } from 'node:timers/promises'
import { ExponentialBackoff, fullJitterGenerator } from 'cockatiel'
import { canRetry } from '../errors.ts'
import type { Log } from '../observe/log.ts'

export interface RetryOptions {
  readonly signal: AbortSignal
  readonly log: Log
  /** What is tried, for the log: "write the batch". */
  readonly what: string
  /** The first wait is drawn from 0 to this; the bound doubles up to `maxDelayMs`. */
  readonly initialDelayMs?: number
  readonly maxDelayMs?: number
}

/**
 * Tries `work` until it succeeds or fails with an error that trying again does not cure (`canRetry`):
 * for ever, with exponential backoff and full jitter, said once and then at a falling rate.
 *
 * @throws the last error, or the signal's reason when it aborts between two attempts; an attempt is never cut short
 */
export async function retrying<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, log, what, initialDelayMs = 100, maxDelayMs = 30_000 } = options
  let backoff = new ExponentialBackoff({
    generator: fullJitterGenerator,
    initialDelay: initialDelayMs,
    maxDelay: maxDelayMs,
  }).next()

  for (let attempt = 1; ; attempt++, backoff = backoff.next(undefined)) {
    try {
      const result = await work()
      if (attempt > 1) log.info({ attempts: attempt }, `Could ${what} again`)
      return result
    } catch (error) {
      if (!canRetry(error)) throw error
      if (isPowerOfTwo(attempt)) log.warn({ attempt, error: String(error) }, `Could not ${what}; trying again`)
      await sleep(backoff.duration, undefined, { signal })
    }
  }
}

/** Attempts 1, 2, 4, 8, …: said at once, then at a falling rate. */
const isPowerOfTwo = (n: number): boolean => (n & (n - 1)) === 0
