import type { RawRecord } from '../change.ts'
import type { Position, Positions, StreamIdentity } from '../position.ts'

/** A run of records of one shard, in the order of the shard. */
export interface Page {
  readonly shard: string
  /** May be empty. The records of one aggregated record share a sequence number and are never torn apart by a page. */
  readonly records: readonly RawRecord[]
  /** Where the shard stands once all records of this page are durable. */
  readonly end: Position
  /**
   * Shards whose positions are not needed any more once this page is durable (`Progress.forgotten` says when that is so);
   * absent: none. They are forgotten with the batch that the page is in; if the page is deferred, the source says so again.
   */
  readonly forgotten?: readonly string[]
  /** How far behind the tip the service says this page is, milliseconds. */
  readonly behindMs: number
  /**
   * Whether more was waiting behind this page when it was read; absent: if `behindMs` is above 0. What a shard gave that has no
   * more is written at once when nothing is in flight; else its batch waits for more (`BatchLimits`).
   */
  readonly hasMore?: boolean
  /**
   * Called once, when `end` is durable. Only then may children of a finished shard begin, and the page's memory counts as
   * free: the bytes of its records may be overwritten (`RawRecord.data`).
   */
  ack(): void
  /**
   * Called instead, once and before the next page is asked for, by a reader that cannot use the page yet (a key that
   * another shard must tell): the page's memory is free at once, pages of this shard that follow are not given, and
   * after READ_AGAIN_MS the shard is read again from the record at `fromIndex` on. The reader keeps the records before
   * it (whole outer ones), if there are any, and calls `ack` once those are durable.
   */
  defer(fromIndex: number): void
  /**
   * Called instead of `ack`, when the relay ends with this error, or reads again from an older position, and the records that it kept of the page may not be durable.
   * A source whose positions are the relay's own has nothing to do: its next reader begins at what is durable. One that an
   * engine pushes to fails the call, so that the engine gives the records again.
   */
  failed(error: unknown): void
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
  /**
   * Who keeps the positions: `ours` are stored by the relay, together with what was written. An `engine` (Lambda, KCL) keeps
   * its own, which are those of the pages that were acknowledged: the relay then neither reads nor stores any.
   */
  readonly positions: 'ours' | 'engine'

  /** Who the stream is. @throws RelayError SOURCE_NOT_FOUND, SOURCE_DENIED */
  identify(signal: AbortSignal): Promise<StreamIdentity>

  /**
   * The positions to store when a relay runs for the first time. Empty for `earliest`; for an instant, one
   * `AT_TIMESTAMP` position for each shard that was open then. All other shards begin at their oldest record.
   * Absent where the source can only begin at the oldest record, and where an engine keeps the positions.
   */
  firstPositions?(start: Start, signal: AbortSignal): Promise<Positions>

  /**
   * The shards that the source lists now, and those that each came from. For whoever moves positions by hand: a shard counts as
   * finished as long as one that came from it has a position. Absent where there is one shard, whatever happens, and
   * where an engine keeps the positions.
   */
  shards?(signal: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>>

  /**
   * The pages of all shards from after `positions` on, each shard's in order, at most one page of a shard ahead of
   * the reader. Ends when everything asked for was read and acknowledged, or `signal` aborts (no page is torn then).
   * Being called again with other positions, after the earlier iteration ended, reads again from there. Under an engine
   * `positions` is empty.
   *
   * @throws RelayError SOURCE_GAP, SOURCE_CHANGED, SOURCE_DENIED; what can be retried is retried inside
   */
  pages(positions: Positions, signal: AbortSignal): AsyncIterable<Page>

  /** Lets go of connections and files. Twice is fine. */
  close(): Promise<void>
}
