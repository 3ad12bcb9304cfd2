import type { RawRecord } from '../../change.ts'
import type { ReadFrom } from '../../position.ts'
import type { Shard } from './lineage.ts'

/** What a service says of a stream. */
export interface Summary {
  readonly arn: string
  /** ISO. */
  readonly created: string
  readonly retentionMs: number
  /** True if the service spreads records over shards without regard to their partition key: then no key has an order. */
  readonly isShuffled: boolean
}

export interface Records {
  /** As the stream holds them; what a producer aggregated is not opened yet. */
  readonly records: readonly RawRecord[]
  /** Null at the end of a closed shard. */
  readonly next: string | null
  /** True if the answer names the shards that come after this one; an emulator may end a shard without. */
  readonly namesChildren: boolean
  readonly behindMs: number
  /** When it was asked for, a reading of the clock: what was there then is in the answer or behind it. */
  readonly sent: number
  /** Called, if at all, once nobody uses the records any more, or what was made of them: their memory may be used again. Absent: it is not. */
  release?(): void
}

/**
 * Why a service refused to position a reader, or to read on.
 * - `iterator-expired`: the position is good, ask for an iterator again
 * - `not-found`: there is no such shard, or no such stream
 * - `another-stream`: the position is none of this shard
 * - `shard-end`: the position is the last one of a closed shard
 * - `expired`: what follows the position is not held any more
 * - `unknown`: anything else
 */
export type Refusal = 'iterator-expired' | 'not-found' | 'another-stream' | 'shard-end' | 'expired' | 'unknown'

/** An SDK error that the caller handles as a normal outcome. */
export class Refused {
  readonly reason: Refusal
  readonly cause: Error

  constructor(reason: Refusal, cause: Error) {
    this.reason = reason
    this.cause = cause
  }
}

/**
 * What a stream of shards must be able to do to be read by `readStream`: one object for each service. Each request is repeated
 * until it is answered; only what repeating does not fix is thrown, and what a reader can answer for comes back as `Refused`.
 */
export interface Stream {
  readonly name: string
  /** The most that one read may be asked for, and the most that it gives. */
  readonly mostRecords: number
  readonly mostBytes: number
  /** @throws RelayError SOURCE_NOT_FOUND, SOURCE_DENIED */
  describe(signal: AbortSignal): Promise<Summary>
  /** All pages of the listing; with `at`, of the shards that were open at that time (emulators may list more). */
  shards(signal: AbortSignal, at?: number): Promise<Shard[]>
  /** Where reading goes on from `place`. */
  iterator(shard: string, place: Exclude<ReadFrom, { kind: 'end' }>, signal: AbortSignal): Promise<string | Refused>
  /** At most `limit` of them. */
  records(shard: string, iterator: string, limit: number, signal: AbortSignal): Promise<Records | Refused>
  /** The records that a producer put into this one, with its sequence number; null if it is a plain one. */
  open(record: RawRecord): readonly RawRecord[] | null
}
