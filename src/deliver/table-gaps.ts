import { type StreamChange, type TableName, tableLabel } from '../change.ts'
import { RelayError } from '../errors.ts'
import type { LeftOut } from '../wanted-tables.ts'

/** The tables that are wanted again after their changes were left out: a mirror of them lacks those, and would never say so. */
export class TableGaps {
  readonly #leftOut: LeftOut
  readonly #found = new Map<string, RelayError | null>()

  constructor(leftOut: LeftOut) {
    this.#leftOut = leftOut
  }

  /** What is wrong with the table; null if nothing is. A RelayError TABLE_GAP */
  of(table: TableName): RelayError | null {
    const label = tableLabel(table)
    let found = this.#found.get(label)
    if (found === undefined) {
      found = gapOf(label, this.#leftOut(table))
      this.#found.set(label, found)
    }
    return found
  }

  /** Of the tables of these changes, each once in a row. */
  *in(changes: readonly StreamChange[]): Generator<RelayError, void, void> {
    let last: TableName | undefined
    for (const { table } of changes) {
      // Neighbours are mostly of one table, and have the same object for its name.
      if (table === last) continue
      last = table
      const gap = this.of(table)
      if (gap !== null) yield gap
    }
  }
}

function gapOf(table: string, since: string | undefined): RelayError | null {
  if (since === undefined) return null
  const detail = `Table ${table} is wanted again, and its changes were left out since ${since}: its rows lack them`
  return new RelayError('TABLE_GAP', detail, { table })
}
