import type { Decoded } from '../change.ts'
import type { Log } from '../observe/log.ts'
import { TaskTrouble } from './dms/task-trouble.ts'
import { OddNulls } from './dynamodb/odd-nulls.ts'

/** Warns of what a source tells between the lines: rows that a DMS task could not send, nulls that DynamoDB never writes. */
export function feedWarnings(log: Log): (item: Decoded) => void {
  const trouble = new TaskTrouble(log)
  const oddNulls = new OddNulls(log)
  return (item) => {
    if (item.kind === 'skip') trouble.look(item)
    if (item.kind === 'change') oddNulls.look(item)
  }
}
