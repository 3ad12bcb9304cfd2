import type { Change, Format as ChangeFormat, Decoded, RawRecord } from '../change.ts'
import { RelayError } from '../errors.ts'
import { BytesChange, type ObjectReader } from './bytes-change.ts'
import { type DmsOptions, isDms, readDms, sourceOfDms, versionOf } from './dms.ts'
import { DmsBytes, type LeftDms } from './dms-bytes.ts'
import { DmsChange, type DmsReader } from './dms-change.ts'
import { type DynamodbOptions, isDynamodb, readDynamodb } from './dynamodb.ts'
import { DynamodbBytes, type LeftReason } from './dynamodb-bytes.ts'
import { type JsonObject, parseObject, recordText } from './json.ts'

/**
 * Turns a record into what it says: changes, schema changes, or a named skip.
 * Pure: no input or output, no clock, nothing remembered between calls.
 *
 * @throws RelayError DECODE_…, without place: the caller knows where the record stood
 */
export type Decoder = (record: RawRecord) => readonly Decoded[]

/** What is absent has the default of the option of the command line: `auto`, `double`, `before-image`, no prefix. */
export interface DecoderOptions extends Partial<DynamodbOptions>, Partial<DmsOptions> {
  readonly stream: string
  /** `auto` looks at each record: one stream may carry both formats. */
  readonly format?: Format
  /** True if those who take the changes of a feed mostly need the JSON of `after` (`Change.afterJson`) and not its values. */
  readonly takesJson?: (format: ChangeFormat) => boolean
  /** Called with the reason for each record that was to be read as bytes, and was read as objects. */
  readonly onReadAsObjects?: (reason: LeftReason | LeftDms) => void
}

type Format = 'auto' | 'dynamodb' | 'dms'

export function recordDecoder({ format = 'auto', ...given }: DecoderOptions): Decoder {
  const options = { binary: 'double', beforeImageField: 'before-image', ...given } as const
  const { takesJson = () => false } = given
  const dynamodb = format === 'dms' ? null : dynamodbBytes(options)
  const dms = format === 'dynamodb' ? null : dmsBytes(options)
  /** In the order in which they are tried: neighbours are mostly of one format. */
  let [first, second] = [dynamodb, dms] as [BytesReader | null, BytesReader | null]
  const left = (reader: BytesReader | null): void => {
    if (reader === null || !takesJson(reader.format)) return
    const reason = reader.left()
    // Those have no row that could be read faster.
    if (reason !== 'control') given.onReadAsObjects?.(reason)
  }
  return (record) => {
    const change = readBytes(first, record, takesJson)
    if (change !== null) return [change]
    const other = readBytes(second, record, takesJson)
    if (other !== null) {
      ;[first, second] = [second, first]
      return [other]
    }
    const text = recordText(record.data)
    const json = parseObject(text)
    if (format !== 'dms' && isDynamodb(json)) {
      left(dynamodb)
      return [readDynamodb(json, record, options)]
    }
    if (format !== 'dynamodb' && isDms(json)) {
      left(dms)
      return [readDms(json, text, record, options)]
    }
    throw new RelayError('DECODE_FOREIGN', foreignness(json, format))
  }
}

/** Reads records of one format as bytes. */
interface BytesReader {
  readonly format: ChangeFormat
  /** Null for what must be read as objects. */
  read(record: RawRecord): Change | null
  /** Why that must be. */
  left(): LeftReason | LeftDms
}

const readBytes = (
  reader: BytesReader | null,
  record: RawRecord,
  takesJson: (format: ChangeFormat) => boolean,
): Change | null => (reader !== null && takesJson(reader.format) ? reader.read(record) : null)

function dynamodbBytes(options: DynamodbOptions & Pick<DecoderOptions, 'stream'>): BytesReader {
  const bytes = new DynamodbBytes(options.binary)
  const whole: ObjectReader = {
    format: 'dynamodb',
    readWhole: (record) => readDynamodb(parseObject(recordText(record.data)), record, options),
  }
  return {
    format: 'dynamodb',
    left: () => bytes.left,
    read: (record) => (bytes.read(record) ? new BytesChange(bytes, record, whole) : null),
  }
}

/** Null where old values may stand among the columns of the row. */
function dmsBytes(options: DmsOptions): BytesReader | null {
  const { stream, beforeImageField, beforeImagePrefix } = options
  if (beforeImagePrefix !== undefined || OTHER_MEMBERS.has(beforeImageField)) return null
  const bytes = new DmsBytes(beforeImageField)
  const whole: DmsReader = {
    format: 'dms',
    sourceOf: (record) => sourceOfDms(record, stream),
    readWhole(record) {
      const text = recordText(record.data)
      // What was read as bytes is a change.
      return readDms(parseObject(text), text, record, options) as Change
    },
  }
  return {
    format: 'dms',
    left: () => bytes.left,
    read(record) {
      const read = bytes.read(record)
      if (read === null) return null
      const { op, microseconds } = read
      return new DmsChange(read, record, whole, versionOf(op, microseconds))
    },
  }
}

const OTHER_MEMBERS: ReadonlySet<string> = new Set(['data', 'metadata', 'control'])

/** What a record is that is of no wanted format, as far as its members tell. */
function foreignness(json: JsonObject, format: Format): string {
  if (isDynamodb(json)) return `The record is a DynamoDB record: \`--format ${format}\` was asked for`
  if (isDms(json)) return `The record is a DMS record: \`--format ${format}\` was asked for`
  return `The record is an object with ${membersOf(json)}: ${MISSED[format]}`
}

const NO_DYNAMODB = 'eventSource is not "aws:dynamodb", as in a DynamoDB record'
const NO_DMS = 'metadata with an operation, as in a DMS record, is missing'
const MISSED: Readonly<Record<Format, string>> = {
  auto: `${NO_DYNAMODB}, and ${NO_DMS}`,
  dynamodb: NO_DYNAMODB,
  dms: NO_DMS,
}

function membersOf(json: JsonObject): string {
  const names = Object.keys(json)
  if (names.length === 0) return 'no members'
  const shown = names.slice(0, 8).map((name) => JSON.stringify(name.slice(0, 40)))
  return `the members ${shown.join(', ')}${names.length > 8 ? ', …' : ''}`
}
