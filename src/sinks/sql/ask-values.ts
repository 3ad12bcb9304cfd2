import type { Change } from '../../change.ts'
import { textOfToken } from '../tables/codecs/codec.ts'
import type { Database } from '../tables/database.ts'
import type { DoubtedColumns } from '../tables/doubted-columns.ts'
import type { TargetTable } from '../tables/layout.ts'
import { type Refuses, tokensOf, type UnsureColumn } from '../tables/refused-values.ts'
import type { Writing } from './dialect.ts'
import { type Blaming, suspicionOf } from './refused-rows.ts'

export interface AskOptions extends Blaming {
  readonly writing: Writing
  readonly doubted: DoubtedColumns
}

/** Beside the depths of halving. */
const DEPTH = 100

/**
 * Lets the server try the values that are to go into columns of which only it knows what they take. Null if it takes all, or
 * cannot be asked: then the rows are found by halving.
 */
export async function askForRefused(
  to: Database,
  options: AskOptions,
  table: TargetTable,
  columns: readonly UnsureColumn[],
  changes: readonly Change[],
): Promise<Refuses | null> {
  const { writing, doubted } = options
  const { refusedTexts } = writing
  if (refusedTexts === undefined) return null
  const refused = new Map<string, Set<string>>()
  for (const column of columns) {
    const tokens = tokensOf(column, changes)
    if (tokens.length === 0) continue
    let found: readonly number[]
    try {
      found = await writing.part(to, DEPTH, () => refusedTexts(to, column, tokens.map(textOfToken)))
    } catch (error) {
      if (suspicionOf(error, options) === null) throw error
      doubted.drop(table)
      return null
    }
    doubted.saw(table, column, found.length > 0)
    if (found.length > 0) refused.set(column.column, new Set(found.map((place) => tokens[place]!)))
  }
  return refused.size === 0 ? null : ({ column }, token) => refused.get(column)?.has(token) === true
}
