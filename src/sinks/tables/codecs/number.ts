import { Numeric, type ValueKind } from '../../../change.ts'
import { plainDecimal } from '../keys.ts'
import { isDecimal, isWhole } from './as-is.ts'
import type { Codec } from './codec.ts'

const INTEGERS = {
  int2: { travelsAs: 'smallint', min: -(2n ** 15n), max: 2n ** 15n - 1n },
  int4: { travelsAs: 'integer', min: -(2n ** 31n), max: 2n ** 31n - 1n },
  int8: { travelsAs: 'bigint', min: -(2n ** 63n), max: 2n ** 63n - 1n },
} as const

export function integerCodec(type: keyof typeof INTEGERS, given: ValueKind): Codec {
  const { travelsAs, min, max } = INTEGERS[type]
  const [low, high] = [Number(min), Number(max)]

  /** Of the one text of a number. */
  const inRange = (text: string | undefined): string | undefined => {
    if (text === undefined || text.length > 20 || text.includes('.')) return undefined
    const whole = BigInt(text)
    return whole >= min && whole <= max ? text : undefined
  }
  return {
    travelsAs,
    castTo: null,
    isKeyable: true,
    holds: `whole numbers from ${min} to ${max}`,
    // So many digits are surely in range.
    takesAsIs: (bytes, start, end) => isWhole(bytes, start, end, Math.min(15, String(max).length - 1)),
    encode(value) {
      if (Number.isSafeInteger(value)) {
        return (value as number) >= low && (value as number) <= high ? String(value) : undefined
      }
      return inRange(plainText(value, given))
    },
  }
}

/** What numeric without precision holds: digits before and behind the point. */
const MAX_WHOLE_DIGITS = 131_072
const MAX_FRACTION_DIGITS = 16_383

/** @param modifier `pg_attribute.atttypmod`: precision and scale, or -1 */
export function numericCodec(modifier: number, given: ValueKind): Codec {
  const { maxWhole, maxFraction } = digitLimits(modifier)
  // A scale below zero rounds whole digits away, one above the precision wants zeros behind the point: decided by digits.
  const isPlain = maxWhole >= 0 && maxFraction >= 0

  const fits = (text: string): boolean => {
    if (!isPlain) return fitsScale(text, maxWhole, maxFraction)
    const sign = text.startsWith('-') ? 1 : 0
    const point = text.indexOf('.')
    const whole = (point < 0 ? text.length : point) - sign
    if (point >= 0 && text.length - point - 1 > maxFraction) return false
    return whole <= maxWhole || (maxWhole === 0 && text[sign] === '0')
  }
  return {
    travelsAs: 'numeric',
    castTo: null,
    isKeyable: true,
    holds: `numbers with at most ${maxWhole} digits before the point and ${maxFraction} behind it`,
    takesAsIs: isPlain ? (bytes, start, end) => isDecimal(bytes, start, end, maxWhole, maxFraction) : undefined,
    encode(value) {
      if (value === 'NaN' && given === 'textual') return '"NaN"'
      const text = plainText(value, given)
      return text !== undefined && fits(text) ? text : undefined
    },
  }
}

function digitLimits(modifier: number): { maxWhole: number; maxFraction: number } {
  if (modifier === -1) return { maxWhole: MAX_WHOLE_DIGITS, maxFraction: MAX_FRACTION_DIGITS }
  const precision = ((modifier - 4) >> 16) & 0xffff
  // Eleven bits with a sign.
  const scale = (((modifier - 4) & 0x7ff) ^ 0x400) - 0x400
  return { maxWhole: precision - scale, maxFraction: scale }
}

function fitsScale(text: string, maxWhole: number, maxFraction: number): boolean {
  const { digits, exponent } = parseDecimal(text)!
  return digits === '' || (digits.length + exponent <= maxWhole && -exponent <= maxFraction)
}

/** The one text of a number; undefined for what is none, or has more digits than any column holds. */
function plainText(value: unknown, given: ValueKind): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? plainDecimal(value) : undefined
  if (value instanceof Numeric) return value.text
  if (typeof value !== 'string' || given !== 'textual' || !PLAIN_NUMBER.test(value)) return undefined
  return decimalText(parseDecimal(value)!)
}

const PLAIN_NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/

/**
 * Floating point. A token is the shortest text of the very number that the column will hold.
 *
 * DMS may print a double with 17 digits, and does print a real with 9 (2.2 as `2.20000005`): as many as tell any two
 * apart. So a decimal is taken if the column's number, printed with as many digits, gives it again.
 */
export function floatCodec(type: 'float4' | 'float8', given: ValueKind): Codec {
  const nearest = type === 'float4' ? nearestFloat4 : (double: number) => double
  return {
    travelsAs: type === 'float4' ? 'real' : 'double precision',
    castTo: null,
    isKeyable: true,
    holds: `numbers with about ${type === 'float4' ? 6 : 15} digits`,
    takesAsIs: type === 'float8' ? (bytes, start, end) => isDecimal(bytes, start, end) : undefined,
    encode(value) {
      if (given === 'textual' && typeof value === 'string' && NOT_FINITE.has(value)) return `"${value}"`
      const double = typeof value === 'number' ? value : doubleOf(value, given)
      if (double === undefined || !Number.isFinite(double)) return undefined
      const held = nearest(double)
      return held === undefined ? undefined : String(held)
    },
  }
}

const NOT_FINITE: ReadonlySet<string> = new Set(['NaN', 'Infinity', '-Infinity'])

/** The float4 that the number stands for; undefined where digits would be lost, also to overflow or underflow. */
function nearestFloat4(double: number): number | undefined {
  const held = Math.fround(double)
  if (held === double) return held
  if (held === 0 || !Number.isFinite(held)) return undefined
  // Fewer than six digits only matter to the tiniest numbers, which have no more.
  for (let digits = 9; digits > 0; digits--) if (Number(held.toPrecision(digits)) === double) return held
  return undefined
}

/** The double that a decimal beyond the plain ones stands for: its shortest text, or the one of 17 digits. */
function doubleOf(value: unknown, given: ValueKind): number | undefined {
  const text = value instanceof Numeric ? value.text : value
  if (given !== 'textual' || typeof text !== 'string') return undefined
  const decimal = parseDecimal(text)
  if (decimal === undefined) return undefined
  const double = Number(text)
  if (!Number.isFinite(double)) return undefined
  return isSame(decimal, String(double)) || isSame(decimal, double.toPrecision(17)) ? double : undefined
}

/** digits × 10^exponent; digits neither begin nor end with a zero, and are empty for zero. */
interface Decimal {
  readonly sign: '' | '-'
  readonly digits: string
  readonly exponent: number
}

/** Undefined for what is no number. */
function parseDecimal(text: string): Decimal | undefined {
  const match = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (match === null) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const all = whole + fraction
  let first = 0
  while (all[first] === '0') first++
  let end = all.length
  while (end > first && all[end - 1] === '0') end--
  if (first === end) return { sign: '', digits: '', exponent: 0 }
  return {
    sign: sign === '-' ? '-' : '',
    digits: all.slice(first, end),
    exponent: Number(exponent) - fraction.length + all.length - end,
  }
}

function isSame(a: Decimal, text: string): boolean {
  const b = parseDecimal(text)!
  return a.sign === b.sign && a.digits === b.digits && a.exponent === b.exponent
}

/** As `plainDecimal` writes a number. */
function decimalText({ sign, digits, exponent }: Decimal): string {
  if (digits === '') return '0'
  const point = digits.length + exponent
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  if (exponent >= 0) return sign + digits.padEnd(point, '0')
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** Whether jsonb takes a number of a JSON text, which it keeps as numeric with all zeros behind the point. */
export function fitsJsonb(token: string): boolean {
  if (token.length < 1000 && !/[eE]/.test(token)) return true
  const [, fraction = '', exponent = '0'] = /^[^.eE]*(?:\.(\d*))?(?:[eE](.*))?$/.exec(token)!
  // Larger exponents PostgreSQL does not even read.
  if (Math.abs(Number(exponent)) >= 2 ** 30 - 1) return false
  const { digits, exponent: power } = parseDecimal(token)!
  return fraction.length - Number(exponent) <= MAX_FRACTION_DIGITS && digits.length + power <= MAX_WHOLE_DIGITS
}
