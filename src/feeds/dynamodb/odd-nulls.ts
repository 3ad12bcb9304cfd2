import { type Change, tableLabel } from '../../change.ts'
import type { Log } from '../../observe/log.ts'

/** Says, once for each table, that a record describes null as DynamoDB never does: whatever wrote it may have lost a value. */
export class OddNulls {
  readonly #log: Log
  readonly #warned = new Set<string>()

  constructor(log: Log) {
    this.#log = log
  }

  look({ oddNull, table: name }: Change): void {
    if (oddNull === undefined) return
    const table = tableLabel(name)
    if (this.#warned.has(table)) return
    this.#warned.add(table)
    this.#log.warn(
      { code: 'ODD_NULL', table, attribute: oddNull },
      'A value is null under a descriptor of something else: read as null',
    )
  }
}
