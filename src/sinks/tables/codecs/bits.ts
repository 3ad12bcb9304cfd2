import type { ValueKind } from '../../../change.ts'
import type { Codec } from './codec.ts'
import { textOrScalar } from './text.ts'

/**
 * Strings of bits, as digits; behind `B` or `X` also as PostgreSQL writes literals.
 * @param modifier `pg_attribute.atttypmod`: how many bits, exactly or at most, or -1
 */
export function bitCodec(type: 'bit' | 'varbit', modifier: number, given: ValueKind): Codec {
  const isLength = (bits: number): boolean => modifier === -1 || (type === 'bit' ? bits === modifier : bits <= modifier)
  return {
    // As `bit` it would be one bit, or be cut by a cast.
    travelsAs: 'bit varying',
    castTo: null,
    isKeyable: false,
    holds: modifier === -1 ? 'digits 0 and 1' : `${type === 'bit' ? 'just' : 'up to'} ${modifier} digits 0 and 1`,
    encode(value) {
      const bits = bitsOf(textOrScalar(value, given))
      return bits !== undefined && isLength(bits.length) ? `"${bits}"` : undefined
    },
  }
}

function bitsOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (/^b?[01]*$/i.test(text)) return text.replace(/^b/i, '')
  if (!/^x[\da-f]*$/i.test(text)) return undefined
  return [...text.slice(1)].map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, '0')).join('')
}
