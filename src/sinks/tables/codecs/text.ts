import { Binary, Numeric, toJson, type Value, type ValueKind } from '../../../change.ts'
import { plainDecimal } from '../keys.ts'
import { isPlainText } from './as-is.ts'
import type { Codec } from './codec.ts'

/** A value as text, numbers with all their digits; undefined for bytes, which have none. */
function textOf(value: Exclude<Value, null>): string | undefined {
  if (value instanceof Binary) return undefined
  return typeof value === 'object' && !(value instanceof Numeric) ? toJson(value) : scalarText(value)
}

/** Of a column whose type is read from text: what DMS sends may have been a number there. */
export function textOrScalar(value: Exclude<Value, null>, given: ValueKind): string | undefined {
  return typeof value === 'string' ? value : given === 'textual' ? scalarText(value) : undefined
}

function scalarText(value: Exclude<Value, null>): string | undefined {
  if (typeof value === 'number' || value instanceof Numeric) return plainDecimal(value)
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : undefined
}

/** @param maxLength in characters. PostgreSQL would cut blanks beyond it in silence, so they do not fit either. */
export function textCodec(
  type: 'text' | 'varchar' | 'bpchar',
  maxLength: number,
  isDeterministic: boolean,
  given: ValueKind,
): Codec {
  return {
    travelsAs: type,
    castTo: null,
    isKeyable: isDeterministic,
    holds: maxLength === Number.POSITIVE_INFINITY ? 'text' : `text of up to ${maxLength} characters`,
    takesAsIs: type === 'bpchar' ? undefined : (bytes, start, end) => isPlainText(bytes, start, end, maxLength),
    encode(value) {
      const text = typeof value === 'string' ? value : given === 'textual' ? textOf(value) : undefined
      if (text === undefined || isLonger(text, maxLength)) return undefined
      // char(n) ignores trailing blanks.
      return JSON.stringify(type === 'bpchar' ? withoutEndingBlanks(text) : text)
    },
  }
}

/** In characters; a text has at most two UTF-16 units for each. */
function isLonger(text: string, max: number): boolean {
  return text.length > max && (text.length > 2 * max || [...text].length > max)
}

function withoutEndingBlanks(text: string): string {
  let end = text.length
  while (text[end - 1] === ' ') end--
  return text.slice(0, end)
}

/** PostgreSQL cuts names of objects in silence. */
export function nameCodec(given: ValueKind): Codec {
  return {
    travelsAs: 'text',
    castTo: null,
    isKeyable: false,
    holds: 'text of up to 63 bytes',
    encode(value) {
      const text = textOrScalar(value, given)
      return text !== undefined && Buffer.byteLength(text) <= 63 ? JSON.stringify(text) : undefined
    },
  }
}

/** `"char"`, one byte. */
export function charCodec(given: ValueKind): Codec {
  return {
    travelsAs: '"char"',
    castTo: null,
    isKeyable: false,
    holds: 'one character of ASCII',
    encode(value) {
      const text = textOrScalar(value, given)
      return text !== undefined && /^[\0-\x7f]?$/.test(text) ? JSON.stringify(text) : undefined
    },
  }
}
