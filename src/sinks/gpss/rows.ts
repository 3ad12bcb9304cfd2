import type { JsonSpan } from '../../change.ts'
import { FIXED32, FIXED64, LENGTH, tag, VARINT } from './wire.ts'

/**
 * The member of `DBValue` that carries the values of a column.
 * (`TimeStampValue` is left out: its time zone is not documented, and a text holds any time.)
 */
export type Member = keyof typeof MEMBERS

const MEMBERS = {
  int32: tag(1, VARINT),
  int64: tag(2, VARINT),
  float32: tag(5, FIXED32),
  float64: tag(6, FIXED64),
  string: tag(7, LENGTH),
  bytes: tag(8, LENGTH),
} as const

/**
 * What is carried: for int32, float32 and float64 a number, for int64 a safe integer or a bigint, for string a string or its UTF-8,
 * for bytes a Uint8Array; null is NULL for all of them.
 */
export type Carried = null | number | bigint | string | JsonSpan | Uint8Array

/** Rows as they go into messages of `Write`. */
export interface EncodedRows {
  readonly count: number
  /** Each is the field `Rows` of one WriteRequest, and together with a session small enough for one message. */
  readonly parts: readonly Buffer[]
}

/** What a server made with grpc-go takes by default, and GPSS is not known to take more. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024
/** Of a message, for the field `Session`. */
export const SESSION_BYTES = 1024
export const MAX_ROW_BYTES = MAX_MESSAGE_BYTES - SESSION_BYTES
/** A message is closed in front of the row that would make it larger than this. */
const FULL_BYTES = 3 * 1024 * 1024
const FIRST_BYTES = 32 * 1024

/**
 * Encodes rows as fast as they come, into one buffer per message:
 *
 *     Rows   12 <length> RowData
 *     Data   0A <length> Row
 *     Column 0A <length> DBValue     for each column
 *            <tag of the member> <value>, or 58 00 for NULL
 *
 * Each length stands in front of what it measures, so a row is measured first and written then.
 */
export class RowEncoder {
  readonly #members: readonly Member[]
  /** Bytes of each column's DBValue, and of the text in it. */
  readonly #sizes: Int32Array
  readonly #textSizes: Int32Array
  #parts: Buffer[] = []
  #count = 0
  #buffer = Buffer.allocUnsafe(FIRST_BYTES)
  #at = 0

  constructor(members: readonly Member[]) {
    this.#members = members
    this.#sizes = new Int32Array(members.length)
    this.#textSizes = new Int32Array(members.length)
  }

  /**
   * Takes a row of one value for each member; a value that does not suit its member is an error of the caller.
   * @returns false if the row alone is larger than a message may be: it was not taken
   */
  add(values: readonly Carried[]): boolean {
    if (values.length !== this.#members.length)
      throw new TypeError('A row has another number of values than of columns')
    const row = this.#measure(values)
    const data = 1 + varintSize(row) + row
    const whole = 1 + varintSize(data) + data
    if (whole > MAX_ROW_BYTES) return false
    if (this.#at > 0 && this.#at + whole > FULL_BYTES) this.#cut()
    this.#reserve(whole)
    this.#byte(tag(2, LENGTH))
    this.#varint(data)
    this.#byte(tag(1, LENGTH))
    this.#varint(row)
    for (let i = 0; i < values.length; i++) {
      this.#byte(tag(1, LENGTH))
      this.#varint(this.#sizes[i]!)
      this.#value(this.#members[i]!, values[i]!, this.#textSizes[i]!)
    }
    this.#count++
    return true
  }

  /** Returns what was taken, and starts over. */
  finish(): EncodedRows {
    if (this.#at > 0) this.#cut()
    const rows = { count: this.#count, parts: this.#parts }
    this.#parts = []
    this.#count = 0
    return rows
  }

  #cut(): void {
    this.#parts.push(this.#buffer.subarray(0, this.#at))
    this.#buffer = Buffer.allocUnsafe(FIRST_BYTES)
    this.#at = 0
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }

  /** @returns bytes of the Row */
  #measure(values: readonly Carried[]): number {
    let row = 0
    for (let i = 0; i < values.length; i++) {
      const size = this.#measureValue(this.#members[i]!, values[i]!, i)
      this.#sizes[i] = size
      row += 1 + varintSize(size) + size
    }
    return row
  }

  #measureValue(member: Member, value: Carried, i: number): number {
    if (value === null) return 2
    switch (member) {
      case 'int32':
      case 'int64':
        return 1 + integerSize(value as number | bigint)
      case 'float32':
        return 5
      case 'float64':
        return 9
      case 'string': {
        const size = isSpan(value) ? value.end - value.start : Buffer.byteLength(value as string)
        this.#textSizes[i] = size
        return 1 + varintSize(size) + size
      }
      case 'bytes': {
        const size = (value as Uint8Array).length
        return 1 + varintSize(size) + size
      }
    }
  }

  #value(member: Member, value: Carried, textSize: number): void {
    if (value === null) {
      this.#byte(tag(11, VARINT))
      this.#byte(0)
      return
    }
    this.#byte(MEMBERS[member])
    switch (member) {
      case 'int32':
      case 'int64':
        this.#integer(value as number | bigint)
        break
      case 'float32':
        this.#at = this.#buffer.writeFloatLE(value as number, this.#at)
        break
      case 'float64':
        this.#at = this.#buffer.writeDoubleLE(value as number, this.#at)
        break
      case 'string':
        this.#varint(textSize)
        if (isSpan(value)) this.#at += value.bytes.copy(this.#buffer, this.#at, value.start, value.end)
        else this.#text(value as string, textSize)
        break
      case 'bytes':
        this.#varint((value as Uint8Array).length)
        this.#buffer.set(value as Uint8Array, this.#at)
        this.#at += (value as Uint8Array).length
        break
    }
  }

  #byte(byte: number): void {
    this.#buffer[this.#at++] = byte
  }

  /** @param value from 0 to 2^53 */
  #varint(value: number): void {
    let rest = value
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) this.#buffer[this.#at++] = (rest % 128) | 128
    for (; rest > 127; rest >>>= 7) this.#buffer[this.#at++] = (rest & 127) | 128
    this.#buffer[this.#at++] = rest
  }

  #integer(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) this.#varint(value)
    else {
      let rest = BigInt.asUintN(64, BigInt(value))
      for (; rest > 127n; rest >>= 7n) this.#buffer[this.#at++] = Number(rest & 127n) | 128
      this.#buffer[this.#at++] = Number(rest)
    }
  }

  #text(text: string, size: number): void {
    if (size === text.length && size <= SHORT) {
      for (let i = 0; i < size; i++) this.#buffer[this.#at++] = text.charCodeAt(i)
    } else this.#at += this.#buffer.write(text, this.#at, size)
  }
}

const isSpan = (value: Carried): value is JsonSpan => typeof value === 'object' && value !== null && 'end' in value

/** Up to here ASCII is written faster than asked for. */
const SHORT = 24

function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++
  return size
}

/** Negative integers take the bytes of 64 bits. */
function integerSize(value: number | bigint): number {
  if (value < 0) return 10
  if (typeof value === 'number') return varintSize(value)
  let size = 1
  for (let rest = value; rest > 127n; rest >>= 7n) size++
  return size
}
