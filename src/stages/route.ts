import { type Skip, type StreamChange, type TableName, tableLabel } from '../change.ts'
import { type TableFilter, tableFilter } from '../table-pattern.ts'
import type { Stage } from './stage.ts'

/** What the operator wants to have in the target at all. */
export interface RouteOptions extends TableFilter {
  /** True to skip all deletes. */
  readonly ignoreDeletes: boolean
  /** What becomes of a delete made by DynamoDB TTL. */
  readonly expired: 'delete' | 'keep'
}

/** The first stage. It decides by the name of the table and the kind of the change alone, before anything is learned. */
export interface Route extends Stage {
  admit(item: StreamChange): Skip | null
}

export function route({ ignoreDeletes, expired, ...filter }: RouteOptions): Route {
  const isInFilter = tableFilter(filter)
  // A stream holds few tables and many records: each table is matched once.
  const wanted = new Map<string, boolean>()

  let last: TableName | undefined
  let isLastWanted = false
  const isWanted = (table: TableName): boolean => {
    // Neighbours are mostly of one table, and have the same object for its name.
    if (table !== last) {
      isLastWanted = lookUp(table)
      last = table
    }
    return isLastWanted
  }

  const lookUp = (table: TableName): boolean => {
    const label = tableLabel(table)
    let answer = wanted.get(label)
    if (answer === undefined) {
      answer = isInFilter(table)
      wanted.set(label, answer)
    }
    return answer
  }

  const reasonToSkip = (item: StreamChange): string | null => {
    if (!isWanted(item.table)) return 'table-not-wanted'
    if (item.kind !== 'change' || item.op !== 'delete') return null
    if (item.expired === true && expired === 'keep') return 'expired-kept'
    return ignoreDeletes ? 'delete-ignored' : null
  }

  return {
    admit(item) {
      const reason = reasonToSkip(item)
      return reason === null ? null : { kind: 'skip', reason, source: item.source }
    },
  }
}
