import type { Cut } from '../deliver/batcher.ts'
import { RelayError } from '../errors.ts'
import type { SetAsideColumn, SetAsideColumns, Written } from '../sinks/sink.ts'

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

const NONE: ReadonlyMap<string, number> = new Map()
const NOTHING_ASIDE: ReadonlyMap<string, SetAsideColumns> = new Map()

/** Keeps the books of one run: every change, skip and dead letter ends in exactly one column. */
export class Ledger {
  read = 0
  deadLettered = 0
  /** Changes whose text was altered (U+0000): they are applied or superseded as well. */
  textReplaced = 0
  batches = 0
  /** Source table → column → how many of its values lie in `cdc_extra`: their changes are applied or superseded as well. */
  readonly setAside = new Map<string, Map<string, SetAsideColumn>>()
  readonly skips = new Map<string, number>()
  readonly tables = new Map<string, TableCounts>()

  /**
   * Enters a batch that is durable. Returns the columns of which values were set aside for the first time.
   * @throws RelayError INTERNAL when the sink's answer does not add up: that is a bug, and never silent
   */
  enter(cut: Cut, written: Written): ReadonlyMap<string, SetAsideColumns> {
    this.batches++
    this.read += cut.read
    this.deadLettered += cut.deadLetters.length + (written.deadLettered ?? 0)
    this.#skip(cut.skips)
    let accounted = (written.deadLettered ?? 0) + this.#skip(written.skips ?? NONE)
    for (const [label, { applied, superseded }] of written.tables) {
      const table = this.tables.get(label) ?? { applied: 0, superseded: 0 }
      table.applied += applied
      table.superseded += superseded
      accounted += applied + superseded
      this.tables.set(label, table)
    }
    if (accounted !== cut.changes.length) {
      const detail = `The books do not add up: ${cut.changes.length} changes were written, ${accounted} accounted for`
      throw new RelayError('INTERNAL', detail)
    }
    return this.#setAside(written.setAside ?? NOTHING_ASIDE)
  }

  /** Returns what is new. */
  #setAside(tables: ReadonlyMap<string, SetAsideColumns>): ReadonlyMap<string, SetAsideColumns> {
    const news = new Map<string, SetAsideColumns>()
    for (const [label, columns] of tables) {
      const table = this.setAside.get(label) ?? new Map<string, SetAsideColumn>()
      const added = new Map([...columns].filter(([column]) => !table.has(column)))
      if (added.size > 0) news.set(label, added)
      for (const [column, { count, ...why }] of columns) {
        table.set(column, { ...why, count: count + (table.get(column)?.count ?? 0) })
      }
      this.setAside.set(label, table)
    }
    return news
  }

  valuesSetAside(): number {
    let sum = 0
    for (const columns of this.setAside.values()) for (const { count } of columns.values()) sum += count
    return sum
  }

  /** Returns how many. */
  #skip(skips: ReadonlyMap<string, number>): number {
    let sum = 0
    for (const [reason, count] of skips) {
      this.skips.set(reason, (this.skips.get(reason) ?? 0) + count)
      sum += count
    }
    return sum
  }

  counts(): Counts {
    let applied = 0
    let superseded = 0
    for (const table of this.tables.values()) {
      applied += table.applied
      superseded += table.superseded
    }
    const skipped = [...this.skips.values()].reduce((sum, count) => sum + count, 0)
    return { read: this.read, applied, superseded, skipped, deadLettered: this.deadLettered }
  }
}
