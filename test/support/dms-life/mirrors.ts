import type { Cell, Row } from './columns.ts'
import type { Arrival } from './delivery.ts'
import { type Statement, versionOf } from './plan.ts'
import type { SourceTable } from './tables.ts'
import type { MissingColumns } from './truth.ts'

/** Table → its rows. */
export type Mirrored = ReadonlyMap<SourceTable, readonly Row[]>

/** Believes every record as it comes. */
export function lastArrivalMirror(arrivals: readonly Arrival[], missing: MissingColumns): Mirrored {
  const tables = newTables<Row>()
  for (const { says } of statements(arrivals)) {
    const rows = tables.of(says.table)
    const key = says.key ?? `${rows.size}`
    const before = rows.get(key)
    if (says.newKey !== says.key) rows.delete(key)
    if (says.image !== null) rows.set(says.newKey ?? key, overlaid(before, says.image, missing))
  }
  return tables.map((row) => row)
}

interface Standing {
  readonly version: number
  /** Null for a tombstone. */
  readonly row: Row | null
}

/**
 * Follows the rule of docs/guarantees.md, "Which change wins", without any database: what it makes of a delivery
 * shows that the truth of a life can be had from its records.
 */
export function ruleMirror(
  arrivals: readonly Arrival[],
  missing: MissingColumns,
  onReload: 'keep' | 'sweep',
): Mirrored {
  const tables = newTables<Standing>()
  const floors = new Map<SourceTable, number>()

  for (const { says, micros } of statements(arrivals)) {
    const rows = tables.of(says.table)
    const version = versionOf(says.op, micros)
    const floor = floors.get(says.table) ?? Number.NEGATIVE_INFINITY
    if (says.op === 'drop-table') {
      floors.set(says.table, Math.max(floor, version))
      if (onReload === 'sweep') sweep(rows, version)
    } else if (!TELLS_ONLY.has(says.op)) {
      apply(rows, says, version, version >= floor, missing)
    }
  }
  return tables.map(({ row }) => row)
}

const TELLS_ONLY: ReadonlySet<Statement['op']> = new Set(['create-table', 'add-column', 'column-type-change'])

/** A delete takes what is older than itself away, even from under the table's floor; a row comes only from above it. */
function apply(
  rows: Map<string, Standing>,
  { key, newKey, image }: Statement,
  version: number,
  isAboveFloor: boolean,
  missing: MissingColumns,
): void {
  if (key === null) {
    if (isAboveFloor) rows.set(`${rows.size}`, { version, row: image })
    return
  }
  const old = rows.get(key)
  const wins = (one: Standing | undefined): boolean => one === undefined || version >= one.version
  if (key !== newKey && wins(old)) rows.set(key, { version, row: null })
  if (newKey === null || image === null || !isAboveFloor || !wins(rows.get(newKey))) return
  const carried = key !== newKey && wins(old) ? old?.row : undefined
  rows.set(newKey, { version, row: overlaid(carried ?? rows.get(newKey)?.row ?? undefined, image, missing) })
}

function sweep(rows: Map<string, Standing>, floor: number): void {
  for (const [key, { version }] of rows) if (version < floor) rows.delete(key)
}

const overlaid = (before: Row | undefined, image: Row, missing: MissingColumns): Row =>
  missing === 'null' || before === undefined ? image : new Map<string, Cell>([...before, ...image])

function* statements(arrivals: readonly Arrival[]): Generator<{ readonly says: Statement; readonly micros: number }> {
  for (const { record } of arrivals) if (record.says !== null) yield { says: record.says, micros: record.micros }
}

function newTables<T>() {
  const tables = new Map<SourceTable, Map<string, T>>()
  return {
    of(table: SourceTable): Map<string, T> {
      const rows = tables.get(table) ?? new Map<string, T>()
      tables.set(table, rows)
      return rows
    },
    map: (toRow: (one: T) => Row | null): Mirrored =>
      new Map(
        Array.from(tables, ([table, rows]) => [table, [...rows.values()].map(toRow).filter((row) => row !== null)]),
      ),
  }
}
