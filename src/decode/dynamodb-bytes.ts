import { isUtf8 } from 'node:buffer'
import {
  Binary,
  type Change,
  type JsonSpan,
  newRow,
  type RawRecord,
  type Row,
  type TableName,
  type Value,
} from '../change.ts'
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  equals,
  escapeEnd,
  isDigit,
  latin1Slice,
  MINUS,
  memberOf,
  type Names,
  named,
  OPEN_BRACE,
  OPEN_BRACKET,
  POINT,
  QUOTE,
  SPACE,
  utf8Slice,
  ZERO,
} from '../json-bytes.ts'
import { inOrder } from './dynamodb.ts'
import { readNumber } from './dynamodb-number.ts'
import { OLDEST_US } from './dynamodb-time.ts'
import { type BinaryEncoding, MAX_DEPTH, plainBase64 } from './dynamodb-value.ts'

/** Why a record is left to the object decoder; for counts, not for people. */
export type LeftReason = 'layout' | 'escape' | 'set' | 'number' | 'time-unit' | 'identity' | 'not-utf8' | 'other-format'

/** What the bytes of a record say, and where the plain JSON of its new image lies. */
export interface ReadBytes {
  readonly op: Change['op']
  readonly table: TableName
  readonly key: Row
  readonly microseconds: number
  readonly eventId: string | undefined
  /** True for a delete by time-to-live. */
  readonly isExpired: boolean
  /** Null for a delete. */
  readonly image: JsonSpan | null
}

/**
 * Reads records of a DynamoDB table in one pass over their bytes: what a change needs at once, and the new image as plain
 * JSON (`{"id":{"N":"1"}}` → `{"id":1}`), which lies in buffers of its own.
 *
 * It takes only what the service writes every day, and is as strict as the object decoder there: what it takes, that one takes
 * and reads the same. All else is left to it: white space between tokens, sets, names with an escape,
 * halves of characters and U+0000 as escapes (what databases refuse), numbers that are not in their one text, a time in seconds, an expired row, a member twice.
 */
export class DynamodbBytes {
  readonly #binary: BinaryEncoding
  #why: LeftReason = 'layout'

  #in: Uint8Array = EMPTY
  #end = 0
  /** Where plain JSON is written next. What was written stays as it is for as long as a change refers to it. */
  #out: Buffer = EMPTY
  #to = 0
  /** Whether a string that was read last held a byte beyond ASCII. */
  #isAscii = true
  #table: TableName = { schema: null, name: '' }

  // What the members of a record said.
  #op: Change['op'] | null = null
  #namedTable: TableName | null = null
  #eventId: string | undefined
  #isDynamodb = false
  #identity: 'none' | 'ttl' | 'other' = 'none'
  #key: Row | null = null
  #keyEnd = 0
  #microseconds = 0
  #imageStart = -1
  #imageEnd = -1

  constructor(binary: BinaryEncoding) {
    this.#binary = binary
  }

  /** Why the last record was left. */
  get why(): LeftReason {
    return this.#why
  }

  /** Null: the object decoder must look at it. */
  read({ data }: RawRecord): ReadBytes | null {
    this.#why = 'layout'
    this.#in = data
    this.#end = data.byteLength
    // Plain JSON is never longer than the described image.
    if (this.#out.length - this.#to < this.#end) {
      this.#out = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, this.#end))
      this.#to = 0
    }
    const start = this.#to
    const read = this.#record()
    if (read === null) this.#to = start
    if (read !== null && !isUtf8(data)) return this.#left('not-utf8')
    return read
  }

  #left(why: LeftReason): null {
    this.#why = why
    return null
  }

  #record(): ReadBytes | null {
    this.#forget()
    const start = this.#to
    if (this.#members(0, RECORD_MEMBERS) !== this.#end) return null
    if (!this.#isDynamodb) return this.#left('other-format')
    const op = this.#op
    const table = this.#namedTable
    const key = this.#key
    if (op === null || table === null || key === null || this.#microseconds === 0) return null
    const read = { op, table, key, microseconds: this.#microseconds, eventId: this.#eventId, isExpired: false }
    if (op !== 'delete') {
      if (this.#imageStart === -1) return null
      return { ...read, image: { bytes: this.#out, start: this.#imageStart, end: this.#imageEnd } }
    }
    if (this.#identity === 'other') return this.#left('identity')
    this.#to = start
    return { ...read, isExpired: this.#identity === 'ttl', image: null }
  }

  #forget(): void {
    this.#op = null
    this.#namedTable = null
    this.#eventId = undefined
    this.#isDynamodb = false
    this.#identity = 'none'
    this.#key = null
    this.#microseconds = 0
    this.#imageStart = -1
  }

  /** An object; its members that mean something come once. */
  #members(start: number, names: Names): number {
    const bytes = this.#in
    if (bytes[start] !== OPEN_BRACE) return LEAVE
    let at = start
    let seen = 0
    do {
      const nameEnd = this.#nameEnd(at + 1)
      if (nameEnd === LEAVE) return LEAVE
      const member = memberOf(names, bytes, at + 2, nameEnd)
      if ((seen & member) !== 0) return LEAVE
      seen |= member
      at = this.#member(member, nameEnd + 2)
      if (at === LEAVE) return LEAVE
    } while (bytes[at] === COMMA)
    return bytes[at] === CLOSE_BRACE ? at + 1 : LEAVE
  }

  #member(member: number, at: number): number {
    switch (member) {
      case EVENT_NAME:
      case TABLE_NAME:
      case EVENT_ID:
      case EVENT_SOURCE:
        return this.#textMember(member, at)
      case USER_IDENTITY:
        return this.#userIdentity(at)
      case DYNAMODB:
        return this.#members(at, DYNAMODB_MEMBERS)
      case CREATION_TIME:
        return this.#creationTime(at)
      case KEYS:
        return this.#keys(at)
      case NEW_IMAGE:
        return this.#newImage(at)
      default:
        return this.#skip(at, 1)
    }
  }

  #textMember(member: number, at: number): number {
    const bytes = this.#in
    const start = at + 1
    const end = this.#plainEnd(at)
    if (end === LEAVE) return LEAVE
    if (member === EVENT_ID) this.#eventId = this.#text(start, end)
    else if (member === EVENT_NAME) this.#op = opOf(bytes, start, end)
    else if (member === EVENT_SOURCE) this.#isDynamodb = equals(bytes, start, end, AWS_DYNAMODB)
    else if (end > start) this.#namedTable = this.#tableNamed(start, end)
    return end + 1
  }

  #userIdentity(at: number): number {
    const bytes = this.#in
    const end = this.#skip(at, 0)
    if (end === LEAVE) return LEAVE
    if (equals(bytes, at, end, NULL)) this.#identity = 'none'
    else this.#identity = TTL_IDENTITIES.some((text) => equals(bytes, at, end, text)) ? 'ttl' : 'other'
    return end
  }

  #newImage(at: number): number {
    if (this.#in[at] !== OPEN_BRACE) return this.#skip(at, 1)
    this.#imageStart = this.#to
    const end = this.#map(at, 0)
    this.#imageEnd = this.#to
    return end
  }

  /** A time in microseconds (16 digits) or milliseconds (13). */
  #creationTime(start: number): number {
    const end = this.#digitsEnd(start)
    const digits = end - start
    const time = digits === 16 || digits === 13 ? Number(latin1Slice.call(this.#in, start, end)) : 0
    const us = digits === 16 ? time : time * 1000
    this.#microseconds = us
    if (us >= OLDEST_US && Number.isSafeInteger(us)) return end
    this.#why = 'time-unit'
    return LEAVE
  }

  /** The key attributes, in the order of their names. */
  #keys(start: number): number {
    const bytes = this.#in
    if (bytes[start] !== OPEN_BRACE || bytes[start + 1] !== QUOTE) return LEAVE
    const row = newRow()
    let last: string | null = null
    let isInOrder = true
    let at = start
    do {
      const nameEnd = this.#nameEnd(at + 1)
      if (nameEnd === LEAVE) return LEAVE
      const name = this.#text(at + 2, nameEnd)
      const value = this.#keyValue(nameEnd + 2)
      if (value === null || name in row) return LEAVE
      row[name] = value
      if (last !== null && last > name) isInOrder = false
      last = name
      at = this.#keyEnd
    } while (bytes[at] === COMMA)
    if (bytes[at] !== CLOSE_BRACE) return LEAVE
    this.#key = isInOrder ? row : inOrder(row, Object.keys(row).sort())
    return at + 1
  }

  /** A described value of a key, `{"S":"x"}`; where it ends stands in `#keyEnd`. Null for what is none. */
  #keyValue(at: number): Value {
    const bytes = this.#in
    const isDescribed = bytes[at] === OPEN_BRACE && bytes[at + 1] === QUOTE
    if (!isDescribed || bytes[at + 3] !== QUOTE || bytes[at + 4] !== COLON) return null
    const end = this.#plainEnd(at + 5)
    if (end === LEAVE || bytes[end + 1] !== CLOSE_BRACE) return null
    this.#keyEnd = end + 2
    return keyValue(bytes[at + 2]!, this.#text(at + 6, end), this.#binary)
  }

  /** `{"a":{"S":"x"},…}` → `{"a":"x",…}`. Gives where it ends, as all that follow. */
  #map(start: number, depth: number): number {
    const bytes = this.#in
    this.#put(OPEN_BRACE)
    if (bytes[start + 1] === CLOSE_BRACE) {
      this.#put(CLOSE_BRACE)
      return start + 2
    }
    let at = start
    do {
      if (at > start) this.#put(COMMA)
      const nameEnd = this.#nameEnd(at + 1)
      if (nameEnd === LEAVE) return LEAVE
      this.#copy(at + 1, nameEnd + 2)
      at = this.#described(nameEnd + 2, depth + 1)
      if (at === LEAVE) return LEAVE
    } while (bytes[at] === COMMA)
    if (bytes[at] !== CLOSE_BRACE) return LEAVE
    this.#put(CLOSE_BRACE)
    return at + 1
  }

  #list(start: number, depth: number): number {
    const bytes = this.#in
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
    const bytes = this.#in
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

  /** A set of texts or numbers, which DynamoDB keeps in no order, in the order of the object decoder. */
  #set(descriptor: number, start: number): number {
    const members = this.#setMembers(descriptor, start)
    if (members === null) {
      this.#why = 'set'
      return LEAVE
    }
    this.#put(OPEN_BRACKET)
    for (const [i, { from, to }] of members.sorted.entries()) {
      if (i > 0) this.#put(COMMA)
      this.#copy(from, to)
    }
    this.#put(CLOSE_BRACKET)
    return members.end
  }

  #setMembers(descriptor: number, start: number): { readonly sorted: SetMember[]; readonly end: number } | null {
    const bytes = this.#in
    const isText = descriptor === LETTER_S
    if (bytes[start] !== OPEN_BRACKET || (!isText && descriptor !== LETTER_N)) return null
    const members: SetMember[] = []
    let at = start
    do {
      const end = this.#plainEnd(at + 1)
      if (end === LEAVE || members.length === MOST_SET_MEMBERS) return null
      const text = this.#text(at + 2, end)
      if (isText) members.push({ from: at + 1, to: end + 1, text, number: 0 })
      else if (PLAIN_NUMBER.test(text)) members.push({ from: at + 2, to: end, text, number: Number(text) })
      else return null
      at = end + 1
    } while (bytes[at] === COMMA)
    if (bytes[at] !== CLOSE_BRACKET) return null
    const sorted = isText ? members.sort(byText) : members.sort((one, other) => one.number - other.number)
    return { sorted, end: at + 1 }
  }

  #boolean(at: number): number {
    if (equals(this.#in, at, at + 4, TRUE)) {
      this.#putAll(TRUE)
      return at + 4
    }
    if (!equals(this.#in, at, at + 5, FALSE)) return LEAVE
    this.#putAll(FALSE)
    return at + 5
  }

  #string(start: number): number {
    const end = this.#skipString(start)
    if (end !== LEAVE) this.#copy(start, end)
    return end
  }

  /** A number in its one text: no plus, no exponent, no zeros that carry nothing, at most 38 digits. */
  #number(start: number): number {
    const bytes = this.#in
    const isNegative = bytes[start + 1] === MINUS
    const first = isNegative ? start + 2 : start + 1
    const point = this.#digitsEnd(first)
    const isFraction = bytes[point] === POINT
    const end = isFraction ? this.#digitsEnd(point + 1) : point
    const isPlain =
      bytes[start] === QUOTE &&
      bytes[end] === QUOTE &&
      point > first &&
      end - first - (isFraction ? 1 : 0) <= MAX_DIGITS &&
      (bytes[first] !== ZERO || (point === first + 1 && (isFraction || !isNegative))) &&
      (!isFraction || (end > point + 1 && bytes[end - 1] !== ZERO))
    if (!isPlain) {
      this.#why = 'number'
      return LEAVE
    }
    this.#copy(start + 1, end)
    return end + 1
  }

  #bytes(start: number): number {
    const end = this.#plainEnd(start)
    if (end === LEAVE) return LEAVE
    const base64 = plainBase64(this.#text(start + 1, end), this.#binary)
    if (base64 === null) return LEAVE
    this.#put(QUOTE)
    this.#to += this.#out.write(base64, this.#to, 'latin1')
    this.#put(QUOTE)
    return end + 1
  }

  /** Any value of JSON; gives where it ends. */
  #skip(at: number, depth: number): number {
    const bytes = this.#in
    switch (bytes[at]) {
      case QUOTE:
        return this.#skipString(at)
      case OPEN_BRACE:
        return this.#skipMembers(at, depth + 1)
      case OPEN_BRACKET:
        return this.#skipElements(at, depth + 1)
      case LOWER_T:
        return equals(bytes, at, at + 4, TRUE) ? at + 4 : LEAVE
      case LOWER_F:
        return equals(bytes, at, at + 5, FALSE) ? at + 5 : LEAVE
      case LOWER_N:
        return equals(bytes, at, at + 4, NULL) ? at + 4 : LEAVE
      default:
        return this.#skipNumber(at)
    }
  }

  #skipMembers(start: number, depth: number): number {
    const bytes = this.#in
    if (depth > MOST_SKIPPED_DEPTH) return LEAVE
    if (bytes[start + 1] === CLOSE_BRACE) return start + 2
    let at = start
    do {
      const nameEnd = this.#nameEnd(at + 1)
      at = nameEnd === LEAVE ? LEAVE : this.#skip(nameEnd + 2, depth)
      if (at === LEAVE) return LEAVE
    } while (bytes[at] === COMMA)
    return bytes[at] === CLOSE_BRACE ? at + 1 : LEAVE
  }

  #skipElements(start: number, depth: number): number {
    const bytes = this.#in
    if (depth > MOST_SKIPPED_DEPTH) return LEAVE
    if (bytes[start + 1] === CLOSE_BRACKET) return start + 2
    let at = start
    do {
      at = this.#skip(at + 1, depth)
      if (at === LEAVE) return LEAVE
    } while (bytes[at] === COMMA)
    return bytes[at] === CLOSE_BRACKET ? at + 1 : LEAVE
  }

  /** Whole numbers only: nothing else stands bare in these records. */
  #skipNumber(start: number): number {
    const bytes = this.#in
    const first = bytes[start] === MINUS ? start + 1 : start
    const end = this.#digitsEnd(first)
    return end === first || (bytes[first] === ZERO && end > first + 1) ? LEAVE : end
  }

  #digitsEnd(start: number): number {
    let at = start
    while (isDigit(this.#in[at])) at++
    return at
  }

  /** Of a string without escapes that opens at `start`: where its closing quote is. */
  #plainEnd(start: number): number {
    const bytes = this.#in
    if (bytes[start] !== QUOTE) return LEAVE
    let all = 0
    let at = start + 1
    for (; at < this.#end; at++) {
      const byte = bytes[at]!
      if (byte === QUOTE) {
        this.#isAscii = all < 0x80
        return at
      }
      if (byte === BACKSLASH) this.#why = 'escape'
      if (byte === BACKSLASH || byte < SPACE) return LEAVE
      all |= byte
    }
    return LEAVE
  }

  /** Of a name, which opens at `start`: where its closing quote is, in front of a colon. */
  #nameEnd(start: number): number {
    const end = this.#plainEnd(start)
    return end !== LEAVE && this.#in[end + 1] === COLON ? end : LEAVE
  }

  /** Behind a string that opens at `start`. */
  #skipString(start: number): number {
    const bytes = this.#in
    if (bytes[start] !== QUOTE) return LEAVE
    const end = this.#end
    for (let at = start + 1; at < end; at++) {
      const byte = bytes[at]!
      if (byte === QUOTE) return at + 1
      if (byte < SPACE) return LEAVE
      if (byte === BACKSLASH) {
        at = escapeEnd(bytes, at) - 1
        if (at < start) {
          this.#why = 'escape'
          return LEAVE
        }
      }
    }
    return LEAVE
  }

  /** The text of plain bytes that were looked at last. */
  #text(start: number, end: number): string {
    return this.#isAscii ? latin1Slice.call(this.#in, start, end) : utf8Slice.call(this.#in, start, end)
  }

  /** Neighbours are mostly of one table. */
  #tableNamed(start: number, end: number): TableName {
    const name = this.#text(start, end)
    if (name !== this.#table.name) this.#table = { schema: null, name }
    return this.#table
  }

  #put(byte: number): void {
    this.#out[this.#to++] = byte
  }

  #putAll(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) this.#out[this.#to++] = bytes[i]!
  }

  #copy(start: number, end: number): void {
    const bytes = this.#in
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

interface SetMember {
  /** With its quotes, if it is a text. */
  readonly from: number
  readonly to: number
  readonly text: string
  readonly number: number
}

/** By code unit. */
const byText = (one: SetMember, other: SetMember): number =>
  one.text < other.text ? -1 : one.text > other.text ? 1 : 0

/** Of so few digits that a double keeps them. */
const PLAIN_NUMBER = /^(?:0|-?[1-9]\d{0,14}|-?(?=[\d.]{1,16}$)(?:0|[1-9]\d*)\.\d*[1-9])$/
const MOST_SET_MEMBERS = 1000

const EMPTY = Buffer.alloc(0)
const CHUNK_BYTES = 256 * 1024
const LONG_RUN = 200
/** Far from what the stack holds; `JSON.parse` goes deeper. */
const MOST_SKIPPED_DEPTH = 100
const MAX_DIGITS = 38
/** In place of an offset: the object decoder must look at this. */
const LEAVE = -1

const LETTER_S = 'S'.charCodeAt(0)
const LETTER_N = 'N'.charCodeAt(0)
const LETTER_B = 'B'.charCodeAt(0)
const LETTER_M = 'M'.charCodeAt(0)
const LETTER_L = 'L'.charCodeAt(0)
const LOWER_T = 't'.charCodeAt(0)
const LOWER_F = 'f'.charCodeAt(0)
const LOWER_N = 'n'.charCodeAt(0)

const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const NULL = Buffer.from('null')
const BOOL = Buffer.from('BOOL":')
const NULL_TRUE = Buffer.from('NULL":true')
const AWS_DYNAMODB = Buffer.from('aws:dynamodb')

/** What the service writes of a delete by time-to-live. */
const TTL_IDENTITIES = [
  Buffer.from('{"type":"Service","principalId":"dynamodb.amazonaws.com"}'),
  Buffer.from('{"principalId":"dynamodb.amazonaws.com","type":"Service"}'),
]

const INSERT = Buffer.from('INSERT')
const MODIFY = Buffer.from('MODIFY')
const REMOVE = Buffer.from('REMOVE')

function opOf(bytes: Uint8Array, start: number, end: number): Change['op'] | null {
  if (equals(bytes, start, end, MODIFY)) return 'update'
  if (equals(bytes, start, end, INSERT)) return 'insert'
  return equals(bytes, start, end, REMOVE) ? 'delete' : null
}

/** Members that mean something, each a bit, to be told when one comes twice. */
const EVENT_NAME = 1
const TABLE_NAME = 2
const EVENT_ID = 4
const EVENT_SOURCE = 8
const USER_IDENTITY = 16
const DYNAMODB = 32
const RECORD_MEMBERS = named({
  eventName: EVENT_NAME,
  tableName: TABLE_NAME,
  eventID: EVENT_ID,
  eventSource: EVENT_SOURCE,
  userIdentity: USER_IDENTITY,
  dynamodb: DYNAMODB,
})
const CREATION_TIME = 64
const KEYS = 128
const NEW_IMAGE = 256
const OLD_IMAGE = 512
const DYNAMODB_MEMBERS = named({
  ApproximateCreationDateTime: CREATION_TIME,
  Keys: KEYS,
  NewImage: NEW_IMAGE,
  OldImage: OLD_IMAGE,
})

function keyValue(descriptor: number, text: string, binary: BinaryEncoding): Value {
  if (descriptor === LETTER_S) return text
  if (descriptor === LETTER_N) return readNumber(text)
  if (descriptor !== LETTER_B) return null
  const base64 = plainBase64(text, binary)
  return base64 === null ? null : Binary.fromBase64Text(base64)
}
