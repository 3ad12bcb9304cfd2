import { RelayError } from '../errors.ts'

/** Without a sign of life for so long, a holder counts as dead. */
const DEAD_AFTER_MS = 60_000

/** Whether a holder may still live whose last beat was then. Both epoch ms on one clock; the beat is 0 if it gave up what it held. */
export const isRecent = (heartbeat: number, now: number): boolean => now - heartbeat < DEAD_AFTER_MS

/**
 * Looks at the heartbeat of a holder again and again. In: the time of its last beat, epoch ms on the clock of `now`; 0 if
 * it gave up what it held. Out: `unknown` until the beat moves or is a minute old. Where it lies in the future, somebody's
 * clock is wrong: then that minute begins with the first look.
 */
export function watchHeartbeat(now: () => number): (heartbeat: number) => 'alive' | 'dead' | 'unknown' {
  const since = now()
  let seen: number | undefined
  return (heartbeat) => {
    if (heartbeat === 0) return 'dead'
    if (seen !== undefined && heartbeat !== seen) return 'alive'
    seen = heartbeat
    return now() - Math.min(heartbeat, since) >= DEAD_AFTER_MS ? 'dead' : 'unknown'
  }
}

/**
 * Calls `beat` every so often, one call at a time, until stopped. Does not keep the process alive.
 * `stop` waits for a beat under way. Twice is fine.
 *
 * A beat that fails as the relay's own failures do is no news: the next one tries again, and what hinders it hinders the
 * next write too, which fails with the reason.
 */
export function startHeartbeat(beat: () => Promise<void>, everyMs: number): { stop(): Promise<void> } {
  let underWay: Promise<void> | undefined

  const beatOnce = async (): Promise<void> => {
    try {
      await beat()
    } catch (error) {
      if (!(error instanceof RelayError)) throw error
    } finally {
      underWay = undefined
    }
  }
  const timer = setInterval(() => {
    underWay ??= beatOnce()
  }, everyMs)
  timer.unref()

  return {
    async stop() {
      clearInterval(timer)
      await underWay
    },
  }
}
