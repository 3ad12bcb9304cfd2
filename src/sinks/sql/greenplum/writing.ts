import { sql } from 'kysely'
import { tableId } from '../../tables/clauses.ts'
import type { Writing } from '../dialect.ts'
import { transactionWriting } from '../postgresql/writing.ts'
import type { Kernel } from './kernel.ts'
import { createSharedStage } from './staging.ts'

/**
 * A batch is one transaction, and the one writer of its tables.
 *
 * Without the global deadlock detector, which is off by default, Greenplum locks a whole table for every UPDATE, DELETE and
 * ON CONFLICT DO UPDATE, against writers and not against readers. A transaction that inserts first and updates then takes a
 * stronger lock than it had, and two of that kind lock each other out. So the strong lock comes first, on all tables of the batch,
 * in one order. Where the detector is on the lock is as needed: what one batch deletes, the next must see.
 */
export const lockingWriting = (kernel: Kernel): Writing => ({
  ...transactionWriting,
  async takeTurns(trx, tables) {
    const inOrder = tables.toSorted((a, b) => compare(a.schema, b.schema) || compare(a.name, b.name))
    await sql`LOCK TABLE ${sql.join(inOrder.map(tableId))} IN EXCLUSIVE MODE`.execute(trx)
    await createSharedStage(kernel).execute(trx)
  },
})

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
