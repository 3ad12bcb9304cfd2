import { isUtf8 } from 'node:buffer'
import type { RawRecord } from './change.ts'

/** Bytes that the records of a page lie in, one behind the other. */
export class PageBytes {
  readonly buffer: Buffer
  readonly #end: number
  #isUtf8: boolean | undefined

  /** @param end where the last record ends; what follows in the buffer means nothing */
  constructor(buffer: Buffer, end: number) {
    this.buffer = buffer
    this.#end = end
  }

  /** Whether all records together are UTF-8; looked at once. */
  get isUtf8(): boolean {
    this.#isUtf8 ??= isUtf8(this.buffer.subarray(0, this.#end))
    return this.#isUtf8
  }
}

/**
 * A record whose bytes lie in those of its page: a view of them is made only when somebody asks for `data`, for each costs as much
 * as the rest of a record. A copy (`{ ...record }`) has no `data` but its own.
 */
export class PageRecord implements RawRecord {
  readonly shard: string
  readonly sequence: string
  readonly arrivedAt: number | null
  readonly #page: PageBytes
  readonly #start: number
  readonly #end: number

  constructor(shard: string, sequence: string, arrivedAt: number | null, page: PageBytes, start: number, end: number) {
    this.shard = shard
    this.sequence = sequence
    this.arrivedAt = arrivedAt
    this.#page = page
    this.#start = start
    this.#end = end
  }

  get data(): Uint8Array {
    return this.#page.buffer.subarray(this.#start, this.#end)
  }

  get page(): PageBytes {
    return this.#page
  }

  /** Where it begins in the buffer of its page. */
  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
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
