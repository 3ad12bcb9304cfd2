import timers from 'node:timers/promises'
import { fullJitterGenerator } from 'cockatiel'
import { FAILURES, type FailureCode, RelayError } from './errors.ts'
import type { Log } from './observe/log.ts'

export interface RetryOptions {
  readonly signal: AbortSignal
  readonly log: Log
  /** What is tried, for the log: "write the batch". */
  readonly what: string
  /** Whether this has worked before. Then even a refused login is worth waiting for: tokens rotate, a policy is repaired. */
  readonly hasWorked?: () => boolean
}

/** So often in all is tried what may pass by itself, or never. */
const A_FEW_TIMES = 6

/**
 * Tries `work` until it succeeds or fails with an error that trying again does not cure: for ever, or a few times where
 * it is not known whether it does; with exponential backoff and full jitter, said once and then at a falling rate.
 *
 * @throws the last error, or the signal's reason when it aborts between two attempts; an attempt is never cut short
 */
export async function retrying<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, log, what, hasWorked = () => false } = options
  let doubtful = 0
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await work()
      if (attempt > 1) log.info({ attempts: attempt }, `Could ${what} again`)
      return result
    } catch (error) {
      if (!(error instanceof RelayError)) throw error
      const { retry } = FAILURES[error.code]
      if (retry === 'never' || (retry === 'once it worked' && !hasWorked())) throw error
      if (retry === 'a few times' && ++doubtful === A_FEW_TIMES) throw error
      signal.throwIfAborted()
      if (isPowerOfTwo(attempt)) {
        const fields = { attempt, code: error.code, detail: error.detail, ...error.place }
        if (retry === 'once it worked') log.error(fields, `Not allowed to ${what} any more; trying again, slowly`)
        else log.warn(fields, `Could not ${what}; trying again`)
      }
      await timers.setTimeout(retryWaitMs(error.code, attempt), undefined, { signal })
    }
  }
}

/** A wait is drawn from `least` to `least` + a bound that begins at `first` and doubles up to `most`. Milliseconds. */
interface Waits {
  readonly least: number
  readonly first: number
  readonly most: number
}

const USUAL: Waits = { least: 0, first: 200, most: 30_000 }
/** The service allows five requests a second; a throttled one wants at least a second of rest; a permission comes back when a human is awake. */
const WAITS: Partial<Record<FailureCode, Waits>> = {
  SOURCE_UNREACHABLE: { least: 200, first: 200, most: 20_000 },
  SOURCE_THROTTLED: { least: 1000, first: 1000, most: 9000 },
  SOURCE_DENIED: { least: 30_000, first: 30_000, most: 270_000 },
  SINK_LOGIN: { least: 30_000, first: 30_000, most: 270_000 },
  STATE_DENIED: { least: 30_000, first: 30_000, most: 270_000 },
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
