/**
 * The language between the modules: what a stream holds, and what happened to a row.
 * This file imports nothing. The shapes are those of docs/change-record.md; `toJson` writes exactly that JSON.
 */

/** A number that a double cannot hold: plain decimal text, no exponent, no trailing zeros after the point, no minus zero. */
export class Numeric {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** In JSON a bare number token with all its digits. */
  toJSON(): unknown {
    return rawJson(this.text)
  }
}

/** Bytes that know how to stand in JSON (base64), so that `JSON.stringify` needs no replacer: a replacer triples its cost. */
export class Binary extends Uint8Array {
  static fromBase64Text(text: string): Binary {
    const bytes = Buffer.from(text, 'base64')
    const binary = new Binary(bytes.length)
    binary.set(bytes)
    return binary
  }

  toJSON(): string {
    return Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString('base64')
  }
}

export type Value = null | boolean | string | number | Numeric | Binary | readonly Value[] | Row

/** Column or attribute name → value. Made by `newRow`, so that every name is legal, `__proto__` included. */
export interface Row {
  readonly [column: string]: Value
}

/** Rows inherit from an empty object without prototype: no name means anything special, and V8 keeps them fast (Object.create(null) does not; see bench/). */
function NullRow(): void {}
NullRow.prototype = Object.freeze(Object.create(null))
const RowMap = NullRow as unknown as new () => Record<string, Value>

/** An empty row to be filled: nothing inherited, so assigning to `__proto__` makes a column of that name. */
export function newRow(): Record<string, Value> {
  return new RowMap()
}

/**
 * What a stream holds. Its members may be getters that read the memory of its page, which some sources use again once the page is
 * acknowledged: who keeps a record for longer copies what it needs, member by member (`{ ...record }` may have nothing of it).
 */
export interface RawRecord {
  /** Shard id; `file` for a file. */
  readonly shard: string
  /** Decimal text of up to 56 digits, never a number. A byte offset for a file. */
  readonly sequence: string
  /** Index inside an aggregated (KPL) record; absent outside of one. */
  readonly subSequence?: number
  /** When the stream took it, epoch milliseconds; null where not known. */
  readonly arrivedAt: number | null
  /** May be a view that is made each time; once its page is acknowledged, it may be empty. */
  readonly data: Uint8Array
  /** Where the record stood before it came here, for messages and change records: a file may hold records dumped from a stream. */
  readonly origin?: { readonly shard: string; readonly sequence: string }
}

/** `schema` is null where the source has none (DynamoDB). */
export interface TableName {
  readonly schema: string | null
  readonly name: string
}

/** Who wrote a record: for people, in logs, options and the JSON of a change. What follows from it for a target, `traitsOf` says. */
export type Format = 'dynamodb' | 'dms'

/**
 * `typed`: each value says itself what it is, and text is text. `textual`: text may stand for a value of the column's type (a date,
 * an exact number, bytes), for the source writes those as text.
 */
export type ValueKind = 'typed' | 'textual'

/** What holds for all records of a format, as far as targets care. */
export interface RecordTraits {
  readonly values: ValueKind
  /** True if keys and types of a table come from outside of its rows: a `SourceTable` says them. */
  readonly definesTables: boolean
  /** True if an update can give its row another key. */
  readonly movesKeys: boolean
}

const TRAITS: Readonly<Record<ChangeSource['format'], RecordTraits>> = {
  dynamodb: { values: 'typed', definesTables: false, movesKeys: false },
  dms: { values: 'textual', definesTables: true, movesKeys: true },
  unknown: { values: 'typed', definesTables: false, movesKeys: false },
}

export const traitsOf = ({ format }: Pick<ChangeSource, 'format'>): RecordTraits => TRAITS[format]

/** Those of the record that said it; of each change, for then asking its `source` may be dear. */
export const traitsOfItem = (item: StreamChange): RecordTraits =>
  TRAITS[(item.kind === 'change' ? item.format : undefined) ?? item.source.format]

/** Where a change was read. */
export interface ChangeSource {
  readonly format: Format | 'unknown'
  /** The stream's name, or the file's path. */
  readonly stream: string
  readonly shard: string
  readonly sequence: string
  readonly subSequence?: number
  readonly eventId?: string
}

/** JSON as UTF-8: `bytes[start, end)`. */
export interface JsonSpan {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** What happened to one row. */
export interface Change {
  readonly kind: 'change'
  readonly op: 'insert' | 'update' | 'delete' | 'load'
  readonly table: TableName
  /** The primary key of the row that the change touches (of a change of key: the old one); null when not known. */
  readonly key: Row | null
  /** Exactly what the source sent as old values; null if nothing. May be a getter: reading it can cost a decode. */
  readonly before: Row | null
  /** The new values; null for a delete. May be a getter. */
  readonly after: Row | null
  /** True: `after` is the whole row. False: columns missing from it keep their value. */
  readonly complete: boolean
  /** Epoch microseconds as decimal text, on one clock per feed. Of two changes of a key the larger one stands. */
  readonly version: string
  /** When the source committed it, ISO 8601 with up to microseconds, UTC. May be a getter. */
  readonly time: string
  /** May be a getter. */
  readonly transaction?: Transaction | undefined
  /** True on a delete made by DynamoDB TTL. */
  readonly expired?: true | undefined
  /**
   * Columns of a DMS change whose whole number came in exponent form, without all of its digits (`1.2e+18`). In a column of
   * floating point that is its value; in a column of integers DMS has rounded it. Not part of the JSON.
   */
  readonly inExponentForm?: readonly string[]
  /** Where a value of a DynamoDB change was null under a descriptor of something else, and is read as null. Not part of the JSON. */
  readonly oddNull?: string
  /** The member of a DMS record that looks like a before image and is not read as one. Not part of the JSON. */
  readonly unreadImage?: string
  /**
   * `after` as JSON that says what `toJson` would say, where the decoder has it without having read `after`; null for a delete.
   * Then no text of the record holds U+0000 or half a character. Its bytes, and what `after`, `before`, `time` and `source` are read
   * from, are there until the change is durable: who keeps such a change longer asks for them before. It is no plain object, so
   * `{ ...change }` has nothing of it, but `{ ...plainChange(change) }` has. Not part of the JSON.
   */
  readonly afterJson?: JsonSpan | null | undefined
  /**
   * The images of a change whose values nobody has read yet: their tokens. Then no text of the record holds U+0000 or half a
   * character. Such a change is no plain object, either. Not part of the JSON.
   */
  readonly unread?: UnreadImages
  /** The same change as a plain object, for `plainChange`; absent: it is one. */
  readonly whole?: Change
  /** That of `source`, where `source` must be read first; absent: ask that. */
  readonly format?: Format
  /** May be a getter: reading it can cost a decode. */
  readonly source: ChangeSource
}

/** The same change as an object that can be copied, `{ ...plainChange(change), after }`; without `afterJson`, for `after` may become another. */
export function plainChange(change: Change): Change {
  return change.whole ?? change
}

/** An image as JSON tokens, one for each column. */
export interface ImageTokens {
  /** One array for all images of the same columns in the same order, so that what is known of them can be kept by it. */
  readonly names: readonly string[]
  readonly bytes: Buffer
  /** Where the token of the column with this number begins in `bytes`, and where it ends. */
  start(column: number): number
  end(column: number): number
  /** What the token says. */
  value(column: number): Value
}

/** What a change says, as far as it was not read. */
export interface UnreadImages {
  /** Of `after`; null for a delete. */
  readonly row: ImageTokens | null
  /** True if the record has old values beside the row. */
  readonly hasBefore: boolean
  /** True if a value of the row is null or empty text. */
  readonly hasNullOrEmpty: boolean
  /** The old value of a column where the record has one, else the value in the row; undefined or null where it has neither. */
  keyPart(column: string): Value | undefined
  /** The change with what its table adds to it: the same object, before anybody else has it. */
  completed(key: Row | null, complete: boolean): Change
}

export interface Transaction {
  readonly id: string
  readonly record: string | null
  readonly commitTime: string | null
  readonly position: string | null
}

/** What happened to the definition of a table. */
export interface SchemaChange {
  readonly kind: 'schema'
  readonly op:
    | 'create-table'
    | 'drop-table'
    | 'rename-table'
    | 'change-columns'
    | 'add-column'
    | 'drop-column'
    | 'rename-column'
    | 'column-type-change'
  readonly table: TableName
  /** Absent where the source does not tell. All columns on `create-table`; on other operations perhaps only some. */
  readonly columns?: readonly ColumnDefinition[]
  /** In key order. Absent where the source does not tell; empty where it tells that there is none. */
  readonly primaryKey?: readonly string[]
  /** On the clock of the changes. */
  readonly version: string
  /** What the source sent with the operation, as it came; null if nothing. */
  readonly payload: Value
  readonly source: ChangeSource
}

export interface ColumnDefinition {
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
}

/**
 * What a column holds, as a source or the operator says. `text` may be anything that has a text form. `timestamp` is an
 * instant; `local-timestamp`, without time zone, and `uuid` only the operator can say, `json` also the values themselves.
 */
export type ColumnType =
  | 'boolean'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float32'
  | 'float64'
  | 'numeric'
  | 'text'
  | 'bytes'
  | 'json'
  | 'uuid'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'local-timestamp'

/** A named reason why a record holds nothing to write. */
export interface Skip {
  readonly kind: 'skip'
  readonly reason: string
  readonly source: ChangeSource
}

/** A record that could not be decoded (`raw`), or a change that the target cannot hold (`change`), kept with its reason. */
export interface DeadLetter {
  readonly kind: 'dead-letter'
  readonly code: string
  readonly detail: string
  readonly raw?: Uint8Array
  readonly change?: Change
  readonly source: ChangeSource
  /** What the target said, which may hold values: for a log under `--log-values`. Not part of the JSON. */
  readonly said?: () => string
}

/** What a batch holds, in order of arrival: what happened to rows, and to the tables that they are of. */
export type StreamChange = Change | SchemaChange

export type Decoded = StreamChange | Skip

/** A table as messages, counters and `--table` name it: `orders`, `public.orders`, parts in double quotes where SQL would need them. */
export function tableLabel({ schema, name }: TableName): string {
  return schema === null ? labelPart(name) : `${labelPart(schema)}.${labelPart(name)}`
}

const labelPart = (part: string): string => (/^[A-Za-z0-9_-]+$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`)

/** Orders two versions or two sequence numbers: decimal texts without leading zeros, of any length. */
export function compareDecimal(a: string, b: string): number {
  return a.length !== b.length ? a.length - b.length : a < b ? -1 : a > b ? 1 : 0
}

/** Value → JSON: exact numbers as bare tokens, binary as base64. */
export function toJson(value: Value): string {
  return JSON.stringify(value)
}

/** `after` as JSON; where the decoder has that already, no values are read. */
export function afterJson(change: Pick<Change, 'after' | 'afterJson'>): string {
  const { afterJson: span } = change
  return span == null ? toJson(change.after) : span.bytes.toString('utf8', span.start, span.end)
}

/** What a stream says → the one-line JSON of docs/change-record.md, fields in the documented order. */
export function recordToJson(item: Change | SchemaChange | Skip | DeadLetter): string {
  return JSON.stringify(plain(item))
}

function plain(item: Change | SchemaChange | Skip | DeadLetter): unknown {
  switch (item.kind) {
    case 'skip':
      return { kind: item.kind, reason: item.reason, source: item.source }
    case 'dead-letter':
      return {
        kind: item.kind,
        code: item.code,
        detail: item.detail,
        raw: item.raw === undefined ? undefined : Buffer.from(item.raw).toString('base64'),
        change: item.change === undefined ? undefined : plain(item.change),
        binary: item.change === undefined ? undefined : binaryPlaces(item.change),
        source: item.source,
      }
    case 'schema':
      return {
        kind: item.kind,
        op: item.op,
        table: item.table,
        columns: item.columns,
        primaryKey: item.primaryKey,
        version: item.version,
        payload: item.payload,
        source: item.source,
      }
    case 'change':
      return {
        kind: item.kind,
        op: item.op,
        table: item.table,
        key: item.key,
        before: item.before,
        after: item.after,
        complete: item.complete,
        version: item.version,
        time: item.time,
        transaction: item.transaction,
        expired: item.expired,
        source: item.source,
      }
  }
}

/** The way to a value of a change: names and places in lists, from the change down. */
export type ValuePath = readonly (string | number)[]

/** Where binary stands in the change; undefined if there is none. */
export function binaryPlaces({ key, before, after }: Change): readonly ValuePath[] | undefined {
  const places: ValuePath[] = []
  for (const [name, image] of Object.entries({ key, before, after })) collectBinary(image, [name], places)
  return places.length === 0 ? undefined : places
}

function collectBinary(value: Value, path: ValuePath, into: ValuePath[]): void {
  if (value instanceof Binary) into.push(path)
  else if (Array.isArray(value)) value.forEach((member, i) => void collectBinary(member, [...path, i], into))
  else if (typeof value === 'object' && value !== null && !(value instanceof Numeric)) {
    for (const [name, member] of Object.entries(value)) collectBinary(member, [...path, name], into)
  }
}

/** Present from Node.js 22 on; missing from the TypeScript library of that year. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON
