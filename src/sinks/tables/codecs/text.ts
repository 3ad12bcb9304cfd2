import { Binary, type Format, Numeric, toJson, type Value } from '../../../change.ts'
import { plainDecimal } from '../keys.ts'

/** A value as text, numbers with all their digits; undefined for bytes, which have none. */
export function textOf(value: Exclude<Value, null>): string | undefined {
  if (value instanceof Binary) return undefined
  return typeof value === 'object' && !(value instanceof Numeric) ? toJson(value) : scalarText(value)
}

/** Of a column whose type is read from text: what DMS sends may have been a number there. */
export function textOrScalar(value: Exclude<Value, null>, feed: Format): string | undefined {
  return typeof value === 'string' ? value : feed === 'dms' ? scalarText(value) : undefined
}

function scalarText(value: Exclude<Value, null>): string | undefined {
  if (typeof value === 'number' || value instanceof Numeric) return plainDecimal(value)
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : undefined
}
