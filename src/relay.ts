import type { Batch, BatchLimits, Facts, Opening, Rewound, Stored, Written } from './batch.ts'
import type { RawRecord } from './change.ts'
import { requireAccounted } from './deliver/accounted.ts'
import type { ReadyBatch } from './deliver/batch-builder.ts'
import { batched } from './deliver/batcher.ts'
import type { ReadOptions } from './deliver/change-reader.ts'
import { examined } from './deliver/examined.ts'
import type { LetterWatch } from './deliver/letter-limit.ts'
import type { ParkedTable, Parking } from './deliver/parking.ts'
import { TableGaps } from './deliver/table-gaps.ts'
import { OpenPages } from './ingest/open-pages.ts'
import { Push, type Pushed, type PushOptions } from './ingest/push.ts'
import type { Page, Source } from './ingest/source.ts'
import type { Observer } from './observe/observer.ts'
import type { Position } from './position.ts'
import { retrying } from './retry.ts'
import type { Sink, Write } from './sinks/sink.ts'
import { leftOut } from './wanted-tables.ts'

export interface RelayParts {
  readonly source: Source
  /** How records become changes. Its `facts` are of this relay alone. */
  readonly read: ReadOptions
  readonly sink: Sink
  /** A claim where the positions of the source are ours, else unclaimed. */
  readonly opening: Opening
  readonly limits: BatchLimits
  /** Ends the relay when too many dead letters come; absent: there may be any number. */
  readonly letterWatch?: LetterWatch
  /** Keeps what comes for tables that cannot be written; absent: the relay ends at the first of them. */
  readonly parking?: Parking
  /** Hears of everything that happens; the relay closes it. */
  readonly observer: Observer
  /** Called at the begin of each run and each call with the signal that ends its waits. */
  readonly onSignal?: (signal: AbortSignal) => void
}

/**
 * Moves a stream into a sink. Runs and calls take turns.
 * Positions become durable with or after the changes, never before, so a crash at any point loses nothing.
 */
export class Relay {
  readonly #parts: RelayParts
  readonly #gaps: TableGaps | null
  /** What is durable, as far as this relay knows. */
  #positions: Map<string, Position>
  #facts: Map<string, string>
  /** True if more may be known of the tables than what is durable. */
  #isAhead = true
  /** Resolves when nothing goes on. */
  #idle: Promise<unknown> = Promise.resolve()

  private constructor(parts: RelayParts, { positions, facts, claimed }: Stored) {
    this.#parts = parts
    // A log without some entries is no wrong log.
    const settings = parts.sink.needsKeys ? claimed?.settings : undefined
    const leftOutOf = settings === undefined ? null : leftOut(settings)
    this.#gaps = leftOutOf === null ? null : new TableGaps(leftOutOf)
    this.#positions = new Map(positions)
    this.#facts = new Map(facts)
  }

  /** Opens the sink; a target that is away is waited for. @throws RelayError; the signal's reason */
  static async open(parts: RelayParts, signal: AbortSignal): Promise<Relay> {
    const { sink, opening, observer, parking } = parts
    const stored = await retrying(() => sink.open(opening, signal), { signal, observer, what: 'open the target' })
    if (stored.claimed !== undefined && stored.claimed.changed.length > 0) observer.changed(stored.claimed.changed)
    if (parking !== undefined) await retrying(() => parking.load(), { signal, observer, what: 'count dead letters' })
    return new Relay(parts, stored)
  }

  /** The tables that cannot be written, as they are now: what comes for them is kept as dead letters. */
  get parked(): ReadonlyMap<string, ParkedTable> {
    return this.#parts.parking?.tables ?? new Map()
  }

  /**
   * Moves what the source gives until it has no more, or `signal` aborts: then the batch in hand is finished.
   * After it failed it can be called again, and goes on from what is durable.
   *
   * @throws RelayError what only the operator can fix; what passes by itself is retried for ever. The signal's reason, if
   * it aborts while the target is away
   */
  run(signal: AbortSignal): Promise<void> {
    const { source } = this.#parts
    return this.#inTurn(() =>
      this.#drain((ending) => source.pages(this.#positions, AbortSignal.any([signal, ending])), signal),
    )
  }

  /**
   * Moves these records of one shard for an engine that keeps the positions: what one call of a Lambda function gives.
   * Calls made at the same time take turns.
   *
   * @param options `signal` is the deadline of the call: the call fails then, even if its records become durable later
   * @throws RelayError what only the operator can fix; the signal's reason
   */
  deliver(shard: string, records: readonly RawRecord[], options: PushOptions = {}): Promise<Pushed> {
    if (this.#parts.source.positions !== 'engine')
      throw new Error('The positions are not those of an engine: use `run`')
    if (records.length === 0 && options.endsShard !== true) return Promise.resolve('committed')
    const { signal = new AbortController().signal } = options
    const push = new Push(shard, records, options)
    const turn = this.#inTurn(async () => {
      if (!push.over.aborted) await this.#drain(() => only(push.page), signal)
    })
    turn.catch((error: unknown) => push.fail(error))
    return push.outcome
  }

  /** What is durable, as far as this relay knows. It moves on with each batch: not to be kept. */
  get stored(): Stored {
    return { positions: this.#positions, facts: this.#facts }
  }

  /** Waits for what goes on, then closes the observer, the sink and the source. Twice is fine. */
  async close(): Promise<void> {
    const { source, sink, observer } = this.#parts
    await this.#idle
    try {
      await this.#parts.parking?.close()
    } finally {
      observer.close()
      await sink.close().finally(() => source.close())
    }
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#idle.then(work)
    this.#idle = turn.catch(() => {})
    return turn
  }

  /** @param signal ends waits for the target */
  async #drain(pages: Pages, signal: AbortSignal): Promise<void> {
    this.#parts.onSignal?.(signal)
    while ((await this.#readToEnd(pages, signal)) === 'again');
  }

  /** Reads from what is durable to the end; or until it must read again: the target stands at older positions, or a table is parked whose key does not come. */
  async #readToEnd(pages: Pages, signal: AbortSignal): Promise<'end' | 'again'> {
    const { read, limits, observer, letterWatch, parking } = this.#parts
    const ending = new AbortController()
    const open = new OpenPages()
    let inFlight: Promise<void> = Promise.resolve()
    this.#begin()

    try {
      const records = watched(pages(ending.signal), open, observer)
      const changes = examined(records, read, ending)
      for await (const batch of batched(changes, limits, () => inFlight)) {
        const prepared = this.#prepare(batch)
        await inFlight
        letterWatch?.requireRoom(batch.deadLetters)
        inFlight = this.#deliver(prepared, batch, signal)
        inFlight.catch(() => {}) // seen where it is awaited next: in the batcher, or by the lines below
      }
      await inFlight
      return 'end'
    } catch (error) {
      // What was cut in front of a bad record is still written; and a rewound target matters more than the record.
      const last = await inFlight.then(
        () => error,
        (failure: unknown) => failure,
      )
      this.#isAhead = true
      open.fail(last)
      if (last instanceof TargetRewound) this.#rewind(last.stored)
      else if (parking?.park(last) !== true) throw last
      return 'again'
    }
  }

  /** What is of parked tables becomes dead letters. @throws RelayError TABLE_GAP for a table that cannot be parked */
  #prepare(batch: ReadyBatch): Prepared {
    const { sink, source, parking } = this.#parts
    for (const gap of this.#gaps?.in(batch.changes) ?? []) {
      if (parking?.park(gap) !== true && parking?.isParkedFor(gap) !== true) throw gap
    }
    const apart = parking?.apart(batch) ?? batch
    const beganMs = performance.now()
    const write = sink.prepare(source.positions === 'ours' ? apart : { ...apart, positions: new Map() })
    return { write, batch: apart, parkedVersion: parking?.version, prepareMs: performance.now() - beganMs }
  }

  /** Writes one batch, however often it takes; only then the observer counts it and its pages are acknowledged. */
  async #deliver(prepared: Prepared, cut: ReadyBatch, signal: AbortSignal): Promise<void> {
    const { observer, read, letterWatch, parking } = this.#parts
    const beganMs = performance.now()
    const { batch, written } = await this.#write(prepared, cut, signal)
    if (written.kind === 'rewound') throw new TargetRewound(written)
    requireAccounted(batch, written)
    this.#remember(batch, written.facts)
    if (written.facts !== undefined) read.facts.merge(written.facts)
    const { prepareMs } = prepared
    const waitMs = Math.max(0, beganMs - batch.sinceMs - prepareMs)
    observer.wrote(batch, written, { waitMs, prepareMs, writeMs: performance.now() - beganMs })
    parking?.kept(batch)
    for (const page of batch.pages) page.ack()
    letterWatch?.kept(cut.deadLetters, written.deadLettered ?? 0)
    // The next batch is prepared already, and is so again if tables go on.
    if (parking?.isLookDue === true) {
      await retrying(() => parking.look(), { signal, observer, what: 'count dead letters', hasWorked: () => true })
    }
  }

  /** Once more without the changes of a table that turns out to be in trouble. */
  async #write(prepared: Prepared, cut: ReadyBatch, signal: AbortSignal): Promise<WrittenBatch> {
    const { observer, parking } = this.#parts
    const options = { signal, observer, what: 'write the batch', hasWorked: () => true }
    for (let { write, batch, parkedVersion } = prepared; ; ) {
      if (parkedVersion !== parking?.version) ({ write, batch, parkedVersion } = this.#prepare(cut))
      try {
        return { batch, written: await retrying(() => write(signal), options) }
      } catch (error) {
        if (parking?.park(error) !== true) throw error
      }
    }
  }

  /** Knows of the tables what is durable, and no more. */
  #begin(): void {
    if (!this.#isAhead) return
    this.#parts.observer.begins(this.#positions)
    this.#parts.read.facts.restore(this.#facts)
    this.#isAhead = false
  }

  /** @param others what other processes of the name learned */
  #remember({ positions, forgotten, facts }: Batch, others: Facts = new Map()): void {
    const { opening } = this.#parts
    if (this.#parts.source.positions === 'ours') {
      for (const [shard, position] of positions) this.#positions.set(shard, position)
      for (const shard of forgotten) this.#positions.delete(shard)
    }
    for (const [subject, fact] of [...others, ...facts]) {
      const known = this.#facts.get(subject)
      const isMerged = known !== undefined && opening.positions === 'engine'
      this.#facts.set(subject, isMerged ? opening.factRules.merge(subject, known, fact) : fact)
    }
  }

  #rewind({ positions, facts }: Stored): void {
    this.#positions = new Map(positions)
    this.#facts = new Map(facts)
    this.#parts.observer.rewound(positions)
  }
}

/** A batch that is ready to be written. */
interface Prepared {
  readonly write: Write
  /** Without the changes of parked tables. */
  readonly batch: ReadyBatch
  /** Of the tables that were parked then. */
  readonly parkedVersion: number | undefined
  readonly prepareMs: number
}

interface WrittenBatch {
  readonly batch: ReadyBatch
  readonly written: Written | Rewound
}

type Pages = (ending: AbortSignal) => AsyncIterable<Page>

/** Not a failure: the target was restored or failed over, and says from where to read again. */
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

async function* only(page: Page): AsyncIterable<Page> {
  yield page
}
