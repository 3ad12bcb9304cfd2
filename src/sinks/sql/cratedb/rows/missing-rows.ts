import { RelayError } from '../../../../errors.ts'
import { parseJson } from '../../../../parse-json.ts'
import type { Database } from '../../../tables/database.ts'
import { SilentRefusal } from '../failures.ts'
import { elementText } from './array-literal.ts'
import { JSON_TEXT } from './read-back.ts'
import type { Answer } from './statements.ts'
import { selectVersion } from './statements.ts'
import type { CrateRow, WrittenColumn, WrittenTable } from './written-table.ts'

/**
 * Which rows of a table without key the answer lacks, told apart by all their values. Of rows that are equal in all of them
 * any one will do.
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

/**
 * A row that was written alone is still missing in the answer, without an error. Before that counts as a refusal, the row is
 * read by its key: if a shard is away, reading fails, too, for a cluster outage must not produce dead letters. Returns if a
 * newer row is there: then the missing one does not matter.
 *
 * @throws SilentRefusal; RelayError SINK_UNCLEAR if the row is there after all; what CrateDB says when the row is read
 */
export async function requireSuperseded(to: Database, table: WrittenTable, row: CrateRow): Promise<void> {
  const { rows } = await selectVersion(table, row.key).execute(to)
  const held = table.keys.length === 0 ? null : (rows[0]?.v ?? null)
  if (held === null || BigInt(String(held)) < BigInt(row.version)) throw new SilentRefusal()
  if (String(held) !== row.version) return
  const detail = 'CrateDB left a row out of its answer that is there'
  throw new RelayError('SINK_UNCLEAR', detail, { table: table.target.source })
}
