import type { Value, ValueKind } from '../../../../change.ts'
import { codecFor as postgresCodec } from '../../../tables/codecs/codec-for.ts'

/** A value → its one text as a value of a type; undefined if it is none. */
export type Reader = (value: Exclude<Value, null>) => string | undefined

/**
 * By the rules for PostgreSQL's types, since the feeds are the same.
 * @param name PostgreSQL's internal name of the type, not one of texts: their tokens have escapes
 */
export function readerOf(name: string, modifier: number, given: ValueKind): Reader {
  const { encode } = codecOf(name, modifier, given)
  return (value) => {
    const token = encode(value)
    return token?.startsWith('"') ? token.slice(1, -1) : token
  }
}

/** In words, what such a column holds. */
export const heldBy = (name: string, modifier: number): string => codecOf(name, modifier, 'textual').holds ?? name

const codecOf = (name: string, modifier: number, given: ValueKind) =>
  postgresCodec({ underlying: { name, sql: name, modifier, kind: 'b' }, collation: null }, given)
