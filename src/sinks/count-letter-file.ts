import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { type TableName, tableLabel } from '../change.ts'
import { parseJson } from '../parse-json.ts'
import type { SeenLetters } from '../state/seen.ts'

/** How many dead letters of each table and code lie in a JSON Lines file; none if there is no such file. A torn last line does not count. */
export async function countLetterFile(path: string): Promise<readonly SeenLetters[]> {
  const counts = new Map<string, { source: string | null; code: string; count: number }>()
  try {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
      const kind = kindOf(line)
      if (kind === null) continue
      const known = counts.get(JSON.stringify(kind))
      if (known === undefined) counts.set(JSON.stringify(kind), { ...kind, count: 1 })
      else known.count++
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return [...counts.values()]
}

function kindOf(line: string): Omit<SeenLetters, 'count'> | null {
  try {
    const { kind, code, change } = parseJson(line) as { kind: unknown; code: string; change?: { table: TableName } }
    return kind === 'dead-letter' ? { source: change === undefined ? null : tableLabel(change.table), code } : null
  } catch {
    return null
  }
}
