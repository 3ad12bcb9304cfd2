import type {
  Change,
  ChangeSource,
  ImageTokens,
  JsonSpan,
  RawRecord,
  Row,
  TableName,
  Transaction,
  UnreadImages,
  Value,
} from '../change.ts'
import type { ObjectReader } from './bytes-change.ts'
import type { ReadDmsBytes } from './dms-bytes.ts'

/** The decoder that reads the whole record, as objects; where the record stood it tells without reading it. */
export interface DmsReader extends ObjectReader {
  sourceOf(record: RawRecord): ChangeSource
}

/** A change of which only the bytes were read: what is an object of it is made when somebody asks. */
export class DmsChange implements Change, UnreadImages {
  readonly kind = 'change'
  readonly format = 'dms'
  readonly op: Change['op']
  readonly table: TableName
  key: Row | null = null
  complete: boolean
  readonly version: string
  readonly hasNullOrEmpty: boolean
  readonly #bytes: ReadDmsBytes
  readonly #record: RawRecord
  readonly #reader: DmsReader
  #source: ChangeSource | undefined
  #read: Change | undefined

  constructor(bytes: ReadDmsBytes, record: RawRecord, reader: DmsReader, version: string) {
    this.op = bytes.op
    this.table = bytes.table
    this.complete = bytes.op !== 'update'
    this.version = version
    this.hasNullOrEmpty = bytes.hasNullOrEmpty
    this.#bytes = bytes
    this.#record = record
    this.#reader = reader
  }

  get unread(): UnreadImages {
    return this
  }

  get row(): ImageTokens | null {
    return this.op === 'delete' ? null : this.#bytes.data
  }

  get hasBefore(): boolean {
    return this.#bytes.old !== null
  }

  keyPart(column: string): Value | undefined {
    const { op, data, old } = this.#bytes
    const part = (old === null ? undefined : partOf(old, column)) ?? partOf(data, column)
    // The nulls of a delete are padding.
    return part === null && op === 'delete' ? undefined : part
  }

  completed(key: Row | null, complete: boolean): Change {
    // It is nobody's yet but the caller's.
    this.key = key
    this.complete = complete
    return this
  }

  get whole(): Change {
    const { key, complete } = this
    return { ...this.#values, key, complete }
  }

  /** What the record says, without what its table added. */
  get #values(): Change {
    this.#read ??= this.#reader.readWhole(this.#record)
    return this.#read
  }

  get before(): Row | null {
    return this.#values.before
  }

  get after(): Row | null {
    return this.#values.after
  }

  get time(): string {
    return this.#values.time
  }

  get transaction(): Transaction | undefined {
    return this.#values.transaction
  }

  get source(): ChangeSource {
    this.#source ??= this.#reader.sourceOf(this.#record)
    return this.#source
  }

  /** DMS writes rows as plain JSON. */
  get afterJson(): JsonSpan | null | undefined {
    const { data, jsonStart, jsonEnd } = this.#bytes
    if (this.op === 'delete') return null
    return jsonEnd === 0 ? undefined : { bytes: data.bytes, start: jsonStart, end: jsonEnd }
  }
}

function partOf(image: ImageTokens, column: string): Value | undefined {
  const index = image.names.indexOf(column)
  return index === -1 ? undefined : image.value(index)
}
