import type { Database } from '../../../tables/database.ts'
import type { Key } from '../../../tables/mirror.ts'
import { type Answer, keyTextOf, selectRows } from './statements.ts'
import type { WrittenTable } from './written-table.ts'

/**
 * With n keys of c columns CrateDB tries (n + 1)^c combinations before it begins, and from 10,000 on it searches instead of
 * looking the keys up: it would miss what was just written. By number of columns, how many keys at once cost least for each:
 * measured with 6.4.3, 0.3 to 2 ms. (`= ANY($1)` and `IN ($1, …)` with parameters are searches, however few.)
 */
const KEYS_AT_ONCE: readonly number[] = [100, 40, 5, 4, 3, 2]

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

const keysPerQuery = (keyColumns: number): number => KEYS_AT_ONCE[keyColumns - 1] ?? 1

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
