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
  CLOSE_BRACE,
  COLON,
  COMMA,
  equals,
  LETTER_B,
  LETTER_N,
  LETTER_S,
  NULL,
  named,
  OPEN_BRACE,
  QUOTE,
} from '../json-bytes.ts'
import { LEAVE } from '../json-scanner.ts'
import { inOrder } from './dynamodb.ts'
import { readNumber } from './dynamodb-number.ts'
import { PlainJson } from './dynamodb-plain-json.ts'
import { OLDEST_US } from './dynamodb-time.ts'
import { type BinaryEncoding, plainBase64 } from './dynamodb-value.ts'

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
 * and reads the same. All else is left to it: white space between tokens, a name twice, halves of characters
 * and U+0000 as escapes (what databases refuse), sets of texts with escapes or of numbers with exponents, numbers that are not in their one text, a time in
 * seconds, a delete by somebody else than time-to-live.
 */
export class DynamodbBytes extends PlainJson {
  #why: LeftReason | null = null
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
  #hasImage = false

  /** Why the last record was left. */
  get left(): LeftReason {
    return this.#why ?? this.why ?? (this.metEscape ? 'escape' : 'layout')
  }

  /** Null: the object decoder must look at it. */
  read({ data }: RawRecord): ReadBytes | null {
    this.begin(data)
    this.#forget()
    const read = this.#record()
    if ((read === null || read.image === null) && this.#hasImage) this.discard()
    if (read !== null && !isUtf8(data)) return this.#leave('not-utf8')
    return read
  }

  #leave(why: LeftReason): null {
    this.#why = why
    return null
  }

  #record(): ReadBytes | null {
    if (this.members(0, RECORD_MEMBERS) !== this.end) return null
    if (!this.#isDynamodb) return this.#leave('other-format')
    const op = this.#op
    const table = this.#namedTable
    const key = this.#key
    if (op === null || table === null || key === null || this.#microseconds === 0) return null
    const read = { op, table, key, microseconds: this.#microseconds, eventId: this.#eventId, isExpired: false }
    if (op !== 'delete') return this.#hasImage ? { ...read, image: this.written() } : null
    if (this.#identity === 'other') return this.#leave('identity')
    return { ...read, isExpired: this.#identity === 'ttl', image: null }
  }

  #forget(): void {
    this.#why = null
    this.#op = null
    this.#namedTable = null
    this.#eventId = undefined
    this.#isDynamodb = false
    this.#identity = 'none'
    this.#key = null
    this.#microseconds = 0
    this.#hasImage = false
  }

  protected member(member: number, at: number): number {
    switch (member) {
      case EVENT_NAME:
      case TABLE_NAME:
      case EVENT_ID:
      case EVENT_SOURCE:
        return this.#textMember(member, at)
      case USER_IDENTITY:
        return this.#userIdentity(at)
      case DYNAMODB:
        return this.members(at, DYNAMODB_MEMBERS)
      case CREATION_TIME:
        return this.#creationTime(at)
      case KEYS:
        return this.#keys(at)
      case NEW_IMAGE:
        return this.#newImage(at)
      default:
        return this.skip(at, 1)
    }
  }

  #textMember(member: number, at: number): number {
    const bytes = this.bytes
    const start = at + 1
    const end = this.plainEnd(at)
    if (end === LEAVE) return LEAVE
    if (member === EVENT_ID) this.#eventId = this.text(start, end)
    else if (member === EVENT_NAME) this.#op = opOf(bytes, start, end)
    else if (member === EVENT_SOURCE) this.#isDynamodb = equals(bytes, start, end, AWS_DYNAMODB)
    else if (end > start) this.#namedTable = this.#tableNamed(start, end)
    return end + 1
  }

  #userIdentity(at: number): number {
    const bytes = this.bytes
    const end = this.skip(at, 0)
    if (end === LEAVE) return LEAVE
    if (equals(bytes, at, end, NULL)) this.#identity = 'none'
    else this.#identity = TTL_IDENTITIES.some((text) => equals(bytes, at, end, text)) ? 'ttl' : 'other'
    return end
  }

  #newImage(at: number): number {
    if (this.bytes[at] !== OPEN_BRACE) return this.skip(at, 1)
    this.#hasImage = true
    return this.image(at)
  }

  /** A time in microseconds (16 digits) or milliseconds (13). */
  #creationTime(start: number): number {
    const end = this.digitsEnd(start)
    const digits = end - start
    const time = digits === 16 || digits === 13 ? Number(this.bytes.toString('latin1', start, end)) : 0
    const us = digits === 16 ? time : time * 1000
    this.#microseconds = us
    if (us >= OLDEST_US && Number.isSafeInteger(us)) return end
    this.#why = 'time-unit'
    return LEAVE
  }

  /** The key attributes, in the order of their names. */
  #keys(start: number): number {
    const bytes = this.bytes
    if (bytes[start] !== OPEN_BRACE || bytes[start + 1] !== QUOTE) return LEAVE
    const row = newRow()
    let last: string | null = null
    let isInOrder = true
    let at = start
    do {
      let nameEnd = this.nameEnd(at + 1)
      const hasEscapes = nameEnd === LEAVE
      if (hasEscapes) nameEnd = this.escapedNameEnd(at + 1)
      if (nameEnd === LEAVE) return LEAVE
      const name = hasEscapes ? this.decoded(at + 2, nameEnd) : this.text(at + 2, nameEnd)
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
    const bytes = this.bytes
    const isDescribed = bytes[at] === OPEN_BRACE && bytes[at + 1] === QUOTE
    if (!isDescribed || bytes[at + 3] !== QUOTE || bytes[at + 4] !== COLON) return null
    let end = this.plainEnd(at + 5)
    const hasEscapes = end === LEAVE
    if (hasEscapes) end = this.escapedEnd(at + 5)
    if (end === LEAVE || bytes[end + 1] !== CLOSE_BRACE) return null
    this.#keyEnd = end + 2
    const text = hasEscapes ? this.decoded(at + 6, end) : this.text(at + 6, end)
    return keyValue(bytes[at + 2]!, text, this.binary)
  }

  /** Neighbours are mostly of one table. */
  #tableNamed(start: number, end: number): TableName {
    const name = this.text(start, end)
    if (name !== this.#table.name) this.#table = { schema: null, name }
    return this.#table
  }
}

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
