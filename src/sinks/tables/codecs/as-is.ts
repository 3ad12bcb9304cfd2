import { BACKSLASH, isDigit, MINUS, POINT, QUOTE, ZERO } from '../../../json-bytes.ts'

/**
 * JSON tokens, `bytes[start, end)`, that are what a codec gives for their values. Each of these may say false of one that is, and never
 * true of one that is not.
 */

/** Text of up to so many characters, with the escapes that `JSON.stringify` writes. */
export function isPlainText(bytes: Buffer, start: number, end: number, maxLength: number): boolean {
  // A character has at least one byte.
  if (bytes[start] !== QUOTE || end - start - 2 > maxLength) return false
  for (let at = start + 1; at < end - 1; at++) {
    if (bytes[at] === BACKSLASH && !SHORT_ESCAPES.has(bytes[++at])) return false
  }
  return true
}

const SHORT_ESCAPES: ReadonlySet<number | undefined> = new Set(Buffer.from('"\\bfnrt'))

/** A whole number of up to so many digits. */
export function isWhole(bytes: Buffer, start: number, end: number, mostDigits: number): boolean {
  const first = bytes[start] === MINUS ? start + 1 : start
  if (end - first > mostDigits || end === first || (bytes[first] === ZERO && end > start + 1)) return false
  for (let at = first; at < end; at++) if (!isDigit(bytes[at])) return false
  return true
}

/** A double keeps every decimal of so many digits. */
const MOST_DIGITS = 15

/** A number in its one text, of digits that a double keeps, without exponent. */
export function isDecimal(
  bytes: Buffer,
  start: number,
  end: number,
  maxWhole = MOST_DIGITS,
  maxFraction = MOST_DIGITS,
): boolean {
  const first = bytes[start] === MINUS ? start + 1 : start
  if (end - first > MOST_DIGITS + 1) return false
  let point = first
  while (isDigit(bytes[point])) point++
  const whole = point - first
  if (whole === 0 || whole > maxWhole || (bytes[first] === ZERO && whole > 1)) return false
  if (point === end) return whole <= MOST_DIGITS && (bytes[first] !== ZERO || first === start)
  const fraction = end - point - 1
  if (bytes[point] !== POINT || fraction === 0 || fraction > maxFraction || bytes[end - 1] === ZERO) return false
  for (let at = point + 1; at < end; at++) if (!isDigit(bytes[at])) return false
  // Smaller ones a double prints with an exponent.
  return bytes[first] !== ZERO || hasDigitEarly(bytes, point + 1, end)
}

/** Whether one of the first six digits is none of zero. */
function hasDigitEarly(bytes: Buffer, first: number, end: number): boolean {
  const last = Math.min(end, first + 6)
  for (let at = first; at < last; at++) if (bytes[at] !== ZERO) return true
  return false
}

/** A day that every month has, `"2026-11-02"`. */
export function isPlainDay(bytes: Buffer, start: number, end: number): boolean {
  return end - start === 12 && bytes[end - 1] === QUOTE && isDayAt(bytes, start)
}

/** An instant, `"2026-11-02T09:15:11.120001Z"`, with so many digits of the fraction at most, and no zero as the last of them. */
export function isPlainInstant(bytes: Buffer, start: number, end: number, maxFraction: number): boolean {
  const zone = end - 2
  const fraction = zone - start - 21
  if (bytes[zone] !== LETTER_Z || fraction > maxFraction || fraction < -1 || !isDayAt(bytes, start)) return false
  const isClock =
    bytes[start + 11] === LETTER_T &&
    isBelow(bytes, start + 12, 24) &&
    bytes[start + 14] === COLON &&
    isBelow(bytes, start + 15, 60) &&
    bytes[start + 17] === COLON &&
    isBelow(bytes, start + 18, 60)
  if (!isClock || fraction === -1) return isClock
  if (bytes[start + 20] !== POINT || fraction === 0 || bytes[zone - 1] === ZERO) return false
  for (let at = start + 21; at < zone; at++) if (!isDigit(bytes[at])) return false
  return true
}

/** `"2026-11-02` */
function isDayAt(bytes: Buffer, start: number): boolean {
  for (let at = start + 1; at < start + 5; at++) if (!isDigit(bytes[at])) return false
  const month = twoDigits(bytes, start + 6)
  const day = twoDigits(bytes, start + 9)
  return (
    bytes[start] === QUOTE &&
    (bytes[start + 1] !== ZERO ||
      bytes[start + 2] !== ZERO ||
      bytes[start + 3] !== ZERO ||
      bytes[start + 4] !== ZERO) &&
    bytes[start + 5] === MINUS &&
    bytes[start + 8] === MINUS &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= 28
  )
}

const isBelow = (bytes: Buffer, at: number, limit: number): boolean => {
  const number = twoDigits(bytes, at)
  return number >= 0 && number < limit
}

/** -1 where no two digits stand. */
function twoDigits(bytes: Buffer, at: number): number {
  return isDigit(bytes[at]) && isDigit(bytes[at + 1]) ? (bytes[at]! - ZERO) * 10 + bytes[at + 1]! - ZERO : -1
}

const LETTER_T = 'T'.charCodeAt(0)
const LETTER_Z = 'Z'.charCodeAt(0)
const COLON = ':'.charCodeAt(0)
