import { requireAccounted } from './deliver/accounted.ts'
import type { ReadyBatch } from './deliver/batch-builder.ts'
import { type BatchLimits, batched } from './deliver/batcher.ts'
import type { ReadOptions } from './deliver/change-reader.ts'
import { examined } from './deliver/examined.ts'
import { OpenPages } from './ingest/open-pages.ts'
import type { Page, Source } from './ingest/source.ts'
import type { Observer } from './observe/observer.ts'
import { retrying } from './retry.ts'
import type { Sink, Write } from './sinks/sink.ts'
import type { Claim, Stored } from './batch.ts'

export interface RelayParts {
  readonly source: Source
  /** How records become changes. Its `facts` are of this relay alone. */
  readonly read: ReadOptions
  readonly sink: Sink
  readonly claim: Claim
  readonly limits: BatchLimits
  /** Hears of everything that happens; the relay closes it. */
  readonly observer: Observer
}

/**
 * Moves a stream into a sink until the source has no more, or `signal` aborts: then the batch in hand is finished.
 * Positions become durable with or after the changes, never before, so a crash at any point loses nothing.
 *
 * @throws RelayError what only the operator can cure; what passes by itself is retried for ever
 */
export async function relay(parts: RelayParts, signal: AbortSignal): Promise<void> {
  const { sink, claim, observer } = parts
  const open = { signal, observer, what: 'open the target' }
  try {
    let from: Stored | null = await retrying(() => sink.open(claim, signal), open)
    while (from !== null) from = await drain(parts, from, signal)
  } finally {
    observer.close()
  }
}

/** Reads from what is durable to the end. Null when there; or from where to start again when the target was rewound. */
async function drain(parts: RelayParts, { positions, facts }: Stored, signal: AbortSignal): Promise<Stored | null> {
  const { source, read, sink, limits, observer } = parts
  const open = new OpenPages()
  const ending = new AbortController()
  let inFlight: Promise<void> = Promise.resolve()
  observer.begins(positions)
  read.facts.restore(facts)

  try {
    const records = watched(source.pages(positions, AbortSignal.any([signal, ending.signal])), open, observer)
    const changes = examined(records, read, ending)
    for await (const batch of batched(changes, limits, () => inFlight)) {
      const write = sink.prepare(batch)
      await inFlight
      inFlight = deliver(write, batch, observer, signal)
      inFlight.catch(() => {}) // seen where it is awaited next: in the batcher, or by the lines below
    }
    await inFlight
    return null
  } catch (error) {
    // What was cut in front of a bad record is still written; and a rewound target matters more than the record.
    const last = await inFlight.then(
      () => error,
      (failure: unknown) => failure,
    )
    open.fail(last)
    if (!(last instanceof TargetRewound)) throw last
    observer.rewound(last.stored.positions)
    return last.stored
  }
}

/** Writes one batch, however often it takes; only then the observer counts it and the source is told. */
async function deliver(write: Write, batch: ReadyBatch, observer: Observer, signal: AbortSignal): Promise<void> {
  const beganMs = performance.now()
  const options = { signal, observer, what: 'write the batch', hasWorked: () => true }
  const written = await retrying(() => write(signal), options)
  if (written.kind === 'rewound') throw new TargetRewound(written)
  requireAccounted(batch, written)
  observer.wrote(batch, written, { writeMs: performance.now() - beganMs })
  for (const page of batch.pages) page.ack()
}

/** Not a failure: the target was restored or failed over, and tells from where to read again. */
class TargetRewound extends Error {
  readonly stored: Stored

  constructor(stored: Stored) {
    super('The target was rewound')
    this.stored = stored
  }
}

async function* watched(pages: AsyncIterable<Page>, open: OpenPages, observer: Observer): AsyncIterable<Page> {
  for await (const page of pages) {
    observer.read(page)
    yield open.watch(page)
  }
}
