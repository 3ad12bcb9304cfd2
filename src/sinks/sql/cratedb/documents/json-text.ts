import { Binary, Numeric, newRow, type Row, type Value, type ValueKind } from '../../../../change.ts'
import { parseJsonWithSource } from '../../../../parse-json.ts'
import { plainDecimal } from '../../../tables/keys.ts'
import { isList } from './documents.ts'
import { isNumber } from './exact-numbers.ts'

/** A value, or what the text of DMS reads as, if it is an object. */
export function objectIn(value: Exclude<Value, null>, given: ValueKind): Row | undefined {
  if (isObject(value)) return value
  if (given !== 'textual' || typeof value !== 'string') return undefined
  const parsed = parseExactly(value)
  return parsed !== undefined && isObject(parsed) ? parsed : undefined
}

const isObject = (value: Value): value is Row =>
  typeof value === 'object' && value !== null && !isList(value) && !isNumber(value) && !(value instanceof Binary)

/** With all digits of its numbers; undefined for what is no JSON, or has a number with more of them than anyone could mean. */
function parseExactly(text: string): Value | undefined {
  let isHeld = true
  try {
    const parsed = parseJsonWithSource(text, (value, source) => {
      if (typeof value === 'number') {
        const number = numberOf(source!)
        isHeld &&= number !== undefined
        return number
      }
      return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Numeric)
        ? Object.assign(newRow(), value)
        : value
    })
    return isHeld ? (parsed as Value) : undefined
  } catch {
    // Not JSON: the caller keeps the text elsewhere.
    return undefined
  }
}

const MAX_ZEROS = 10_000

function numberOf(source: string): number | Numeric | undefined {
  const number = Number(source)
  if (Number.isSafeInteger(number) && PLAIN_INTEGER.test(source)) return number
  const text = withoutExponent(source)
  if (text === undefined) return undefined
  return plainDecimal(number) === text ? number : new Numeric(text)
}

const PLAIN_INTEGER = /^-?\d+$/

/**
 * A decimal number in its one spelling: no exponent, no zeros at the end of a fraction, no minus zero. Undefined if it has
 * more digits than anyone could mean.
 * @param source as JSON or Java print it
 */
export function withoutExponent(source: string): string | undefined {
  const [, sign, whole = '', fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE](.+))?$/.exec(source)!
  const exponent = Number(power) - fraction.length
  const digits = (whole + fraction).replace(/^0+/, '')
  if (digits === '') return '0'
  if (Math.abs(exponent) > MAX_ZEROS) return undefined
  if (exponent >= 0) return sign + digits + '0'.repeat(exponent)
  const all = digits.padStart(1 - exponent, '0')
  return `${sign}${all.slice(0, exponent)}.${all.slice(exponent)}`.replace(/\.?0+$/, '')
}
