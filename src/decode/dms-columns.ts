import type { ImageTokens } from '../change.ts'
import {
  CLOSE_BRACE,
  COMMA,
  equals,
  LOWER_F,
  LOWER_N,
  LOWER_T,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  POINT,
  QUOTE,
  ZERO,
} from '../json-bytes.ts'
import { JsonScanner, LEAVE } from '../json-scanner.ts'
import { ColumnNames, type KnownNames } from './column-names.ts'
import { TokenBounds } from './image-tokens.ts'

/** Why an image is left, where it is not its layout. */
type LeftImage = 'nested' | 'exponent'

/** Reads images of DMS, objects with a text, number, boolean or null for each column: where the token of each column lies. */
export abstract class ColumnTokens extends JsonScanner {
  protected why: LeftImage | null = null
  // Of the image that was read last.
  protected image: ImageTokens | null = null
  /** True if one of its values is null or empty text. */
  protected hasNullOrEmpty = false
  /** True if every number in it is in its one text. */
  protected isPlain = true
  readonly #names = new ColumnNames()
  readonly #bounds = new TokenBounds()

  /** `{"id":7,"name":"x",…}` → the image, in `image`. Gives where it ends. */
  protected columns(start: number): number {
    this.why = null
    this.hasNullOrEmpty = false
    this.isPlain = true
    if (this.bytes[start] !== OPEN_BRACE) return LEAVE
    const first = this.behindBlank(start + 1)
    for (let number = 0; ; number++) {
      const known = this.#names.candidate(this.bytes, first, number)
      if (known === undefined) break
      const end = this.#columnsOf(known, first)
      if (end !== OTHERS) return end
    }
    return this.#otherColumns(first)
  }

  /** Columns as they are expected; OTHERS if they are not. */
  #columnsOf(known: KnownNames, first: number): number {
    const bytes = this.bytes
    const { tokens } = known
    this.#bounds.begin()
    let at = first
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i]!
      const behindName = at + token.length
      if (!equals(bytes, at, behindName, token)) return OTHERS
      at = this.#value(behindName)
      if (at === LEAVE) return LEAVE
      if (bytes[at] === COMMA) {
        if (i === tokens.length - 1) return OTHERS
        at = this.behindBlank(at + 1)
      } else if (bytes[at] !== CLOSE_BRACE) return LEAVE
      else if (i < tokens.length - 1) return OTHERS
    }
    this.#names.met(known)
    this.image = this.#bounds.image(known.names, bytes)
    return at + 1
  }

  #otherColumns(first: number): number {
    const bytes = this.bytes
    const tokens: string[] = []
    this.#bounds.begin()
    let at = first
    for (;;) {
      const nameEnd = this.plainEnd(at)
      if (nameEnd === LEAVE) return LEAVE
      tokens.push(this.text(at, nameEnd + 1))
      at = this.#value(nameEnd + 1)
      if (at === LEAVE) return LEAVE
      if (bytes[at] !== COMMA) break
      at = this.behindBlank(at + 1)
    }
    const known = bytes[at] === CLOSE_BRACE ? this.#names.known(tokens) : null
    if (known === null) return LEAVE
    this.image = this.#bounds.image(known.names, bytes)
    return at + 1
  }

  /** The value of a column, behind its name; gives what follows it and white space. */
  #value(behindName: number): number {
    const start = this.behindColon(behindName)
    const end = start === LEAVE ? LEAVE : this.#scalar(start)
    if (end === LEAVE) return LEAVE
    this.#bounds.add(start, end)
    return this.behindBlank(end)
  }

  #scalar(start: number): number {
    const bytes = this.bytes
    switch (bytes[start]) {
      case QUOTE: {
        const end = this.skipString(start)
        if (end === start + EMPTY_LENGTH) this.hasNullOrEmpty = true
        return end
      }
      case LOWER_N:
        this.hasNullOrEmpty = true
        return this.skip(start, 0)
      case LOWER_T:
      case LOWER_F:
        return this.skip(start, 0)
      default:
        return this.#number(start)
    }
  }

  /** A number without exponent. */
  #number(start: number): number {
    const bytes = this.bytes
    const isNegative = bytes[start] === MINUS
    const first = isNegative ? start + 1 : start
    const point = this.digitsEnd(first)
    if (point === first || (bytes[first] === ZERO && point > first + 1)) return this.#leaveValue(start)
    if (bytes[point] !== POINT) {
      if (isNegative && bytes[first] === ZERO) this.isPlain = false
      return this.#numberEnd(point)
    }
    const end = this.digitsEnd(point + 1)
    if (end === point + 1) return LEAVE
    if (bytes[end - 1] === ZERO) this.isPlain = false
    return this.#numberEnd(end)
  }

  /** No exponent follows: an integer that was written so may have been rounded. */
  #numberEnd(end: number): number {
    const next = this.bytes[end]
    if (next !== UPPER_E && next !== LOWER_E) return end
    this.why = 'exponent'
    return LEAVE
  }

  #leaveValue(start: number): number {
    this.why = this.bytes[start] === OPEN_BRACE || this.bytes[start] === OPEN_BRACKET ? 'nested' : null
    return LEAVE
  }
}

/** In place of an offset: the image has other columns than expected. */
const OTHERS = -2
/** Of `""`. */
export const EMPTY_LENGTH = 2

const UPPER_E = 'E'.charCodeAt(0)
const LOWER_E = 'e'.charCodeAt(0)
