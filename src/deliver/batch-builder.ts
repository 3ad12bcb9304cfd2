import type { Batch, SourceTable } from '../batch.ts'
import type { DeadLetter, RawRecord, StreamChange } from '../change.ts'
import type { Page } from '../ingest/source.ts'
import { type Position, SHARD_END } from '../position.ts'
import type { Examined } from './change-reader.ts'
import type { ExaminedRecord } from './examined.ts'

/** A batch to be written, with what has to happen once it is durable. */
export interface ReadyBatch extends Batch {
  /** Changes, schema changes, skips and dead letters that the records said. */
  readonly read: number
  /** Size of the records. */
  readonly bytes: number
  /** When its first record came, on the clock of `performance.now()`. */
  readonly sinceMs: number
  readonly skips: ReadonlyMap<string, number>
  /** Pages whose last record, or the last that was kept of it, is in this batch. */
  readonly pages: readonly Page[]
}

/** A batch while it grows. */
export class BatchBuilder {
  records = 0
  bytes = 0
  /** False if all that waits is that shards are caught up. */
  urgent = false
  /** True once it ends with the last that a shard had when it was read: nothing more of it is to be expected soon. */
  holdsAll = false
  /** What is known of the tables, this batch included. */
  tables: ReadonlyMap<string, SourceTable>
  readonly #facts = new Map<string, string>()
  readonly #changes: StreamChange[] = []
  readonly #deadLetters: DeadLetter[] = []
  readonly #skips = new Map<string, number>()
  readonly #positions = new Map<string, Position>()
  readonly #forgotten: string[] = []
  readonly #pages: Page[] = []
  #read = 0
  #sinceMs: number | null = null
  #shard = ''
  /** Of that shard, if its position is not set yet. */
  #last: RawRecord | null = null

  constructor(tables: ReadonlyMap<string, SourceTable>) {
    this.tables = tables
  }

  /** True if something waits to be written or remembered. */
  get waits(): boolean {
    return this.#last !== null || this.#positions.size > 0 || this.#forgotten.length > 0
  }

  add(shard: string, { items, record, count, bytes, news }: ExaminedRecord): void {
    this.#sinceMs ??= performance.now()
    for (let i = 0; i < items.length; i++) this.#sort(items[i]!)
    this.#read += items.length
    this.records += count
    this.bytes += bytes
    if (shard !== this.#shard) this.#placeLast()
    this.#shard = shard
    this.#last = record
    this.urgent = true
    if (news === null) return
    this.tables = news.tables
    for (const [subject, fact] of news.facts) this.#facts.set(subject, fact)
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

  /** The position of the shard whose record was added last: not that of each record, for most are followed by the next. */
  #placeLast(): void {
    if (this.#last === null) return
    const { sequence, arrivedAt } = this.#last
    this.#positions.set(this.#shard, { sequence, arrivedAt, caughtUpAt: null })
    this.#last = null
  }

  /** All records of the page were added. */
  end(page: Page): void {
    this.#placeLast()
    const isNews = page.records.length > 0 || page.end.sequence === SHARD_END
    if (isNews || page.end.caughtUpAt !== null) this.#positions.set(page.shard, page.end)
    const { forgotten = [] } = page
    this.#forgotten.push(...forgotten)
    if (isNews || forgotten.length > 0) {
      this.#pages.push(page)
      this.urgent = true
      if (!(page.hasMore ?? page.behindMs > 0)) this.holdsAll = true
    } else page.ack()
  }

  /** Acknowledges a deferred page with the records that were kept of it: they are here, or were in the batch in flight. */
  endKept(page: Page, inFlight: Promise<unknown>): void {
    if (this.urgent) this.#pages.push(page)
    else
      inFlight.then(
        () => page.ack(),
        () => {},
      )
  }

  build(): ReadyBatch {
    this.#placeLast()
    return {
      tables: this.tables,
      facts: this.#facts,
      changes: this.#changes,
      deadLetters: this.#deadLetters,
      positions: this.#positions,
      forgotten: this.#forgotten,
      read: this.#read,
      bytes: this.bytes,
      sinceMs: this.#sinceMs ?? performance.now(),
      skips: this.#skips,
      pages: this.#pages,
    }
  }
}
