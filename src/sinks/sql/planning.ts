import { type Change, type TableName, tableLabel } from '../../change.ts'
import type { Layout, Plan, TargetTable } from './layout.ts'
import type { Tables } from './tables.ts'

/** The changes of one source table in a batch, in order of arrival. */
export interface Group {
  /** The table as `tableLabel` prints it. */
  readonly source: string
  readonly changes: readonly Change[]
}

/** What is to be written to one table. */
export interface TablePlan extends Plan {
  readonly table: TargetTable
  /** How many changes it was made of. */
  readonly received: number
}

export function groupByTable(changes: readonly Change[]): Group[] {
  const groups = new Map<string, { source: string; changes: Change[] }>()
  let last: TableName | undefined
  let group: { source: string; changes: Change[] } | undefined
  for (const change of changes) {
    const { table } = change
    // Neighbours are mostly of one table: a label is made only when it changes.
    if (group === undefined || table.name !== last?.name || table.schema !== last.schema) {
      last = table
      const source = tableLabel(table)
      group = groups.get(source) ?? { source, changes: [] }
      groups.set(source, group)
    }
    group.changes.push(change)
  }
  return [...groups.values()]
}

/** The plan of each table; undefined if one of them is not known yet. @throws RelayError for a key that does not fit its table */
export async function planTables(
  layout: Layout,
  tables: Tables,
  groups: readonly Group[],
): Promise<TablePlan[] | undefined> {
  const plans: TablePlan[] = []
  for (const { source, changes } of groups) {
    const table = tables.find(source)
    if (table === undefined) return undefined
    plans.push({ table, received: changes.length, ...(await layout.plan(table, changes)) })
  }
  return plans
}

/** As `planTables`, after the tables that are not known yet were made or checked. */
export async function learnAndPlan(layout: Layout, tables: Tables, groups: readonly Group[]): Promise<TablePlan[]> {
  for (const { source, changes } of groups) {
    if (tables.find(source) === undefined) await tables.learn(changes[0]!)
  }
  return (await planTables(layout, tables, groups))!
}

/** False if a table was learned anew since. */
export const isUpToDate = (plans: readonly TablePlan[], tables: Tables): boolean =>
  plans.every(({ table }) => tables.find(table.source) === table)
