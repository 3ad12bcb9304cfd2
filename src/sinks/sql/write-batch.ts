import { sql } from 'kysely'
import type { Batch, Written } from '../sink.ts'
import { type Database, inTransaction } from './connection.ts'
import { keepDeadLetters } from './dead-letters.ts'
import type { Layout } from './layout.ts'
import { lockKey } from './names.ts'
import type { TablePlan } from './planning.ts'
import type { SqlState } from './state.ts'

/** The positions of a batch could not move: it was rolled back. */
export class Fenced extends Error {
  /** What would have been written. */
  readonly written: Written

  constructor(written: Written) {
    super('the positions of the batch did not move')
    this.written = written
  }
}

/**
 * One transaction: the tables, dead letters, and last the positions.
 *
 * @param onCommit called before COMMIT is sent: if no answer comes, this is what was perhaps written
 * @throws Fenced
 */
export async function writeBatch(
  db: Database,
  state: SqlState,
  { takesTurns }: Layout,
  batch: Batch,
  plans: readonly TablePlan[],
  onCommit: (written: Written) => void,
): Promise<Written> {
  return await inTransaction(db, async (trx) => {
    if (takesTurns) await takeTurns(trx, plans)
    const tables = new Map<string, { applied: number; superseded: number }>()
    for (const { table, received, write } of plans) {
      const applied = await write(trx)
      tables.set(table.source, { applied, superseded: received - applied })
    }
    await keepDeadLetters(trx, state.name(), batch.deadLetters)
    const written: Written = { kind: 'written', tables }
    if (!(await state.moveWithin(trx, batch.moves))) throw new Fenced(written)
    onCommit(written)
    return written
  })
}

/**
 * Waits for other writers of the same tables, all tables in one order, as the first statement: the tombstones that they
 * committed are then seen by the statements that follow.
 */
async function takeTurns(trx: Database, plans: readonly TablePlan[]): Promise<void> {
  if (plans.length === 0) return
  const keys = JSON.stringify(plans.map(({ table }) => lockKey('table', table.schema, table.name)))
  await sql`
    SELECT pg_advisory_xact_lock(key) FROM (
      SELECT key::bigint FROM jsonb_array_elements_text(${keys}::jsonb) AS key ORDER BY key::bigint
    ) keys`.execute(trx)
}
