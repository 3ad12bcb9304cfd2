/** When bad rows end a load, as Greenplum's SEGMENT REJECT LIMIT has it. */
import { pqFailure } from './failure.ts'

export interface RejectLimit {
  readonly kind: 'none' | 'rows' | 'percent'
  readonly limit: number
}

/**
 * @param both which one counts when both are set
 * @throws GpssFailure outside of what Greenplum takes: at least 2 rows, 1 to 100 percent
 */
export function rejectLimit(
  { ErrorLimitCount, ErrorLimitPercentage }: { ErrorLimitCount: bigint; ErrorLimitPercentage: number },
  both: 'count' | 'percentage',
): RejectLimit {
  const count = Number(ErrorLimitCount)
  if (count < 0 || count === 1) throw pqFailure(`segment reject limit in ROWS must be 2 or larger (got ${count})`)
  if (ErrorLimitPercentage < 0 || ErrorLimitPercentage > 100) {
    throw pqFailure(`segment reject limit in PERCENT must be between 1 and 100 (got ${ErrorLimitPercentage})`)
  }
  const byRows = { kind: 'rows', limit: count } as const
  const byPercent = { kind: 'percent', limit: ErrorLimitPercentage } as const
  if (count > 0 && ErrorLimitPercentage > 0) return both === 'count' ? byRows : byPercent
  if (count > 0) return byRows
  return ErrorLimitPercentage > 0 ? byPercent : { kind: 'none', limit: 0 }
}

/** Counts the rows of one load in the order of their arrival, per segment. */
export interface RejectCounter {
  /** @returns whether this row reaches the limit of its segment */
  count(row: { readonly bad: boolean }): boolean
}

/** @param threshold rows of a segment before a percentage is looked at */
export function rejectCounter(limit: RejectLimit, segments: number, threshold: number): RejectCounter {
  const seen = new Array<number>(segments).fill(0)
  const bad = new Array<number>(segments).fill(0)
  let arrived = 0
  return {
    count(row) {
      const segment = arrived++ % segments
      seen[segment]!++
      if (!row.bad) return false
      bad[segment]!++
      if (limit.kind === 'percent') {
        return seen[segment]! > threshold && (bad[segment]! * 100) / seen[segment]! >= limit.limit
      }
      return limit.kind === 'none' || bad[segment]! >= limit.limit
    },
  }
}
