import type { Value } from '../../../change.ts'

/**
 * How the values of one column travel in the recordset of a statement, `json_to_recordset($1) AS s(c0 travelsAs, …)`.
 * What a column cannot hold exactly is found here: PostgreSQL would round it, cut it, or refuse the whole batch.
 */
export interface Codec {
  /** SQL type of the value in the recordset: without length or scale, so that nothing is cut or rounded in silence. */
  readonly travelsAs: string
  /** Cast in the SELECT, or null: JSON travels as text. */
  readonly castTo: string | null
  /** True if two values are one to the column exactly if their tokens are equal: then the column can be part of a key. */
  readonly isKeyable: boolean
  /** In words, what the column holds, for a message about a value that it does not: `whole numbers from -32768 to 32767`. */
  readonly holds?: string
  /** What makes the column hold more, where that is not another type: `Add the label with ALTER TYPE … ADD VALUE`. */
  readonly fix?: string
  /** True if the server may still refuse what a token stands for: by rules of its own, or by a check that a domain has. */
  readonly mayBeRefused?: boolean
  /** True only if a JSON token, `bytes[start, end)`, is what `encode` gives for its value; absent where that is never known. */
  takesAsIs?: ((bytes: Buffer, start: number, end: number) => boolean) | undefined
  /** The JSON token that stands for the value in the recordset; undefined if the column cannot hold just this value. */
  encode(value: Exclude<Value, null>): string | undefined
}

/** What a codec holds that does not say it, and what helps. */
export const JUST_THE_TYPE = 'just the values of that type, unaltered'
export const ANOTHER_TYPE = 'Give the column a type that holds these values'

/** The text that the type reads: what stands in a token that is a text; numbers and booleans are their own. */
export function textOfToken(token: string): string {
  if (!token.startsWith('"')) return token
  return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1)
}
