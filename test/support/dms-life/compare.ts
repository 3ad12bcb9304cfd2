import type { Column, Row } from './columns.ts'
import { keyText } from './source.ts'
import { hasKey, type SourceTable } from './tables.ts'
import type { ExpectedRow } from './truth.ts'

/**
 * The SELECT that reads a mirrored table in the form in which the truth is kept: every value as text or null.
 * For PostgreSQL from 13 on, with the session's time zone UTC.
 * @param target the table's name, quoted
 */
export function rowsQuery(target: string, columns: readonly Column[]): string {
  return `SELECT ${columns.map((column) => `${asText(column)} AS ${quoted(column.name)}`).join(', ')} FROM ${target}`
}

function asText({ name, type }: Column): string {
  const column = quoted(name)
  if (type === 'numeric') return `trim_scale(${column}::numeric)::text`
  if (type !== 'timestamp') return `${column}::text`
  return `to_char(${column}::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * Where a mirrored table is not what it must be, in words; empty if it is.
 * @param leftovers keys that may be there or not, with any values
 */
export function tableDifferences(
  table: SourceTable,
  expected: readonly ExpectedRow[],
  found: readonly Row[],
  leftovers: ReadonlySet<string>,
): string[] {
  return hasKey(table) ? byKey(table, expected, found, leftovers) : asBag(expected, found)
}

function byKey(
  table: SourceTable,
  expected: readonly ExpectedRow[],
  found: readonly Row[],
  leftovers: ReadonlySet<string>,
): string[] {
  const differences: string[] = []
  const missing = new Map(expected.map((row) => [keyText(table, row as Row), row]))
  for (const row of found) {
    const key = keyText(table, row)
    const must = missing.get(key)
    missing.delete(key)
    if (must !== undefined) differences.push(...cellDifferences(`${table.name} ${key}`, must, row))
    else if (!leftovers.has(key)) differences.push(`${table.name} ${key} should not be there: ${shown(row)}`)
  }
  for (const [key, row] of missing) differences.push(`${table.name} ${key} is missing: ${shown(row)}`)
  return differences
}

/** A column that is not there at all counts as null: perhaps nothing was ever said of it. */
function cellDifferences(place: string, must: ExpectedRow, row: Row): string[] {
  return [...must]
    .filter(([name, cell]) => cell !== undefined && cell !== (row.get(name) ?? null))
    .map(([name, cell]) => `${place}: ${name} is ${quotedCell(row.get(name))} and should be ${quotedCell(cell)}`)
}

function asBag(expected: readonly ExpectedRow[], found: readonly Row[]): string[] {
  const counts = new Map<string, number>()
  for (const row of expected) count(counts, shown(row), 1)
  for (const row of found) count(counts, shown(row), -1)
  return [...counts]
    .filter(([, left]) => left !== 0)
    .map(([row, left]) => (left > 0 ? `${left} times missing: ${row}` : `${-left} times too often: ${row}`))
}

const count = (counts: Map<string, number>, row: string, by: number): void => {
  counts.set(row, (counts.get(row) ?? 0) + by)
}

const quotedCell = (cell: string | null | undefined): string => JSON.stringify(cell ?? null)

/** By column name, without what is null. */
const shown = (row: ExpectedRow): string => JSON.stringify([...row].filter(([, cell]) => cell != null).sort())
