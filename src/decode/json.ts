import { isUtf8 } from 'node:buffer'
import { RelayError } from '../errors.ts'
import { parseJson } from '../parse-json.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/**
 * The bytes of a record → their text. Unlike `TextDecoder`, nothing is replaced or stripped: what is not UTF-8 is refused.
 * @throws RelayError DECODE_NOT_TEXT
 */
export function recordText(data: Uint8Array): string {
  if (!isUtf8(data)) throw new RelayError('DECODE_NOT_TEXT', `The ${data.byteLength} bytes of the record are not UTF-8`)
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString()
}

/**
 * The text of a record → the one JSON object that it holds. Its numbers are doubles: read only those that are known to fit.
 * @throws RelayError DECODE_NOT_JSON
 */
export function parseObject(text: string): JsonObject {
  const json = parse(text)
  if (!isObject(json)) throw new RelayError('DECODE_NOT_JSON', `The record is ${jsonType(json)}, not a JSON object`)
  return json
}

function parse(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    // The engine's own words quote the text around the error: row values.
    throw new RelayError('DECODE_NOT_JSON', `The ${text.length} characters of the record are not JSON`)
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a message may say of a value without showing it: "a string of 12 characters". */
export function jsonType(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (typeof value === 'string') return `a string of ${value.length} characters`
  if (Array.isArray(value)) return `an array of ${value.length} members`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
