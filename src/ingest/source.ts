import type { RawRecord } from '../change.ts'
import type { Position, Positions, StreamIdentity } from '../position.ts'

/** A run of records of one shard, in the order of the shard. */
export interface Page {
  readonly shard: string
  /** May be empty. The records of one aggregated record share a sequence number and are never torn apart by a page. */
  readonly records: readonly RawRecord[]
  /** Where the shard stands once all records of this page are durable. */
  readonly end: Position
  /** How far behind the tip the service says this page is, milliseconds. */
  readonly behindMs: number
  /**
   * The reader of the page calls this once, when `end` is durable.
   * Only then may children of a finished shard begin, and the page's memory counts as free.
   */
  ack(): void
  /**
   * Called instead, once and before the next page is asked for, by a reader that cannot use the page yet (a key that
   * another shard must tell): the page's memory is free at once, pages of this shard that follow are not given, and
   * after READ_AGAIN_MS the shard is read again from the record at `fromIndex` on. The reader keeps the records before
   * it (whole outer ones).
   */
  defer(fromIndex: number): void
}

/** How long a shard rests whose page was deferred. */
export const READ_AGAIN_MS = 1000

/** Where reading begins for a relay that has no positions yet. */
export type Start =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'time'; readonly ms: number }

/** Where records come from. */
export interface Source {
  /** Who the stream is. @throws RelayError SOURCE_NOT_FOUND, SOURCE_DENIED */
  identify(signal: AbortSignal): Promise<StreamIdentity>

  /**
   * The positions to store when a relay runs for the first time. Empty for `earliest`; for an instant, one
   * `AT_TIMESTAMP` position for each shard that was open then. All other shards begin at their oldest record.
   */
  firstPositions(start: Start, signal: AbortSignal): Promise<Positions>

  /**
   * The pages of all shards from after `positions` on, each shard's in order, at most one page of a shard ahead of
   * the reader. Ends when everything asked for was read and committed, or `signal` aborts (no page is torn then).
   * Being called again with other positions, after the earlier iteration ended, reads again from there.
   *
   * @throws RelayError SOURCE_GAP, SOURCE_CHANGED, SOURCE_DENIED; what can be retried is retried inside
   */
  pages(positions: Positions, signal: AbortSignal): AsyncIterable<Page>

  /** Lets go of connections and files. Twice is fine. */
  close(): Promise<void>
}
