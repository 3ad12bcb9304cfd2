import type { SourceTable } from '../batch.ts'
import type { RawRecord } from '../change.ts'
import { KeyUnknownYet, type Known } from '../feeds/table-facts.ts'
import type { Page } from '../ingest/source.ts'
import { bytesIn, sharesSequence } from '../page-record.ts'
import { ChangeReader, type Examined, type ReadOptions } from './change-reader.ts'

/** Some records of a page, as far as they were read without a wait: one asynchronous step for many of them. */
export interface Chunk {
  readonly page: Page
  readonly records: readonly ExaminedRecord[]
  /** `whole`: the page ends with these records. `deferred`: what was kept of it ended before; the rest was deferred. */
  readonly end: 'whole' | 'deferred' | null
  /** By label: what was known of the tables when the first of them was read. */
  readonly tables: ReadonlyMap<string, SourceTable>
}

/** A whole outer record: one, or all parts of an aggregated one, which share a position. */
export interface ExaminedRecord {
  readonly items: readonly Examined[]
  /** The last one inside of it, whose sequence number and time of arrival are those of all. */
  readonly record: RawRecord
  /** Records inside of it. */
  readonly count: number
  readonly bytes: number
  /** What is known with this record; null if that is no news. */
  readonly news: Known | null
}

/** Read ahead of a batch that is full: little beside a batch, and enough that an asynchronous step costs nothing. */
const CHUNK_RECORDS = 200

/**
 * What the pages of a source say: decoded, run through the stages, completed and screened, in whole outer records.
 *
 * In front of a record that must wait for the key of its table the target is asked, once; if that does not help, the rest of its
 * page is deferred. What ends the relay is thrown after everything in front of that record was given. The next page is asked for
 * once the one before was given or deferred.
 *
 * @param ending aborted when the iteration ends, however it ends; `pages` must end by its signal, for a source that waits, for
 * a page or for an acknowledgement that will not come, ends by nothing else
 */
export function examined(
  pages: AsyncIterable<Page>,
  options: ReadOptions,
  ending: AbortController,
): AsyncIterableIterator<Chunk, void, void> {
  const chunks = chunksOf(pages, new PageReader(new ChangeReader(options)), ending)
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => chunks.next(),
    // The return of a generator waits for a `next` that waits: the signal ends that first.
    return: () => {
      ending.abort()
      return chunks.return()
    },
  }
}

async function* chunksOf(
  pages: AsyncIterable<Page>,
  reader: PageReader,
  ending: AbortController,
): AsyncGenerator<Chunk, void, void> {
  const source = pages[Symbol.asyncIterator]()
  try {
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      yield* chunksOfPage(next.value, reader, ending.signal)
    }
  } finally {
    ending.abort()
    await source.return?.()
  }
}

async function* chunksOfPage(page: Page, reader: PageReader, ended: AbortSignal): AsyncGenerator<Chunk, void, void> {
  let next = 0
  let askedAt: number | null = null
  for (;;) {
    const { chunk, behind, stopped } = reader.read(page, next)
    if (chunk.records.length > 0 || chunk.end !== null) yield chunk
    if (chunk.end !== null) return
    next = behind
    if (stopped === null) continue
    if (!(stopped.by instanceof KeyUnknownYet)) throw stopped.by
    if (askedAt === next) break
    askedAt = next
    await orEnded(stopped.by.askTarget(), ended)
    if (ended.aborted) return
  }
  const deferred = reader.defer(page, next)
  if (next > 0) yield deferred
}

/** Why a record cannot be read: what was thrown. */
interface Stopped {
  readonly by: unknown
}

class PageReader {
  readonly #reader: ChangeReader
  /** As they were known last. */
  #tables: Known['tables']
  /** Learned before there was a record to go with. */
  #early: Known | null

  constructor(reader: ChangeReader) {
    this.#reader = reader
    const known = reader.take()
    this.#tables = known.tables
    this.#early = known.facts.size === 0 ? null : known
  }

  /** Reads on from the record `first`, a whole outer one. `behind` is where the last one that was read ends. */
  read(
    page: Page,
    first: number,
  ): { readonly chunk: Chunk; readonly behind: number; readonly stopped: Stopped | null } {
    const tables = this.#tables
    const records: ExaminedRecord[] = []
    let stopped: Stopped | null = null
    let behind = first
    while (behind < page.records.length && behind - first < CHUNK_RECORDS) {
      const end = endOfOuter(page, behind)
      try {
        records.push(this.#outer(page, behind, end))
      } catch (by) {
        stopped = { by }
        break
      }
      behind = end
    }
    const end = behind === page.records.length ? 'whole' : null
    return { chunk: { page, records, end, tables }, behind, stopped }
  }

  /** The page comes again from `fromIndex` on. Before that, what it says of tables is learned. */
  defer(page: Page, fromIndex: number): Chunk {
    for (const record of page.records.slice(fromIndex)) this.#reader.learnSchemas(record)
    page.defer(fromIndex)
    return { page, records: [], end: 'deferred', tables: this.#tables }
  }

  #outer({ records }: Page, first: number, end: number): ExaminedRecord {
    const record = records[end - 1]!
    let items = this.#reader.read(records[first]!)
    let bytes = bytesIn(record)
    if (end - first > 1) {
      const others = records.slice(first + 1, end)
      items = [...items, ...others.flatMap((other) => this.#reader.read(other))]
      bytes = records.slice(first, end).reduce((sum, other) => sum + bytesIn(other), 0)
    }
    return { items, record, count: end - first, bytes, news: this.#news() }
  }

  #news(): Known | null {
    const early = this.#early
    this.#early = null
    if (!this.#reader.hasNews) return early
    const news = this.#reader.take()
    this.#tables = news.tables
    return early === null ? news : { ...news, facts: new Map([...early.facts, ...news.facts]) }
  }
}

/** Behind the run of records that share the sequence number of the one at `first`. */
function endOfOuter({ records }: Page, first: number): number {
  let end = first + 1
  while (end < records.length && sharesSequence(records[end]!, records[first]!)) end++
  return end
}

/** Resolves with `work`, or as soon as `signal` aborts. @throws what `work` met */
async function orEnded(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const onAbort = (): void => resolve()
  if (signal.aborted) resolve()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([work, ended])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
