import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  isDigit,
  named,
  OPEN_BRACKET,
  POINT,
  QUOTE,
  ZERO,
} from '../../json-bytes.ts'
import { JsonScanner, LEAVE } from '../../json-scanner.ts'
import { PageBytes } from '../../page-record.ts'

/** What the relay uses of an answer to GetRecords. */
export interface RecordsAnswer {
  readonly behindMs: number
  /** Null at the end of a closed shard. */
  readonly next: string | null
  /** Where all its records lie. */
  readonly buffer: Buffer
  /** As those of this shard: the answer does not name it. */
  page(shard: string): PageBytes
}

const MILLIS_BEHIND = 1
const NEXT_ITERATOR = 2
const RECORDS = 4
const ANSWER = named({ MillisBehindLatest: MILLIS_BEHIND, NextShardIterator: NEXT_ITERATOR, Records: RECORDS })

const SEQUENCE = 8
const ARRIVAL = 16
const DATA = 32
const PARTITION_KEY = 64
const ENCRYPTION = 128
const RECORD = named({
  SequenceNumber: SEQUENCE,
  ApproximateArrivalTimestamp: ARRIVAL,
  Data: DATA,
  PartitionKey: PARTITION_KEY,
  EncryptionType: ENCRYPTION,
})

/**
 * Reads an answer to GetRecords (JSON 1.1), which is `body[0, length)`; the base64 of each record is decoded straight into one buffer of the
 * page. Null for a body of another look, such as one that names child shards: the SDK reads that.
 *
 * @param take gives a buffer of at least so many bytes, in which the data of the records will lie
 * @see Amazon Kinesis Data Streams Service API Reference, GetRecords
 */
export function readRecordsBody(
  body: Buffer,
  length: number = body.length,
  take: (bytes: number) => Buffer = Buffer.allocUnsafeSlow,
): RecordsAnswer | null {
  // Base64 is a third longer than what it stands for, and the names around it leave room for a sequence number.
  return new BodyReader(body, length, take(Math.ceil(length * 0.75))).read()
}

class BodyReader extends JsonScanner {
  readonly #data: Buffer
  #behindMs = 0
  #next: string | null = null
  #hasRecords = false
  readonly #dataEnds: number[] = []
  readonly #ends: number[] = []
  readonly #arrivals: number[] = []

  // Of the record in hand.
  /** Where its sequence number lies in the body. */
  #sequenceStart = LEAVE
  #sequenceEnd = LEAVE
  #arrivedAt = Number.NaN
  #dataEnd = LEAVE
  /** Where the record before it ends. */
  #used = 0
  /** That was read last. */
  #value = 0

  constructor(body: Buffer, length: number, data: Buffer) {
    super()
    this.begin(body, 0, length)
    this.#data = data
  }

  read(): RecordsAnswer | null {
    if (this.members(0, ANSWER) !== this.end || !this.#hasRecords) return null
    const places = { dataEnds: this.#dataEnds, ends: this.#ends, arrivals: this.#arrivals }
    return {
      behindMs: this.#behindMs,
      next: this.#next,
      buffer: this.#data,
      page: (shard) => new PageBytes(shard, this.#data, places),
    }
  }

  protected member(member: number, at: number): number {
    switch (member) {
      case MILLIS_BEHIND: {
        const end = this.#number(at)
        this.#behindMs = this.#value
        return end
      }
      case NEXT_ITERATOR: {
        const end = this.plainEnd(at)
        if (end === LEAVE) return LEAVE
        this.#next = this.text(at + 1, end)
        return end + 1
      }
      case RECORDS:
        return this.#records(at)
      case SEQUENCE: {
        const end = this.plainEnd(at)
        if (end === LEAVE || !this.isAscii) return LEAVE
        this.#sequenceStart = at + 1
        this.#sequenceEnd = end
        return end + 1
      }
      case ARRIVAL: {
        const end = this.#number(at)
        this.#arrivedAt = Math.round(this.#value * 1000)
        return Math.abs(this.#arrivedAt) <= MOST_MS ? end : LEAVE
      }
      case DATA:
        return this.#base64(at)
      case PARTITION_KEY:
      case ENCRYPTION:
        return this.skipString(at)
      default:
        return LEAVE
    }
  }

  #records(start: number): number {
    const { bytes } = this
    if (bytes[start] !== OPEN_BRACKET) return LEAVE
    this.#hasRecords = true
    if (bytes[start + 1] === CLOSE_BRACKET) return start + 2
    let at = start
    do {
      this.#sequenceStart = LEAVE
      this.#arrivedAt = Number.NaN
      this.#dataEnd = LEAVE
      at = this.members(at + 1, RECORD)
      if (at === LEAVE || !this.#addRecord()) return LEAVE
    } while (bytes[at] === COMMA)
    return bytes[at] === CLOSE_BRACKET ? at + 1 : LEAVE
  }

  /** The record in hand, if it has all that a record must have. Its sequence number is copied behind its data: the body does not stay. */
  #addRecord(): boolean {
    const dataEnd = this.#dataEnd
    if (this.#sequenceStart === LEAVE || dataEnd === LEAVE) return false
    const end = dataEnd + this.#sequenceEnd - this.#sequenceStart
    if (end > this.#data.length) return false
    this.bytes.copy(this.#data, dataEnd, this.#sequenceStart, this.#sequenceEnd)
    this.#dataEnds.push(dataEnd)
    this.#ends.push(end)
    this.#arrivals.push(this.#arrivedAt)
    this.#used = end
    return true
  }

  /** A number with whatever fraction and exponent; what it says is then `#value`. */
  #number(start: number): number {
    const plain = this.#plainNumber(start)
    if (plain !== LEAVE) return plain
    const { bytes } = this
    let end = start
    while (end - start < MOST_NUMBER_BYTES && bytes[end] !== COMMA && bytes[end] !== CLOSE_BRACE) end++
    const text = bytes.toString('latin1', start, end)
    this.#value = Number(text)
    return JSON_NUMBER.test(text) ? end : LEAVE
  }

  /** As services write times, without making a text of it: `1754300000.123` and `1.754300000123E9`. LEAVE for any other. */
  #plainNumber(start: number): number {
    const { bytes } = this
    let digits = 0
    let scale = 0
    let at = start
    for (; isDigit(bytes[at]); at++) digits = digits * 10 + (bytes[at]! - ZERO)
    if (at === start || (bytes[start] === ZERO && at > start + 1)) return LEAVE
    if (bytes[at] === POINT) {
      const point = at++
      for (; isDigit(bytes[at]); at++) digits = digits * 10 + (bytes[at]! - ZERO)
      scale = at - point - 1
      if (scale === 0) return LEAVE
    }
    const isLong = at - start > MOST_PLAIN_DIGITS
    if (bytes[at] === UPPER_E && isDigit(bytes[at + 1])) {
      scale -= bytes[at + 1]! - ZERO
      at += 2
    }
    if (isLong || (bytes[at] !== COMMA && bytes[at] !== CLOSE_BRACE)) return LEAVE
    // Digits and power of ten are exact, so that one division or product rounds as the text would be read.
    this.#value = scale < 0 ? digits * 10 ** -scale : digits / 10 ** scale
    return at
  }

  #base64(at: number): number {
    const { bytes } = this
    if (bytes[at] !== QUOTE) return LEAVE
    const start = at + 1
    const end = bytes.indexOf(QUOTE, start)
    if (end === -1 || end >= this.end || (end - start) % 4 !== 0) return LEAVE
    const padding = end === start || bytes[end - 1] !== EQUALS ? 0 : bytes[end - 2] === EQUALS ? 2 : 1
    const length = ((end - start) / 4) * 3 - padding
    // Decoding leaves out what is no base64: then the length is another.
    if (this.#data.write(bytes.toString('latin1', start, end), this.#used, 'base64') !== length) return LEAVE
    this.#dataEnd = this.#used + length
    return end + 1
  }
}

const EQUALS = '='.charCodeAt(0)
const UPPER_E = 'E'.charCodeAt(0)
/** Of a `Date`. */
const MOST_MS = 8.64e15
/** A double holds all numbers of so many digits, and the point. */
const MOST_PLAIN_DIGITS = 15
const MOST_NUMBER_BYTES = 40
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
