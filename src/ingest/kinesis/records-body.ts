import type { GetRecordsOutput, _Record as KinesisRecord } from '@aws-sdk/client-kinesis'
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  escapeEnd,
  latin1Slice,
  memberOf,
  type Names,
  named,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SPACE,
} from '../../json-bytes.ts'

/** What the relay uses of an answer to GetRecords. */
export type RecordsAnswer = Pick<GetRecordsOutput, 'Records' | 'NextShardIterator' | 'MillisBehindLatest'>

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
 * Reads the body of an answer to GetRecords (JSON 1.1); the base64 of each record is decoded straight into one buffer of the
 * page. Null for a body of another look, such as one that names child shards: the SDK reads that.
 *
 * Of a record it gives `SequenceNumber`, `ApproximateArrivalTimestamp` and `Data`, which the relay uses, and no more.
 *
 * @see Amazon Kinesis Data Streams Service API Reference, GetRecords
 */
export function readRecordsBody(body: Uint8Array): RecordsAnswer | null {
  return new BodyReader(body).read()
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

class BodyReader {
  readonly #body: Buffer
  /** Decoded data; base64 is a third longer. */
  readonly #data: Buffer
  #used = 0
  #at = 0
  readonly #answer: Writable<RecordsAnswer> = { Records: undefined }

  // Of the record in hand.
  #sequence: string | null = null
  #arrivedAt: Date | undefined
  #bytes: Uint8Array | null = null

  constructor(body: Uint8Array) {
    this.#body = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    this.#data = Buffer.allocUnsafeSlow(Math.ceil(body.byteLength * 0.75))
  }

  read(): RecordsAnswer | null {
    const isWhole = this.#members(ANSWER) && this.#at === this.#body.length
    return isWhole && this.#answer.Records !== undefined ? this.#answer : null
  }

  /** Reads an object whose members are all known, each once; goes behind it. False for anything else, as all that follow. */
  #members(names: Names): boolean {
    const body = this.#body
    if (body[this.#at] !== OPEN_BRACE) return false
    let seen = 0
    do {
      const member = this.#name(names)
      if (member === 0 || (seen & member) !== 0) return false
      seen |= member
      if (!this.#value(member)) return false
    } while (body[this.#at] === COMMA)
    return body[this.#at++] === CLOSE_BRACE
  }

  /** Behind `{` or `,`: the member whose value comes next; 0 for one that is not known. */
  #name(names: Names): number {
    const body = this.#body
    const start = this.#at + 2
    if (body[start - 1] !== QUOTE) return 0
    const end = body.indexOf(QUOTE, start)
    if (end === -1 || body[end + 1] !== COLON) return 0
    this.#at = end + 2
    return memberOf(names, body, start, end)
  }

  #value(member: number): boolean {
    switch (member) {
      case MILLIS_BEHIND: {
        const millis = this.#number()
        this.#answer.MillisBehindLatest = millis
        return !Number.isNaN(millis)
      }
      case NEXT_ITERATOR: {
        const iterator = this.#text()
        if (iterator !== null) this.#answer.NextShardIterator = iterator
        return iterator !== null
      }
      case RECORDS:
        return this.#records()
      case SEQUENCE:
        this.#sequence = this.#text()
        return this.#sequence !== null
      case ARRIVAL:
        this.#arrivedAt = new Date(Math.round(this.#number() * 1000))
        return !Number.isNaN(this.#arrivedAt.getTime())
      case DATA:
        this.#bytes = this.#base64()
        return this.#bytes !== null
      default:
        return this.#skipString()
    }
  }

  #records(): boolean {
    const body = this.#body
    if (body[this.#at] !== OPEN_BRACKET) return false
    const records: KinesisRecord[] = []
    this.#answer.Records = records
    if (body[this.#at + 1] === CLOSE_BRACKET) {
      this.#at += 2
      return true
    }
    do {
      this.#at++
      const record = this.#record()
      if (record === null) return false
      records.push(record)
    } while (body[this.#at] === COMMA)
    return body[this.#at++] === CLOSE_BRACKET
  }

  #record(): KinesisRecord | null {
    this.#sequence = null
    this.#bytes = null
    this.#arrivedAt = undefined
    if (!this.#members(RECORD) || this.#sequence === null || this.#bytes === null) return null
    return {
      SequenceNumber: this.#sequence,
      Data: this.#bytes,
      ApproximateArrivalTimestamp: this.#arrivedAt,
      PartitionKey: undefined,
    }
  }

  /** ASCII without escapes. */
  #text(): string | null {
    const body = this.#body
    if (body[this.#at] !== QUOTE) return null
    const start = this.#at + 1
    for (let at = start; at < body.length; at++) {
      const byte = body[at]!
      if (byte === QUOTE) {
        this.#at = at + 1
        return latin1Slice.call(body, start, at)
      }
      if (byte < SPACE || byte > LAST_OF_ASCII || byte === BACKSLASH) return null
    }
    return null
  }

  /** NaN for anything else. */
  #number(): number {
    const body = this.#body
    const start = this.#at
    let end = start
    while (end - start < MOST_NUMBER_BYTES && body[end] !== COMMA && body[end] !== CLOSE_BRACE) end++
    const text = latin1Slice.call(body, start, end)
    this.#at = end
    return JSON_NUMBER.test(text) ? Number(text) : Number.NaN
  }

  #base64(): Uint8Array | null {
    const body = this.#body
    if (body[this.#at] !== QUOTE) return null
    const start = this.#at + 1
    const end = body.indexOf(QUOTE, start)
    if (end === -1 || (end - start) % 4 !== 0) return null
    const padding = body[end - 1] === EQUALS ? (body[end - 2] === EQUALS ? 2 : 1) : 0
    const length = ((end - start) / 4) * 3 - (end === start ? 0 : padding)
    const begin = this.#used
    // Decoding leaves out what is no base64: then the length is another.
    if (this.#data.write(latin1Slice.call(body, start, end), begin, 'base64') !== length) return null
    this.#used = begin + length
    this.#at = end + 1
    return this.#data.subarray(begin, begin + length)
  }

  /** Of a partition key, which may hold any text. */
  #skipString(): boolean {
    const body = this.#body
    if (body[this.#at] !== QUOTE) return false
    for (let at = this.#at + 1; at < body.length; at++) {
      const byte = body[at]!
      if (byte < SPACE) return false
      if (byte === QUOTE) {
        this.#at = at + 1
        return true
      }
      if (byte !== BACKSLASH) continue
      at = escapeEnd(body, at) - 1
      if (at < 0) return false
    }
    return false
  }
}

const EQUALS = '='.charCodeAt(0)
const LAST_OF_ASCII = 0x7e
const MOST_NUMBER_BYTES = 40
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
