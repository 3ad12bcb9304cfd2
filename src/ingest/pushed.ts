import type { RawRecord } from '../change.ts'
import type { Positions, StreamIdentity } from '../position.ts'
import { Handover } from './handover.ts'
import { Push, type Pushed, type PushOptions } from './push.ts'
import type { Page, Source } from './source.ts'

/** A source whose records an engine (Lambda, KCL) pushes. */
export interface PushedSource extends Source {
  readonly positions: 'engine'

  /**
   * Gives records of one shard to the relay, in the shard's order, and waits until they are durable. Shards may be pushed at
   * the same time. Of one shard several pushes may wait, each behind the one before it; if that does not end as `committed`,
   * those behind it end as it does. Records may come again, and late. A push waits for a relay that has not begun to read.
   *
   * @throws the error that ended the relay before the records were durable; the signal's reason
   */
  push(shard: string, records: readonly RawRecord[], options?: PushOptions): Promise<Pushed>

  /** Nothing more will be pushed: the relay ends once every push has ended. Twice is fine. */
  end(): void
}

/** What a relay that is pushed to has to know of its stream. */
export interface PushedStream {
  /** The stream's ARN. */
  readonly id: string
  /** When the stream was created (ISO); empty if the engine does not say. */
  readonly created?: string
}

/**
 * A source that hands on what an engine pushes. The engine finds the shards, keeps their order and the positions, and gives
 * again what did not end as `committed`.
 */
export function pushedSource({ id, created = '' }: PushedStream): PushedSource {
  const identity: StreamIdentity = { id, created, retentionMs: null }
  let reading = new Reading()
  return {
    positions: 'engine',
    identify: async () => identity,
    push: async (shard, records, options = {}) => {
      options.signal?.throwIfAborted()
      if (records.length === 0 && options.endsShard !== true) return 'committed'
      return await reading.push(shard, records, options)
    },
    end: () => reading.end(),
    pages(_positions: Positions, signal: AbortSignal) {
      if (reading.hasEnded) reading = new Reading()
      return reading.pages(signal)
    },
    close: async () => reading.stop(new Error('The relay is closed')),
  }
}

/** One run of a relay over what is pushed. Pushes may come before it begins. */
class Reading {
  readonly #handover = new Handover<Push>()
  /** Pushes that have not ended, in the order in which they came. */
  readonly #open = new Set<Push>()
  /** Those of them that the relay has. */
  readonly #taken = new Set<Push>()
  #isLast = false
  /** Why nothing is read any more. */
  #stopped: { readonly reason: unknown } | null = null

  get hasEnded(): boolean {
    return this.#stopped !== null
  }

  push(shard: string, records: readonly RawRecord[], options: PushOptions): Promise<Pushed> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped.reason)
    const push = new Push(shard, records, options, (stuck) => this.#endBehind(stuck))
    const stuck = [...this.#open].find((other) => other.shard === shard && other.deferredFrom !== null)
    if (stuck !== undefined) endBehind(stuck, push)
    this.#open.add(push)
    void this.#handover.give(push, push.over)
    const ended = (): void => {
      this.#open.delete(push)
      this.#taken.delete(push)
      this.#endIfDone()
    }
    push.outcome.then(ended, ended)
    return push.outcome
  }

  async *pages(signal: AbortSignal): AsyncGenerator<Page> {
    const onAbort = (): void => this.stop(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      this.#endIfDone()
      for (let push = await this.#handover.take(); push !== null; push = await this.#handover.take()) {
        this.#taken.add(push)
        yield push.page
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.stop(new Error('The relay has stopped reading: these records were not taken'))
    }
  }

  end(): void {
    this.#isLast = true
    this.#endIfDone()
  }

  /** What the relay has is still worked on; all other pushes fail. */
  stop(reason: unknown): void {
    this.#stopped ??= { reason }
    this.#handover.end()
    for (const push of this.#open) if (!this.#taken.has(push)) push.fail(reason)
  }

  #endIfDone(): void {
    if (this.#isLast && this.#open.size === 0) this.#handover.end()
  }

  /** The order of a shard: nothing of it is worked on in front of what must come again. */
  #endBehind(stuck: Push): void {
    let isBehind = false
    for (const push of this.#open) {
      if (isBehind && push.shard === stuck.shard) endBehind(stuck, push)
      isBehind ||= push === stuck
    }
  }
}

function endBehind(stuck: Push, push: Push): void {
  if (stuck.deferredFrom === null) push.fail(stuck.over.reason)
  else push.defer(stuck.deferredFrom)
}
