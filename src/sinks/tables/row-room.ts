import { textOfToken } from './codecs/codec.ts'
import type { Column, PageLimits, Relation } from './relation.ts'

/**
 * How much of a row its page holds. PostgreSQL keeps a row in one page, and moves out of it what is longer than 24 bytes, for
 * 18 bytes that stay; what it cannot move, or is too short, stays whole. It compresses before it moves: a value that thereby
 * comes to 24 bytes or less stays, too, so up to 24 bytes are reckoned for whatever may be compressed.
 *
 * https://www.postgresql.org/docs/current/storage-toast.html, src/backend/access/heap/heaptoast.c, heaptuple.c
 */
export interface RowRoom {
  /**
   * Of a row's values, those that have no room: as few as must be, of the last columns of the table that take NULL. Empty
   * where all have.
   * @param keys tokens of the key
   * @param values tokens by the place of the column; absent where it has none, or NULL
   */
  withoutRoom(keys: readonly string[], values: readonly (string | undefined)[]): readonly number[]
}

/** What a column is for: a part of the key, a value, or neither. */
type Use = { readonly key: number } | { readonly value: number } | null

/** Null if any row has room. */
export function rowRoom(
  { columns, page }: Pick<Relation, 'columns' | 'page'>,
  keys: readonly string[],
  values: readonly string[],
): RowRoom | null {
  if (page === undefined) return null
  const uses = columns.map(({ name }): Use => {
    if (keys.includes(name)) return { key: keys.indexOf(name) }
    return values.includes(name) ? { value: values.indexOf(name) } : null
  })
  const sizes = columns.map(sizeOf)
  const most = columns.map(({ storage }) => mostBytes(storage))
  if (bytesOf(page, columns, most) <= page.rowBytes) return null
  const places = new Map(uses.flatMap((use, i) => (use !== null && 'value' in use ? [[use.value, i] as const] : [])))
  const mayBeEmpty = ({ notNull, underlying }: Column): boolean => !notNull && underlying.isNotNull !== true
  const inOrder = [...places].flatMap(([index, i]) => (mayBeEmpty(columns[i]!) ? [index] : []))

  return {
    withoutRoom(keyTokens, tokens) {
      const filled = inOrder.filter((index) => tokens[index] !== undefined)
      const bytes = uses.map((use, i) => {
        // What the relay does not write may be there all the same, and `cdc_extra` is needed for what has no room.
        if (use === null) return Math.min(most[i]!, MOST_UNWRITTEN)
        const token = 'key' in use ? keyTokens[use.key] : tokens[use.value]
        return token === undefined ? null : sizes[i]!(token)
      })
      const fits = (kept: number): boolean => {
        const some = [...bytes]
        for (const index of filled.slice(kept)) some[places.get(index)!] = null
        return bytesOf(page, columns, some) <= page.rowBytes
      }
      if (fits(filled.length)) return []
      // The row grows with each value that is kept.
      let [kept, tooMany] = [0, filled.length]
      while (tooMany - kept > 1) {
        const middle = (kept + tooMany) >> 1
        if (fits(middle)) kept = middle
        else tooMany = middle
      }
      return filled.slice(kept)
    },
  }
}

/** Longer values are moved out, and leave this much behind. */
const LONGEST_KEPT = 24
const POINTER_BYTES = 18
/** What is taken for the most that a column holds which the relay does not write, though its type has no limit. */
const MOST_UNWRITTEN = 64
/** Of a row without its values and without the bits that tell which are NULL. */
const HEADER_BYTES = 23
const WORD = 8

/** @param bytes of each column; null where it is NULL */
function bytesOf({ attributes }: PageLimits, columns: readonly Column[], bytes: readonly (number | null)[]): number {
  let at = aligned(HEADER_BYTES + Math.ceil(attributes / 8), WORD)
  for (const [i, size] of bytes.entries()) if (size !== null) at = aligned(at, alignmentOf(columns[i]!, size)) + size
  return aligned(at, WORD)
}

const aligned = (at: number, to: number): number => Math.ceil(at / to) * to

const ALIGNMENTS: Readonly<Record<string, number>> = { c: 1, s: 2, i: 4, d: 8 }

/** Short values of variable length have a header of one byte, and stand anywhere; unless they are compressed, or are to stay as they are. */
function alignmentOf({ storage }: Column, bytes: number): number {
  const { length = -1, align = 'c', strategy = 'x' } = storage ?? {}
  return length < 0 && strategy !== 'p' && bytes < LONGEST_KEPT ? 1 : ALIGNMENTS[align]!
}

type Storage = Column['storage']

function mostBytes(storage: Storage): number {
  const { length = -1, strategy = 'x' } = storage ?? {}
  if (length >= 0) return length
  return strategy === 'p' ? Number.POSITIVE_INFINITY : LONGEST_KEPT
}

/** A function that tells how many bytes of a page a value takes, or a few more. */
function sizeOf({ storage, underlying: { name, modifier } }: Column): (token: string) => number {
  const { length = -1, strategy = 'x' } = storage ?? {}
  if (length >= 0) return () => length
  const bytes = PAYLOADS[name] ?? (strategy === 'p' ? plainBytes : () => LONGEST_KEPT)
  return (token) => {
    const payload = bytes(token, modifier)
    if (strategy === 'p') return payload + 4
    if (payload < LONGEST_KEPT) return payload + 1
    return strategy === 'e' ? POINTER_BYTES : LONGEST_KEPT
  }
}

/** `tsquery` is never moved out: 12 bytes for each word and sign, and the words. A row of more the server refuses, and is then shortened. */
const plainBytes = (token: string): number => 8 + 3 * textBytes(token)

/** Of types whose length their text tells: without their header. */
const PAYLOADS: Readonly<Record<string, (token: string, modifier: number) => number>> = {
  text: textBytes,
  varchar: textBytes,
  citext: textBytes,
  json: textBytes,
  xml: textBytes,
  bpchar: (token, modifier) => textBytes(token) + Math.max(0, modifier - 4 - textOfToken(token).length),
  // `"\\x00ff"`
  bytea: (token) => (token.length - 5) / 2,
  numeric: (token) => {
    const [whole = '', fraction = ''] = token.replace('-', '').split('.')
    return (token.length > 200 ? 4 : 2) + 2 * (Math.ceil(whole.length / 4) + Math.ceil(fraction.length / 4))
  },
}

function textBytes(token: string): number {
  return Buffer.byteLength(textOfToken(token))
}
