import { Numeric } from '../change.ts'

/** What DynamoDB can hold: 38 significant digits, magnitudes from 1E-130 to 9.99…E+125. */
export const MAX_DIGITS = 38
const MIN_EXPONENT = -130
const MAX_EXPONENT = 125

/** Every decimal of up to 15 digits comes back from a double as it was. */
export const DIGITS_OF_A_DOUBLE = 15

/**
 * The text of a number → a number where a double stands for exactly this decimal, else `Numeric`; null if the text is
 * no number that DynamoDB can hold.
 *
 * A double stands for the shortest decimal that reads back as it. `0.12345678901234567890` lies well inside the safe
 * integer range and loses digits all the same, so not magnitudes but the decimals are compared.
 *
 * @see Amazon DynamoDB Developer Guide, "Supported data types and naming rules", Number
 */
export function readNumber(text: string): number | Numeric | null {
  if (text.length <= DIGITS_OF_A_DOUBLE && isPlain(text)) return Number(text) + 0 // and -0 is 0
  const decimal = plainDecimal(text)
  if (decimal === null) return null
  const number = Number(decimal)
  return plainDecimal(String(number)) === decimal ? number : new Numeric(decimal)
}

const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39

/** Digits, perhaps with a minus before and one point within: nearly every number, and far cheaper to recognise than by RegExp. */
function isPlain(text: string): boolean {
  const first = text.charCodeAt(0) === MINUS ? 1 : 0
  let points = 0
  for (let i = first; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (char === POINT && i > first) points++
    else if (char < ZERO || char > NINE) return false
  }
  return points <= 1 && text.length > first
}

/** As it compares by value; a number and a `Numeric` may meet in one set. */
export function compareNumbers(a: number | Numeric, b: number | Numeric): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return comparePlain(plainOf(a), plainOf(b))
}

const plainOf = (value: number | Numeric): string =>
  typeof value === 'number' ? plainDecimal(String(value))! : value.text

function comparePlain(a: string, b: string): number {
  const aIsNegative = a.startsWith('-')
  if (aIsNegative !== b.startsWith('-')) return aIsNegative ? -1 : 1
  return aIsNegative ? compareMagnitude(b.slice(1), a.slice(1)) : compareMagnitude(a, b)
}

/** Without leading zeros the longer integer part is greater; with equal ones the digits compare as text. */
function compareMagnitude(a: string, b: string): number {
  const integerDigits = integerLength(a) - integerLength(b)
  return integerDigits !== 0 ? integerDigits : a < b ? -1 : a > b ? 1 : 0
}

function integerLength(plain: string): number {
  const point = plain.indexOf('.')
  return point === -1 ? plain.length : point
}

/** Plain texts of DynamoDB numbers have up to 170 characters; the bounds keep a hostile text from costing much. */
const DECIMAL = /^([+-]?)(\d{1,400})(?:\.(\d{0,400}))?(?:[eE]([+-]?\d{1,6}))?$/

/**
 * The one text of a decimal: no exponent, no plus, no zeros at either end that carry nothing, no minus zero.
 * `1E+2` and `100.0` are both `100`. Null for what is no decimal or beyond what DynamoDB holds.
 */
function plainDecimal(text: string): string | null {
  const match = DECIMAL.exec(text)
  if (match === null) return null
  const [, sign, integer = '', fraction = '', exponent = '0'] = match
  const significant = (integer + fraction).replace(/^0+/, '')
  const digits = significant.replace(/0+$/, '')
  if (digits === '') return '0'

  // Where the point stands in `digits`: 1 for d.ddd, 0 for 0.ddd, -1 for 0.0ddd.
  const point = significant.length - fraction.length + Number(exponent)
  if (digits.length > MAX_DIGITS || point - 1 < MIN_EXPONENT || point - 1 > MAX_EXPONENT) return null
  return (sign === '-' ? '-' : '') + placePoint(digits, point)
}

function placePoint(digits: string, point: number): string {
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`
  if (point >= digits.length) return digits.padEnd(point, '0')
  return `${digits.slice(0, point)}.${digits.slice(point)}`
}
