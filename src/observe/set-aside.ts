import type { SetAsideColumn, SetAsideColumns } from '../batch.ts'
import type { Log } from './log.ts'

/** So many columns are named in one line. */
const MOST_NAMED = 20

/** Warns of columns whose values are kept in `cdc_extra`: one line for those of one table and one reason. */
export function warnOfSetAside(log: Log, tables: ReadonlyMap<string, SetAsideColumns>): void {
  for (const [table, columns] of tables) {
    for (const alike of byReason(columns)) {
      const [[column, { type, reason, fix }]] = alike as [readonly [string, SetAsideColumn]]
      const named = alike.slice(0, MOST_NAMED).map(([name]) => name)
      const which = alike.length === 1 ? { column } : { columns: alike.length, named }
      const message = `Values are kept in cdc_extra instead of in their column: ${reason}. ${fix}`
      log.warn({ code: 'VALUES_SET_ASIDE', table, ...which, ...(type === null ? {} : { type }) }, message)
    }
  }
}

function byReason(columns: SetAsideColumns): Iterable<readonly (readonly [string, SetAsideColumn])[]> {
  return Map.groupBy(columns, ([, { type, reason }]) => JSON.stringify([type, reason])).values()
}
