import type { JsonObject } from './json.ts'

/**
 * Why a record holds no data, whatever else it says; null if it may hold some.
 *
 * DMS's own tables come through the stream like any other. Rows in three of them tell that something does not arrive:
 * `dms-apply-exception` a change, `dms-load-exception` a row of a load, `dms-suspended-table` a whole table. (Deletes there are the cleaning at the start of
 * a task.) A control record without a table is a mark of the task, such as a restart.
 *
 * @see AWS DMS User Guide, "Control table task settings"
 */
export function reasonToSkip(metadata: JsonObject): string | null {
  const name = metadata['table-name']
  if (typeof name === 'string' && /^awsdms_/i.test(name)) return bookkeepingReason(name.toLowerCase(), metadata)
  const isOfTask = isEmpty(name) && isEmpty(metadata['schema-name']) && metadata['record-type'] === 'control'
  return isOfTask ? 'dms-task-event' : null
}

function bookkeepingReason(name: string, { operation }: JsonObject): string {
  const isRow = operation === 'insert' || operation === 'update' || operation === 'load'
  if (isRow && name === 'awsdms_apply_exceptions') return 'dms-apply-exception'
  if (isRow && name === 'awsdms_full_load_exceptions') return 'dms-load-exception'
  if (isRow && name === 'awsdms_suspended_tables') return 'dms-suspended-table'
  return 'dms-bookkeeping'
}

const isEmpty = (name: unknown): boolean => name === undefined || name === null || name === ''
