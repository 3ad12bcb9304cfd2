import { Binary, type Numeric, toJson } from '../change.ts'
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  equals,
  FALSE,
  LETTER_B,
  LETTER_L,
  LETTER_M,
  LETTER_N,
  LETTER_S,
  MINUS,
  NULL,
  OPEN_BRACE,
  OPEN_BRACKET,
  POINT,
  QUOTE,
  TRUE,
  ZERO,
} from '../json-bytes.ts'
import { JsonScanner, LEAVE } from '../json-scanner.ts'
import { compareNumbers, MAX_DIGITS, readNumber } from './dynamodb-number.ts'
import { type BinaryEncoding, MAX_DEPTH, plainBase64 } from './dynamodb-value.ts'

/** Why an image is left, where it is not its layout. */
type LeftImage = 'set' | 'number'

/** Writes images of DynamoDB as plain JSON, from bytes to bytes: `{"id":{"N":"1"}}` → `{"id":1}`. */
export abstract class PlainJson extends JsonScanner {
  protected readonly binary: BinaryEncoding
  protected why: LeftImage | null = null
  /** Where plain JSON is written next. What was written stays as it is for as long as a change refers to it. */
  #out: Buffer = Buffer.alloc(0)
  #to = 0
  #start = 0
  // Where the names of the maps begin and end that are not done yet.
  readonly #nameStarts = new Int32Array(MOST_NAMES + 1)
  readonly #nameEnds = new Int32Array(MOST_NAMES + 1)
  #names = 0

  constructor(binary: BinaryEncoding) {
    super()
    this.binary = binary
  }

  protected override begin(bytes: Buffer, start: number, end: number): void {
    super.begin(bytes, start, end)
    this.why = null
    // Plain JSON is never longer than the described image.
    if (this.#out.length - this.#to < end - start) {
      this.#out = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, end - start))
      this.#to = 0
    }
  }

  /** Gives where the image ends; its plain JSON is then `jsonBytes`. */
  protected image(start: number): number {
    this.#start = this.#to
    this.#names = 0
    return this.#map(start, 0)
  }

  /** The image that was read last: `jsonBytes[jsonStart, jsonEnd)`. */
  get jsonBytes(): Buffer {
    return this.#out
  }

  get jsonStart(): number {
    return this.#start
  }

  get jsonEnd(): number {
    return this.#to
  }

  /** What was written of the image is not needed: nobody refers to it. */
  protected discard(): void {
    this.#to = this.#start
  }

  /** `{"a":{"S":"x"},…}` → `{"a":"x",…}`. Gives where it ends, as all that follow. */
  #map(start: number, depth: number): number {
    const bytes = this.bytes
    const firstName = this.#names
    this.#put(OPEN_BRACE)
    if (bytes[start + 1] === CLOSE_BRACE) {
      this.#put(CLOSE_BRACE)
      return start + 2
    }
    let hasEscapes = false
    let at = start
    do {
      if (at > start) this.#put(COMMA)
      let nameEnd = this.nameEnd(at + 1)
      if (nameEnd === LEAVE) {
        nameEnd = this.escapedNameEnd(at + 1)
        hasEscapes = true
      }
      if (nameEnd === LEAVE || !this.#isNew(firstName, at + 2, nameEnd, hasEscapes)) return LEAVE
      this.#copy(at + 1, nameEnd + 2)
      at = this.#described(nameEnd + 2, depth + 1)
      if (at === LEAVE) return LEAVE
    } while (bytes[at] === COMMA)
    if (bytes[at] !== CLOSE_BRACE) return LEAVE
    this.#names = firstName
    this.#put(CLOSE_BRACE)
    return at + 1
  }

  /** Whether the map whose names begin at `first` did not have this one yet: with escapes, one name has several spellings. */
  #isNew(first: number, start: number, end: number, hasEscapes: boolean): boolean {
    const starts = this.#nameStarts
    const ends = this.#nameEnds
    const count = this.#names
    const name = hasEscapes ? this.decoded(start, end) : ''
    for (let i = first; i < count; i++) {
      if (hasEscapes) {
        if (this.decoded(starts[i]!, ends[i]!) === name) return false
      } else if (ends[i]! - starts[i]! === end - start && isSame(this.bytes, starts[i]!, start, end - start))
        return false
    }
    starts[count] = start
    ends[count] = end
    this.#names = count + 1
    return count < MOST_NAMES
  }

  #list(start: number, depth: number): number {
    const bytes = this.bytes
    this.#put(OPEN_BRACKET)
    if (bytes[start + 1] === CLOSE_BRACKET) {
      this.#put(CLOSE_BRACKET)
      return start + 2
    }
    let at = start
    do {
      if (at > start) this.#put(COMMA)
      at = this.#described(at + 1, depth + 1)
      if (at === LEAVE) return LEAVE
    } while (bytes[at] === COMMA)
    if (bytes[at] !== CLOSE_BRACKET) return LEAVE
    this.#put(CLOSE_BRACKET)
    return at + 1
  }

  /** A value with its descriptor, `{"S":"x"}`. */
  #described(start: number, depth: number): number {
    const bytes = this.bytes
    if (bytes[start] !== OPEN_BRACE || bytes[start + 1] !== QUOTE) return LEAVE
    let at: number
    if (bytes[start + 3] === QUOTE && bytes[start + 4] === COLON) {
      const body = start + 5
      switch (bytes[start + 2]) {
        case LETTER_S:
          at = this.#string(body)
          break
        case LETTER_N:
          at = this.#number(body)
          break
        case LETTER_B:
          at = this.#bytes(body)
          break
        case LETTER_M:
          at = bytes[body] === OPEN_BRACE && depth <= MAX_DEPTH ? this.#map(body, depth) : LEAVE
          break
        case LETTER_L:
          at = bytes[body] === OPEN_BRACKET && depth <= MAX_DEPTH ? this.#list(body, depth) : LEAVE
          break
        default:
          return LEAVE
      }
    } else if (equals(bytes, start + 2, start + 8, BOOL)) at = this.#boolean(start + 8)
    else if (equals(bytes, start + 2, start + 12, NULL_TRUE)) {
      this.#putAll(NULL)
      at = start + 12
    } else {
      at =
        bytes[start + 3] === LETTER_S && bytes[start + 4] === QUOTE && bytes[start + 5] === COLON
          ? this.#set(bytes[start + 2]!, start + 6)
          : LEAVE
    }
    return at !== LEAVE && bytes[at] === CLOSE_BRACE ? at + 1 : LEAVE
  }

  /** A set, which DynamoDB keeps in no order, in the order of the object decoder. */
  #set(descriptor: number, start: number): number {
    const members =
      descriptor === LETTER_S
        ? this.#setMembers(TEXTS, start)
        : descriptor === LETTER_N
          ? this.#setMembers(NUMBERS, start)
          : descriptor === LETTER_B
            ? this.#setMembers(BINARIES, start)
            : null
    if (members === null) {
      this.why = 'set'
      return LEAVE
    }
    this.#put(OPEN_BRACKET)
    const { sorted } = members
    for (let i = 0; i < sorted.length; i++) {
      if (i > 0) this.#put(COMMA)
      this.#to += this.#out.write(sorted[i]!, this.#to)
    }
    this.#put(CLOSE_BRACKET)
    return members.end
  }

  #setMembers<Member>(
    { read, compare, tokenOf }: SetKind<Member>,
    start: number,
  ): { readonly sorted: readonly string[]; readonly end: number } | null {
    const bytes = this.bytes
    if (bytes[start] !== OPEN_BRACKET) return null
    const members: Member[] = []
    let at = start
    do {
      const end = this.plainEnd(at + 1)
      const member = end === LEAVE ? null : read(this.text(at + 2, end), this.binary)
      if (member === null || members.length === MOST_SET_MEMBERS) return null
      members.push(member)
      at = end + 1
    } while (bytes[at] === COMMA)
    return bytes[at] === CLOSE_BRACKET ? { sorted: members.sort(compare).map(tokenOf), end: at + 1 } : null
  }

  #boolean(at: number): number {
    if (equals(this.bytes, at, at + 4, TRUE)) {
      this.#putAll(TRUE)
      return at + 4
    }
    if (!equals(this.bytes, at, at + 5, FALSE)) return LEAVE
    this.#putAll(FALSE)
    return at + 5
  }

  #string(start: number): number {
    const end = this.skipString(start)
    if (end !== LEAVE) this.#copy(start, end)
    return end
  }

  /** A number in its one text: no plus, no exponent, no zeros that carry nothing, at most 38 digits. */
  #number(start: number): number {
    const bytes = this.bytes
    const isNegative = bytes[start + 1] === MINUS
    const first = isNegative ? start + 2 : start + 1
    const point = this.digitsEnd(first)
    const isFraction = bytes[point] === POINT
    const end = isFraction ? this.digitsEnd(point + 1) : point
    const isPlain =
      bytes[start] === QUOTE &&
      bytes[end] === QUOTE &&
      point > first &&
      end - first - (isFraction ? 1 : 0) <= MAX_DIGITS &&
      (bytes[first] !== ZERO || (point === first + 1 && (isFraction || !isNegative))) &&
      (!isFraction || (end > point + 1 && bytes[end - 1] !== ZERO))
    if (!isPlain) {
      this.why = 'number'
      return LEAVE
    }
    this.#copy(start + 1, end)
    return end + 1
  }

  #bytes(start: number): number {
    const end = this.plainEnd(start)
    if (end === LEAVE) return LEAVE
    const base64 = plainBase64(this.text(start + 1, end), this.binary)
    if (base64 === null) return LEAVE
    this.#put(QUOTE)
    this.#to += this.#out.write(base64, this.#to, 'latin1')
    this.#put(QUOTE)
    return end + 1
  }

  #put(byte: number): void {
    this.#out[this.#to++] = byte
  }

  #putAll(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) this.#out[this.#to++] = bytes[i]!
  }

  #copy(start: number, end: number): void {
    const bytes = this.bytes
    const out = this.#out
    let to = this.#to
    // A call costs more than a short run of bytes.
    if (end - start > LONG_RUN) {
      out.set(bytes.subarray(start, end), to)
      to += end - start
    } else for (let at = start; at < end; at++) out[to++] = bytes[at]!
    this.#to = to
  }
}

/** Whether the `length` bytes at `one` and at `other` are the same. */
function isSame(bytes: Uint8Array, one: number, other: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[one + i] !== bytes[other + i]) return false
  return true
}

/** How the object decoder reads the members of a set, and in which order. */
interface SetKind<Member> {
  /** Null for what is left to it. */
  readonly read: (text: string, binary: BinaryEncoding) => Member | null
  readonly compare: (one: Member, other: Member) => number
  readonly tokenOf: (member: Member) => string
}

const TEXTS: SetKind<string> = {
  read: (text) => text,
  /** By code unit. */
  compare: (one, other) => (one < other ? -1 : one > other ? 1 : 0),
  tokenOf: (text) => `"${text}"`,
}

const NUMBERS: SetKind<number | Numeric> = {
  /** None with an exponent: its digits may be longer than its text, and so than the room for them. */
  read: (text) => (PLAIN_NUMBER.test(text) ? readNumber(text) : null),
  compare: compareNumbers,
  tokenOf: toJson,
}

const PLAIN_NUMBER = /^-?\d+(?:\.\d+)?$/

const BINARIES: SetKind<Binary> = {
  read(text, binary) {
    const base64 = plainBase64(text, binary)
    return base64 === null ? null : Binary.fromBase64Text(base64)
  },
  compare: Buffer.compare,
  tokenOf: toJson,
}

const MOST_SET_MEMBERS = 1000

/** Of the maps inside of each other, at one time. */
const MOST_NAMES = 500
const CHUNK_BYTES = 256 * 1024
const LONG_RUN = 200

const BOOL = Buffer.from('BOOL":')
const NULL_TRUE = Buffer.from('NULL":true')
