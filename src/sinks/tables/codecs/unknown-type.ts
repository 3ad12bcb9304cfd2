import type { ValueKind } from '../../../change.ts'
import type { UnderlyingType } from '../relation.ts'
import type { Codec } from './codec.ts'
import { textOrScalar } from './text.ts'

/** A type that is not known here is read from text by its own rules: only the server can say whether it takes a value. */
export function otherCodec({ sql }: UnderlyingType, given: ValueKind): Codec {
  return {
    travelsAs: sql,
    castTo: null,
    isKeyable: false,
    mayBeRefused: true,
    encode(value) {
      const text = textOrScalar(value, given)
      return text === undefined ? undefined : JSON.stringify(text)
    },
  }
}
