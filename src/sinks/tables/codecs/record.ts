import type { ValueKind } from '../../../change.ts'
import type { UnderlyingType } from '../relation.ts'
import type { Codec } from './codec.ts'
import { QUOTED, quotedPart, type TextReader, unquoted } from './parts.ts'
import { textOrScalar } from './text.ts'

/**
 * Composite types, from PostgreSQL's text form. Each attribute is read as a value of its own.
 * @see https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX
 */
export function recordCodec({ sql }: UnderlyingType, readers: readonly TextReader[], given: ValueKind): Codec {
  return {
    travelsAs: sql,
    castTo: null,
    isKeyable: false,
    mayBeRefused: readers.some(({ mayBeRefused }) => mayBeRefused),
    holds: `rows of ${readers.length} values in PostgreSQL's form, (…,…)`,
    encode(value) {
      const text = textOrScalar(value, given)
      const fields = text === undefined ? undefined : parseRecord(text)
      if (fields?.length !== readers.length) return undefined
      const written: string[] = []
      for (const [i, field] of fields.entries()) {
        const read = field === null ? (readers[i]!.isNotNull ? undefined : '') : readers[i]!.read(field)
        if (read === undefined) return undefined
        written.push(field === null ? '' : quotedPart(read))
      }
      return JSON.stringify(`(${written.join(',')})`)
    },
  }
}

/** Null is a field of which nothing is written; undefined what is no record. */
function parseRecord(text: string): readonly (string | null)[] | undefined {
  const inside = /^\s*\((.*)\)\s*$/s.exec(text)?.[1]
  if (inside === undefined) return undefined
  if (inside === '') return []
  const fields: (string | null)[] = []
  const field = new RegExp(FIELD, 'sy')
  while (true) {
    const match = field.exec(inside)
    if (match === null) return undefined
    fields.push(match[1] === '' ? null : unquoted(match[1]!))
    if (match[2] === '') return fields
  }
}

const FIELD = String.raw`((?:${QUOTED}|\\.|[^"\\,)])*)(,|$)`
