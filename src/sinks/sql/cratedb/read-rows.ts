import type { Database } from '../connection.ts'
import type { Key } from '../mirror.ts'
import { type Answer, keyTextOf, selectRows } from './statements.ts'
import type { WrittenTable } from './written-table.ts'

/** More comparisons with keys than this, and CrateDB searches instead of looking them up: it would miss what was just written. */
const MOST_COMBINATIONS = 10_000
/** So that the text of the statement stays far below CrateDB's limit of 262,144 characters. */
const MOST_KEYS = 200

/** A row as it is stored. */
export interface StoredRow {
  /** Null: it was there before the relay. */
  readonly version: string | null
  readonly isDeleted: boolean
  readonly elements: readonly (string | null)[]
}

/** The rows that are there, by `Key.text`, as they are at this moment. */
export async function readRows(
  to: Database,
  table: WrittenTable,
  keys: readonly Key[],
): Promise<ReadonlyMap<string, StoredRow>> {
  const found = new Map<string, StoredRow>()
  const most = keysPerQuery(table.keys.length)
  for (let i = 0; i < keys.length; i += most) {
    const { rows } = await selectRows(table, keys.slice(i, i + most)).execute(to)
    for (const answer of rows as readonly Answer[]) found.set(keyTextOf(table, answer), storedRow(table, answer))
  }
  return found
}

/** With c key columns and n keys it counts (n + 1)^c combinations. */
export const keysPerQuery = (keyColumns: number): number =>
  Math.max(1, Math.min(MOST_KEYS, Math.floor(MOST_COMBINATIONS ** (1 / keyColumns)) - 2))

function storedRow({ columns }: WrittenTable, answer: Answer): StoredRow {
  return {
    version: answer.v === null ? null : String(answer.v),
    isDeleted: answer.x === true,
    elements: columns.map(({ read }, i) => {
      const value = answer[`c${i}`]
      return value === null ? null : read.element(value)
    }),
  }
}
