import type { ServiceClock } from '../../aws/service-clock.ts'
import type { RawRecord } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Log } from '../../observe/log.ts'
import { bytesIn } from '../../page-record.ts'
import { type Position, readFrom, readUntil, SHARD_END, TRIM_HORIZON } from '../../position.ts'
import type { Lease, MemoryBudget } from '../memory.ts'
import type { Page } from '../source.ts'
import type { Gap } from './gaps.ts'
import { LEAST_POLL_MS, Pace } from './pace.ts'
import { type Records, Refused, type Stream } from './stream.ts'

/**
 * The size of answers that is asked for, by the size of the records seen last: five of them in a second are more than
 * a shard gives (2 MB/s). Larger ones need much more memory while they are decoded, and throttle the reads after them.
 */
const PAGE_BYTES = 1.5 * 1024 * 1024
const FIRST_PAGE_RECORDS = 2000

/** After that a read is tried again whose answer makes no sense. */
const REFUSED_AGAIN_MS = 1000
/** So often in a row an answer may make no sense before the relay stops. */
const MOST_REFUSALS = 5

const AT_START: Position = { sequence: TRIM_HORIZON, arrivedAt: null, caughtUpAt: null }

export interface ReaderContext {
  readonly stream: Stream
  readonly clock: ServiceClock
  readonly memory: MemoryBudget
  readonly log: Log
  /** Between two reads of a caught-up shard. */
  readonly pollIntervalMs: number
  /** True where AT_TIMESTAMP cannot be trusted: kinesalite never answers if no later record exists. */
  readonly skipsToTime: boolean
  /** The service still holds what arrived after this, epoch ms. */
  heldSince(): number
  /** Asks the service again whether it lists the shard, and as what. */
  look(shard: string): Promise<'open' | 'closed' | 'gone'>
  /** Takes note of a gap. @throws RelayError SOURCE_GAP where gaps stop the relay */
  gap(gap: Gap, cause?: unknown): void
}

/** A page as its reader gives it. */
export interface ReadPage extends Pick<Page, 'shard' | 'records' | 'end' | 'behindMs' | 'hasMore'> {
  /** Where the shard stood in front of it. */
  readonly begin: Position
  /**
   * Frees its memory in the budget. Twice is fine.
   * @param isUnused nobody uses its records any more, or what was made of them: their bytes may be overwritten
   */
  release(isUnused: boolean): void
}

interface Read extends Omit<ReadPage, 'begin' | 'release'> {
  /** The answer that it was read from; null if it was from none. */
  readonly answer: Pick<Records, 'release'> | null
}

/** Where a reader begins. */
export interface ReadFrom {
  readonly position: Position | undefined
  /** Everything that arrived before this was read in this run, epoch ms; null if nothing was. */
  readonly readUntil: number | null
}

/** Where the shard of a page is read again that was deferred from the record at `fromIndex` on. */
export function deferredTo({ records, begin }: ReadPage, fromIndex: number): ReadFrom {
  const last = records[fromIndex - 1]
  const position = last === undefined ? begin : { ...begin, sequence: last.sequence, arrivedAt: last.arrivedAt }
  // A record that was there before and has expired since is a gap, wherever the position stands.
  return { position, readUntil: records[fromIndex]?.arrivedAt ?? null }
}

/** Until when to read, for a relay that only wants what was there when it began. */
export interface Drain {
  /** When it began, epoch ms of the service's clock; not earlier than that. */
  readonly beganAt: number
  /** True if the shard was open then: its children hold only what came later. */
  readonly wasOpen: boolean
}

/**
 * Reads one shard to its end, or until `drain` is met. The page that ends the shard says SHARD_END.
 *
 *   position ──iterator──▶ read ──page──▶ (pace) ──▶ read …            no next iterator ──▶ end
 *      ▲                    │ iterator expired or refused
 *      └────────────────────┘ goes on after the last record *read*, which may not be durable yet
 */
export async function* readShard(
  context: ReaderContext,
  shard: string,
  from: ReadFrom,
  drain: Drain | null,
  signal: AbortSignal,
): AsyncGenerator<ReadPage> {
  const reader = new ShardReader(context, shard, from, signal)
  for (;;) {
    const page = await reader.read(drain !== null)
    if (page === null) continue
    yield page
    if (page.end.sequence === SHARD_END || (drain !== null && isDrained(page.end, reader.isCaughtUp, drain))) return
  }
}

/**
 * Whether everything that was in the shard when the drain began has been read: nothing is left, or what was read last
 * came later. A shard that was closed then must be read to its end, for its children may hold records of that time.
 */
function isDrained({ arrivedAt }: Position, isCaughtUp: boolean, { beganAt, wasOpen }: Drain): boolean {
  return wasOpen && (isCaughtUp || (arrivedAt !== null && arrivedAt >= beganAt))
}

class ShardReader {
  /** True if the last answer was empty, with nothing behind it. (kinesalite says "nothing behind" of any answer.) */
  isCaughtUp = false
  readonly #context: ReaderContext
  readonly #shard: string
  readonly #signal: AbortSignal
  /** Where the shard stands once everything read is durable. */
  #end: Position
  #iterator: string | null = null
  /** Everything that arrived up to here was read in this run, epoch ms; null if nothing was yet. */
  #readUntil: number | null
  /** Records that arrived earlier are passed over, up to the first that did not. */
  #skipBefore: number | null = null
  /** Answers in a row that make no sense. */
  #refusals = 0
  /** How many records to ask for. */
  #limit = FIRST_PAGE_RECORDS
  readonly #pace: Pace
  /** The next request is due at this reading of the clock. */
  #due = 0

  constructor(context: ReaderContext, shard: string, from: ReadFrom, signal: AbortSignal) {
    this.#context = context
    this.#shard = shard
    this.#signal = signal
    this.#pace = new Pace(context.pollIntervalMs)
    this.#end = from.position ?? AT_START
    this.#readUntil = from.readUntil
  }

  /** One read, at the pace that the service allows; null if it gave no records but a reason to begin again. */
  async read(isDraining: boolean): Promise<ReadPage | null> {
    const { clock, memory } = this.#context
    await clock.reach(this.#due, this.#signal)

    const lease = await memory.reserve(this.#context.stream.mostBytes, this.#signal)
    const begin = this.#end
    let read: Read | null = null
    try {
      read = await this.#attempt(lease, isDraining)
      if (read === null) return null
      const { answer, ...page } = read
      const release = (isUnused: boolean): void => {
        lease.release()
        if (isUnused) answer?.release?.()
      }
      return { ...page, begin, release }
    } finally {
      if (read === null || read.records.length === 0) lease.release()
    }
  }

  async #attempt(lease: Lease, isDraining: boolean): Promise<Read | null> {
    if (this.#iterator === null && (await this.#position()) === 'end') return this.#endPage([], null, false)
    if (this.#iterator === null) return null

    const answer = await this.#context.stream.records(this.#shard, this.#iterator, this.#limit, this.#signal)
    if (answer instanceof Refused)
      return (await this.#refused(answer)) === 'end' ? this.#endPage([], null, false) : null

    const isBehind = isDraining || answer.behindMs > 0 || answer.records.length >= this.#limit
    this.#due = this.#pace.next({ sent: answer.sent, isBehind, isEmpty: answer.records.length === 0 })
    if (answer.next === null && (await this.#endsByMistake(answer))) return null
    this.#refusals = 0
    this.#iterator = answer.next
    this.#readUntil = this.#context.clock.earliest(answer.sent) - answer.behindMs
    this.isCaughtUp = answer.records.length === 0 && answer.behindMs === 0
    const records = this.#take(answer, lease)
    if (answer.next === null) return this.#endPage(records, answer, isBehind)
    return this.#page(records, answer, isBehind)
  }

  /** Asks for an iterator after what was read. */
  async #position(): Promise<'positioned' | 'again' | 'end'> {
    const { stream, skipsToTime, heldSince, gap } = this.#context
    // A shard that was read in time, and then not for long: its iterator has expired, its records perhaps too.
    if (this.#readUntil !== null && this.#readUntil < heldSince()) {
      gap({ shard: this.#shard, from: this.#readUntil, to: heldSince() })
    }
    let place = readFrom(this.#end)
    if (place.kind === 'end') return 'end'
    if (place.kind === 'time' && skipsToTime) {
      this.#skipBefore = place.ms
      place = { kind: 'start' }
    }
    const answer = await stream.iterator(this.#shard, place, this.#signal)
    if (answer instanceof Refused) return await this.#refused(answer)
    this.#iterator = answer
    return 'positioned'
  }

  /** How to continue after this error. */
  async #refused(refusal: Refused): Promise<'again' | 'end'> {
    this.#iterator = null
    switch (refusal.reason) {
      case 'iterator-expired':
        this.#due = this.#context.clock.reading() + LEAST_POLL_MS
        return 'again'
      case 'not-found':
        if ((await this.#context.look(this.#shard)) !== 'gone') return this.#again(refusal)
        this.#gap(refusal)
        return 'end'
      case 'another-stream':
        throw new RelayError(
          'SOURCE_CHANGED',
          `The stream does not know the stored position: ${wordsOf(refusal.cause)}`,
          { stream: this.#context.stream.name, shard: this.#shard, sequence: this.#end.sequence },
          refusal.cause,
        )
      case 'shard-end':
        return 'end'
      case 'expired':
        this.#gap(refusal)
        this.#end = AT_START
        return 'again'
      case 'unknown':
        return this.#again(refusal)
    }
  }

  /** Tries once more, later; but not for ever what makes no sense. */
  #again({ cause }: Refused | { readonly cause: Error }): 'again' {
    const place = { stream: this.#context.stream.name, shard: this.#shard, sequence: this.#end.sequence }
    if (++this.#refusals > MOST_REFUSALS) throw new RelayError('SOURCE_REFUSED', wordsOf(cause), place, cause)
    this.#context.log.warn(
      { code: 'READ_REFUSED', ...place, detail: cause.message },
      'The stream refused a read; trying again',
    )
    this.#due = this.#context.clock.reading() + REFUSED_AGAIN_MS
    return 'again'
  }

  #gap(refusal: Refused): void {
    const from = this.#readUntil ?? readUntil(this.#end)
    this.#context.gap({ shard: this.#shard, from, to: this.#context.heldSince() }, refusal.cause)
  }

  /**
   * AWS names the children of a shard that ends; kinesalite does not. Without them the listing must agree: an end that
   * is none would lose what follows.
   */
  async #endsByMistake(answer: Records): Promise<boolean> {
    if (answer.namesChildren || (await this.#context.look(this.#shard)) !== 'open') return false
    this.#again({ cause: new Error('The shard is said to end, but it is open') })
    return true
  }

  #take(answer: Records, lease: Lease): readonly RawRecord[] {
    const { stream } = this.#context
    const taken = this.#notSkipped(answer.records)
    let bytes = 0
    for (const record of taken) bytes += bytesIn(record)
    lease.resize(bytes)
    if (bytes > 0) this.#limit = limitFor(bytes / answer.records.length, stream)
    const last = answer.records.at(-1)
    // As long as all are passed over, the time remains the position.
    if (last !== undefined && this.#skipBefore === null) {
      this.#end = { ...this.#end, sequence: last.sequence, arrivedAt: last.arrivedAt }
    }
    // Most streams hold no aggregated record, and their pages need no other list.
    if (!taken.some((record) => stream.open(record) !== null)) return taken
    return taken.flatMap((record) => stream.open(record) ?? [record])
  }

  /** Those from the first on that arrived late enough. */
  #notSkipped(records: readonly RawRecord[]): readonly RawRecord[] {
    const before = this.#skipBefore
    if (before === null) return records
    const first = records.findIndex(({ arrivedAt }) => arrivedAt === null || arrivedAt >= before)
    if (first === -1) return []
    this.#skipBefore = null
    return records.slice(first)
  }

  #page(records: readonly RawRecord[], answer: Records, hasMore: boolean): Read {
    const { behindMs, sent } = answer
    if (this.isCaughtUp) this.#end = { ...this.#end, caughtUpAt: this.#context.clock.earliest(sent) }
    return { shard: this.#shard, records, end: this.#end, behindMs, hasMore, answer }
  }

  /** `caughtUpAt` stays what it was: the children may have begun long before the end was read. */
  #endPage(records: readonly RawRecord[], answer: Records | null, hasMore: boolean): Read {
    this.#end = { ...this.#end, sequence: SHARD_END }
    return { shard: this.#shard, records, end: this.#end, behindMs: answer?.behindMs ?? 0, hasMore, answer }
  }
}

/** How many records of that size to ask for at once. */
const limitFor = (recordBytes: number, { mostRecords }: Stream): number =>
  Math.max(1, Math.min(mostRecords, Math.floor(PAGE_BYTES / recordBytes)))

const wordsOf = (error: Error): string => error.message.replace(/\.$/, '')
