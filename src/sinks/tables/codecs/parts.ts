import type { UnderlyingType } from '../relation.ts'
import { type Codec, textOfToken } from './codec.ts'

/** How the text of a part of a value is read: of an element, a bound, an attribute. */
export interface TextReader {
  /** The text as PostgreSQL is to read it; undefined for what the part cannot hold just so. */
  read(text: string): string | undefined
  readonly isNotNull: boolean
  readonly mayBeRefused: boolean
  readonly holds: string
}

/** Types whose texts may have blanks around them. */
const BLANKS_AROUND: ReadonlySet<string> = new Set([
  ...['bool', 'int2', 'int4', 'int8', 'numeric', 'float4', 'float8'],
  ...['date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval'],
])

/** @param codec of the type, for texts in the form in which PostgreSQL prints them */
export function textReader(
  type: UnderlyingType,
  { encode, mayBeRefused = false, holds = type.sql }: Codec,
): TextReader {
  const isBytes = type.name === 'bytea'
  // In a text, money is in the server's own form; and a number has its zeros behind the point.
  const isMoney = type.name === 'money'
  const isKept = isMoney || type.name === 'numeric'
  return {
    isNotNull: type.isNotNull === true,
    mayBeRefused: mayBeRefused || isMoney,
    holds,
    read(raw) {
      const text = BLANKS_AROUND.has(type.name) ? raw.trim() : raw
      if (isBytes && !text.startsWith('\\x')) return undefined
      const token = encode(isBytes ? text.slice(2) : text)
      if (token === undefined) return undefined
      if (isKept) return text
      return textOfToken(token)
    },
  }
}

/** A part that is written as a field of a record or as a bound of a range: quotes are doubled or escaped. */
export const QUOTED = String.raw`"(?:[^"\\]|\\.|"")*"(?!")`

/** What such a part says. */
export const unquoted = (raw: string): string =>
  raw.replaceAll(PARTS, (_, quoted: string | undefined, char: string | undefined) =>
    quoted === undefined
      ? char!
      : quoted.slice(1, -1).replaceAll(/""|\\(.)/gs, (both, char: string) => (both === '""' ? '"' : char)),
  )

const PARTS = new RegExp(String.raw`(${QUOTED})|\\(.)`, 'gs')

/** In quotes, whatever it is. */
export const quotedPart = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`
