import type { ValueKind } from '../../../change.ts'
import type { Codec } from './codec.ts'
import { textOrScalar } from './text.ts'

/** Numbers of objects: PostgreSQL takes one below zero for another one. */
export function oidCodec(given: ValueKind): Codec {
  return {
    travelsAs: 'oid',
    castTo: null,
    isKeyable: false,
    holds: 'whole numbers from 0 to 4294967295',
    encode(value) {
      const text = textOrScalar(value, given)
      return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 ? `"${text}"` : undefined
    },
  }
}
