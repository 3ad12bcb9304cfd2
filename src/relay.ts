import { requireAccounted } from './deliver/accounted.ts'
import { type BatchLimits, batches, type Cut } from './deliver/batcher.ts'
import type { Examiner } from './deliver/examined.ts'
import { OpenPages } from './ingest/open-pages.ts'
import type { Page, Source } from './ingest/source.ts'
import type { Observer } from './observe/observer.ts'
import { retrying } from './retry.ts'
import type { Sink, Write } from './sinks/sink.ts'
import type { Claim, Stored } from './batch.ts'

export interface RelayParts {
  readonly source: Source
  /** Of this relay alone: it remembers what it learned of the tables. */
  readonly examiner: Examiner
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

/** Reads from what is durable to the end. Null when there; or from where to start again when the target was set back. */
async function drain(
  parts: RelayParts,
  { positions, facts: lessons }: Stored,
  signal: AbortSignal,
): Promise<Stored | null> {
  const { source, examiner, sink, limits, observer } = parts
  const open = new OpenPages()
  const read = (reading: AbortSignal) =>
    watched(source.pages(positions, AbortSignal.any([signal, reading])), open, observer)
  let inFlight: Promise<void> = Promise.resolve()
  observer.begins(positions)
  examiner.restore(lessons)

  try {
    for await (const cut of batches(read, examiner, limits, () => inFlight)) {
      const write = sink.prepare(cut)
      await inFlight
      inFlight = deliver(write, cut, observer, signal)
      inFlight.catch(() => {}) // seen by whoever awaits it next: the batcher, or the lines below
    }
    await inFlight
    return null
  } catch (error) {
    // What was cut in front of a bad record is still written; and a set-back target matters more than the record.
    const last = await inFlight.then(
      () => error,
      (failure: unknown) => failure,
    )
    open.fail(last)
    if (!(last instanceof SetBack)) throw last
    observer.rewound(last.stored.positions)
    return last.stored
  }
}

/** Writes one batch, however often it takes; only then the observer counts it and the source is told. */
async function deliver(write: Write, cut: Cut, observer: Observer, signal: AbortSignal): Promise<void> {
  const beganMs = performance.now()
  const options = { signal, observer, what: 'write the batch', hasWorked: () => true }
  const written = await retrying(() => write(signal), options)
  if (written.kind === 'rewound') throw new SetBack(written)
  requireAccounted(cut, written)
  observer.wrote(cut, written, { writeMs: performance.now() - beganMs })
  for (const page of cut.pages) page.ack()
}

/** Not a failure: the target was restored or failed over, and tells from where to read again. */
class SetBack extends Error {
  readonly stored: Stored

  constructor(stored: Stored) {
    super('The target was set back')
    this.stored = stored
  }
}

async function* watched(pages: AsyncIterable<Page>, open: OpenPages, observer: Observer): AsyncIterable<Page> {
  for await (const page of pages) {
    observer.read(page)
    yield open.watch(page)
  }
}
