import { isUtf8 } from 'node:buffer'
import type { RawRecord } from './change.ts'

/** Where the records of a page lie in its buffer, one behind the other. */
export interface RecordPlaces {
  /** Of each record: where its data ends, and its sequence number begins, in ASCII. */
  readonly dataEnds: readonly number[]
  /** Of each: where its sequence number ends, and the next record begins. */
  readonly ends: readonly number[]
  /** When the stream took each, epoch ms; NaN where not known. */
  readonly arrivals: readonly number[]
}

/**
 * The records of a page of one shard. A page lives until its records are durable, so what it keeps of each is a few numbers; texts are
 * made when somebody asks.
 */
export class PageBytes {
  readonly shard: string
  readonly buffer: Buffer
  readonly #places: RecordPlaces
  #isUtf8: boolean | undefined

  constructor(shard: string, buffer: Buffer, places: RecordPlaces) {
    this.shard = shard
    this.buffer = buffer
    this.#places = places
  }

  records(): PageRecord[] {
    return this.#places.ends.map((_, index) => new PageRecord(this, index))
  }

  start(index: number): number {
    return index === 0 ? 0 : this.end(index - 1)
  }

  dataEnd(index: number): number {
    return this.#places.dataEnds[index]!
  }

  end(index: number): number {
    return this.#places.ends[index]!
  }

  sequence(index: number): string {
    return this.buffer.toString('latin1', this.dataEnd(index), this.end(index))
  }

  arrivedAt(index: number): number | null {
    const arrivedAt = this.#places.arrivals[index]!
    return Number.isNaN(arrivedAt) ? null : arrivedAt
  }

  /** Whether all records together are UTF-8; looked at once. */
  get isUtf8(): boolean {
    this.#isUtf8 ??= isUtf8(this.buffer.subarray(0, this.#places.ends.at(-1)))
    return this.#isUtf8
  }
}

/**
 * One of them. What it says is made when somebody asks, for all of it together costs as much as the rest of a record; so a copy
 * (`{ ...record }`) has nothing of it.
 */
export class PageRecord implements RawRecord {
  readonly #page: PageBytes
  readonly #index: number

  constructor(page: PageBytes, index: number) {
    this.#page = page
    this.#index = index
  }

  get shard(): string {
    return this.#page.shard
  }

  get sequence(): string {
    return this.#page.sequence(this.#index)
  }

  get arrivedAt(): number | null {
    return this.#page.arrivedAt(this.#index)
  }

  get data(): Uint8Array {
    return this.#page.buffer.subarray(this.start, this.end)
  }

  get page(): PageBytes {
    return this.#page
  }

  /** Where it begins in the buffer of its page. */
  get start(): number {
    return this.#page.start(this.#index)
  }

  get end(): number {
    return this.#page.dataEnd(this.#index)
  }

  /** Where its sequence number ends, which lies behind its data. */
  get sequenceEnd(): number {
    return this.#page.end(this.#index)
  }
}

/** The size of its data. */
export function bytesIn(record: RawRecord): number {
  return record instanceof PageRecord ? record.end - record.start : record.data.byteLength
}

/** The first byte of its data; undefined where that is empty. */
export function firstByteOf(record: RawRecord): number | undefined {
  if (!(record instanceof PageRecord)) return record.data[0]
  return record.start < record.end ? record.page.buffer[record.start] : undefined
}

/** Whether a record that begins and ends with a character of ASCII is UTF-8: where all of a page is, so is each of them. */
export function isUtf8Record(record: RawRecord): boolean {
  return (record instanceof PageRecord && record.page.isUtf8) || isUtf8(record.data)
}

/** The same bytes, as a Buffer. */
export function bufferOf(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

/** Whether both have the same sequence number: no texts are made of those of one page. */
export function sharesSequence(one: RawRecord, other: RawRecord): boolean {
  if (!(one instanceof PageRecord) || !(other instanceof PageRecord)) return one.sequence === other.sequence
  const {
    page: { buffer },
  } = one
  let at = one.sequenceEnd
  let otherAt = other.sequenceEnd
  if (other.page !== one.page || at - one.end !== otherAt - other.end) return one.sequence === other.sequence
  // They differ at their end, as a rule.
  while (at > one.end) if (buffer[--at] !== buffer[--otherAt]) return false
  return true
}
