import type { Decoded, RawRecord } from '../change.ts'
import { RelayError } from '../errors.ts'
import { type DynamodbOptions, isDynamodb, readDynamodb } from './dynamodb.ts'
import { type JsonObject, parseRecord } from './json.ts'

/**
 * Turns a record into what it says: changes, or a named skip.
 * Pure: no input or output, no clock, nothing remembered between calls.
 *
 * @throws RelayError DECODE_…, without place: the caller knows where the record stood
 */
export type Decoder = (record: RawRecord) => readonly Decoded[]

export interface DecoderOptions extends DynamodbOptions {
  /** `auto` looks at each record. */
  readonly format: 'auto' | 'dynamodb'
}

export function recordDecoder(options: DecoderOptions): Decoder {
  return (record) => {
    const json = parseRecord(record.data)
    if (isDynamodb(json)) return [readDynamodb(json, record, options)]
    throw new RelayError('DECODE_FOREIGN', foreignness(json, options.format))
  }
}

/** What a record is that is not of DynamoDB, as far as its members tell. */
function foreignness(json: JsonObject, format: DecoderOptions['format']): string {
  const wanted = format === 'auto' ? 'this version reads DynamoDB records only' : `\`--format ${format}\` was asked for`
  if ('metadata' in json && ('data' in json || 'control' in json)) return `The record is a DMS record: ${wanted}`
  const names = Object.keys(json)
  const shown = names.slice(0, 8).map((name) => JSON.stringify(name.slice(0, 40)))
  const members = names.length === 0 ? 'no members' : `the members ${shown.join(', ')}${names.length > 8 ? ', …' : ''}`
  return `The record is an object with ${members}, and eventSource is not "aws:dynamodb": ${wanted}`
}
