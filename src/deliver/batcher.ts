import type { BatchLimits } from '../batch.ts'
import { BatchBuilder, type ReadyBatch } from './batch-builder.ts'
import { DueTimer } from './due-timer.ts'
import type { Chunk } from './examined.ts'

/** How long a shard that is caught up waits to have just that remembered. */
const CAUGHT_UP_WAIT_MS = 60_000

/**
 * Cuts what was read into batches, only between whole (outer) records: as soon as one is full; or, when its first record has
 * waited long enough, as soon as nothing is in flight. So batches grow under load and stay small when idle, and the next one is
 * gathered and prepared while one is being written.
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
  let builder = new BatchBuilder(new Map())
  const ready = (): ReadyBatch => {
    const batch = builder.build()
    builder = new BatchBuilder(batch.tables)
    due.cancel()
    return batch
  }

  try {
    let next = nextOf(chunks)
    for (;;) {
      if (builder.waits) due.start(builder.urgent ? limits.waitMs : CAUGHT_UP_WAIT_MS, inFlight)
      const event = await Promise.race([next, failureOf(inFlight()), ...due.reached])
      if (event === 'due') {
        yield ready()
        continue
      }
      if (event.kind !== 'chunk') {
        if (builder.waits) yield ready()
        if (event.kind === 'failed') throw event.error
        return
      }
      const { page, records, end, tables } = event.chunk
      builder.tables = tables
      for (let i = 0; i < records.length; i++) {
        builder.add(page.shard, records[i]!)
        if (end === 'whole' && i === records.length - 1) builder.end(page)
        if (builder.records >= limits.records || builder.bytes >= limits.bytes) yield ready()
      }
      if (end === 'deferred') builder.endKept(page, inFlight())
      else if (records.length === 0) builder.end(page)
      // Not sooner: what follows a page that was deferred would be in our hands already.
      next = nextOf(chunks)
    }
  } finally {
    due.cancel()
    await chunks.return?.()
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
