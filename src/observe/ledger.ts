import type { SetAsideColumn, SetAsideColumns, Written } from '../batch.ts'
import { tableLabel } from '../change.ts'
import { PARKED } from '../errors.ts'
import type { ObservedBatch, Observer } from './observer.ts'

export interface TableCounts {
  applied: number
  superseded: number
}

/** What became of everything that was read and committed. The first number is the sum of the others. */
export interface Counts {
  readonly read: number
  readonly applied: number
  readonly superseded: number
  readonly skipped: number
  readonly deadLettered: number
}

/** Counts what a relay wrote: every change, skip and dead letter ends in exactly one column. */
export class Ledger implements Partial<Observer> {
  readCount = 0
  deadLettered = 0
  /** Changes whose text was altered (U+0000): they are applied or superseded as well. */
  replacedTexts = 0
  batches = 0
  /** Source table → column → how many of its values lie in `cdc_extra`: their changes are applied or superseded as well. */
  readonly setAside = new Map<string, Map<string, SetAsideColumn>>()
  readonly skips = new Map<string, number>()
  /** Reason → records read, again perhaps, that could not be read as bytes: they are counted elsewhere as well. */
  readonly asObjects = new Map<string, number>()
  readonly tables = new Map<string, TableCounts>()
  /** Source tables that are parked now → dead letters that are kept of each. */
  readonly parkedTables = new Map<string, number>()

  textReplaced(): void {
    this.replacedTexts++
  }

  readAsObjects(reason: string): void {
    this.asObjects.set(reason, (this.asObjects.get(reason) ?? 0) + 1)
  }

  parked(table: string, _trouble: unknown, count: number): void {
    this.parkedTables.set(table, count)
  }

  unparked(table: string): void {
    this.parkedTables.delete(table)
  }

  /** Counts a batch that is durable. */
  wrote(batch: ObservedBatch, written: Written): void {
    this.batches++
    this.readCount += batch.read
    this.deadLettered += batch.deadLetters.length + (written.deadLettered ?? 0)
    this.#countParked(batch)
    this.#skip(batch.skips)
    this.#skip(written.skips)
    for (const [label, { applied, superseded }] of written.tables) {
      const table = this.tables.get(label) ?? { applied: 0, superseded: 0 }
      table.applied += applied
      table.superseded += superseded
      this.tables.set(label, table)
    }
    for (const [label, columns] of written.setAside ?? []) this.#setAside(label, columns)
  }

  #countParked({ deadLetters }: ObservedBatch): void {
    if (this.parkedTables.size === 0) return
    for (const { code, change } of deadLetters) {
      if (code !== PARKED || change === undefined) continue
      const table = tableLabel(change.table)
      this.parkedTables.set(table, (this.parkedTables.get(table) ?? 0) + 1)
    }
  }

  #setAside(label: string, columns: SetAsideColumns): void {
    const table = this.setAside.get(label) ?? new Map<string, SetAsideColumn>()
    for (const [column, { count, ...why }] of columns) {
      table.set(column, { ...why, count: count + (table.get(column)?.count ?? 0) })
    }
    this.setAside.set(label, table)
  }

  valuesSetAside(): number {
    let sum = 0
    for (const columns of this.setAside.values()) for (const { count } of columns.values()) sum += count
    return sum
  }

  #skip(skips: ReadonlyMap<string, number> = new Map()): void {
    for (const [reason, count] of skips) this.skips.set(reason, (this.skips.get(reason) ?? 0) + count)
  }

  counts(): Counts {
    let applied = 0
    let superseded = 0
    for (const table of this.tables.values()) {
      applied += table.applied
      superseded += table.superseded
    }
    const skipped = [...this.skips.values()].reduce((sum, count) => sum + count, 0)
    return { read: this.readCount, applied, superseded, skipped, deadLettered: this.deadLettered }
  }
}
