import type { Facts, SourceTable } from '../batch.ts'
import type { StreamChange, TableName } from '../change.ts'

/**
 * What is known of the tables of a stream beside their rows, and what that adds to their changes. It belongs to one relay, for
 * it remembers what the stream says.
 */
export interface TableFacts {
  /**
   * Learns from a schema change, and completes a change: its `key`, and `complete` of an update. `key` stays null where the
   * table has none, and where it is not known and nobody needs it.
   *
   * @throws KeyUnknownYet where the key is needed and not known: nothing was learned of the change, which is to come again
   * @throws RelayError DECODE_…, NO_KEY for a change that cannot be used: it becomes a dead letter
   */
  complete(item: StreamChange): StreamChange

  /** True if something changed since the last `take`. */
  readonly hasNews: boolean

  /** What is known now, and the facts recorded since the last call: those become durable with the batch that they are in. */
  take(): Known

  /** Knows what these facts say and nothing else: at the start, and when the target was rewound. @throws RelayError STATE_BROKEN */
  restore(facts: Facts): void

  /** Knows what other processes of the relay's name learned, too. @throws RelayError STATE_BROKEN */
  merge(facts: Facts): void
}

export interface Known {
  /** By label: each table that was seen. */
  readonly tables: ReadonlyMap<string, SourceTable>
  /** Those that are new. */
  readonly facts: Facts
}

/** Thrown for a row whose table's key is not known yet: its shard waits in front of it, and the record comes again. */
export class KeyUnknownYet extends Error {
  readonly table: TableName
  /** Asks the target; resolves when it has answered, whatever it said. @throws RelayError what asking met; KEY_UNKNOWN once the wait is over */
  readonly askTarget: () => Promise<void>

  constructor(table: TableName, askTarget: () => Promise<void>) {
    super('the key of the table is not known yet')
    this.table = table
    this.askTarget = askTarget
  }
}
