import type { ColumnType, ValueKind } from '../../../../change.ts'
import type { Codec } from '../../../tables/codecs/codec.ts'
import { BIGINT_ENDS } from '../documents/member-text.ts'
import { objectCodec } from '../documents/object-codecs.ts'
import type { CrateColumn } from './column.ts'
import { heldBy, type Reader, readerOf } from './readers.ts'
import { textCodec } from './text-codecs.ts'

/**
 * How the values of one column travel: `travelsAs` is the type of the array parameter (`unnest($1::array(bigint))`),
 * `castTo` a cast in the SELECT, and `encode` gives the element of the array's text, quoted where needed (`arrayLiteral`).
 * Two elements of a column are equal exactly if the column takes the values for one.
 *
 * What a column cannot hold exactly is found here: CrateDB rounds numbers, cuts microseconds and blanks in silence, and
 * leaves rows with too long texts out. Arrays, and types that are not known here, hold nothing but NULL.
 *
 * @param given as for PostgreSQL: text of a textual feed is read as the column's type, text of a typed one is text
 * @param type what the source's column holds, null where nobody said so: tells what a TEXT column is used for (a date, a
 * number, bytes). For a key of DynamoDB the type of its value: a number as key lies in TEXT
 */
export function codecFor(column: CrateColumn, given: ValueKind, type: ColumnType | null): Codec {
  const { dataType } = column
  switch (dataType) {
    case 'boolean':
      return bare(dataType, 'bool', -1, given)
    case 'smallint':
      return bare(dataType, 'int2', -1, given)
    case 'integer':
      return bare(dataType, 'int4', -1, given)
    case 'bigint':
      return bigintCodec(given)
    case 'real':
      return finite(dataType, 'float4', -1, given)
    case 'double precision':
      return finite(dataType, 'float8', -1, given)
    case 'numeric':
      return numericCodec(column, given)
    case 'timestamp with time zone':
      return momentCodec(dataType, 'timestamptz', '', given)
    case 'timestamp without time zone':
      return momentCodec(dataType, 'timestamp', 'Z', given)
    case 'date':
      return quoted(dataType, readerOf('date', -1, given), PLAIN_DATE)
    case 'uuid':
      return quoted(dataType, readerOf('uuid', -1, given), ANYTHING)
    case 'text':
    case 'character varying':
    case 'character':
      return textCodec(column, given, type)
    case 'object':
      return objectCodec(column, given) ?? NOTHING
    default:
      return NOTHING
  }
}

/** CrateDB's name for the type of NULL, which goes into a column of any type: all that is sent to one that nothing fits. */
export const ONLY_NULL = 'undefined'
const NOTHING: Codec = {
  travelsAs: ONLY_NULL,
  castTo: null,
  isKeyable: false,
  holds: 'nothing that the relay writes',
  encode: () => undefined,
}
const ANYTHING = /^/
/** A year of four digits. */
const PLAIN_DATE = /^\d{4}-\d\d-\d\d$/

/** Elements that need no quotes. */
function bare(type: string, name: string, modifier: number, given: ValueKind): Codec {
  const holds = heldBy(name, modifier)
  return { travelsAs: `array(${type})`, castTo: null, isKeyable: true, holds, encode: readerOf(name, modifier, given) }
}

/** CrateDB refuses the two ends of 64 bits. */
function bigintCodec(given: ValueKind): Codec {
  const codec = bare('bigint', 'int8', -1, given)
  const encode: Codec['encode'] = (value) => {
    const text = codec.encode(value)
    return text !== undefined && BIGINT_ENDS.has(text) ? undefined : text
  }
  return { ...codec, holds: 'whole numbers from -9223372036854775807 to 9223372036854775806', encode }
}

/** What is no number (NaN, infinities) has no place in CrateDB's JSON. */
function finite(type: string, name: string, modifier: number, given: ValueKind): Codec {
  const read = readerOf(name, modifier, given)
  const encode: Codec['encode'] = (value) => {
    const text = read(value)
    return text === undefined || NOT_FINITE.test(text) ? undefined : `"${text}"`
  }
  return { travelsAs: `array(${type})`, castTo: null, isKeyable: true, holds: heldBy(name, modifier), encode }
}

/**
 * Without the scale it is not known what would be rounded. Values travel as texts with all digits of the scale, and are cast
 * to the column's very type: to CrateDB all NUMERICs are one type, so that an INSERT … SELECT casts none to another, and one
 * of a smaller scale would be stored with its point in the wrong place.
 */
function numericCodec({ precision, scale }: CrateColumn, given: ValueKind): Codec {
  if (precision === null || scale === null) return NOTHING
  const modifier = ((precision << 16) | scale) + 4
  const read = readerOf('numeric', modifier, given)
  const encode: Codec['encode'] = (value) => {
    const text = read(value)
    return text === undefined || NOT_FINITE.test(text) ? undefined : `"${withScale(text, scale)}"`
  }
  const castTo = `numeric(${precision}, ${scale})`
  return { travelsAs: 'array(text)', castTo, isKeyable: true, holds: heldBy('numeric', modifier), encode }
}

/** NaN and infinities. */
const NOT_FINITE = /[NI]/

function withScale(text: string, scale: number): string {
  const [whole, fraction = ''] = text.split('.')
  return scale === 0 ? whole! : `${whole}.${fraction.padEnd(scale, '0')}`
}

/** Moments travel as milliseconds since 1970, which nothing can misread. */
function momentCodec(type: string, name: string, zone: '' | 'Z', given: ValueKind): Codec {
  const read = readerOf(name, 3, given)
  const encode: Codec['encode'] = (value) => {
    const text = read(value)
    return text === undefined || !PLAIN_MOMENT.test(text) ? undefined : String(Date.parse(text + zone))
  }
  return { travelsAs: 'array(bigint)', castTo: type, isKeyable: true, holds: heldBy(name, 3), encode }
}

const PLAIN_MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?$/

function quoted(castTo: string, read: Reader, plain: RegExp): Codec {
  const encode: Codec['encode'] = (value) => {
    const text = read(value)
    return text === undefined || !plain.test(text) ? undefined : `"${text}"`
  }
  return { travelsAs: 'array(text)', castTo, isKeyable: true, encode }
}
