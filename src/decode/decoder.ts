import type { Change, Format as ChangeFormat, Decoded, RawRecord } from '../change.ts'
import { RelayError } from '../errors.ts'
import { BytesChange } from './bytes-change.ts'
import { type DmsOptions, isDms, readDms } from './dms.ts'
import { type DynamodbOptions, isDynamodb, readDynamodb, sourceOf } from './dynamodb.ts'
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
  readonly onReadAsObjects?: (reason: LeftReason) => void
}

type Format = 'auto' | 'dynamodb' | 'dms'

export function recordDecoder({ format = 'auto', ...given }: DecoderOptions): Decoder {
  const options = { binary: 'double', beforeImageField: 'before-image', ...given } as const
  const { takesJson = () => false } = given
  const dynamodbFromBytes = format === 'dms' ? null : dynamodbBytesReader(options)
  return (record) => {
    if (dynamodbFromBytes !== null && takesJson('dynamodb')) {
      const change = dynamodbFromBytes(record)
      if (change !== null) return [change]
    }
    const text = recordText(record.data)
    const json = parseObject(text)
    if (format !== 'dms' && isDynamodb(json)) return [readDynamodb(json, record, options)]
    if (format !== 'dynamodb' && isDms(json)) return [readDms(json, text, record, options)]
    throw new RelayError('DECODE_FOREIGN', foreignness(json, format))
  }
}

/** A reader of DynamoDB records as bytes; it gives null for what must be read as objects. */
function dynamodbBytesReader(
  options: DynamodbOptions & Pick<DecoderOptions, 'onReadAsObjects'>,
): (record: RawRecord) => Change | null {
  const { stream, binary, onReadAsObjects } = options
  const bytes = new DynamodbBytes(binary)
  const readWhole = (record: RawRecord): Change => readDynamodb(parseObject(recordText(record.data)), record, options)
  return (record) => {
    const read = bytes.read(record)
    if (read === null) {
      onReadAsObjects?.(bytes.left)
      return null
    }
    const { op, table, key, microseconds, eventId, isExpired, image } = read
    const parts = {
      op,
      table,
      key,
      complete: true,
      version: String(microseconds),
      source: sourceOf(record, stream, eventId),
      isExpired,
      afterJson: image,
    }
    return new BytesChange(parts, record, readWhole)
  }
}

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
