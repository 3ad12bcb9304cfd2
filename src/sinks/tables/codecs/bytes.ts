import { Binary, type ValueKind } from '../../../change.ts'
import type { Codec } from './codec.ts'

export function byteaCodec(given: ValueKind): Codec {
  return {
    travelsAs: 'bytea',
    castTo: null,
    isKeyable: true,
    holds: 'bytes',
    encode(value) {
      if (value instanceof Binary) {
        return byteaToken(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex'))
      }
      if (given !== 'textual' || typeof value !== 'string') return undefined
      const digits = /^0x/i.test(value) ? value.slice(2) : value
      return digits.length % 2 === 0 && !/[^\da-f]/i.test(digits) ? byteaToken(digits.toLowerCase()) : undefined
    },
  }
}

const byteaToken = (hex: string): string => `"\\\\x${hex}"`
