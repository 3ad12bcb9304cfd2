import { Binary, type Change, Numeric, type Row, type Value } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { KeyColumn, KeyFamily } from './target.ts'

/** A key column in the layout `document`: the family of the source's values decides which types fit. */
export interface TypedKey extends KeyColumn {
  readonly family: KeyFamily
  readonly type: KeyType
  /** In characters; null where the type has no limit. */
  readonly maxLength: number | null
}

/**
 * Column types that take two keys for one exactly if the source does (`uuid` aside, whose spellings are one), by
 * PostgreSQL's internal name: their family, and the type that a value has in the parameter. An integer travels as such,
 * so that a fraction is refused and not rounded; text as `text`, so that a value that is too long is refused and not cut.
 */
export const KEY_TYPES = {
  text: { family: 'text', travelsAs: 'text' },
  varchar: { family: 'text', travelsAs: 'text' },
  uuid: { family: 'text', travelsAs: 'uuid' },
  numeric: { family: 'number', travelsAs: 'numeric' },
  int8: { family: 'number', travelsAs: 'bigint' },
  int4: { family: 'number', travelsAs: 'integer' },
  int2: { family: 'number', travelsAs: 'smallint' },
  bytea: { family: 'bytes', travelsAs: 'bytea' },
} as const satisfies Record<string, { family: KeyFamily; travelsAs: string }>

export type KeyType = keyof typeof KEY_TYPES

export const isKeyType = (baseType: string): baseType is KeyType => Object.hasOwn(KEY_TYPES, baseType)

/** Undefined for a value that cannot be a key. */
export function familyOf(value: Value | undefined): KeyFamily | undefined {
  if (typeof value === 'string') return 'text'
  if (typeof value === 'number' || value instanceof Numeric) return 'number'
  return value instanceof Binary ? 'bytes' : undefined
}

/**
 * A function that gives the same text for two keys exactly if the target takes them for one.
 * @throws RelayError SINK_TABLE for a key of other attributes or types than the table has, SINK_REFUSED for one too long
 */
export function keyTexts(table: string, columns: readonly TypedKey[]): (change: Change, key?: Row | null) => string {
  const partOf = (column: TypedKey, key: Row, change: Change): string => {
    const part = keyPart(column, key[column.attribute])
    if (part === undefined) throw otherKey(table, columns, change)
    if (column.maxLength !== null && isLonger(part, column.maxLength)) throw tooLong(table, column, change)
    return part
  }
  return (change, key = change.key) => {
    if (key === null || countOf(key) !== columns.length) throw otherKey(table, columns, change)
    if (columns.length === 1) return partOf(columns[0]!, key, change)
    let text = ''
    for (const column of columns) {
      const part = partOf(column, key, change)
      // With its length in front a part cannot run into the next one.
      text += `${part.length}:${part}`
    }
    return text
  }
}

function countOf(key: Row): number {
  let count = 0
  for (const _ in key) count++
  return count
}

/** The value of a key column as a JSON token that PostgreSQL reads as the column's type. */
export function keyToken({ attribute, family }: TypedKey, key: Row): string {
  const value = key[attribute]
  if (family === 'number') return plainDecimal(value as number | Numeric)
  return JSON.stringify(family === 'bytes' ? `\\x${hex(value as Binary)}` : value)
}

/** Undefined for a value of another family than the column's. */
function keyPart({ family, type }: TypedKey, value: Value | undefined): string | undefined {
  if (familyOf(value) !== family) return undefined
  if (family === 'number') return plainDecimal(value as number | Numeric)
  if (family === 'bytes') return hex(value as Binary)
  return type === 'uuid' ? (value as string).replace(/[{}-]/g, '').toLowerCase() : (value as string)
}

/** In characters; UTF-16 units are at least as many, so they are counted only when in doubt. */
const isLonger = (text: string, max: number): boolean => text.length > max && [...text].length > max

/** PostgreSQL would cut blanks off and so make two keys one. */
function tooLong(table: string, { column, declared }: TypedKey, { source }: Change): RelayError {
  const detail = `A key of table ${table} is longer than its column "${column}", ${declared}`
  return new RelayError('SINK_REFUSED', detail, { shard: source.shard, sequence: source.sequence })
}

/** For a change whose key has other attributes or types than the table's. */
export function otherKey(
  table: string,
  columns: readonly Pick<TypedKey, 'attribute' | 'family'>[],
  change: Change,
): RelayError {
  const has = columns.map(({ attribute, family }) => `"${attribute}" ${family}`).join(', ')
  const found = Object.entries(change.key ?? {}).map(
    ([name, value]) => `"${name}" ${familyOf(value) ?? 'of no key type'}`,
  )
  const detail = `The key of table ${table} is ${has}, and a change has the key ${found.join(', ') || 'not known'}: a table that was dropped and created again with another key needs another target (\`--table\`), or to let the old one go`
  return new RelayError('SINK_TABLE', detail, { shard: change.source.shard, sequence: change.source.sequence })
}

const hex = (bytes: Binary): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')

/** The same text for the same number: no exponent, no trailing zeros after the point, no minus zero. */
export function plainDecimal(value: number | Numeric): string {
  if (value instanceof Numeric) return value.text
  const text = String(value)
  if (!text.includes('e')) return text
  const [, sign, whole, fraction = '', exponent] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text)!
  const digits = whole! + fraction
  const point = 1 + Number(exponent)
  return point > 0 ? `${sign}${digits.padEnd(point, '0')}` : `${sign}0.${'0'.repeat(-point)}${digits}`
}
