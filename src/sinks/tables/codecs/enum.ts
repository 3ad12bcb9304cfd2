import type { ValueKind } from '../../../change.ts'
import type { UnderlyingType } from '../relation.ts'
import type { Codec } from './codec.ts'
import { textOrScalar } from './text.ts'

/** @param labels in the order of the type */
export function enumCodec({ sql, labels }: UnderlyingType, given: ValueKind): Codec {
  const known = new Set(labels)
  return {
    travelsAs: sql,
    castTo: null,
    isKeyable: true,
    holds: known.size === 1 ? 'the one label of its type' : `the ${known.size} labels of its type`,
    fix: `Add the labels that it lacks with ALTER TYPE ${sql} ADD VALUE`,
    encode(value) {
      const text = textOrScalar(value, given)
      return text !== undefined && known.has(text) ? JSON.stringify(text) : undefined
    },
  }
}
