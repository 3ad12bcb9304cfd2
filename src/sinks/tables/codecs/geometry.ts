import type { ValueKind } from '../../../change.ts'
import type { UnderlyingType } from '../relation.ts'
import type { Codec } from './codec.ts'
import { floatCodec } from './number.ts'
import { textOrScalar } from './text.ts'

/** Made of numbers of floating point: their form the server knows, but not that digits would be lost. */
export function geometryCodec({ sql }: UnderlyingType, given: ValueKind): Codec {
  const { encode } = floatCodec('float8', 'textual')
  return {
    travelsAs: sql,
    castTo: null,
    isKeyable: false,
    mayBeRefused: true,
    holds: 'points and figures, whose numbers have about 15 digits',
    encode(value) {
      const text = textOrScalar(value, given)
      const numbers = text?.match(/[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/gi) ?? []
      return text !== undefined && numbers.every((number) => encode(number) !== undefined)
        ? JSON.stringify(text)
        : undefined
    },
  }
}
