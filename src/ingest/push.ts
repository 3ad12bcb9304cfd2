import type { RawRecord } from '../change.ts'
import { SHARD_END } from '../position.ts'
import type { Page } from './source.ts'

/**
 * How a push ended. `committed`: all of its records are durable (dead letters are) or were left out for a named reason. Else
 * those in front of the record with the sequence number `from` are, and the engine must give that record and all that follow
 * it in the shard again, after a rest: a row waits for the key of its table.
 */
export type Pushed = 'committed' | { readonly from: string }

export interface PushOptions {
  /**
   * Ends the wait: the deadline of the call, or a lease that was lost. The push then fails with the signal's reason, even
   * if its records become durable all the same.
   */
  readonly signal?: AbortSignal
  /** How far behind the tip of its shard the engine says these records are, in milliseconds; 0 by default. */
  readonly behindMs?: number
  /** True with the last records of a closed shard, or with none after them. */
  readonly endsShard?: boolean
}

/** Records that an engine gave, as a page, and the answer that the engine waits for. */
export class Push {
  readonly shard: string
  readonly page: Page
  readonly outcome: Promise<Pushed>
  /** The first record that the engine must give again, once that is known. */
  deferredFrom: string | null = null
  readonly #answer = Promise.withResolvers<Pushed>()
  readonly #over = new AbortController()
  readonly #onStuck: (push: Push) => void

  /**
   * @param records one at least, unless the shard ends
   * @param onStuck called once it is known that not all of it will be committed: what follows it in the shard must wait
   */
  constructor(
    shard: string,
    records: readonly RawRecord[],
    { signal, behindMs = 0, endsShard = false }: PushOptions,
    onStuck: (push: Push) => void = () => {},
  ) {
    this.shard = shard
    this.outcome = this.#answer.promise
    this.#onStuck = onStuck
    const last = records.at(-1)
    const sequence = endsShard ? SHARD_END : last!.sequence
    this.page = {
      shard,
      records,
      end: { sequence, arrivedAt: last?.arrivedAt ?? null, caughtUpAt: null },
      behindMs,
      ack: () => this.#end(this.deferredFrom === null ? 'committed' : { from: this.deferredFrom }),
      defer: (fromIndex) => {
        const { sequence } = records[fromIndex]!
        if (fromIndex === 0) this.defer(sequence)
        else this.#stick(sequence)
      },
      failed: (error) => this.fail(error),
    }
    const onAbort = (): void => this.fail(signal?.reason)
    if (signal?.aborted === true) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true, signal: this.over })
  }

  /** Aborts when the push has ended, however. */
  get over(): AbortSignal {
    return this.#over.signal
  }

  /** Ends it with nothing done from the record with this sequence number on. */
  defer(from: string): void {
    this.#stick(from)
    this.#end({ from })
  }

  fail(reason: unknown): void {
    if (this.over.aborted) return
    this.#answer.reject(reason)
    this.#over.abort(reason)
    this.#onStuck(this)
  }

  #stick(from: string): void {
    if (this.over.aborted) return
    this.deferredFrom = from
    this.#onStuck(this)
  }

  /** The first ending counts. */
  #end(pushed: Pushed): void {
    this.#answer.resolve(pushed)
    this.#over.abort()
  }
}
