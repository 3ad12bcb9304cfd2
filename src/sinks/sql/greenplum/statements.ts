import { writing } from '../../tables/clauses.ts'
import type { Database, Statement } from '../../tables/database.ts'
import type { MirrorStatements } from '../../tables/mirror.ts'
import type { Kernel } from './kernel.ts'
import { deleteStatements, type MergeTable, mergeStatements, type Step } from './merge.ts'
import { type KeyedRow, stagingOf } from './staging.ts'

/** Rows are brought to the server once, and merged by one statement after the other. */
export function greenplumStatements(kernel: Kernel, table: MergeTable): MirrorStatements<Database, KeyedRow> {
  const merge = (kind: Step['kind']) => (rows: readonly KeyedRow[]) => {
    const staging = stagingOf(kernel, table, rows)
    return async (to: Database) => {
      const staged = await staging(to)
      return await written(to, mergeStatements(table, { kind, staged }, kernel.hasOnConflict))
    }
  }
  return {
    upsert: merge('rows'),
    applyPatches: merge('patches'),
    applyMoves: merge('moves'),
    insert: merge('added'),
    deleteRows(rows) {
      const staging = stagingOf(kernel, table, rows)
      return async (to) => {
        const { leaveTombstones, removeRows } = deleteStatements(table, await staging(to))
        const deleted = await written(to, leaveTombstones)
        await removeRows.execute(to)
        return deleted
      }
    },
  }
}

async function written(to: Database, statements: readonly Statement[]): Promise<number> {
  let rows = 0
  for (const statement of statements) rows += await writing(statement)(to)
  return rows
}
