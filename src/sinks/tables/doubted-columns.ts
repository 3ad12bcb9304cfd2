import type { TargetTable } from './layout.ts'
import type { UnsureColumn } from './refused-values.ts'

/** After this many batches without a refused value the server is no longer asked about a column before each batch. */
const CLEAN_BATCHES = 100

/** Columns that refused a value lately: more such values are to be expected. */
export class DoubtedColumns {
  /** Forgotten with what is known of the table: column → batches since the last such value. */
  readonly #byTable = new WeakMap<TargetTable, Map<string, number>>()

  of(table: TargetTable): readonly UnsureColumn[] {
    const doubted = this.#byTable.get(table)
    return doubted === undefined ? [] : (table.unsure ?? []).filter(({ column }) => doubted.has(column))
  }

  /** Call it after a batch. @param isRefused true if the column refused a value */
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
