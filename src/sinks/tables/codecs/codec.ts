import { Binary, type Format, type Value } from '../../../change.ts'
import type { Column, UnderlyingType } from '../../sql/catalogue.ts'
import { arrayCodec } from './array.ts'
import { bitCodec } from './bits.ts'
import { intervalCodec } from './interval.ts'
import { jsonCodec } from './json.ts'
import { moneyCodec } from './money.ts'
import { networkCodec } from './network.ts'
import { floatCodec, integerCodec, numericCodec } from './number.ts'
import { type TextReader, textReader } from './parts.ts'
import { rangeCodec } from './range.ts'
import { recordCodec } from './record.ts'
import { textOf, textOrScalar } from './text.ts'
import { timeCodec } from './time.ts'

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
  /** What makes the column hold more, where that is not another type: `Add the label with ALTER TYPE … ADD VALUE`. */
  readonly cure?: string
  /** True if the server may still refuse what a token stands for: by rules of its own, or by a check that a domain has. */
  readonly mayBeRefused?: boolean
  /** The JSON token that stands for the value in the recordset; undefined if the column cannot hold just this value. */
  encode(value: Exclude<Value, null>): string | undefined
}

/** What a codec holds that does not say it, and what helps. */
export const JUST_THE_TYPE = 'just the values of that type, unaltered'
export const ANOTHER_TYPE = 'Give the column a type that holds these values'

/**
 * @param feed the values of DMS come from typed columns and often as text (`true`, hex digits, JSON, long numbers), so
 * text is read as the column's type. Those of DynamoDB have their types: their text is never read as a number, boolean,
 * bytes or JSON, and nothing else becomes text; but dates, times and uuids have no type there, and are read from text.
 */
export function codecFor(column: Pick<Column, 'underlying' | 'collation'>, feed: Format): Codec {
  const codec = codecOf(column, feed)
  return (column.underlying.checks ?? []).length === 0 ? codec : checkedCodec(codec)
}

/** Of a domain with checks, which only the server can try. */
const checkedCodec = (codec: Codec): Codec => ({
  ...codec,
  mayBeRefused: true,
  holds: `${codec.holds ?? JUST_THE_TYPE}, as far as the CHECK of its domain allows`,
  cure: `${codec.cure ?? ANOTHER_TYPE}, or alter the CHECK`,
})

function codecOf({ underlying, collation }: Pick<Column, 'underlying' | 'collation'>, feed: Format): Codec {
  const { name, modifier, kind, element, subtype } = underlying
  if (element !== undefined) return arrayCodec(underlying, partReader(element), feed)
  if (subtype !== undefined) return rangeCodec(underlying, partReader(subtype), feed)
  if (kind === 'e') return enumCodec(underlying, feed)
  if (kind === 'c') return recordCodec(underlying, underlying.attributes!.map(partReader), feed)
  const isDeterministic = collation?.deterministic !== false
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
    case 'money':
      return moneyCodec(underlying)
    case 'text':
    case 'varchar':
    case 'bpchar':
      return textCodec(name, maxLengthOf(modifier), isDeterministic, feed)
    case 'citext':
      return textCodec('text', Number.POSITIVE_INFINITY, false, feed)
    case 'name':
      return nameCodec(feed)
    case 'char':
      return charCodec(feed)
    case 'bytea':
      return byteaCodec(feed)
    case 'bit':
    case 'varbit':
      return bitCodec(name, modifier, feed)
    case 'json':
    case 'jsonb':
      return jsonCodec(name, feed)
    case 'date':
    case 'time':
    case 'timetz':
    case 'timestamp':
    case 'timestamptz':
      return timeCodec(name, modifier, feed)
    case 'interval':
      return intervalCodec(modifier, feed)
    case 'uuid':
      return uuidCodec()
    case 'inet':
    case 'cidr':
    case 'macaddr':
      return networkCodec(name, feed)
    case 'oid':
      return oidCodec(feed)
    case 'point':
    case 'lseg':
    case 'line':
    case 'box':
    case 'path':
    case 'polygon':
    case 'circle':
      return geometryCodec(underlying, feed)
    default:
      return otherCodec(underlying, feed)
  }
}

/** Parts of values are texts in the form in which PostgreSQL prints them, whatever the feed. */
const partReader = (type: UnderlyingType): TextReader =>
  textReader(type, codecFor({ underlying: type, collation: null }, 'dms'))

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

/** @param labels in the order of the type */
function enumCodec({ sql, labels }: UnderlyingType, feed: Format): Codec {
  const known = new Set(labels)
  return {
    travelsAs: sql,
    castTo: null,
    isKeyable: true,
    holds: known.size === 1 ? 'the one label of its type' : `the ${known.size} labels of its type`,
    cure: `Add the labels that it lacks with ALTER TYPE ${sql} ADD VALUE`,
    encode(value) {
      const text = textOrScalar(value, feed)
      return text !== undefined && known.has(text) ? JSON.stringify(text) : undefined
    },
  }
}

/** PostgreSQL cuts names of objects in silence. */
function nameCodec(feed: Format): Codec {
  return {
    travelsAs: 'text',
    castTo: null,
    isKeyable: false,
    holds: 'text of up to 63 bytes',
    encode(value) {
      const text = textOrScalar(value, feed)
      return text !== undefined && Buffer.byteLength(text) <= 63 ? JSON.stringify(text) : undefined
    },
  }
}

/** `"char"`, one byte. */
function charCodec(feed: Format): Codec {
  return {
    travelsAs: '"char"',
    castTo: null,
    isKeyable: false,
    holds: 'one character of ASCII',
    encode(value) {
      const text = textOrScalar(value, feed)
      return text !== undefined && /^[\0-\x7f]?$/.test(text) ? JSON.stringify(text) : undefined
    },
  }
}

/** Numbers of objects: PostgreSQL takes one below zero for another one. */
function oidCodec(feed: Format): Codec {
  return {
    travelsAs: 'oid',
    castTo: null,
    isKeyable: false,
    holds: 'whole numbers from 0 to 4294967295',
    encode(value) {
      const text = textOrScalar(value, feed)
      return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 ? `"${text}"` : undefined
    },
  }
}

/** Made of numbers of floating point: their form the server knows, but not that digits would be lost. */
function geometryCodec({ sql }: UnderlyingType, feed: Format): Codec {
  const { encode } = floatCodec('float8', 'dms')
  return {
    travelsAs: sql,
    castTo: null,
    isKeyable: false,
    mayBeRefused: true,
    holds: 'points and figures, whose numbers have about 15 digits',
    encode(value) {
      const text = textOrScalar(value, feed)
      const numbers = text?.match(/[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/gi) ?? []
      return text !== undefined && numbers.every((number) => encode(number) !== undefined)
        ? JSON.stringify(text)
        : undefined
    },
  }
}

/** A type that is not known here is read from text by its own rules: only the server can say whether it takes a value. */
function otherCodec({ sql }: UnderlyingType, feed: Format): Codec {
  return {
    travelsAs: sql,
    castTo: null,
    isKeyable: false,
    mayBeRefused: true,
    encode(value) {
      const text = textOrScalar(value, feed)
      return text === undefined ? undefined : JSON.stringify(text)
    },
  }
}
