import { Numeric, type Value } from '../../../../change.ts'
import { plainDecimal } from '../../../tables/keys.ts'

/**
 * A number as the JSON token that CrateDB keeps exactly in an object; undefined if there is none: it holds whole numbers of
 * 64 bits, and others as the nearest double. Of whole numbers beyond those it is not known what becomes.
 */
export function exactToken(value: number | Numeric): string | undefined {
  if (Number.isSafeInteger(value)) return String(value)
  if (typeof value === 'number' && !Number.isInteger(value)) return String(value)
  const text = plainDecimal(value)
  if (!text.includes('.')) return isInt64(text) ? text : undefined
  return isDouble(text) ? text : undefined
}

/** A number as a JSON token that CrateDB takes for a double, whole or not; undefined if no double prints these digits. */
export function doubleToken(value: number | Numeric): string | undefined {
  if (value instanceof Numeric && !isDouble(value.text)) return undefined
  const text = typeof value === 'number' ? String(value) : value.text
  return /[.e]/.test(text) ? text : `${text}.0`
}

const isDouble = (text: string): boolean => plainDecimal(Number(text)) === text

export const isNumber = (value: Value): value is number | Numeric =>
  typeof value === 'number' || value instanceof Numeric

/** Of plain decimal text without a point. */
function isInt64(text: string): boolean {
  if (text.length > LONGEST) return false
  return BigInt.asIntN(64, BigInt(text)) === BigInt(text)
}

const LONGEST = '-9223372036854775808'.length
