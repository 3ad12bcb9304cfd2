import { sql } from 'kysely'
import { tableId } from '../../../tables/clauses.ts'
import type { Database } from '../../../tables/database.ts'
import type { TargetTable } from '../../../tables/layout.ts'
import { letterSource } from '../state/dead-letters.ts'
import { type Purge, readPurge, writePurge } from '../state/purges.ts'
import { isSampleDue, versionBefore, withoutOutdated } from '../state/samples.ts'
import type { Tokens } from '../state/state-rows.ts'
import { readRelation } from '../tables/catalogue.ts'
import { askedKey, hasKey, type KeyAnswer, keyParts } from './key-parts.ts'
import { SWEEP_ROWS, sweepPart } from './writing.ts'

/** At most so many deleted rows go at a time, one by one, so that a batch hardly waits. */
const PRUNE_ROWS = 100
/** What was written before a sweep is seen by searches after so long, however rarely the table is refreshed. */
const SWEPT_AFTER_MS = 60 * 60 * 1000

/**
 * Removes deleted rows that are too old to matter, and those of before a reload that a sweep did not see yet. While a dead
 * letter of the table is open (or one of an unknown table), what was deleted when it was recorded stays: its change may
 * still be written.
 *
 * @returns true if there are more
 */
export async function pruneDeleted(db: Database, relay: string, table: TargetTable, ageMs: number): Promise<boolean> {
  const now = Date.now()
  const purge = await readPurge(db, table)
  const isMoreToSweep = await sweepRest(db, table, purge, now)
  if (table.keys.length === 0) return isMoreToSweep
  const before = Math.min(now, await oldestLetter(db, relay, table)) - ageMs
  const version = versionBefore(purge.samples, before)
  if (isSampleDue(purge.samples, ageMs, now)) await takeSample(db, table, purge, before, now)
  const removed = version === null ? 0 : await removeDeleted(db, table, version)
  return isMoreToSweep || removed === PRUNE_ROWS
}

async function sweepRest(db: Database, table: TargetTable, purge: Purge, now: number): Promise<boolean> {
  const { sweepBelow, sweptAt } = purge
  if (sweepBelow === null) return false
  const swept = await sweepPart(db, table, sweepBelow)
  if (swept === 0 && now - (sweptAt ?? 0) >= SWEPT_AFTER_MS) await writePurge(db, table, { sweepBelow: null })
  return swept === SWEEP_ROWS
}

/** Epoch ms; Infinity if none is open. */
async function oldestLetter(db: Database, relay: string, table: TargetTable): Promise<number> {
  const { rows } = await sql<{ ms: string | null }>`
    SELECT min("recorded_at")::BIGINT AS "ms" FROM "cdc_relay"."dead_letters"
    WHERE "name" = ${relay} AND ("source" IS NULL OR "source" = ${letterSource(table.source)})`.execute(db)
  return Number(rows[0]?.ms ?? Number.POSITIVE_INFINITY)
}

async function takeSample(
  db: Database,
  table: TargetTable,
  { samples }: Purge,
  before: number,
  now: number,
): Promise<void> {
  const { rows } = await sql<{ version: string | null }>`
    SELECT max("cdc_version") AS "version" FROM ${tableId(table)} WHERE "cdc_deleted" = true`.execute(db)
  const version = rows[0]?.version ?? null
  if (version === null) return
  await writePurge(db, table, { samples: [...withoutOutdated(samples, before), { ms: now, version }] })
}

/**
 * By a search, which may be of a moment ago; so each row goes by its key, and only if it is still what was found: one that
 * came back to life stays.
 */
async function removeDeleted(db: Database, table: TargetTable, version: string): Promise<number> {
  const relation = await readRelation(db, table.schema, table.name)
  if (relation === undefined) return 0
  const parts = keyParts(table, relation)
  const { rows } = await sql<KeyAnswer & Tokens>`
    SELECT ${askedKey(parts)}, "_seq_no", "_primary_term" FROM ${tableId(table)}
    WHERE "cdc_deleted" = true AND "cdc_version" <= ${version} LIMIT ${sql.lit(PRUNE_ROWS)}`.execute(db)
  for (const row of rows) {
    await sql`
      DELETE FROM ${tableId(table)} WHERE ${hasKey(parts, row)}
        AND "_seq_no" = ${row._seq_no} AND "_primary_term" = ${row._primary_term}`.execute(db)
  }
  return rows.length
}
