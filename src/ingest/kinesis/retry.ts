import { setTimeout as sleep } from 'node:timers/promises'
import { fullJitterGenerator } from 'cockatiel'
import { canRetry, type FailureCode, RelayError } from '../../errors.ts'
import type { Log } from '../../observe/log.ts'

/** A wait is drawn from `least` to `least` + a bound that begins at `first` and doubles up to `most`. Milliseconds. */
interface Waits {
  readonly least: number
  readonly first: number
  readonly most: number
}

/** A shard takes five reads a second; a throttled one wants at least a second of rest; a permission comes back when a human is awake. */
const USUAL: Waits = { least: 200, first: 200, most: 20_000 }
const WAITS: Partial<Record<FailureCode, Waits>> = {
  SOURCE_THROTTLED: { least: 1000, first: 1000, most: 9000 },
  SOURCE_DENIED: { least: 30_000, first: 30_000, most: 270_000 },
}

export interface RetryOptions {
  readonly signal: AbortSignal
  readonly log: Log
  /** What is tried, for the log: "read shardId-000000000000". */
  readonly what: string
  /** Whether a denial may pass, because this was allowed before: keys and tokens rotate, and a policy is repaired. */
  readonly wasAllowed: () => boolean
}

/**
 * Tries `work` until it succeeds or fails with what trying again does not cure; for ever, saying so once and then at a
 * falling rate.
 *
 * @throws RelayError that cannot be retried; the signal's reason when it aborts
 */
export async function persistently<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, log, what, wasAllowed } = options
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await work()
      if (attempt > 1) log.info({ attempts: attempt }, `Could ${what} again`)
      return result
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof RelayError)) throw error
      const isDenied = error.code === 'SOURCE_DENIED'
      if (!canRetry(error) && !(isDenied && wasAllowed())) throw error
      if (isPowerOfTwo(attempt)) {
        const fields = { attempt, code: error.code, detail: error.detail, ...error.place }
        if (isDenied) log.error(fields, `Not allowed to ${what} any more; trying again, slowly`)
        else log.warn(fields, `Could not ${what}; trying again`)
      }
      await sleep(retryWaitMs(error.code, attempt), undefined, { signal })
    }
  }
}

/** How long to wait after attempt 1, 2, … failed with this. */
export function retryWaitMs(code: FailureCode, attempt: number): number {
  const { least, first, most } = WAITS[code] ?? USUAL
  const bounds = { initialDelay: first, maxDelay: most, exponent: 2, generator: fullJitterGenerator }
  const [jitter] = fullJitterGenerator(attempt - 1, bounds)
  return least + jitter
}

/** Attempts 1, 2, 4, 8, …: said at once, then at a falling rate. */
const isPowerOfTwo = (n: number): boolean => (n & (n - 1)) === 0
