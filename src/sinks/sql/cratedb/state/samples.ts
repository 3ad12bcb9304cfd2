/** At `ms` (epoch), no deleted row that a search saw had a newer version. */
export interface Sample {
  readonly ms: number
  /** Decimal text. */
  readonly version: string
}

/** Of the time that deleted rows stay, so many samples are kept. */
const SAMPLES = 48
const LEAST_BETWEEN_MS = 60 * 60 * 1000

/**
 * A deleted row tells its version, on the clock of the source, but not when it was deleted here; and what is replayed may be
 * of years ago. So now and then it is noted how new deleted rows are: all that were no newer at a time were there by then,
 * or came later and are older still.
 */
export function isSampleDue(samples: readonly Sample[], ageMs: number, now: number): boolean {
  const last = samples.at(-1)
  return last === undefined || now - last.ms >= Math.max(LEAST_BETWEEN_MS, ageMs / SAMPLES)
}

/** The samples without those that only tell what a later one, old enough too, tells better. @param before epoch ms */
export function withoutOutdated(samples: readonly Sample[], before: number): readonly Sample[] {
  const newest = samples.findLastIndex(({ ms }) => ms <= before)
  return newest <= 0 ? samples : samples.slice(newest)
}

/** Deleted rows up to this version may go: they are as old as that. Null if none are known to be. @param before epoch ms */
export function versionBefore(samples: readonly Sample[], before: number): string | null {
  return samples.findLast(({ ms }) => ms <= before)?.version ?? null
}
