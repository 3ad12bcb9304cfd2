import type { Change, DeadLetter } from '../change.ts'
import type { Position, Positions } from '../position.ts'
import type { Claim, RelayIdentity } from '../state/store.ts'

/** What is written together. Skips are counted before and are not here. */
export interface Batch {
  /** In order of arrival within each shard. */
  readonly changes: readonly Change[]
  readonly deadLetters: readonly DeadLetter[]
  /** The position that each shard of the batch reaches. */
  readonly moves: Positions
}

/** How the changes of a batch ended. Both numbers together are `changes.length`. */
export interface Written {
  readonly kind: 'written'
  /** By source table as `tableLabel` prints it. */
  readonly tables: ReadonlyMap<string, { readonly applied: number; readonly superseded: number }>
}

/** The target held older positions than those last written (restored, failed over): nothing was written, read again from here. */
export interface Rewound {
  readonly kind: 'rewound'
  readonly positions: Positions
}

/**
 * Writes the prepared batch and moves the positions so that both are durable when it resolves, the positions never
 * before the changes. May be called again after it threw: it then does everything anew, once. The signal, which may
 * have aborted already, ends waits for others; a batch in hand is written all the same.
 *
 * @throws RelayError SINK_…, STATE_HELD when another process has claimed the relay's name
 */
export type Write = (signal: AbortSignal) => Promise<Written | Rewound>

/** Where changes go. */
export interface Sink {
  /** True if text with U+0000 or half a surrogate pair is refused. */
  readonly refusesNul: boolean
  /** True if `prepare` looks at `before`, whose decoding may fail: it is then decoded where such a failure becomes a dead letter. */
  readonly readsBefore: boolean

  /**
   * Connects, checks what can be checked, claims the relay's name and tells where its shards stand.
   * @throws RelayError STATE_DIFFERS, STATE_HELD, SINK_LOGIN, SINK_UNREACHABLE …
   */
  open(claim: Claim, signal: AbortSignal): Promise<Positions>

  /**
   * Thinks ahead while the batch before is still being written: folds and encodes, and never waits.
   * Writes are called one at a time, in the order in which they were prepared.
   */
  prepare(batch: Batch): Write

  /** Waits for a write in progress, then lets go of connections and of the claim. Twice is fine. */
  close(): Promise<void>
}

export type { Claim, Position, RelayIdentity }
