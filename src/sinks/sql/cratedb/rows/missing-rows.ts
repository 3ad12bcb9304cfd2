import { parseJson } from '../../../../parse-json.ts'
import { elementText } from './array-literal.ts'
import { SilentRefusal } from '../failures.ts'
import { JSON_TEXT } from './read-back.ts'
import type { Answer } from './statements.ts'
import type { CrateRow, WrittenColumn, WrittenTable } from './written-table.ts'

/**
 * Which rows of a table without key the answer lacks, told by all that is in them. Rows that are equal in all of it are one
 * as good as another.
 *
 * @param columns what was written, and comes back as c0, c1, …
 * @throws SilentRefusal if rows are missing and what came back reads otherwise than what was written
 */
export function missingRows(
  { columns: all, own }: WrittenTable,
  columns: readonly number[],
  rows: readonly CrateRow[],
  answers: readonly Answer[],
): readonly CrateRow[] {
  if (answers.length === rows.length) return []
  if (answers.length === 0) return rows
  const imprint = (version: string, elementAt: (index: number) => string | null | undefined): string =>
    JSON.stringify([
      own.version === null ? null : version,
      ...columns.map((i) => sameText(all[i]!, elementAt(i) ?? null)),
    ])

  const missing = new Map<string, CrateRow[]>()
  for (const row of rows) {
    const text = imprint(row.version, (i) => row.elements[i])
    const equal = missing.get(text)
    if (equal === undefined) missing.set(text, [row])
    else equal.push(row)
  }
  for (const answer of answers) {
    const held = (i: number): string | null => {
      const value = answer[`c${i}`]
      return value === null ? null : all[i]!.read.element(value)
    }
    if (missing.get(imprint(String(answer.v), held))?.pop() === undefined) throw new SilentRefusal()
  }
  return [...missing.values()].flat()
}

/** Of an object the same text, in whatever order its members come back and however its numbers are spelled. */
function sameText({ read }: WrittenColumn, element: string | null): string | null {
  if (element === null || read !== JSON_TEXT) return element
  return JSON.stringify(parseJson(elementText(element)), (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value).sort(byName) : value,
  )
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1)
