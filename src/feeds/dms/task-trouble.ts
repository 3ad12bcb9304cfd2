import type { Skip } from '../../change.ts'
import type { Log } from '../../observe/log.ts'

/** What a row in one of DMS's own tables tells the operator, by the reason it is skipped for. */
const TROUBLES: ReadonlyMap<string, string> = new Map([
  ['dms-apply-exception', 'The DMS task could not send a change and wrote it down in awsdms_apply_exceptions'],
  ['dms-load-exception', 'The DMS task could not load a row and wrote it down in awsdms_full_load_exceptions'],
  ['dms-suspended-table', 'The DMS task has suspended a table: its changes do not come until it is reloaded'],
])

/**
 * Tells the operator of skipped records that say that something does not arrive: of the 1st, the 10th, the 100th …
 * The rows of these records hold values, so they are not shown: shard and sequence number find them.
 */
export class TaskTrouble {
  readonly #log: Log
  readonly #counts = new Map<string, number>()

  constructor(log: Log) {
    this.#log = log
  }

  look({ reason, source }: Skip): void {
    const trouble = TROUBLES.get(reason)
    if (trouble === undefined) return
    const count = (this.#counts.get(reason) ?? 0) + 1
    this.#counts.set(reason, count)
    if (!isPowerOfTen(count)) return
    this.#log.warn({ code: 'TASK_TROUBLE', reason, count, shard: source.shard, sequence: source.sequence }, trouble)
  }
}

const isPowerOfTen = (count: number): boolean => Number.isInteger(Math.log10(count))
