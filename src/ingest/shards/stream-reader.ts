import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceClock } from '../../aws/service-clock.ts'
import type { Log } from '../../observe/log.ts'
import { type Position, type Positions, SHARD_END } from '../../position.ts'
import { Handover } from '../handover.ts'
import { MemoryBudget } from '../memory.ts'
import { type Page, READ_AGAIN_MS } from '../source.ts'
import { forgettable } from './forgettable.ts'
import { findGaps, type Gap, gapFailure, gapOfChild, spansOf } from './gaps.ts'
import { finishedShards, lineage, type Shard } from './lineage.ts'
import { type Drain, deferredTo, type ReaderContext, type ReadFrom, type ReadPage, readShard } from './shard-reader.ts'
import type { Stream } from './stream.ts'
import { StreamListing } from './stream-listing.ts'

/** Nothing announces a reshard: the listing is looked at that often, and whenever a shard ends. */
const LISTING_MS = 30_000
/** A child that begins that long after its parents' end was read may have lost records meanwhile. */
const LONG_WAIT_MS = 60_000

export interface StreamReaderOptions {
  readonly stream: Stream
  readonly clock: ServiceClock
  readonly log: Log
  readonly skipsToTime: boolean
  /** When the stream was created (ISO), if that is known already. */
  readonly created: string | null
  readonly untilLatest: boolean
  readonly onGap: 'stop' | 'continue'
  /** Between two reads of a caught-up shard. */
  readonly pollIntervalMs: number
  readonly memoryBytes: number
}

/**
 * The pages of all shards of the stream: one reader for each shard that may be read, parents before children.
 *
 *   listed ──parents finished──▶ read ──SHARD_END acknowledged──▶ finished: children may begin
 *                                ▲ └──drained (until latest)──▶ done: its children hold only what came later
 *                                └── a page deferred: its reader ends; after a rest another begins behind what was used
 */
export async function* readStream(
  options: StreamReaderOptions,
  positions: Positions,
  signal: AbortSignal,
): AsyncGenerator<Page> {
  const reader = new StreamReader(options, positions, signal)
  try {
    reader.begin()
    for (let page = await reader.pages.take(); page !== null; page = await reader.pages.take()) yield page
  } finally {
    await reader.stop()
  }
}

class StreamReader {
  readonly pages = new Handover<Page>()
  readonly #options: StreamReaderOptions
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  /** As given, and moved on by every page that is acknowledged. */
  readonly #positions: Map<string, Position>
  readonly #context: ReaderContext
  readonly #listing: StreamListing
  /** Shards whose positions the next page lets go. Those that its batch does not forget are found again by the next listing. */
  #forgettable: readonly string[] = []
  /** Every shard that a reader was started for, or that was given up. */
  readonly #begun = new Set<string>()
  /** When the end of a shard was read, by the monotonic clock. */
  readonly #endRead = new Map<string, number>()
  /** What goes on now: readers and looks. */
  readonly #tasks = new Set<Promise<void>>()
  /** Pages with news that were given and are not acknowledged. */
  #unacknowledged = 0
  /** Null: read on for ever. Else since when nothing matters, and what was closed by then. */
  #drain: { readonly beganAt: number; readonly closed: ReadonlySet<string> } | null = null

  constructor(options: StreamReaderOptions, positions: Positions, signal: AbortSignal) {
    const { stream, clock, log, skipsToTime, memoryBytes, created, pollIntervalMs } = options
    this.#options = options
    this.#signal = AbortSignal.any([signal, this.#stop.signal])
    this.#positions = new Map(positions)
    this.#listing = new StreamListing({ stream, clock, created }, this.#signal, ({ shards, heldSince }) => {
      this.#forgettable = forgettable(shards, this.#positions, heldSince)
    })
    this.#context = {
      stream,
      clock,
      log,
      pollIntervalMs,
      skipsToTime,
      memory: new MemoryBudget(memoryBytes),
      heldSince: () => this.#listing.heldSince(),
      look: async (shard) => {
        await this.#listing.look()
        const found = this.#listing.shards.get(shard)
        return found === undefined ? 'gone' : found.isOpen ? 'open' : 'closed'
      },
      gap: (gap, cause) => this.#report([gap], cause),
    }
  }

  begin(): void {
    const { clock, untilLatest } = this.#options
    const looking = setInterval(() => this.#run(() => this.#lookForReady()), LISTING_MS)
    onAbort(this.#signal, () => {
      clearInterval(looking)
      this.pages.end()
    })
    this.#run(async () => {
      const began = clock.reading()
      await this.#listing.look()
      // What is open in a listing made after the beginning has children that hold only what came later.
      const closed = [...this.#listing.shards.values()].filter((shard) => !shard.isOpen).map((shard) => shard.id)
      if (untilLatest) this.#drain = { beganAt: clock.latest(began), closed: new Set(closed) }

      this.#report(findGaps(this.#listing.shards, this.#positions, this.#listing.heldSince()))
      for (const shard of this.#unlisted()) this.#run(() => this.#giveUp(shard))
      this.#start(this.#ready())
    })
  }

  /** Resolves when nothing of this reading goes on any more. */
  async stop(): Promise<void> {
    this.#stop.abort()
    while (this.#tasks.size > 0) await Promise.all(this.#tasks)
  }

  /** Starts a task; what it throws ends the pages and the other tasks. When the last one ends, a drain may be complete. */
  #run(work: () => Promise<void>): void {
    if (this.#signal.aborted) return
    const task = work()
      .catch((error: unknown) => {
        if (this.#signal.aborted) return
        this.pages.fail(error)
        this.#stop.abort()
      })
      .then(() => {
        this.#tasks.delete(task)
        this.#endIfDrained()
      })
    this.#tasks.add(task)
  }

  #endIfDrained(): void {
    if (this.#drain !== null && this.#tasks.size === 0 && this.#unacknowledged === 0) this.pages.end()
  }

  #ready(): Shard[] {
    const standings = lineage(this.#listing.shards, this.#positions)
    // A parent can vanish from the listing while its last pages are worked on.
    const isPending = (id: string) => this.#begun.has(id) && this.#positions.get(id)?.sequence !== SHARD_END
    return [...this.#listing.shards.values()].filter(
      ({ id, parents }) => standings.get(id) === 'ready' && !this.#begun.has(id) && !parents.some(isPending),
    )
  }

  async #lookForReady(): Promise<void> {
    await this.#listing.look()
    const ready = this.#ready()
    const late = ready.filter((shard) => this.#hasWaitedLong(shard))
    this.#report(late.flatMap((shard) => gapOfChild(shard, this.#positions, this.#listing.heldSince())))
    this.#start(ready)
  }

  /** Reading along the edge of the retention, as a first run does, is no gap; having waited there for the target is. */
  #hasWaitedLong(shard: Shard): boolean {
    const ends = shard.parents.flatMap((parent) => this.#endRead.get(parent) ?? [])
    return Math.max(...ends) < this.#options.clock.reading() - LONG_WAIT_MS
  }

  #start(shards: readonly Shard[]): void {
    for (const { id } of shards) {
      this.#begun.add(id)
      this.#run(() => this.#read(id, { position: this.#positions.get(id), readUntil: null }))
    }
  }

  async #read(shard: string, from: ReadFrom): Promise<void> {
    const drain: Drain | null = this.#drain && {
      beganAt: this.#drain.beganAt,
      wasOpen: !this.#drain.closed.has(shard),
    }
    const reading = new AbortController()
    const signal = AbortSignal.any([this.#signal, reading.signal])
    try {
      for await (const page of readShard(this.#context, shard, from, drain, signal)) {
        await this.#give(page, signal, (fromIndex) => {
          reading.abort()
          this.#afterRest(() => this.#read(shard, deferredTo(page, fromIndex)))
        })
      }
    } catch (error) {
      // The reader that comes after this one meets what stands in the way.
      if (!reading.signal.aborted) throw error
    }
  }

  #afterRest(work: () => Promise<void>): void {
    this.#run(async () => {
      await sleep(READ_AGAIN_MS, undefined, { signal: this.#signal })
      await work()
    })
  }

  /**
   * Resolves once the page is taken; then the reader fetches the next one, while this one is worked on. A page that
   * waits to be taken when `signal` aborts is dropped.
   */
  async #give(page: Omit<ReadPage, 'begin'>, signal: AbortSignal, defer: (fromIndex: number) => void): Promise<void> {
    const { shard, records, end, behindMs, hasMore = false } = page
    const isEnd = end.sequence === SHARD_END
    if (isEnd) this.#endRead.set(shard, this.#options.clock.reading())
    const forgotten = this.#forgettable
    this.#forgettable = []
    const hasNews = records.length > 0 || isEnd || forgotten.length > 0
    if (hasNews) this.#unacknowledged++
    let isDone = false
    /** False if it was already. */
    const done = (isUnused: boolean): boolean => {
      if (isDone) return false
      isDone = true
      page.release(isUnused)
      if (hasNews) this.#unacknowledged--
      return true
    }
    const ack = () => {
      if (!done(true)) return
      this.#positions.set(shard, end)
      this.#forget(forgotten)
      if (isEnd) this.#run(() => this.#lookForReady())
      else this.#endIfDrained()
    }
    const given: Page = {
      shard,
      records,
      end,
      behindMs,
      hasMore,
      ...(forgotten.length > 0 && { forgotten }),
      ack,
      defer: (fromIndex) => void (done(false) && defer(fromIndex)),
      failed: () => void done(false),
    }
    if (!(await this.pages.give(given, signal))) done(true)
  }

  /** Their positions are gone from the store. */
  #forget(shards: readonly string[]): void {
    for (const shard of shards) {
      this.#positions.delete(shard)
      this.#begun.delete(shard)
      this.#endRead.delete(shard)
    }
  }

  /** Shards that were not read to their end, and of which nothing is left. */
  #unlisted(): string[] {
    const finished = finishedShards(this.#listing.shards, this.#positions)
    return [...this.#positions.keys()].filter((shard) => !this.#listing.shards.has(shard) && !finished.has(shard))
  }

  /** Says that a shard is finished that can never be read again, so that the gap is reported once. */
  #giveUp(shard: string): Promise<void> {
    this.#begun.add(shard)
    const end = { ...this.#positions.get(shard)!, sequence: SHARD_END }
    const page = { shard, records: [], end, behindMs: 0, release: () => {} }
    return this.#give(page, this.#signal, () => this.#afterRest(() => this.#giveUp(shard)))
  }

  #report(gaps: readonly Gap[], cause?: unknown): void {
    if (gaps.length === 0) return
    const { onGap, log, stream } = this.#options
    if (onGap === 'stop') throw gapFailure(gaps, stream.name, cause)
    log.warn(
      { code: 'GAP_ACCEPTED', stream: stream.name, gaps },
      `Going on though records may have expired: ${spansOf(gaps)}`,
    )
  }
}

function onAbort(signal: AbortSignal, then: () => void): void {
  if (signal.aborted) then()
  else signal.addEventListener('abort', then, { once: true })
}
