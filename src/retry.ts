import timers from 'node:timers/promises'
import { fullJitterGenerator } from 'cockatiel'
import { FAILURES, type FailureCode, RelayError } from './errors.ts'

/** Something that is tried until it succeeds: the same object for all its attempts. */
export interface Work {
  /** For people: "write the batch". */
  readonly what: string
}

/** Hears of attempts that failed: a log, a metric. */
export interface RetryObserver {
  /** An attempt failed with what may pass; another one follows. */
  failed(work: Work, error: RelayError): void
  /** Work of which an attempt had failed is over: it succeeded, or was given up. */
  ended(work: Work, hasSucceeded: boolean): void
}

/** Nobody hears. */
export const UNHEARD: RetryObserver = { failed() {}, ended() {} }

export interface RetryOptions extends Work {
  readonly signal: AbortSignal
  readonly observer: RetryObserver
  /** Whether this has worked before. Then even a refused login is worth waiting for: tokens rotate, a policy is repaired. */
  readonly hasWorked?: () => boolean
}

/** Total attempts for an error that may or may not clear by itself. */
const A_FEW_TIMES = 6

/**
 * Tries `work` until it succeeds or fails with an error that trying again does not fix: for ever, or a few times where
 * it is not known whether it does; with exponential backoff and full jitter.
 *
 * @throws the last error, or the signal's reason when it aborts between two attempts; an attempt is never cut short
 */
export async function retrying<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, observer, hasWorked = () => false } = options
  let doubtful = 0
  let hasSucceeded = false
  let attempt = 1
  try {
    for (; ; attempt++) {
      try {
        const result = await work()
        hasSucceeded = true
        return result
      } catch (error) {
        if (!(error instanceof RelayError)) throw error
        const { retry } = FAILURES[error.code]
        if (retry === 'never' || (retry === 'once it worked' && !hasWorked())) throw error
        if (retry === 'a few times' && ++doubtful === A_FEW_TIMES) throw error
        signal.throwIfAborted()
        observer.failed(options, error)
        await timers.setTimeout(retryWaitMs(error.code, attempt), undefined, { signal })
      }
    }
  } finally {
    if (attempt > 1) observer.ended(options, hasSucceeded)
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
  AWS_CREDENTIALS: { least: 30_000, first: 30_000, most: 270_000 },
  SINK_TLS: { least: 30_000, first: 30_000, most: 270_000 },
  SINK_LOGIN: { least: 30_000, first: 30_000, most: 270_000 },
  STATE_LOGIN: { least: 30_000, first: 30_000, most: 270_000 },
  STATE_DENIED: { least: 30_000, first: 30_000, most: 270_000 },
}

/** No wait between two attempts is longer. Milliseconds. */
export const MOST_RETRY_WAIT_MS = Math.max(...[USUAL, ...Object.values(WAITS)].map(({ least, most }) => least + most))

/** How long to wait after attempt 1, 2, … failed with this. */
export function retryWaitMs(code: FailureCode, attempt: number): number {
  const { least, first, most } = WAITS[code] ?? USUAL
  const bounds = { initialDelay: first, maxDelay: most, exponent: 2, generator: fullJitterGenerator }
  const [jitter] = fullJitterGenerator(attempt - 1, bounds)
  return least + jitter
}
