import type { Change, ImageTokens, RawRecord, TableName } from '../change.ts'
import { CLOSE_BRACE, equals, isDigit, LOWER_N, MINUS, named, OPEN_BRACE, QUOTE } from '../json-bytes.ts'
import { LEAVE } from '../json-scanner.ts'
import { isUtf8Record } from '../page-record.ts'
import { ColumnTokens, EMPTY_LENGTH } from './dms-columns.ts'
import { isPossible } from './dms-metadata.ts'
import { TimeReader } from './dms-time.ts'

/** Why a record is left to the object decoder; for counts, not for people. */
export type LeftDms = 'layout' | 'escape' | 'nested' | 'exponent' | 'time' | 'control' | 'not-utf8'

/** What the bytes of a record say; the images lie in the record itself. */
export interface ReadDmsBytes {
  readonly op: Change['op']
  readonly table: TableName
  readonly microseconds: number
  /** The member `data`: of a delete old values, else the row. */
  readonly data: ImageTokens
  /** Null where the record has no before image, or one without columns. */
  readonly old: ImageTokens | null
  /** True if a value of `data` is null or empty text. */
  readonly hasNullOrEmpty: boolean
  /** Where `data` lies, if every number in it is in its one text; else 0 and 0. */
  readonly jsonStart: number
  readonly jsonEnd: number
}

/**
 * Reads records of changes that DMS writes in one pass over their bytes: what a change needs at once, and where the value of each
 * column lies, for who wants it.
 *
 * It is as strict as the object decoder: what it takes, that one takes and reads the same. All else is left to it: control
 * records, tables of DMS's own, names with escapes, names twice, halves of characters and U+0000 as escapes, columns that hold objects or
 * arrays, numbers with an exponent, members that are not known, and old values in the record of an insert.
 */
export class DmsBytes extends ColumnTokens {
  readonly #times = new TimeReader()
  readonly #commitTimes = new TimeReader()
  readonly #recordMembers: ReturnType<typeof named>
  #why: LeftDms | null = null
  #table: TableName = { schema: null, name: '' }
  #schemaToken = Buffer.alloc(0)
  #nameToken = Buffer.alloc(0)

  // What the members of a record said.
  #data: ImageTokens | null = null
  #old: ImageTokens | null = null
  #hasNullOrEmpty = false
  #jsonStart = 0
  #jsonEnd = 0
  #op: Change['op'] | null = null
  #isData = false
  #microseconds = Number.NaN
  #schemaStart = 0
  #schemaEnd = 0
  #nameStart = 0
  #nameEnd = 0

  /** @param beforeImageField the member of a record that holds its before image; one of the others' names is never that */
  constructor(beforeImageField: string) {
    super()
    this.#recordMembers = named({ [beforeImageField]: OLD, data: DATA, metadata: METADATA, control: CONTROL })
  }

  /** Why the last record was left. */
  get left(): LeftDms {
    return this.#why ?? this.why ?? (this.metEscape ? 'escape' : 'layout')
  }

  /** Null: the object decoder must look at it. */
  read(record: RawRecord): ReadDmsBytes | null {
    this.beginRecord(record)
    this.#forget()
    const end = this.members(this.behindBlank(this.start), this.#recordMembers)
    const read = end !== LEAVE && this.behindBlank(end) === this.end ? this.#readMembers() : null
    if (read !== null && !isUtf8Record(record)) return this.#leave('not-utf8')
    return read
  }

  #leave(why: LeftDms): null {
    this.#why = why
    return null
  }

  #readMembers(): ReadDmsBytes | null {
    const op = this.#op
    const data = this.#data
    const old = this.#old
    if (op === null || data === null || !this.#isData) return null
    if (!isPossible(this.#microseconds)) return this.#leave('time')
    if (old !== null && (op === 'insert' || op === 'load')) return null
    const table = this.#tableNamed()
    if (table === null) return null
    return {
      op,
      table,
      microseconds: this.#microseconds,
      data,
      old,
      hasNullOrEmpty: this.#hasNullOrEmpty,
      jsonStart: this.#jsonStart,
      jsonEnd: this.#jsonEnd,
    }
  }

  #forget(): void {
    this.#why = null
    this.why = null
    this.#data = null
    this.#old = null
    this.#op = null
    this.#isData = false
    this.#microseconds = Number.NaN
    this.#schemaEnd = 0
    this.#nameEnd = 0
  }

  protected member(member: number, at: number): number {
    switch (member) {
      case DATA:
        return this.#dataAt(at)
      case OLD:
        return this.#oldAt(at)
      case METADATA:
        return this.members(at, METADATA_MEMBERS)
      case CONTROL:
        this.#why = 'control'
        return LEAVE
      case TIMESTAMP: {
        const end = this.skipString(at)
        if (end !== LEAVE) this.#microseconds = this.#times.microseconds(this.bytes, at, end)
        return end
      }
      case COMMIT_TIMESTAMP:
        return this.#commitTime(at)
      case RECORD_TYPE:
        this.#isData = equals(this.bytes, at, at + DATA_TEXT.length, DATA_TEXT)
        return this.skipString(at)
      case OPERATION: {
        const end = this.skipString(at)
        if (end !== LEAVE) this.#op = opOf(this.bytes, at, end)
        return end
      }
      case SCHEMA_NAME: {
        const end = this.plainEnd(at)
        this.#schemaStart = at
        this.#schemaEnd = end
        return end === LEAVE ? LEAVE : end + 1
      }
      case TABLE_NAME: {
        const end = this.plainEnd(at)
        this.#nameStart = at
        this.#nameEnd = end
        return end === LEAVE ? LEAVE : end + 1
      }
      case OF_TRANSACTION:
      case OF_RECORD:
      case OF_POSITION: {
        const first = this.bytes[at]
        const isText = first === QUOTE || first === LOWER_N || first === MINUS || isDigit(first)
        return isText ? this.skip(at, 1) : LEAVE
      }
      case UNKNOWN:
        // Of the metadata; beside them and the images there may be another image.
        return this.bytes[at] === OPEN_BRACE ? LEAVE : this.skip(at, 1)
      default:
        return LEAVE
    }
  }

  /** A time, or what says that there is none. */
  #commitTime(at: number): number {
    const bytes = this.bytes
    const end = this.skip(at, 1)
    if (end === LEAVE || bytes[at] === LOWER_N) return end
    if (bytes[at] === QUOTE && end === at + EMPTY_LENGTH) return end
    return Number.isNaN(this.#commitTimes.microseconds(bytes, at, end)) ? LEAVE : end
  }

  #dataAt(at: number): number {
    const end = this.columns(at)
    if (end === LEAVE) return LEAVE
    this.#data = this.image
    this.#hasNullOrEmpty = this.hasNullOrEmpty
    this.#jsonStart = this.isPlain ? at : 0
    this.#jsonEnd = this.isPlain ? end : 0
    return end
  }

  #oldAt(at: number): number {
    const bytes = this.bytes
    if (bytes[at] === LOWER_N) return this.skip(at, 0)
    const first = this.behindBlank(at + 1)
    if (bytes[at] === OPEN_BRACE && bytes[first] === CLOSE_BRACE) return first + 1
    const end = this.columns(at)
    if (end !== LEAVE) this.#old = this.image
    return end
  }

  /** Neighbours are mostly of one table. Null for one of DMS's own, and for what is no name. */
  #tableNamed(): TableName | null {
    const bytes = this.bytes
    const [schemaStart, schemaEnd, nameStart, nameEnd] = [
      this.#schemaStart,
      this.#schemaEnd,
      this.#nameStart,
      this.#nameEnd,
    ]
    if (schemaEnd <= schemaStart + 1 || nameEnd <= nameStart + 1) return null
    const isLast =
      equals(bytes, nameStart, nameEnd, this.#nameToken) && equals(bytes, schemaStart, schemaEnd, this.#schemaToken)
    if (isLast) return this.#table
    const schema = bytes.toString('utf8', schemaStart + 1, schemaEnd)
    const name = bytes.toString('utf8', nameStart + 1, nameEnd)
    if (/^awsdms_/i.test(name)) return null
    this.#schemaToken = Buffer.from(bytes.subarray(schemaStart, schemaEnd))
    this.#nameToken = Buffer.from(bytes.subarray(nameStart, nameEnd))
    this.#table = { schema, name }
    return this.#table
  }
}

/** Members that mean something, each a bit, to be told when one comes twice. */
const UNKNOWN = 0
const DATA = 1
const OLD = 2
const METADATA = 4
const CONTROL = 8
const TIMESTAMP = 16
const RECORD_TYPE = 32
const OPERATION = 64
const SCHEMA_NAME = 128
const TABLE_NAME = 256
const OF_TRANSACTION = 512
const OF_RECORD = 1024
const OF_POSITION = 2048
const COMMIT_TIMESTAMP = 4096
const METADATA_MEMBERS = named({
  timestamp: TIMESTAMP,
  'record-type': RECORD_TYPE,
  operation: OPERATION,
  'schema-name': SCHEMA_NAME,
  'table-name': TABLE_NAME,
  'transaction-id': OF_TRANSACTION,
  'transaction-record-id': OF_RECORD,
  'stream-position': OF_POSITION,
  'commit-timestamp': COMMIT_TIMESTAMP,
})

const DATA_TEXT = Buffer.from('"data"')
const OPERATIONS = (['update', 'insert', 'delete', 'load'] as const).map((op) => ({
  op,
  token: Buffer.from(`"${op}"`),
}))

function opOf(bytes: Uint8Array, start: number, end: number): Change['op'] | null {
  for (const { op, token } of OPERATIONS) if (equals(bytes, start, end, token)) return op
  return null
}
