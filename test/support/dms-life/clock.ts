import type { Random } from '../life/random.ts'

/** The times that a task writes into its records, epoch microseconds. */
export interface Clock {
  now(): number
  pass(atMostMicros: number): void
  /** Lets everything come to its time that was begun, and then so much more time pass. */
  beQuiet(micros: number): void
  /** Of a change of these rows: later than all that was written about any of them before. */
  ofChange(rows: readonly string[]): number
  /** Of a load row or a control record: always odd, as changes are even, so that no two versions of a row are equal. */
  ofLoad(delayMicros: number): number
}

/** 2 November 2026, 08:00 UTC. */
const FIRST_MICROS = 1_793_606_400_000_000
/** Threads that write side by side are this far apart. */
const JITTER_MICROS = 2_000_000

/** @param severalThreads changes of different rows are not in the order of time */
export function newClock(severalThreads: boolean, random: Random): Clock {
  const lastOfRow = new Map<string, number>()
  let now = FIRST_MICROS
  let latestChange = 0
  let latest = 0
  const even = (micros: number): number => micros - (micros % 2)

  return {
    now: () => now,
    pass(atMostMicros) {
      now += even(random.below(atMostMicros)) + 2
    },
    beQuiet(micros) {
      now = even(Math.max(now, latest)) + 2 + even(micros)
    },
    ofChange(rows) {
      const before = severalThreads ? rows.map((row) => lastOfRow.get(row) ?? 0) : [latestChange]
      const soonest = severalThreads ? now + even(random.below(JITTER_MICROS)) : now
      const micros = Math.max(soonest, ...before.map((last) => last + 2))
      for (const row of rows) lastOfRow.set(row, micros)
      latestChange = Math.max(latestChange, micros)
      latest = Math.max(latest, micros)
      return micros
    },
    ofLoad(delayMicros) {
      const micros = now + even(delayMicros) + 1
      latest = Math.max(latest, micros)
      return micros
    },
  }
}
