import { Numeric, newRow, type Value } from '../change.ts'
import { RelayError } from '../errors.ts'
import { parseJson, parseJsonWithSource } from '../parse-json.ts'
import { isObject, type JsonObject, jsonType } from './json.ts'

/**
 * JSON text → value, every number exact: a number where a double stands for just this decimal, else `Numeric`.
 * @throws RelayError DECODE_VALUE for text that is not JSON (a document that was cut), too deep or beyond bounds
 */
export function parseExact(text: string): Value {
  try {
    return toValue(holdsOddNumber(text) ? parseTokens(text) : parseJson(text), 'The JSON text')
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    // The engine's own words quote the text around the error: row values.
    throw new RelayError('DECODE_VALUE', `A text of ${text.length} characters is not the JSON document it should be`)
  }
}

/** A number as the text had it, where the double may be another number, or where a whole number may have been rounded. */
export class NumberToken {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** Whether it is a whole number that may have had more digits. */
  get mayBeRounded(): boolean {
    return mayBeRounded(this.text)
  }
}

/** Outside of strings a number stands behind one of these, or alone. Inside of strings a look-alike costs time, nothing else. */
const MAY_BE_ODD = /(?:^|[:,[\s])-?(?:\d[\d.]{15}|\d[\d.]*[eE])/
const MAYBE_ODD_NUMBERS = /(?:^|[:,[\s])(-?(?:\d[\d.]{15,}(?:[eE][+-]?\d+)?|\d[\d.]{0,14}[eE][+-]?\d+))/g

/**
 * Whether JSON text may hold a number that only `parseTokens` reads right. Nearly always no, at half the cost of
 * `JSON.parse`; `parseTokens` costs several times as much. A decimal of up to 15 digits always fits a double, so only
 * longer ones and exponents are looked at, and not magnitudes: `0.12345678901234567890` loses digits as well.
 */
export function holdsOddNumber(text: string): boolean {
  if (!MAY_BE_ODD.test(text)) return false
  for (const [, token] of text.matchAll(MAYBE_ODD_NUMBERS)) {
    if (mayBeRounded(token!) || !isDouble(token!)) return true
  }
  return false
}

/** What `JSON.parse` gives, with a `NumberToken` for each number that is long or has an exponent. */
export function parseTokens(text: string): unknown {
  try {
    return parseJsonWithSource(text, (value, source) =>
      typeof value === 'number' && (source!.length > 15 || /[eE]/.test(source!)) ? new NumberToken(source!) : value,
    )
  } catch (error) {
    // Unlike the parser itself, its walk over what was read uses the stack.
    if (error instanceof RangeError) throw tooDeep('The JSON text')
    throw error
  }
}

/** Deeper than any document should be, and far from what the stack holds. */
const MAX_DEPTH = 1000

/**
 * What `JSON.parse` or `parseTokens` gave → value, its objects as rows.
 * @param place the path of the value, for messages
 * @throws RelayError DECODE_VALUE
 */
export function toValue(json: unknown, place: string, depth = 0): Value {
  if (typeof json !== 'object' || json === null) return json as Value
  if (json instanceof NumberToken) return exactNumber(json.text, place)
  if (depth === MAX_DEPTH) throw tooDeep(place)
  if (Array.isArray(json)) return json.map((member) => toValue(member, place, depth + 1))
  const row = newRow()
  for (const name in json) row[name] = toValue((json as JsonObject)[name], place, depth + 1)
  return row
}

/** An object of the JSON text; what `parseTokens` makes of a number is none. */
export function isJsonObject(json: unknown): json is JsonObject {
  return isObject(json) && !(json instanceof NumberToken)
}

/** `jsonType` of what `parseTokens` gave. */
export function tokenType(json: unknown): string {
  return json instanceof NumberToken ? 'a number' : jsonType(json)
}

function exactNumber(token: string, place: string): number | Numeric {
  if (isDouble(token)) return Number(token)
  const plain = plainDecimal(token)
  if (plain !== null) return new Numeric(plain)
  throw new RelayError('DECODE_VALUE', `${place} has a number with an exponent beyond ${MAX_ADDED_ZEROS}`)
}

const tooDeep = (place: string): RelayError =>
  new RelayError('DECODE_VALUE', `${place} is nested deeper than ${MAX_DEPTH} levels`)

/** Whole numbers below this lose nothing to any exponent form of 15 digits. */
const MAX_UNROUNDED = 1e15

/** A whole number in exponent form that does not show all of its digits. */
function mayBeRounded(token: string): boolean {
  const [, fraction = '', exponent] = /^-?\d+(?:\.(\d+))?[eE]([+-]?\d+)$/.exec(token) ?? []
  if (exponent === undefined || fraction.length >= Number(exponent)) return false
  const number = Number(token)
  return Number.isInteger(number) && Math.abs(number) >= MAX_UNROUNDED
}

/** A double stands for the shortest decimal that reads back as it. */
function isDouble(token: string): boolean {
  const shortest = String(Number(token))
  if (shortest === token) return true
  const plain = plainDecimal(token)
  return plain !== null && plain === plainDecimal(shortest)
}

/** No source writes so many, and a few bytes of a hostile exponent must not fill the memory. */
const MAX_ADDED_ZEROS = 1000

/**
 * The one text of a decimal: no exponent, no zeros at either end that carry nothing, no minus zero. Null for what is
 * no JSON number, and where its exponent would add too many zeros.
 */
function plainDecimal(token: string): string | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token)
  if (match === null) return null
  const [, sign, integer = '', fraction = '', exponent = '0'] = match
  const all = integer + fraction
  const first = countZeros(all, 0, 1)
  if (first === all.length) return '0'
  const digits = all.slice(first, all.length - countZeros(all, all.length - 1, -1))

  // Where the point stands in `digits`: 1 for d.ddd, 0 for 0.ddd, -1 for 0.0ddd.
  const point = integer.length - first + Number(exponent)
  if (Math.max(-point, point - digits.length) > Math.max(MAX_ADDED_ZEROS, all.length)) return null
  return sign + placePoint(digits, point)
}

function countZeros(digits: string, from: number, step: 1 | -1): number {
  let count = 0
  while (digits[from + step * count] === '0') count++
  return count
}

function placePoint(digits: string, point: number): string {
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`
  if (point >= digits.length) return digits.padEnd(point, '0')
  return `${digits.slice(0, point)}.${digits.slice(point)}`
}
