import { sql } from 'kysely'
import type { Change, Row } from '../../../../change.ts'
import { tableId } from '../../../tables/clauses.ts'
import type { Database } from '../../../tables/database.ts'
import type { TargetTable } from '../../../tables/layout.ts'
import { sweep as removeOlder } from '../../../tables/schema-changes.ts'
import type { Writing } from '../../dialect.ts'
import { writePurge } from '../state/purges.ts'
import { readRelation } from '../tables/catalogue.ts'
import { askedKey, type KeyAnswer, keyParts, keyRow } from './key-parts.ts'

/** Keys that are looked for at a time. */
export const SWEEP_ROWS = 100_000

/**
 * Removes the rows from before a reload, and remembers that more of them may be there: a search does not see what was
 * written a moment ago. Resolves to how many were removed.
 */
async function sweep(to: Database, table: TargetTable, floor: string): Promise<number> {
  await writePurge(to, table, { sweepBelow: floor, sweptAt: Date.now() })
  return await sweepPart(to, table, floor)
}

/**
 * Deletes rows that a search finds to be older than the floor, as a change of that age would: where a newer one was written
 * since, that stays. They are marked, and go for good with all that are deleted.
 */
export async function sweepPart(to: Database, table: TargetTable, floor: string): Promise<number> {
  // Rows without key are never written again, so that a search may delete what it finds.
  if (table.keys.length === 0) return Number((await removeOlder(table, floor).execute(to)).numAffectedRows)
  const relation = await readRelation(to, table.schema, table.name)
  if (relation === undefined) return 0
  const parts = keyParts(table, relation)
  const { rows } = await sql<KeyAnswer>`
    SELECT ${askedKey(parts)} FROM ${tableId(table)}
    WHERE ("cdc_version" IS NULL OR "cdc_version" < ${floor}) AND ("cdc_deleted" IS NULL OR "cdc_deleted" = false)
    LIMIT ${sql.lit(SWEEP_ROWS)}`.execute(to)
  const version = String(BigInt(floor) - 1n)
  const plan = await table.plan(rows.map((answer) => deleteOf(table, keyRow(parts, answer), version)))
  if (plan === null) throw new Error(`Deletes of table ${table.source} cannot be planned`)
  return await plan.write(to)
}

/** A delete that no record tells of. */
const deleteOf = ({ known, name }: TargetTable, key: Row, version: string): Change => ({
  kind: 'change',
  op: 'delete',
  table: known?.name ?? { schema: null, name },
  key,
  before: null,
  after: null,
  complete: true,
  version,
  time: new Date(Number(BigInt(version) / 1000n)).toISOString(),
  source: { format: 'dms', stream: '', shard: '', sequence: '0' },
})

/**
 * Every statement is final. So a batch is its steps in their order, the positions last: after a crash between two it is
 * written again, and leaves what it left before, since each row is written by its version. For the same reason writers of
 * a table need not take turns, and what is left of a part that failed does no harm.
 */
export const finalWriting: Writing = {
  batch: (db, work) => work(db),
  takeTurns: async () => {},
  part: (_to, _depth, work) => work(),
  undoesParts: false,
  sweep,
}
