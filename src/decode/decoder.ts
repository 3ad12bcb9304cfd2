import type { Decoded, RawRecord } from '../change.ts'
import { RelayError } from '../errors.ts'
import { type DmsOptions, isDms, readDms } from './dms.ts'
import { type DynamodbOptions, isDynamodb, readDynamodb } from './dynamodb.ts'
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
}

type Format = 'auto' | 'dynamodb' | 'dms'

export function recordDecoder({ format = 'auto', ...given }: DecoderOptions): Decoder {
  const options = { binary: 'double', beforeImageField: 'before-image', ...given } as const
  return (record) => {
    const text = recordText(record.data)
    const json = parseObject(text)
    if (format !== 'dms' && isDynamodb(json)) return [readDynamodb(json, record, options)]
    if (format !== 'dynamodb' && isDms(json)) return [readDms(json, text, record, options)]
    throw new RelayError('DECODE_FOREIGN', foreignness(json, format))
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
