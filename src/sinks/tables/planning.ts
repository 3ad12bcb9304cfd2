import type { Batch, SourceTable } from '../../batch.ts'
import { type Change, type SchemaChange, type TableName, tableLabel } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Database } from './database.ts'
import type { Plan, TargetTable } from './layout.ts'
import type { Refuses } from './refused-values.ts'
import type { TableInput, Tables } from './tables.ts'

/** What a batch has for one source table. */
export interface Group extends TableInput {
  /** In order of arrival. */
  readonly changes: readonly Change[]
  readonly schemaChanges: readonly SchemaChange[]
}

/** What is to be written to one table. */
export interface TablePlan<To = Database> extends Plan<To> {
  readonly table: TargetTable<To>
  readonly group: Group
}

/** @param usesKnown false for a target in which all tables are alike */
export function groupByTable({ changes, tables }: Batch, usesKnown: boolean): Group[] {
  const groups = new Map<string, Group & { changes: Change[]; schemaChanges: SchemaChange[] }>()
  let last: TableName | undefined
  let group: (Group & { changes: Change[]; schemaChanges: SchemaChange[] }) | undefined
  for (const change of changes) {
    const { table } = change
    // Neighbours are mostly of one table: a label is made only when it changes.
    if (group === undefined || table.name !== last?.name || table.schema !== last.schema) {
      last = table
      const source = tableLabel(table)
      const known: SourceTable | null = (usesKnown ? tables.get(source) : null) ?? null
      group = groups.get(source) ?? { source, name: table, known, changes: [], schemaChanges: [] }
      groups.set(source, group)
    }
    if (change.kind === 'change') group.changes.push(change)
    else group.schemaChanges.push(change)
  }
  return [...groups.values()]
}

/** The plan of each table that has one; undefined if one of them is not known yet, or lacks columns. @throws RelayError SINK_TABLE for a key of other columns */
export async function planTables<To>(
  tables: Tables<To>,
  groups: readonly Group[],
): Promise<TablePlan<To>[] | undefined> {
  const plans: TablePlan<To>[] = []
  for (const group of groups) {
    const plan = await planTable(tables, group)
    if (plan === undefined) return undefined
    plans.push(plan)
  }
  return plans
}

async function planTable<To>(tables: Tables<To>, group: Group): Promise<TablePlan<To> | undefined> {
  const table = tables.find(group.source, group.known)
  const plan = await ofTable(group, async () => table?.plan(group.changes))
  return table === undefined || plan == null ? undefined : { table, group, ...plan }
}

/** As `planTables`, after the tables that are not known yet were made, completed or checked. */
export async function learnAndPlan<To>(tables: Tables<To>, groups: readonly Group[]): Promise<TablePlan<To>[]> {
  const plans: TablePlan<To>[] = []
  for (const group of groups) {
    let plan = await planTable(tables, group)
    if (plan === undefined) {
      await ofTable(group, () => tables.learn(group))
      plan = await planTable(tables, group)
    }
    if (plan !== undefined && isOutdated(plan, tables)) {
      // It was made with what the changes show to be lacking, which may be there by now.
      await ofTable(group, () => tables.learn(group))
      plan = await planTable(tables, group)
    }
    if (plan !== undefined) plans.push(plan)
    // A table that is only announced may have nothing to create yet.
    else if (group.changes.length > 0) throw new Error(`Table ${group.source} was learned and still cannot be planned`)
  }
  return plans
}

/** A failure of ours names the table: others can go on without it. */
async function ofTable<Result>({ source }: Group, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof RelayError ? error.at({ table: source }) : error
  }
}

/** Of changes that could be planned before. */
export async function planAgain<To>(
  table: TargetTable<To>,
  changes: readonly Change[],
  refuses?: Refuses,
): Promise<Plan<To>> {
  const plan = await table.plan(changes, refuses)
  if (plan === null) throw new Error(`Table ${table.source} was planned before and cannot be now`)
  return plan
}

/** False if a table was learned again since. */
export const isUpToDate = <To>(plans: readonly TablePlan<To>[], tables: Tables<To>): boolean =>
  plans.every((plan) => !isOutdated(plan, tables))

const isOutdated = <To>({ table, group }: TablePlan<To>, tables: Tables<To>): boolean =>
  tables.find(group.source, group.known) !== table
