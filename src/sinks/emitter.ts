import type { Batch, BatchLimits, Written } from '../batch.ts'
import type { Format, TableName } from '../change.ts'
import type { SeenLetters } from '../state/seen.ts'

/**
 * A target that keeps no state: what is left of a `Sink` without names, claims and positions. `withState` makes a sink of it.
 *
 * What it wrote can come again: after a crash, the last batch; under an engine, anything.
 */
export interface Emitter {
  /** What it needs of the relay; absent: nothing. */
  readonly needs?: Needs

  /** Makes ready for writing. Called before the first `prepare`, and again after it threw. @throws RelayError SINK_… */
  open?(signal: AbortSignal): Promise<void>

  /**
   * Encodes the batch while the one before is still being written, and never waits. The function that it returns writes it,
   * and resolves when it is durable: `applied` and `superseded` by source table (as `tableLabel` prints it), `skips` and
   * `deadLettered` together are the changes of the batch. After it threw it can be called again and then leaves each change once.
   * Writes are called one at a time, in the order in which they were prepared. Its signal, which may have aborted already, ends
   * waits; a batch in hand is written all the same.
   *
   * It also keeps the batch's dead letters, which nobody else does.
   *
   * @throws RelayError SINK_… from the write: its code says whether it is tried again
   */
  prepare(batch: Batch): (signal: AbortSignal) => Promise<Written>

  /** As `Sink.countLetters`. */
  countLetters?(): Promise<readonly SeenLetters[]>

  /** Lets go of connections and files, when no write goes on. Twice is fine. */
  close(): Promise<void>
}

export interface Needs {
  /**
   * Present: each row must have its key. It is asked for the key columns of a source table that neither the stream nor the
   * operator names, in key order; null if it cannot tell: then the rows wait for a while.
   */
  readonly keys?: (table: TableName) => Promise<readonly string[] | null>
  /** As `Sink.takesJson`; absent: the values of rows are needed. */
  readonly json?: (format: Format) => boolean
  /** True if `prepare` reads `Change.before`. */
  readonly before?: boolean
  /** True if text with U+0000 or half a surrogate pair is refused: the relay then replaces it, or makes a dead letter. */
  readonly cleanText?: boolean
  /** When a batch is full or due, where that is not as usual: an object store wants large ones. */
  readonly batch?: Partial<BatchLimits>
}
