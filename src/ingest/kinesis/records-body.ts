import type { GetRecordsOutput, _Record as KinesisRecord } from '@aws-sdk/client-kinesis'
import { CLOSE_BRACE, CLOSE_BRACKET, COMMA, named, OPEN_BRACKET, QUOTE } from '../../json-bytes.ts'
import { JsonScanner, LEAVE } from '../../json-scanner.ts'

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

class BodyReader extends JsonScanner {
  /** Decoded data; base64 is a third longer. */
  readonly #data: Buffer
  #used = 0
  readonly #answer: Writable<RecordsAnswer> = { Records: undefined }

  // Of the record in hand.
  #sequence: string | null = null
  #arrivedAt: Date | undefined
  #bytes: Uint8Array | null = null

  constructor(body: Uint8Array) {
    super()
    this.begin(body)
    this.#data = Buffer.allocUnsafeSlow(Math.ceil(body.byteLength * 0.75))
  }

  read(): RecordsAnswer | null {
    const isWhole = this.members(0, ANSWER) === this.end
    return isWhole && this.#answer.Records !== undefined ? this.#answer : null
  }

  protected member(member: number, at: number): number {
    switch (member) {
      case MILLIS_BEHIND: {
        const end = this.#numberEnd(at)
        this.#answer.MillisBehindLatest = this.#number(at, end)
        return end
      }
      case NEXT_ITERATOR: {
        const end = this.plainEnd(at)
        this.#answer.NextShardIterator = this.text(at + 1, end)
        return behind(end)
      }
      case RECORDS:
        return this.#records(at)
      case SEQUENCE: {
        const end = this.plainEnd(at)
        this.#sequence = this.text(at + 1, end)
        return behind(end)
      }
      case ARRIVAL: {
        const end = this.#numberEnd(at)
        this.#arrivedAt = new Date(Math.round(this.#number(at, end) * 1000))
        return Number.isNaN(this.#arrivedAt.getTime()) ? LEAVE : end
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
    const records: KinesisRecord[] = []
    this.#answer.Records = records
    if (bytes[start + 1] === CLOSE_BRACKET) return start + 2
    let at = start
    do {
      this.#sequence = null
      this.#bytes = null
      this.#arrivedAt = undefined
      at = this.members(at + 1, RECORD)
      if (at === LEAVE || this.#sequence === null || this.#bytes === null) return LEAVE
      records.push({
        SequenceNumber: this.#sequence,
        Data: this.#bytes,
        ApproximateArrivalTimestamp: this.#arrivedAt,
        PartitionKey: undefined,
      })
    } while (bytes[at] === COMMA)
    return bytes[at] === CLOSE_BRACKET ? at + 1 : LEAVE
  }

  /** A number with whatever fraction and exponent. */
  #numberEnd(start: number): number {
    const { bytes } = this
    let end = start
    while (end - start < MOST_NUMBER_BYTES && bytes[end] !== COMMA && bytes[end] !== CLOSE_BRACE) end++
    return JSON_NUMBER.test(bytes.toString('latin1', start, end)) ? end : LEAVE
  }

  #number(start: number, end: number): number {
    return end === LEAVE ? 0 : Number(this.bytes.toString('latin1', start, end))
  }

  #base64(at: number): number {
    const { bytes } = this
    if (bytes[at] !== QUOTE) return LEAVE
    const start = at + 1
    const end = bytes.indexOf(QUOTE, start)
    if (end === -1 || (end - start) % 4 !== 0) return LEAVE
    const padding = end === start || bytes[end - 1] !== EQUALS ? 0 : bytes[end - 2] === EQUALS ? 2 : 1
    const length = ((end - start) / 4) * 3 - padding
    const begin = this.#used
    // Decoding leaves out what is no base64: then the length is another.
    if (this.#data.write(bytes.toString('latin1', start, end), begin, 'base64') !== length) return LEAVE
    this.#used = begin + length
    this.#bytes = this.#data.subarray(begin, this.#used)
    return end + 1
  }
}

/** Behind the closing quote of a string that ends there. */
const behind = (end: number): number => (end === LEAVE ? LEAVE : end + 1)

const EQUALS = '='.charCodeAt(0)
const MOST_NUMBER_BYTES = 40
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
