import type { DeadLetter, RawRecord, StreamChange } from '../change.ts'
import type { Page } from '../ingest/source.ts'
import { type Position, SHARD_END } from '../position.ts'
import type { Batch } from '../batch.ts'
import { type Examined, type Examiner, type Learned, NotYet } from './examined.ts'

export interface BatchLimits {
  readonly records: number
  readonly bytes: number
  /** How long a batch that is not full waits for more. */
  readonly waitMs: number
}

/** How long a shard that is caught up waits to have just that remembered. */
const CAUGHT_UP_WAIT_MS = 60_000

/** A batch that is cut, with what has to happen once it is durable. */
export interface Cut extends Batch {
  /** Changes, schema changes, skips and dead letters that the records said. */
  readonly read: number
  readonly skips: ReadonlyMap<string, number>
  /** Pages whose last record, or the last that was kept of it, is in this batch. */
  readonly pages: readonly Page[]
}

/**
 * Cuts the pages of a source into batches, only between whole (outer) records: as soon as one is full; or, when
 * its first record has waited long enough, as soon as nothing is in flight. So batches grow under load and stay small
 * when idle, and the next one is gathered and prepared while one is being written.
 *
 * What the examiner refuses (`--on-error stop`) is thrown after everything in front of that record was yielded. In front
 * of a record that must wait the target is asked, once; if that does not help, the rest of its page is deferred.
 *
 * @param read opens the source; its signal aborts when the iteration ends, however it ends
 * @param inFlight the write that is going on. When it fails, its error ends the iteration at once.
 */
export async function* batches(
  read: (signal: AbortSignal) => AsyncIterable<Page>,
  examiner: Examiner,
  limits: BatchLimits,
  inFlight: () => Promise<unknown>,
): AsyncGenerator<Cut, void, void> {
  const reading = new AbortController()
  const source = read(reading.signal)[Symbol.asyncIterator]()
  let gathering = new Gathering()
  let due: Due | null = null
  const cut = (): Cut => {
    const full = gathering.cut(examiner.learned())
    gathering = new Gathering()
    due?.cancel()
    due = null
    return full
  }

  try {
    let next = ask(source)
    for (;;) {
      if (gathering.waits && due?.urgent !== gathering.urgent) {
        due?.cancel()
        due = dueAfter(gathering.urgent ? limits.waitMs : CAUGHT_UP_WAIT_MS, gathering.urgent, inFlight())
      }
      const event = await Promise.race([next, failureOf(inFlight()), ...(due === null ? [] : [due.reached])])
      if (event === 'due') {
        yield cut()
        continue
      }
      if (event.done === true) break

      const page = event.value
      for (const [first, last] of outerRecords(page.records)) {
        let hindrance = gathering.add(page, first, last, examiner)
        if (hindrance instanceof NotYet) {
          const refusal = await Promise.race([refusalOf(hindrance.ask), failureOf(inFlight())])
          hindrance = refusal ?? gathering.add(page, first, last, examiner)
        }
        if (hindrance instanceof NotYet) {
          for (const record of page.records.slice(first)) examiner.glance(record)
          page.defer(first)
          if (first > 0) gathering.keepBefore(page, inFlight())
          break
        }
        if (hindrance !== null) {
          if (gathering.waits) yield cut()
          throw hindrance.refusal
        }
        if (last === page.records.length - 1) gathering.end(page)
        if (gathering.records >= limits.records || gathering.bytes >= limits.bytes) yield cut()
      }
      if (page.records.length === 0) gathering.end(page)
      // Not sooner: a page that follows a deferred one would be in our hands already.
      next = ask(source)
    }
    if (gathering.waits) yield cut()
  } finally {
    due?.cancel()
    // A source that waits, for a page or for a commit that will not come, ends only by its signal.
    reading.abort()
    await source.return?.()
  }
}

/** Asks for the next page; a failure is seen where the page is awaited, however much later that is. */
function ask(source: AsyncIterator<Page>): Promise<IteratorResult<Page>> {
  const next = source.next()
  next.catch(() => {})
  return next
}

/** Never resolves; rejects as soon as the write in flight has failed. */
function failureOf(write: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    write.catch(reject)
  })
}

/** Why a record cannot be added for good: what was thrown. */
interface Refusal {
  readonly refusal: unknown
}

const refusalOf = (work: () => Promise<void>): Promise<Refusal | null> =>
  work().then(
    () => null,
    (refusal: unknown) => ({ refusal }),
  )

interface Due {
  readonly urgent: boolean
  readonly reached: Promise<'due'>
  cancel(): void
}

function dueAfter(waitMs: number, urgent: boolean, inFlight: Promise<unknown>): Due {
  let timer: NodeJS.Timeout | undefined
  const waited = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, waitMs)
  })
  const reached = Promise.all([waited, inFlight]).then(() => 'due' as const)
  reached.catch(() => {})
  return { urgent, reached, cancel: () => clearTimeout(timer) }
}

/** Runs of records with one sequence number: an aggregated record is one position. */
function* outerRecords(records: readonly RawRecord[]): Generator<readonly [first: number, last: number]> {
  let first = 0
  for (let i = 1; i <= records.length; i++) {
    if (i < records.length && records[i]!.sequence === records[first]!.sequence) continue
    yield [first, i - 1]
    first = i
  }
}

/** A batch while it grows. */
class Gathering {
  records = 0
  bytes = 0
  /** True if something waits to be written or remembered. */
  get waits(): boolean {
    return this.#moves.size > 0
  }
  /** False if all that waits is that shards are caught up. */
  urgent = false
  readonly #changes: StreamChange[] = []
  readonly #deadLetters: DeadLetter[] = []
  readonly #skips = new Map<string, number>()
  readonly #moves = new Map<string, Position>()
  readonly #pages: Page[] = []
  #read = 0

  /** Adds one outer record: all of it and gives null, or nothing and tells why. */
  add(page: Page, first: number, last: number, examiner: Examiner): NotYet | Refusal | null {
    const items: Examined[] = []
    let bytes = 0
    try {
      for (let i = first; i <= last; i++) {
        const record = page.records[i]!
        items.push(...examiner.examine(record))
        bytes += record.data.byteLength
      }
    } catch (thrown) {
      return thrown instanceof NotYet ? thrown : { refusal: thrown }
    }
    for (const item of items) this.#sort(item)
    this.#read += items.length
    this.records += last - first + 1
    this.bytes += bytes
    const { sequence, arrivedAt } = page.records[last]!
    this.#moves.set(page.shard, { sequence, arrivedAt, caughtUpAt: null })
    this.urgent = true
    return null
  }

  #sort(item: Examined): void {
    switch (item.kind) {
      case 'change':
      case 'schema':
        this.#changes.push(item)
        break
      case 'dead-letter':
        this.#deadLetters.push(item)
        break
      case 'skip':
        this.#skips.set(item.reason, (this.#skips.get(item.reason) ?? 0) + 1)
    }
  }

  /** The whole page was added. */
  end(page: Page): void {
    const isNews = page.records.length > 0 || page.end.sequence === SHARD_END
    if (isNews || page.end.caughtUpAt !== null) this.#moves.set(page.shard, page.end)
    if (isNews) {
      this.#pages.push(page)
      this.urgent = true
    } else page.ack()
  }

  /** Acknowledges a deferred page with the records that were kept of it: they are here, or were in the batch in flight. */
  keepBefore(page: Page, inFlight: Promise<unknown>): void {
    if (this.urgent) this.#pages.push(page)
    else
      inFlight.then(
        () => page.ack(),
        () => {},
      )
  }

  cut({ tables, facts: lessons }: Learned): Cut {
    return {
      tables,
      facts: lessons,
      changes: this.#changes,
      deadLetters: this.#deadLetters,
      positions: this.#moves,
      read: this.#read,
      skips: this.#skips,
      pages: this.#pages,
    }
  }
}
