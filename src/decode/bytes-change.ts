import type { Change, ChangeSource, JsonSpan, RawRecord, Row, TableName } from '../change.ts'

/** What is known of a change from the bytes of its record alone. */
export interface BytesParts {
  readonly op: Change['op']
  readonly table: TableName
  readonly key: Row | null
  readonly complete: boolean
  readonly version: string
  readonly source: ChangeSource
  readonly isExpired: boolean
  readonly afterJson: JsonSpan | null
}

/** Reads the whole record, as objects. */
type ReadWhole = (record: RawRecord) => Change

/**
 * A change of which only the bytes were read: `after`, `before` and `time` are what the object decoder reads, when
 * somebody first asks. They are properties of each change itself, so that its copies have them; `afterJson` is not, so that
 * a copy with another `after` has none.
 */
export class BytesChange implements Change {
  readonly kind = 'change'
  readonly op: Change['op']
  readonly table: TableName
  readonly key: Row | null
  declare readonly before: Row | null
  declare readonly after: Row | null
  readonly complete: boolean
  readonly version: string
  declare readonly time: string
  declare readonly expired?: true
  readonly source: ChangeSource

  readonly #afterJson: JsonSpan | null
  readonly #record: RawRecord
  readonly #readWhole: ReadWhole
  #whole: Change | undefined

  constructor(parts: BytesParts, record: RawRecord, readWhole: ReadWhole) {
    this.op = parts.op
    this.table = parts.table
    this.key = parts.key
    this.complete = parts.complete
    this.version = parts.version
    if (parts.isExpired) this.expired = true
    this.source = parts.source
    this.#afterJson = parts.afterJson
    this.#record = record
    this.#readWhole = readWhole
    Object.defineProperty(this, 'before', BytesChange.#before)
    Object.defineProperty(this, 'after', BytesChange.#after)
    Object.defineProperty(this, 'time', BytesChange.#time)
  }

  get afterJson(): JsonSpan | null {
    return this.#afterJson
  }

  #read(): Change {
    this.#whole ??= this.#readWhole(this.#record)
    return this.#whole
  }

  static readonly #before: PropertyDescriptor = {
    enumerable: true,
    get(this: BytesChange): Row | null {
      return this.#read().before
    },
  }

  static readonly #after: PropertyDescriptor = {
    enumerable: true,
    get(this: BytesChange): Row | null {
      return this.#read().after
    },
  }

  static readonly #time: PropertyDescriptor = {
    enumerable: true,
    get(this: BytesChange): string {
      return this.#read().time
    },
  }
}
