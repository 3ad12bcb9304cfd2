import { Binary, type Change, newRow, type RawRecord, type Row, type TableName, type Value } from '../change.ts'
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
import { isUtf8Record } from '../page-record.ts'
import type { BytesRead } from './bytes-change.ts'
import { inOrder } from './dynamodb.ts'
import { readNumber } from './dynamodb-number.ts'
import { PlainJson } from './dynamodb-plain-json.ts'
import { OLDEST_US } from './dynamodb-time.ts'
import { type BinaryEncoding, plainBase64 } from './dynamodb-value.ts'
import { RepeatedNames } from './repeated-names.ts'

/** Why a record is left to the object decoder; for counts, not for people. */
export type LeftReason = 'layout' | 'escape' | 'set' | 'number' | 'time-unit' | 'identity' | 'not-utf8' | 'other-format'

/**
 * Reads records of a DynamoDB table in one pass over their bytes: what a change needs at once, and the new image as plain
 * JSON (`{"id":{"N":"1"}}` → `{"id":1}`), which lies in buffers of its own.
 *
 * It takes only what the service writes every day, and is as strict as the object decoder there: what it takes, that one takes
 * and reads the same. All else is left to it: white space between tokens, a name twice, halves of characters
 * and U+0000 as escapes (what databases refuse), sets of texts with escapes or of numbers with exponents, numbers that are not in their one text, a time in
 * seconds, a delete by somebody else than time-to-live.
 */
export class DynamodbBytes extends PlainJson implements BytesRead {
  // What the members of the record said that was read last.
  op: Change['op'] = 'update'
  table: TableName = { schema: null, name: '' }
  key: Row = NO_KEY
  readonly complete = true
  /** Epoch microseconds; empty where none were told. */
  version = ''
  hasImage = false
  #hasOp = false
  #hasTable = false
  #isDynamodb = false
  #identity: 'none' | 'ttl' | 'other' = 'none'

  #why: LeftReason | null = null
  #keyEnd = 0
  readonly #tableNames = new RepeatedNames()
  readonly #keyNames = new RepeatedNames()

  get isExpired(): boolean {
    return this.op === 'delete' && this.#identity === 'ttl'
  }

  /** Why the last record was left. */
  get left(): LeftReason {
    return this.#why ?? this.why ?? (this.metEscape ? 'escape' : 'layout')
  }

  /** Whether it could read the record: else the object decoder must look at it. */
  read(record: RawRecord): boolean {
    this.beginRecord(record)
    this.#forget()
    const isRead = this.#record()
    if (this.hasImage && (!isRead || this.op === 'delete')) {
      this.discard()
      this.hasImage = false
    }
    if (isRead && !isUtf8Record(record)) return this.#leave('not-utf8')
    return isRead
  }

  #leave(why: LeftReason): false {
    this.#why = why
    return false
  }

  #record(): boolean {
    if (this.members(this.start, RECORD_MEMBERS) !== this.end) return false
    if (!this.#isDynamodb) return this.#leave('other-format')
    if (!this.#hasOp || !this.#hasTable || this.key === NO_KEY || this.version === '') return false
    if (this.op !== 'delete') return this.hasImage
    return this.#identity === 'other' ? this.#leave('identity') : true
  }

  #forget(): void {
    this.key = NO_KEY
    this.version = ''
    this.hasImage = false
    this.#hasOp = false
    this.#hasTable = false
    this.#isDynamodb = false
    this.#identity = 'none'
    this.#why = null
  }

  protected member(member: number, at: number): number {
    switch (member) {
      case EVENT_NAME:
      case TABLE_NAME:
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
    if (member === EVENT_SOURCE) this.#isDynamodb = equals(bytes, start, end, AWS_DYNAMODB)
    else if (member === EVENT_NAME) {
      const op = opOf(bytes, start, end)
      if (op === null) return LEAVE
      this.op = op
      this.#hasOp = true
    } else if (end > start) this.#nameTable(start, end)
    return end + 1
  }

  /** Neighbours are mostly of one table. */
  #nameTable(start: number, end: number): void {
    const name = this.#tableNames.find(this.bytes, start, end) ?? this.#tableNames.add(this.text(start, end))
    if (name !== this.table.name) this.table = { schema: null, name }
    this.#hasTable = true
  }

  #userIdentity(at: number): number {
    const bytes = this.bytes
    const end = this.skip(at, 0)
    if (end === LEAVE) return LEAVE
    if (equals(bytes, at, end, NULL)) this.#identity = 'none'
    else this.#identity = isTtl(bytes, at, end) ? 'ttl' : 'other'
    return end
  }

  #newImage(at: number): number {
    if (this.bytes[at] !== OPEN_BRACE) return this.skip(at, 1)
    this.hasImage = true
    return this.image(at)
  }

  /** A time in microseconds (16 digits) or milliseconds (13). */
  #creationTime(start: number): number {
    const end = this.digitsEnd(start)
    const digits = end - start
    const text = digits === 16 || digits === 13 ? this.bytes.toString('latin1', start, end) : ''
    const microseconds = digits === 13 ? `${text}000` : text
    const us = Number(microseconds)
    if (us < OLDEST_US || !Number.isSafeInteger(us)) {
      this.#why = 'time-unit'
      return LEAVE
    }
    this.version = microseconds
    return end
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
      const name = hasEscapes ? this.decoded(at + 2, nameEnd) : this.#keyName(at + 2, nameEnd)
      const value = this.#keyValue(nameEnd + 2)
      if (value === null || (last !== null && name in row)) return LEAVE
      row[name] = value
      if (last !== null && last > name) isInOrder = false
      last = name
      at = this.#keyEnd
    } while (bytes[at] === COMMA)
    if (bytes[at] !== CLOSE_BRACE) return LEAVE
    this.key = isInOrder ? row : inOrder(row, Object.keys(row).sort())
    return at + 1
  }

  #keyName(start: number, end: number): string {
    return this.#keyNames.find(this.bytes, start, end) ?? this.#keyNames.add(this.text(start, end))
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
}

/** In place of a key that was not told. */
const NO_KEY: Row = newRow()

const AWS_DYNAMODB = Buffer.from('aws:dynamodb')

/** What the service writes of a delete by time-to-live. */
const TTL_IDENTITIES = [
  Buffer.from('{"type":"Service","principalId":"dynamodb.amazonaws.com"}'),
  Buffer.from('{"principalId":"dynamodb.amazonaws.com","type":"Service"}'),
]

function isTtl(bytes: Uint8Array, start: number, end: number): boolean {
  return TTL_IDENTITIES.some((text) => equals(bytes, start, end, text))
}

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
const EVENT_SOURCE = 8
const USER_IDENTITY = 16
const DYNAMODB = 32
const RECORD_MEMBERS = named({
  eventName: EVENT_NAME,
  tableName: TABLE_NAME,
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
