import { compareDecimal } from '../../../../change.ts'
import type { Database } from '../../../tables/database.ts'
import type { Key, RowWrite } from '../../../tables/mirror.ts'
import { mergeDocuments } from '../documents/merge-documents.ts'
import { elementText, quotedElement } from './array-literal.ts'
import { readRows, type StoredRow } from './read-rows.ts'
import { writeRows } from './write-rows.ts'
import type { CrateRow, Patch, WrittenColumn, WrittenTable } from './written-table.ts'

/**
 * Partial images that need the rows they are laid over: these are read by their keys, and written whole, guarded by their
 * version. Done again after a crash it gives the same: what was written is what is then read.
 */

/** Reads as many rows at a time. */
const SLICE = 1_000

/** Lays images over the rows at their keys. */
export const layOverRows =
  (table: WrittenTable, rows: readonly CrateRow[]): RowWrite<Database> =>
  (to) =>
    inParts(to, table, rows, (row, stored) => stored.get(row.key.text))

/**
 * Lays images over the rows at their old keys, and writes them at the new ones. What to build on is the row at the old key,
 * if that is not newer than the move; else what stands at the new key.
 */
export const layOverMoved =
  (table: WrittenTable, rows: readonly CrateRow[]): RowWrite<Database> =>
  (to) =>
    inParts(to, table, rows, (row, stored) => {
      const old = row.patch?.from == null ? undefined : stored.get(row.patch.from.text)
      return old === undefined || old.isDeleted || isNewer(old, row) ? stored.get(row.key.text) : old
    })

type BaseOf = (row: CrateRow, stored: ReadonlyMap<string, StoredRow>) => StoredRow | undefined

async function inParts(to: Database, table: WrittenTable, rows: readonly CrateRow[], baseOf: BaseOf): Promise<number> {
  let applied = 0
  for (let i = 0; i < rows.length; i += SLICE) {
    const part = rows.slice(i, i + SLICE)
    const stored = await readRows(to, table, part.flatMap(keysOf))
    const merged = part
      .filter((row) => !isNewer(stored.get(row.key.text), row))
      .map((row) => mergedRow(table, baseOf(row, stored), row))
    const columns = table.columns.map((_, index) => index)
    applied += await writeRows(to, { table, columns, rows: merged })
  }
  return applied
}

const keysOf = ({ key, patch }: CrateRow): readonly Key[] => (patch?.from == null ? [key] : [key, patch.from])

const isNewer = (stored: StoredRow | undefined, { version }: CrateRow): boolean =>
  stored?.version != null && compareDecimal(stored.version, version) > 0

function mergedRow({ columns }: WrittenTable, base: StoredRow | undefined, row: CrateRow): CrateRow {
  const elements = columns.map((column, i) => {
    const before = base?.elements[i] ?? null
    const image = row.elements[i]
    if (column.merged !== null) return mergedElement(column, before, row.patch!, image ?? null)
    return image === undefined ? before : image
  })
  return { key: row.key, version: row.version, isDeleted: row.isDeleted, elements, patch: null }
}

/** A column of members after the image. */
export function mergedElement(
  { merged }: WrittenColumn,
  before: string | null,
  { sets }: Patch,
  image: string | null,
): string | null {
  const textOf = (element: string | null): string | null => (element === null ? null : elementText(element))
  const text = mergeDocuments(textOf(before), sets, textOf(image))
  return text === '{}' && merged === 'null' ? null : quotedElement(text)
}
