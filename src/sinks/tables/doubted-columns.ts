import type { TargetTable } from './layout.ts'
import type { UnsureColumn } from './refused-values.ts'

/** So many batches without a refused value, and a column is no longer asked about before each. */
const CLEAN_BATCHES = 100

/** Columns that were given values that they do not take: more such are to be expected. */
export class DoubtedColumns {
  /** By what is known of a table, so that it is forgotten with that: column → batches since the last such value. */
  readonly #byTable = new WeakMap<TargetTable, Map<string, number>>()

  of(table: TargetTable): readonly UnsureColumn[] {
    const doubted = this.#byTable.get(table)
    return doubted === undefined ? [] : (table.unsure ?? []).filter(({ column }) => doubted.has(column))
  }

  /** After a batch: whether the column was given such a value. */
  saw(table: TargetTable, { column }: UnsureColumn, isRefused: boolean): void {
    const doubted = this.#byTable.get(table) ?? new Map<string, number>()
    this.#byTable.set(table, doubted)
    const clean = isRefused ? 0 : (doubted.get(column) ?? CLEAN_BATCHES) + 1
    if (clean < CLEAN_BATCHES) doubted.set(column, clean)
    else doubted.delete(column)
  }

  /** The server cannot be asked. */
  drop(table: TargetTable): void {
    this.#byTable.delete(table)
  }
}
