import type { Database } from '../tables/database.ts'
import type { TablePlan } from '../tables/planning.ts'
import type { Dialect } from './dialect.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** Between two looks at a table that holds nothing to prune. */
const PAUSE_MS = 60 * 60 * 1000

/** Prunes now and then, one table at a time, so that the work is spread over the batches. */
export interface Pruner {
  /** @param relay its name */
  pruneDue(relay: string, plans: readonly TablePlan[]): Promise<void>
}

/**
 * What remains of deleted rows stays as long as the stream may bring an old change of its key again: its retention and a day.
 * @param retentionMs null where the source keeps everything: then a day
 * @param ttlMs longer, if the operator wants
 */
export function tombstonePruner(
  db: Database,
  dialect: Pick<Dialect, 'prune'>,
  retentionMs: number | null,
  ttlMs: number,
): Pruner {
  const ageMs = Math.max((retentionMs ?? 0) + DAY_MS, ttlMs)
  const nextMs = new Map<string, number>()
  return {
    async pruneDue(relay, plans) {
      const now = Date.now()
      const due = plans.find(({ table }) => (nextMs.get(table.source) ?? 0) <= now)?.table
      if (due === undefined) return
      const isMoreLeft = await dialect.prune(db, relay, due, ageMs)
      nextMs.set(due.source, isMoreLeft ? now : now + PAUSE_MS)
    },
  }
}
