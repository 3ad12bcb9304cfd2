import { sql } from 'kysely'
import { columnList, definitionsOf, tableId } from '../../tables/clauses.ts'
import type { Statement } from '../../tables/database.ts'
import type { AddedColumn, NewTable } from '../../tables/layout.ts'
import type { Mapping, Target } from '../../tables/target.ts'

/** What tells one Greenplum from another. */
export interface Kernel {
  /** PostgreSQL's since 9.5. */
  readonly hasOnConflict: boolean
  /** Whether a transaction may add a label to an enum: PostgreSQL's since 12. */
  readonly addsLabels: boolean
  /**
   * The clause that makes a table a heap, whatever the cluster makes by default: append-optimised tables have no unique
   * index or no ON CONFLICT, and bear updates badly.
   */
  heap(fillFactor: number): Statement
  /** Turns an append-optimised table into a heap; null where only a new table is one. */
  becomeHeap(target: Target): Statement | null
}

/** Of PostgreSQL 9.4. */
export const KERNEL_6: Kernel = {
  hasOnConflict: false,
  addsLabels: false,
  heap: (fillFactor) => sql`WITH (appendonly = false, fillfactor = ${sql.lit(fillFactor)})`,
  becomeHeap: () => null,
}

/** Of PostgreSQL 12; that of Cloudberry, of 14, knows no more that matters here. */
export const KERNEL_7: Kernel = {
  hasOnConflict: true,
  addsLabels: true,
  heap: (fillFactor) => sql`USING heap WITH (fillfactor = ${sql.lit(fillFactor)})`,
  becomeHeap: (target) => sql`ALTER TABLE ${tableId(target)} SET ACCESS METHOD heap`,
}

/**
 * By all of the key: its columns are in every unique index of the table, as Greenplum demands of those that it spreads
 * rows by, and rows of one key meet on one segment.
 */
export const distributedBy = (keys: readonly Mapping[]): Statement =>
  keys.length === 0 ? sql`DISTRIBUTED RANDOMLY` : sql`DISTRIBUTED BY (${columnList(keys)})`

/** @param columns those of the key NOT NULL */
export const createTable =
  (kernel: Kernel) =>
  (target: Target, columns: readonly AddedColumn[], keys: readonly Mapping[]): NewTable => {
    const key = keys.length === 0 ? [] : [sql`PRIMARY KEY (${columnList(keys)})`]
    // Room in each page lets an update stay beside the row that it replaces; a table without key is only added to.
    const heap = kernel.heap(keys.length === 0 ? 100 : 85)
    const statement = sql`CREATE TABLE ${tableId(target)} (${sql.join([...definitionsOf(columns), ...key])}) ${heap} ${distributedBy(keys)}`
    return { columns, keys: keys.map(({ column }) => column), statements: [statement] }
  }
