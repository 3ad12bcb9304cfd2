import type { BatchLimits } from '../batch.ts'
import { BatchBuilder, type ReadyBatch } from './batch-builder.ts'
import { DueTimer } from './due-timer.ts'
import type { Chunk } from './examined.ts'

/** How long a shard that is caught up waits to have just that remembered. */
const REMEMBER_WAIT_MS = 60_000

/**
 * Cuts what was read into batches, only between whole (outer) records: as soon as one is full; or, once it is due, as soon as nothing
 * is in flight. It is due when its first record has waited long enough, and sooner, as a rule at once, when it holds all that a shard
 * had. So batches grow under load and stay small when idle, and the next one is gathered and prepared while one is being written.
 *
 * An error of `changes` is thrown after everything in front of it was yielded.
 *
 * @param changes its `return` must not wait for a `next` that waits
 * @param inFlight the write that is going on. When it fails, its error ends the iteration at once.
 */
export async function* batched(
  changes: AsyncIterable<Chunk>,
  limits: BatchLimits,
  inFlight: () => Promise<unknown>,
): AsyncGenerator<ReadyBatch, void, void> {
  const chunks = changes[Symbol.asyncIterator]()
  const due = new DueTimer()
  const cutter = new BatchCutter(limits, due)
  try {
    let next = nextOf(chunks)
    for (;;) {
      cutter.startTimer(inFlight)
      const event = await Promise.race([next, failureOf(inFlight()), ...due.reached])
      if (event === 'due') yield cutter.cut()
      else if (event.kind === 'chunk') {
        yield* cutter.add(event.chunk, inFlight)
        // Not sooner: what follows a page that was deferred would be in our hands already.
        next = nextOf(chunks)
      } else {
        if (cutter.waits) yield cutter.cut()
        if (event.kind === 'failed') throw event.error
        return
      }
    }
  } finally {
    due.cancel()
    await chunks.return?.()
  }
}

/** A batch while it grows, and the timer that says when it has waited long enough. */
class BatchCutter {
  readonly #limits: BatchLimits
  readonly #due: DueTimer
  #builder = new BatchBuilder(new Map())

  constructor(limits: BatchLimits, due: DueTimer) {
    this.#limits = limits
    this.#due = due
  }

  /** True if something waits to be written or remembered. */
  get waits(): boolean {
    return this.#builder.waits
  }

  startTimer(inFlight: () => Promise<unknown>): void {
    const { waits, urgent, holdsAll } = this.#builder
    const { waitMs, caughtUpWaitMs = waitMs } = this.#limits
    if (holdsAll) this.#due.start(caughtUpWaitMs, inFlight)
    if (waits) this.#due.start(urgent ? waitMs : REMEMBER_WAIT_MS, inFlight)
  }

  cut(): ReadyBatch {
    const batch = this.#builder.build()
    this.#builder = new BatchBuilder(batch.tables)
    this.#due.cancel()
    return batch
  }

  /** Gives out each batch that is full while a chunk is added. */
  *add({ page, records, end, tables }: Chunk, inFlight: () => Promise<unknown>): Generator<ReadyBatch, void, void> {
    this.#builder.tables = tables
    for (let i = 0; i < records.length; i++) {
      this.#builder.add(page.shard, records[i]!)
      if (end === 'whole' && i === records.length - 1) this.#builder.end(page)
      if (this.#isFull()) yield this.cut()
    }
    if (end === 'deferred') this.#builder.endKept(page, inFlight())
    else if (records.length === 0) this.#builder.end(page)
  }

  #isFull(): boolean {
    return this.#builder.records >= this.#limits.records || this.#builder.bytes >= this.#limits.bytes
  }
}

type Next = { readonly kind: 'chunk'; readonly chunk: Chunk } | { readonly kind: 'end' } | Failed

interface Failed {
  readonly kind: 'failed'
  readonly error: unknown
}

/** Never rejects: a failure is seen where it is awaited, however much later that is. */
async function nextOf(chunks: AsyncIterator<Chunk>): Promise<Next> {
  try {
    const { done, value } = await chunks.next()
    return done === true ? { kind: 'end' } : { kind: 'chunk', chunk: value }
  } catch (error) {
    return { kind: 'failed', error }
  }
}

/** Never resolves; rejects as soon as the write in flight has failed. */
function failureOf(write: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    write.catch(reject)
  })
}
