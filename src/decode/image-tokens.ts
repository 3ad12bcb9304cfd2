import type { ImageTokens, Value } from '../change.ts'
import { BACKSLASH, isDigit, LOWER_F, LOWER_N, LOWER_T, MINUS, QUOTE } from '../json-bytes.ts'
import { parseExact } from './exact-json.ts'

/** Two numbers a column, of many images one behind the other. */
const CHUNK_BOUNDS = 32 * 1024

/** A double keeps every decimal of so few characters. */
const MOST_SIMPLE = 15

/** Collects where the tokens of an image lie, while its record is read. */
export class TokenBounds {
  #bounds = new Int32Array(0)
  #at = 0
  /** Where the image in hand begins: what lies before it is referred to. */
  #start = 0

  /** What was added since the last image counts no more. */
  begin(): void {
    this.#at = this.#start
  }

  add(start: number, end: number): void {
    if (this.#at + 2 > this.#bounds.length) this.#grow()
    this.#bounds[this.#at++] = start
    this.#bounds[this.#at++] = end
  }

  image(names: readonly string[], bytes: Buffer): ImageTokens {
    const image = new Tokens(names, bytes, this.#bounds, this.#start)
    this.#start = this.#at
    return image
  }

  #grow(): void {
    const begun = this.#bounds.subarray(this.#start, this.#at)
    this.#bounds = new Int32Array(Math.max(CHUNK_BOUNDS, 2 * begun.length))
    this.#bounds.set(begun)
    this.#at = begun.length
    this.#start = 0
  }
}

class Tokens implements ImageTokens {
  readonly names: readonly string[]
  readonly bytes: Buffer
  readonly #bounds: Int32Array
  readonly #first: number

  constructor(names: readonly string[], bytes: Buffer, bounds: Int32Array, first: number) {
    this.names = names
    this.bytes = bytes
    this.#bounds = bounds
    this.#first = first
  }

  start(column: number): number {
    return this.#bounds[this.#first + 2 * column]!
  }

  end(column: number): number {
    return this.#bounds[this.#first + 2 * column + 1]!
  }

  value(column: number): Value {
    return tokenValue(this.bytes, this.start(column), this.end(column))
  }
}

/** A token of JSON → its value, as the object decoder reads it. */
function tokenValue(bytes: Buffer, start: number, end: number): Value {
  const first = bytes[start]!
  if (first === QUOTE) {
    for (let at = start + 1; at < end; at++) if (bytes[at] === BACKSLASH) return parseExact(textOf(bytes, start, end))
    return textOf(bytes, start + 1, end - 1)
  }
  if (first === LOWER_N) return null
  if (first === LOWER_T) return true
  if (first === LOWER_F) return false
  const text = bytes.toString('latin1', start, end)
  const isSimple = (first === MINUS || isDigit(first)) && end - start <= MOST_SIMPLE
  return isSimple ? Number(text) : parseExact(text)
}

/** The shortest way to a text: one byte a character, where they are ASCII. */
function textOf(bytes: Buffer, start: number, end: number): string {
  for (let at = start; at < end; at++) if (bytes[at]! >= 0x80) return bytes.toString('utf8', start, end)
  return bytes.toString('latin1', start, end)
}
