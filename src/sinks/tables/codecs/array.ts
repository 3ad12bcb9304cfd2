import type { ValueKind } from '../../../change.ts'
import type { UnderlyingType } from '../relation.ts'
import type { Codec } from './codec.ts'
import { quotedPart, type TextReader } from './parts.ts'
import { textOrScalar } from './text.ts'

/**
 * Arrays, from PostgreSQL's text form. Each element is read as a value of its own, for PostgreSQL rounds and cuts those, too.
 * @see https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 * @param reader of its elements
 */
export function arrayCodec({ sql, delimiter = ',' }: UnderlyingType, reader: TextReader, given: ValueKind): Codec {
  return {
    travelsAs: sql,
    castTo: null,
    isKeyable: false,
    mayBeRefused: reader.mayBeRefused,
    holds: `arrays in PostgreSQL's form ({…}) whose elements are ${reader.holds}`,
    encode(value) {
      const text = textOrScalar(value, given)
      const array = text === undefined ? undefined : parseArray(text, delimiter)
      if (array === undefined) return undefined
      const written = writtenItems(array.items)
      return written === undefined ? undefined : JSON.stringify(array.bounds + written)
    },
  }

  function writtenItems(items: Items): string | undefined {
    const parts: string[] = []
    for (const item of items) {
      const part = typeof item === 'object' && item !== null ? writtenItems(item) : elementText(item)
      if (part === undefined) return undefined
      parts.push(part)
    }
    return `{${parts.join(delimiter)}}`
  }

  function elementText(item: string | null): string | undefined {
    if (item === null) return reader.isNotNull ? undefined : 'NULL'
    const text = reader.read(item)
    return text === undefined ? undefined : quotedPart(text)
  }
}

type Items = readonly (string | null | Items)[]

interface ArrayText {
  /** `[0:2]=`, or nothing. */
  readonly bounds: string
  readonly items: Items
}

const MOST_DIMENSIONS = 6
const BOUNDS = /^\s*((?:\[\s*[+-]?\d+\s*(?::\s*[+-]?\d+\s*)?\])+)\s*=/

/** Undefined for what is none, or of uneven rows. */
function parseArray(text: string, delimiter: string): ArrayText | undefined {
  const bounds = BOUNDS.exec(text)
  const reading = { text, at: bounds?.[0].length ?? 0, delimiter }
  skipBlanks(reading)
  const items = parseItems(reading, 1)
  skipBlanks(reading)
  if (items === undefined || reading.at < text.length) return undefined
  const lengths = lengthsOf(items)
  if (lengths === undefined) return undefined
  if (bounds === null) return { bounds: '', items }
  return hasLengths(bounds[1]!, lengths) ? { bounds: `${bounds[1]}=`, items } : undefined
}

interface Reading {
  readonly text: string
  at: number
  readonly delimiter: string
}

/** `{…}`, from its first brace to behind its last. */
function parseItems(reading: Reading, depth: number): Items | undefined {
  const { text, delimiter } = reading
  if (text[reading.at] !== '{' || depth > MOST_DIMENSIONS) return undefined
  reading.at++
  skipBlanks(reading)
  if (text[reading.at] === '}') {
    reading.at++
    // PostgreSQL's versions differ over empty rows in rows.
    return depth === 1 ? [] : undefined
  }
  const items: (string | null | Items)[] = []
  while (true) {
    skipBlanks(reading)
    const item = text[reading.at] === '{' ? parseItems(reading, depth + 1) : parseItem(reading)
    if (item === undefined) return undefined
    items.push(item)
    skipBlanks(reading)
    const next = text[reading.at++]
    if (next === '}') return items
    if (next !== delimiter) return undefined
  }
}

function parseItem(reading: Reading): string | null | undefined {
  const { text, delimiter } = reading
  if (text[reading.at] === '"') {
    const quoted = /"((?:[^"\\]|\\.)*)"/sy
    quoted.lastIndex = reading.at
    const match = quoted.exec(text)
    if (match === null) return undefined
    reading.at = quoted.lastIndex
    return unescaped(match[1]!)
  }
  const start = reading.at
  while (reading.at < text.length && !'{}"'.includes(text[reading.at]!) && text[reading.at] !== delimiter) {
    reading.at += text[reading.at] === '\\' ? 2 : 1
  }
  const raw = text.slice(start, reading.at)
  // A blank behind a backslash belongs to the element.
  const item = /^((?:\\.|[^\\])*?)[ \t\n\r\v\f]*$/s.exec(raw)?.[1]
  if (item === undefined || item === '') return undefined
  return /^null$/i.test(item) ? null : unescaped(item)
}

const unescaped = (text: string): string => text.replaceAll(/\\(.)/gs, '$1')

function skipBlanks(reading: Reading): void {
  while (/[ \t\n\r\v\f]/.test(reading.text[reading.at] ?? '')) reading.at++
}

/** How many elements there are in each dimension; undefined for uneven rows. */
function lengthsOf(items: Items): readonly number[] | undefined {
  const rows = items.filter((item) => typeof item === 'object' && item !== null)
  if (rows.length === 0) return [items.length]
  if (rows.length < items.length) return undefined
  const lengths = rows.map((row) => lengthsOf(row as Items))
  const [first] = lengths
  if (first === undefined || lengths.some((other) => other?.join() !== first.join())) return undefined
  return [items.length, ...first]
}

function hasLengths(bounds: string, lengths: readonly number[]): boolean {
  const pairs = [...bounds.matchAll(/\[\s*([+-]?\d+)\s*(?::\s*([+-]?\d+)\s*)?\]/g)]
  const isLength = ([, lower, upper]: RegExpMatchArray, i: number): boolean =>
    (upper === undefined ? Number(lower) : Number(upper) - Number(lower) + 1) === lengths[i]
  return pairs.length === lengths.length && pairs.every(isLength)
}
