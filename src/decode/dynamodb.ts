import {
  Binary,
  type Change,
  type ChangeSource,
  Numeric,
  newRow,
  type RawRecord,
  type Row,
  type Value,
} from '../change.ts'
import { RelayError } from '../errors.ts'
import { epochMicroseconds, isoTime } from './dynamodb-time.ts'
import { type BinaryEncoding, readImage } from './dynamodb-value.ts'
import { isObject, type JsonObject, jsonType } from './json.ts'

export interface DynamodbOptions {
  /** What changes name as their stream. */
  readonly stream: string
  readonly binary: BinaryEncoding
}

/** Whether the record says that it is of a DynamoDB table. */
export function isDynamodb(json: JsonObject): boolean {
  return json.eventSource === 'aws:dynamodb'
}

/**
 * Reads what a DynamoDB table writes into its Kinesis destination: one change a record.
 *
 * In: `{ eventName, tableName, dynamodb: { Keys, NewImage, OldImage, ApproximateCreationDateTime }, … }`.
 * Out: INSERT, MODIFY and REMOVE as insert, update and delete, with complete images. `key` has the key attributes in
 * the order of their names, for the record does not tell which is HASH and which RANGE. `version` is the creation time.
 *
 * `before` and `time` are made when they are first asked for; most relays never ask. So a `before` that cannot be
 * decoded fails only then: who needs it, asks for it where failures of decoding are handled.
 *
 * @throws RelayError DECODE_EVENT, DECODE_TIME, DECODE_VALUE
 * @see Amazon DynamoDB Developer Guide, "Using Kinesis Data Streams to capture changes to DynamoDB"
 */
export function readDynamodb(json: JsonObject, record: RawRecord, { stream, binary }: DynamodbOptions): Change {
  const { eventName, tableName, dynamodb, eventID, userIdentity } = json
  const op = readOp(eventName)
  if (typeof tableName !== 'string' || tableName === '') {
    throw unusable(`tableName is ${jsonType(tableName)}; a Kinesis destination always names its table`)
  }
  if (!isObject(dynamodb)) throw unusable(`dynamodb is ${jsonType(dynamodb)}, not an object`)
  const { Keys, NewImage, OldImage, ApproximateCreationDateTime } = dynamodb
  if (op !== 'delete' && !isObject(NewImage)) {
    throw unusable(`NewImage is ${jsonType(NewImage)}, and without it the event cannot be applied`)
  }

  let oddNull: string | undefined
  const onOddNull = (path: string): void => {
    oddNull ??= path
  }
  const key = readKey(Keys, binary)
  const after = op === 'delete' ? null : readImage(NewImage, 'NewImage', binary, onOddNull)
  return new DynamodbChange({
    op,
    table: tableName,
    key,
    after,
    oddNull,
    oldImage: OldImage,
    binary,
    microseconds: epochMicroseconds(ApproximateCreationDateTime),
    expired: op === 'delete' && isExpiry(userIdentity),
    source: sourceOf(record, stream, eventID),
  })
}

interface Parts {
  readonly op: Change['op']
  readonly table: string
  readonly key: Row
  readonly after: Row | null
  readonly oddNull: string | undefined
  readonly oldImage: unknown
  readonly binary: BinaryEncoding
  readonly microseconds: number
  readonly expired: boolean
  readonly source: ChangeSource
}

/**
 * `before` and `time` are properties of each change itself, so that its copies have them too, but the two getters
 * behind them are shared: V8 keeps such objects fast, while getters in an object literal cost a microsecond a record.
 */
class DynamodbChange implements Change {
  readonly kind = 'change'
  readonly op: Change['op']
  readonly table: Change['table']
  readonly key: Row
  declare readonly before: Row | null
  readonly after: Row | null
  readonly complete = true
  readonly version: string
  declare readonly time: string
  declare readonly expired?: true
  declare readonly oddNull?: string
  readonly source: ChangeSource

  readonly #parts: Parts
  #before: Row | null | undefined
  #time: string | undefined

  constructor(parts: Parts) {
    this.op = parts.op
    this.table = { schema: null, name: parts.table }
    this.key = parts.key
    this.after = parts.after
    this.version = String(parts.microseconds)
    if (parts.expired) this.expired = true
    if (parts.oddNull !== undefined) this.oddNull = parts.oddNull
    this.source = parts.source
    this.#parts = parts
    Object.defineProperty(this, 'before', DynamodbChange.#beforeProperty)
    Object.defineProperty(this, 'time', DynamodbChange.#timeProperty)
  }

  static readonly #beforeProperty = {
    enumerable: true,
    get(this: DynamodbChange): Row | null {
      this.#before ??= readOldImage(this.#parts)
      return this.#before
    },
  }

  static readonly #timeProperty = {
    enumerable: true,
    get(this: DynamodbChange): string {
      this.#time ??= isoTime(this.#parts.microseconds)
      return this.#time
    },
  }
}

function readOldImage({ oldImage, binary }: Parts): Row | null {
  return oldImage === undefined || oldImage === null ? null : readImage(oldImage, 'OldImage', binary)
}

function readOp(eventName: unknown): Change['op'] {
  switch (eventName) {
    case 'INSERT':
      return 'insert'
    case 'MODIFY':
      return 'update'
    case 'REMOVE':
      return 'delete'
  }
  const found = typeof eventName === 'string' ? JSON.stringify(eventName.slice(0, 40)) : jsonType(eventName)
  throw unusable(`eventName is ${found}, not INSERT, MODIFY or REMOVE`)
}

/** The key attributes in the order of their names; each is text, a number or binary, nothing else can be a key. */
function readKey(described: unknown, binary: BinaryEncoding): Row {
  const row = readImage(described, 'Keys', binary)
  const names = Object.keys(row)
  if (names.length === 0) throw unusable('Keys is empty')
  const odd = names.find((name) => !isKeyValue(row[name]))
  if (odd !== undefined) throw new RelayError('DECODE_VALUE', `Keys.${odd} is neither S, N nor B`)
  return names.length === 1 || names[0]! < names[1]! ? row : inOrder(row, names.sort())
}

function isKeyValue(value: Value | undefined): boolean {
  return typeof value === 'string' || typeof value === 'number' || value instanceof Numeric || value instanceof Binary
}

export function inOrder(row: Row, names: readonly string[]): Row {
  const ordered = newRow()
  for (const name of names) ordered[name] = row[name]!
  return ordered
}

/** A delete by time-to-live. Service documents and SDK objects spell the members differently. */
function isExpiry(userIdentity: unknown): boolean {
  if (!isObject(userIdentity)) return false
  const type = userIdentity.type ?? userIdentity.Type
  const principalId = userIdentity.principalId ?? userIdentity.PrincipalId
  return type === 'Service' && principalId === 'dynamodb.amazonaws.com'
}

function sourceOf(record: RawRecord, stream: string, eventId: unknown): ChangeSource {
  const { shard, sequence } = record.origin ?? record
  const source: Writable<ChangeSource> = { format: 'dynamodb', stream, shard, sequence }
  if (record.subSequence !== undefined) source.subSequence = record.subSequence
  if (typeof eventId === 'string') source.eventId = eventId
  return source
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

const unusable = (what: string): RelayError => new RelayError('DECODE_EVENT', what)
