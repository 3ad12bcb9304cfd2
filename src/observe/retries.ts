import type { RelayError } from '../errors.ts'
import { FAILURES } from '../errors.ts'
import type { RetryObserver, Work } from '../retry.ts'
import type { Log } from './log.ts'

/** A trouble is said again after a second, then two, four … up to an hour; one that was away for this long is new. */
const FIRST_MS = 1000
const MOST_MS = 3_600_000
const FORGOTTEN_MS = 600_000

/** All work that fails with one code: a stream that is away is one trouble, however many shards are read. */
interface Trouble {
  /** What fails now, each with what it met last. */
  readonly works: Map<Work, RelayError>
  readonly shards: Set<string>
  attempts: number
  sinceMs: number
  lastMs: number
  isSaid: boolean
  everyMs: number
  dueMs: number
}

export interface SayOptions {
  /** Whether the other side's words are said, too, which may hold values of rows. */
  readonly showsValues?: boolean
  /** A monotonic clock. */
  readonly nowMs?: () => number
}

/** Says what is tried again: each kind of trouble at once, then at a falling rate, and when it is over. */
export function sayRetries(log: Log, options: SayOptions = {}): RetryObserver {
  const { showsValues = false, nowMs = () => performance.now() } = options
  const troubles = new Map<string, Trouble>()

  return {
    failed(work, error) {
      const now = nowMs()
      const trouble = troubles.get(error.code) ?? newTrouble()
      troubles.set(error.code, trouble)
      for (const other of troubles.values()) if (other !== trouble) other.works.delete(work)
      if (trouble.works.size === 0) beginAgain(trouble, now)
      trouble.works.set(work, error)
      trouble.attempts++
      trouble.lastMs = now
      if ('shard' in error.place) trouble.shards.add(String(error.place.shard))
      if (now < trouble.dueMs) return
      trouble.isSaid = true
      trouble.everyMs = Math.min(trouble.everyMs * 2, MOST_MS)
      trouble.dueMs = now + trouble.everyMs
      const said = showsValues && error.said() !== undefined ? { said: error.said() } : {}
      const what = { code: error.code, detail: error.detail, attempts: trouble.attempts }
      const fields = { ...what, ...placeOf(trouble, error), ...said }
      if (FAILURES[error.code].retry !== 'once it worked') log.warn(fields, `Could not ${work.what}; trying again`)
      else log.error(fields, `Not allowed to ${work.what} any more; trying again, slowly`)
    },

    ended(work, hasSucceeded) {
      for (const trouble of troubles.values()) {
        const error = trouble.works.get(work)
        if (error === undefined) continue
        trouble.works.delete(work)
        if (!hasSucceeded || !trouble.isSaid || trouble.works.size > 0) continue
        const { attempts, sinceMs } = trouble
        const fields = {
          code: 'RECOVERED',
          of: error.code,
          attempts,
          afterMs: Math.round(nowMs() - sinceMs),
          ...placeOf(trouble, error),
        } as const
        log.info(fields, `Could ${work.what} again`)
      }
    },
  }
}

const newTrouble = (): Trouble => ({
  works: new Map(),
  shards: new Set(),
  attempts: 0,
  sinceMs: 0,
  lastMs: Number.NEGATIVE_INFINITY,
  isSaid: false,
  everyMs: FIRST_MS / 2,
  dueMs: 0,
})

/** A trouble that comes and goes stays one for the rate at which it is said. */
function beginAgain(trouble: Trouble, now: number): void {
  if (now - trouble.lastMs > FORGOTTEN_MS) Object.assign(trouble, { everyMs: FIRST_MS / 2, dueMs: now })
  Object.assign(trouble, { attempts: 0, sinceMs: now, isSaid: false })
  trouble.shards.clear()
}

/** Of several shards only how many they are. */
function placeOf({ shards }: Trouble, { place }: RelayError): object {
  if (shards.size < 2) return place
  const { shard: _, ...others } = place
  return { ...others, shards: shards.size }
}
