import type { Written } from '../batch.ts'
import type { DeadLetter, StreamChange } from '../change.ts'
import type { RelayError } from '../errors.ts'
import type { Position, Positions } from '../position.ts'
import type { RetryObserver } from '../retry.ts'

/**
 * Hears what happens to a relay: the log, the counts, the lag, metrics. Each member is called after the fact and in order,
 * must not throw, and must not keep the relay waiting. None is given a value of a row but in the changes of a batch, which
 * an observer must neither keep nor say.
 */
export interface Observer extends RetryObserver {
  /** The target is open; reading begins at these positions. Again each time the target stands at older ones. */
  begins(positions: Positions): void
  /** What was stored under this name was written with other settings, of those that may change. @param settings each in words */
  changed(settings: readonly string[]): void
  /** The target was restored or failed over: the relay reads again from these positions. */
  rewound(positions: Positions): void
  /** The source gave a page. */
  read(page: ReadPage): void
  /** U+0000 in the text of one change was replaced. */
  textReplaced(): void
  /** A record was decoded as objects that was to be read as bytes, for this reason (docs/architecture.md): it costs more, and says the same. */
  readAsObjects(reason: string): void
  /** Rows of a table wait until its primary key is known; the first of them stands there. */
  awaitsKey(table: string, first: { readonly shard: string; readonly sequence: string }): void
  /** The key for which rows of the table waited is known. */
  knowsKey(table: string, key: readonly string[]): void
  /**
   * A table cannot be written from now on: what comes for it is kept as dead letters.
   * @param trouble why; null for one that an earlier run parked @param count letters that are kept of it
   */
  parked(table: string, trouble: RelayError | null, count: number): void
  /** All letters of a parked table are gone: it goes on. */
  unparked(table: string): void
  /** A batch is durable, and not yet acknowledged to the source. */
  wrote(batch: ObservedBatch, written: Written, times: WriteTimes): void
  /** The relay ends. Twice is fine. */
  close(): void
}

/** A page of one shard, as far as an observer may look at it. */
export interface ReadPage {
  readonly shard: string
  readonly records: { readonly length: number }
  /** Where the page ends. */
  readonly end: Position
  /** How far behind the tip of the shard the service said that is, in milliseconds. */
  readonly behindMs: number
}

/** A batch and what was counted while it was cut. */
export interface ObservedBatch {
  /** Changes, schema changes, skips and dead letters that its records said. */
  readonly read: number
  /** Size of those records. */
  readonly bytes: number
  readonly changes: readonly StreamChange[]
  readonly deadLetters: readonly DeadLetter[]
  /** Reason → how many. */
  readonly skips: ReadonlyMap<string, number>
  /** The position that each shard reaches. */
  readonly positions: Positions
}

export interface WriteTimes {
  /** From its first record until its write began, preparing aside: it gathered, and another batch was being written. */
  readonly waitMs: number
  /** Until it was folded and encoded, as far as that is done ahead of the write. */
  readonly prepareMs: number
  /** From the first attempt until the batch was durable, the waits between attempts included. */
  readonly writeMs: number
}

/** Each of these hears all of it, in this order; what one of them leaves out it does not hear. */
export function observers(...hearing: readonly Partial<Observer>[]): Observer {
  return {
    failed: (work, error) => hearing.forEach((observer) => void observer.failed?.(work, error)),
    ended: (work, hasSucceeded) => hearing.forEach((observer) => void observer.ended?.(work, hasSucceeded)),
    begins: (positions) => hearing.forEach((observer) => void observer.begins?.(positions)),
    changed: (settings) => hearing.forEach((observer) => void observer.changed?.(settings)),
    rewound: (positions) => hearing.forEach((observer) => void observer.rewound?.(positions)),
    read: (page) => hearing.forEach((observer) => void observer.read?.(page)),
    readAsObjects: (reason) => hearing.forEach((observer) => void observer.readAsObjects?.(reason)),
    textReplaced: () => hearing.forEach((observer) => void observer.textReplaced?.()),
    awaitsKey: (table, first) => hearing.forEach((observer) => void observer.awaitsKey?.(table, first)),
    knowsKey: (table, key) => hearing.forEach((observer) => void observer.knowsKey?.(table, key)),
    parked: (table, trouble, count) => hearing.forEach((observer) => void observer.parked?.(table, trouble, count)),
    unparked: (table) => hearing.forEach((observer) => void observer.unparked?.(table)),
    wrote: (batch, written, times) => hearing.forEach((observer) => void observer.wrote?.(batch, written, times)),
    close: () => hearing.forEach((observer) => void observer.close?.()),
  }
}
