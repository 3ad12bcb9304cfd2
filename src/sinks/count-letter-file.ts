import { type TableName, tableLabel } from '../change.ts'
import { parseJson } from '../parse-json.ts'
import type { SeenLetters } from '../state/seen.ts'
import { isOpenLetter, linesIn } from './letter-lines.ts'

/** How many dead letters of each table and code lie in a JSON Lines file; none if there is no such file. @throws RelayError CONFIGURATION */
export async function countLetterFile(path: string): Promise<readonly SeenLetters[]> {
  const counts = new Map<string, { source: string | null; code: string; count: number }>()
  for await (const { text } of linesIn(path)) {
    if (!isOpenLetter(text)) continue
    const { code, change } = parseJson(text) as { code: string; change?: { table: TableName } }
    const kind = { source: change === undefined ? null : tableLabel(change.table), code }
    const known = counts.get(JSON.stringify(kind))
    if (known === undefined) counts.set(JSON.stringify(kind), { ...kind, count: 1 })
    else known.count++
  }
  return [...counts.values()]
}
