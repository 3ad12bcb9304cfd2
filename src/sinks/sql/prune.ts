import { sql } from 'kysely'
import type { Database } from './connection.ts'
import type { BoundTable } from './layout.ts'
import type { TablePlan } from './planning.ts'
import { tombstonesId } from './tombstones.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** Between two looks at a table that holds nothing to prune. */
const PAUSE_MS = 60 * 60 * 1000
/** At most so many rows go at a time, so that a batch hardly waits. */
const PRUNE_ROWS = 5_000

/** Prunes now and then, one table at a time, so that the work is spread over the batches. */
export interface Pruner {
  /** @param name the relay's */
  pruneDue(name: string, plans: readonly TablePlan[]): Promise<void>
}

/**
 * A tombstone stays as long as the stream may bring an old change of its key again: its retention and a day.
 * @param retentionMs null where the source keeps everything: then a day
 * @param ttlMs longer, if the operator wants
 */
export function tombstonePruner(db: Database, retentionMs: number | null, ttlMs: number): Pruner {
  const ageMs = Math.max((retentionMs ?? 0) + DAY_MS, ttlMs)
  const nextMs = new Map<string, number>()
  return {
    async pruneDue(name, plans) {
      const now = Date.now()
      const due = plans.find(({ table }) => table.hasTombstones && (nextMs.get(table.source) ?? 0) <= now)?.table
      if (due === undefined) return
      const pruned = await pruneTombstones(db, name, due, ageMs)
      nextMs.set(due.source, pruned < PRUNE_ROWS ? now + PAUSE_MS : now)
    },
  }
}

/**
 * Removes tombstones that are too old to matter. While a dead letter of the table is open (or one of an unknown table),
 * what was remembered when it was recorded stays: its change may still be written.
 *
 * @returns how many were removed
 */
export async function pruneTombstones(db: Database, name: string, table: BoundTable, ageMs: number): Promise<number> {
  const result = await sql`
    DELETE FROM ${tombstonesId(table)} WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${tombstonesId(table)}
      WHERE removed_at < least(now(), (
        SELECT min(recorded_at) FROM cdc_relay.dead_letters
        WHERE name = ${name} AND (source IS NULL OR source = ${table.source})
      )) - ${ageMs}::double precision * interval '1 millisecond'
      LIMIT ${PRUNE_ROWS}::int
    ))`.execute(db)
  return Number(result.numAffectedRows)
}
