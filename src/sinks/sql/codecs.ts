import { Binary, type Format, Numeric, toJson, type Value } from '../../change.ts'
import type { Column } from './catalogue.ts'
import { jsonCodec } from './codecs-json.ts'
import { floatCodec, integerCodec, numericCodec } from './codecs-number.ts'
import { timeCodec } from './codecs-time.ts'
import { plainDecimal } from './keys.ts'

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
  /** In words, what the column holds, for who is told of a value that it does not: `whole numbers from -32768 to 32767`. */
  readonly holds?: string
  /** The JSON token that stands for the value in the recordset; undefined if the column cannot hold just this value. */
  encode(value: Exclude<Value, null>): string | undefined
}

/**
 * @param feed the values of DMS come from typed columns and often as text (`true`, hex digits, JSON, long numbers), so
 * text is read as the column's type. Those of DynamoDB have their types: their text is never read as a number, boolean,
 * bytes or JSON, and nothing else becomes text; but dates, times and uuids have no type there, and are read from text.
 */
export function codecFor(column: Pick<Column, 'underlying' | 'collation'>, feed: Format): Codec {
  const { name, modifier } = column.underlying
  const isDeterministic = column.collation?.deterministic !== false
  switch (name) {
    case 'bool':
      return boolCodec(feed)
    case 'int2':
    case 'int4':
    case 'int8':
      return integerCodec(name, feed)
    case 'float4':
    case 'float8':
      return floatCodec(name, feed)
    case 'numeric':
      return numericCodec(modifier, feed)
    case 'text':
    case 'varchar':
    case 'bpchar':
      return textCodec(name, maxLengthOf(modifier), isDeterministic, feed)
    case 'citext':
      return textCodec('text', Number.POSITIVE_INFINITY, false, feed)
    case 'bytea':
      return byteaCodec(feed)
    case 'json':
    case 'jsonb':
      return jsonCodec(name, feed)
    case 'date':
    case 'time':
    case 'timetz':
    case 'timestamp':
    case 'timestamptz':
      return timeCodec(name, modifier, feed)
    case 'uuid':
      return uuidCodec()
    default:
      return otherCodec(column, feed)
  }
}

/** The modifier of varchar(n) and char(n) is n + 4. */
const maxLengthOf = (modifier: number): number => (modifier === -1 ? Number.POSITIVE_INFINITY : modifier - 4)

function boolCodec(feed: Format): Codec {
  return {
    travelsAs: 'boolean',
    castTo: null,
    isKeyable: true,
    holds: 'true and false',
    encode(value) {
      if (typeof value === 'boolean') return value ? 'true' : 'false'
      if (feed !== 'dms') return undefined
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

/** @param maxLength in characters. PostgreSQL would cut blanks beyond it in silence, so they do not fit either. */
function textCodec(
  type: 'text' | 'varchar' | 'bpchar',
  maxLength: number,
  isDeterministic: boolean,
  feed: Format,
): Codec {
  return {
    travelsAs: type,
    castTo: null,
    isKeyable: isDeterministic,
    holds: maxLength === Number.POSITIVE_INFINITY ? 'text' : `text of up to ${maxLength} characters`,
    encode(value) {
      const text = typeof value === 'string' ? value : feed === 'dms' ? textOf(value) : undefined
      if (text === undefined || isLonger(text, maxLength)) return undefined
      // To char(n) blanks at the end are nothing.
      return JSON.stringify(type === 'bpchar' ? withoutEndingBlanks(text) : text)
    },
  }
}

/** In characters; a text has at most two UTF-16 units for each. */
function isLonger(text: string, max: number): boolean {
  return text.length > max && (text.length > 2 * max || [...text].length > max)
}

function withoutEndingBlanks(text: string): string {
  let end = text.length
  while (text[end - 1] === ' ') end--
  return text.slice(0, end)
}

/** Numbers with all their digits. Bytes have no text. */
function textOf(value: Exclude<Value, null>): string | undefined {
  if (value instanceof Binary) return undefined
  return typeof value === 'object' && !(value instanceof Numeric) ? toJson(value) : scalarText(value)
}

function scalarText(value: Exclude<Value, null>): string | undefined {
  if (typeof value === 'number' || value instanceof Numeric) return plainDecimal(value)
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : undefined
}

function byteaCodec(feed: Format): Codec {
  return {
    travelsAs: 'bytea',
    castTo: null,
    isKeyable: true,
    holds: 'bytes',
    encode(value) {
      if (value instanceof Binary) {
        return byteaToken(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex'))
      }
      if (feed !== 'dms' || typeof value !== 'string') return undefined
      const digits = /^0x/i.test(value) ? value.slice(2) : value
      return digits.length % 2 === 0 && !/[^\da-f]/i.test(digits) ? byteaToken(digits.toLowerCase()) : undefined
    },
  }
}

const byteaToken = (hex: string): string => `"\\\\x${hex}"`

function uuidCodec(): Codec {
  return {
    travelsAs: 'uuid',
    castTo: null,
    isKeyable: true,
    holds: '32 hexadecimal digits',
    encode(value) {
      if (typeof value !== 'string') return undefined
      if (PLAIN_UUID.test(value)) return `"${value}"`
      if (!ANY_UUID.test(value)) return undefined
      const hex = value.replaceAll(/[{}-]/g, '').toLowerCase()
      return `"${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}"`
    },
  }
}

const PLAIN_UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/
/** PostgreSQL takes a hyphen behind any four digits, and braces around all. */
const ANY_UUID = /^(?:(?:[\da-f]{4}-?){7}[\da-f]{4}|\{(?:[\da-f]{4}-?){7}[\da-f]{4}\})$/i

/** A type that is not known here is read from text by its own rules: PostgreSQL may refuse the value, or round it. */
function otherCodec({ underlying }: Pick<Column, 'underlying'>, feed: Format): Codec {
  return {
    travelsAs: underlying.sql,
    castTo: null,
    isKeyable: underlying.kind === 'e',
    encode(value) {
      const text = typeof value === 'string' ? value : feed === 'dms' ? scalarText(value) : undefined
      return text === undefined ? undefined : JSON.stringify(text)
    },
  }
}
