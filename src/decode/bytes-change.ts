import type { Change, ChangeSource, Format, JsonSpan, RawRecord, Row, TableName } from '../change.ts'

/** What a reader of bytes says of the record that it read last: the change takes it over at once. */
export interface BytesRead {
  readonly op: Change['op']
  readonly table: TableName
  readonly key: Row | null
  readonly complete: boolean
  readonly version: string
  /** True for a delete by time-to-live. */
  readonly isExpired: boolean
  /** False for a delete. */
  readonly hasImage: boolean
  /** The new image is `jsonBytes[jsonStart, jsonEnd)`. */
  readonly jsonBytes: Buffer
  readonly jsonStart: number
  readonly jsonEnd: number
}

/** The decoder that reads the whole record, as objects. */
export interface ObjectReader {
  readonly format: Format
  readWhole(record: RawRecord): Change
}

/**
 * A change of which only the bytes were read: `after`, `before`, `time` and `source` are what the object decoder reads, when
 * somebody first asks.
 *
 * A stream makes many of them, so all is in as few objects as can be, and the getters are shared. A copy `{ ...change }` has
 * nothing of it but its `kind`, which whoever looks at its table meets at once; `plainChange` gives one that can be copied.
 */
export class BytesChange implements Change {
  readonly kind = 'change'
  readonly #op: Change['op']
  readonly #table: TableName
  readonly #key: Row | null
  readonly #complete: boolean
  readonly #version: string
  readonly #isExpired: boolean
  /** Null for a delete. */
  readonly #json: Buffer | null
  readonly #jsonStart: number
  readonly #jsonEnd: number
  readonly #record: RawRecord
  readonly #reader: ObjectReader
  #whole: Change | null = null

  constructor(read: BytesRead, record: RawRecord, reader: ObjectReader) {
    this.#op = read.op
    this.#table = read.table
    this.#key = read.key
    this.#complete = read.complete
    this.#version = read.version
    this.#isExpired = read.isExpired
    this.#json = read.hasImage ? read.jsonBytes : null
    this.#jsonStart = read.jsonStart
    this.#jsonEnd = read.jsonEnd
    this.#record = record
    this.#reader = reader
  }

  get op(): Change['op'] {
    return this.#op
  }

  get table(): TableName {
    return this.#table
  }

  get key(): Row | null {
    return this.#key
  }

  get complete(): boolean {
    return this.#complete
  }

  get version(): string {
    return this.#version
  }

  get expired(): true | undefined {
    return this.#isExpired || undefined
  }

  get afterJson(): JsonSpan | null {
    const bytes = this.#json
    return bytes === null ? null : { bytes, start: this.#jsonStart, end: this.#jsonEnd }
  }

  get after(): Row | null {
    return this.#json === null ? null : this.whole.after
  }

  get before(): Row | null {
    return this.whole.before
  }

  get time(): string {
    return this.whole.time
  }

  get format(): Format {
    return this.#reader.format
  }

  get source(): ChangeSource {
    return this.whole.source
  }

  get whole(): Change {
    this.#whole ??= this.#reader.readWhole(this.#record)
    return this.#whole
  }
}
