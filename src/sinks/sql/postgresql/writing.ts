import { sql } from 'kysely'
import { sweep } from '../../tables/schema-changes.ts'
import { inTransaction } from '../connection.ts'
import type { Writing } from '../dialect.ts'
import { lockKey } from './lock-key.ts'
import { refusedTexts } from './refused-texts.ts'

/** A batch is one transaction. */
export const transactionWriting: Writing = {
  batch: inTransaction,

  /**
   * One lock for each table, all in one order: the tombstones that others committed are then seen by the statements that
   * follow.
   */
  async takeTurns(trx, tables) {
    const keys = JSON.stringify(tables.map(({ schema, name }) => lockKey('table', schema, name)))
    await sql`
      SELECT pg_advisory_xact_lock(key) FROM (
        SELECT key::bigint FROM jsonb_array_elements_text(${keys}::jsonb) AS key ORDER BY key::bigint
      ) keys`.execute(trx)
  },

  async part(trx, depth, work) {
    const savepoint = sql.id(`cdc_relay_${depth}`)
    await sql`SAVEPOINT ${savepoint}`.execute(trx)
    let result: Awaited<ReturnType<typeof work>>
    try {
      result = await work()
    } catch (error) {
      await sql`ROLLBACK TO SAVEPOINT ${savepoint}`.execute(trx)
      // It would stay, and all that follows be nested in it.
      await sql`RELEASE SAVEPOINT ${savepoint}`.execute(trx)
      throw error
    }
    await sql`RELEASE SAVEPOINT ${savepoint}`.execute(trx)
    return result
  },

  undoesParts: true,

  /** What comes after is deferred again, for it may hold only with what follows. A part that fails takes both back. */
  async checkConstraints(trx) {
    await sql`SET CONSTRAINTS ALL IMMEDIATE`.execute(trx)
    await sql`SET CONSTRAINTS ALL DEFERRED`.execute(trx)
  },

  refusedTexts,

  sweep: async (trx, table, floor) => Number((await sweep(table, floor).execute(trx)).numAffectedRows),
}
