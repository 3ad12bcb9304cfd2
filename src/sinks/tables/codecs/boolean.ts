import type { ValueKind } from '../../../change.ts'
import type { Codec } from './codec.ts'

export function boolCodec(given: ValueKind): Codec {
  return {
    travelsAs: 'boolean',
    castTo: null,
    isKeyable: true,
    holds: 'true and false',
    encode(value) {
      if (typeof value === 'boolean') return value ? 'true' : 'false'
      if (given !== 'textual') return undefined
      // MySQL's booleans are numbers.
      if (typeof value === 'number') return value === 0 ? 'false' : value === 1 ? 'true' : undefined
      return typeof value === 'string' ? BOOLEAN_TEXTS.get(value.toLowerCase()) : undefined
    },
  }
}

/** As PostgreSQL reads them: any beginning that tells. */
const BOOLEAN_TEXTS: ReadonlyMap<string, string> = new Map([
  ...['t', 'tr', 'tru', 'true', 'y', 'ye', 'yes', 'on', '1'].map((text) => [text, 'true'] as const),
  ...['f', 'fa', 'fal', 'fals', 'false', 'n', 'no', 'of', 'off', '0'].map((text) => [text, 'false'] as const),
])
