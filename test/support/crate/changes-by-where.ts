import { assign, compileAssignments } from './assignments.ts'
import { removeRow, type StoredRow, storeRow, type Table, tableNamed } from './catalogue.ts'
import { compile, holds, type Scope } from './compile.ts'
import type { Context, Result } from './context.ts'
import { CrateError } from './failure.ts'
import { indexAtShard } from './indexing.ts'
import { candidates, checkTokens } from './key-lookup.ts'
import type { Parameters } from './parameters.ts'
import { compileItems } from './queries.ts'
import { type OutputColumn, relationScope, tableRelation } from './relations.ts'
import type { Delete, Update } from './syntax.ts'

/** An UPDATE or DELETE. `missed` tells rows that were named by their key and not there: in bulk they count as failed. */
export interface ChangePlan {
  readonly columns: readonly OutputColumn[] | null
  run(): { readonly result: Result; readonly missed: boolean }
}

/** @throws CrateError for what CrateDB finds before it runs an UPDATE */
export function planUpdate(update: Update, context: Context, parameters: Parameters): ChangePlan {
  const table = tableNamed(context.catalogue, update.table, context.schema, 'UPDATE')
  const relation = tableRelation(table, update.alias, context)
  const scope = relationScope(relation, context, parameters)
  const assignments = compileAssignments(update.assignments, table, scope)
  const found = planWhere(update, table, scope, context)
  const returning = update.returning === null ? null : compileItems(update.returning, relation, scope)
  const columns = returning === null ? null : returning.map(({ name, compiled }) => ({ name, type: compiled.type }))
  return {
    columns,
    run() {
      const { rows, byKey } = found()
      const changed = rows.flatMap(({ id }) => {
        const row = table.live.get(id)
        if (row === undefined) return []
        if (context.lostRow(table, id))
          throw new CrateError(`[${table.schema}.${table.name}] primary shard is not active`)
        return [storeRow(table, id, indexAtShard(table, context.settings, assign(assignments, table, { row })))]
      })
      const cells =
        returning === null ? [] : changed.map((row) => returning.map(({ compiled }) => compiled.value({ row })))
      return {
        result: { tag: `UPDATE ${changed.length}`, columns, rows: cells },
        missed: byKey && changed.length === 0,
      }
    },
  }
}

/** @throws CrateError for what CrateDB finds before it runs a DELETE */
export function planDelete(statement: Delete, context: Context, parameters: Parameters): ChangePlan {
  const table = tableNamed(context.catalogue, statement.table, context.schema, 'DELETE')
  const scope = relationScope(tableRelation(table, statement.alias, context), context, parameters)
  const found = planWhere(statement, table, scope, context)
  return {
    columns: null,
    run() {
      const { rows, byKey } = found()
      const removed = rows.filter(({ id }) => table.live.has(id))
      for (const { id } of removed) {
        if (context.lostRow(table, id))
          throw new CrateError(`[${table.schema}.${table.name}] primary shard is not active`)
        removeRow(table, id)
      }
      const result = { tag: `DELETE ${removed.length}`, columns: null, rows: [] }
      return { result, missed: byKey && removed.length === 0 }
    },
  }
}

/** N binds of one UPDATE or DELETE before one Sync: a key that is not there, and a row that is refused, shows as -3. */
export function runChanges(plans: readonly ChangePlan[], verb: 'UPDATE' | 'DELETE'): readonly Result[] {
  return plans.map((plan) => ({ tag: tagInBulk(plan, verb), columns: null, rows: [] }))
}

function tagInBulk(plan: ChangePlan, verb: 'UPDATE' | 'DELETE'): string {
  try {
    const { result, missed } = plan.run()
    return missed ? `${verb} -3` : result.tag
  } catch (error) {
    if (error instanceof CrateError) return `${verb} -3`
    throw error
  }
}

function planWhere(
  { where }: Update | Delete,
  table: Table,
  scope: Scope,
  context: Context,
): () => { readonly rows: readonly StoredRow[]; readonly byKey: boolean } {
  const condition = where === null ? null : compile(where, scope)
  checkTokens(where, table, scope)
  return () => {
    const { rows, byKey } = candidates(where, table, scope, context)
    return { rows: rows.filter((row) => holds(condition, { row })), byKey }
  }
}
