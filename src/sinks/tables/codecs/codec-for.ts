import type { ValueKind } from '../../../change.ts'
import type { Column, UnderlyingType } from '../relation.ts'
import { arrayCodec } from './array.ts'
import { bitCodec } from './bits.ts'
import { boolCodec } from './boolean.ts'
import { byteaCodec } from './bytes.ts'
import { ANOTHER_TYPE, type Codec, JUST_THE_TYPE } from './codec.ts'
import { enumCodec } from './enum.ts'
import { geometryCodec } from './geometry.ts'
import { intervalCodec } from './interval.ts'
import { jsonCodec } from './json.ts'
import { moneyCodec } from './money.ts'
import { networkCodec } from './network.ts'
import { floatCodec, integerCodec, numericCodec } from './number.ts'
import { oidCodec } from './oid.ts'
import { type TextReader, textReader } from './parts.ts'
import { rangeCodec } from './range.ts'
import { recordCodec } from './record.ts'
import { charCodec, nameCodec, textCodec } from './text.ts'
import { timeCodec } from './time.ts'
import { otherCodec } from './unknown-type.ts'
import { uuidCodec } from './uuid.ts'

/**
 * @param given `textual` values (DMS) come from typed columns and often as text (`true`, hex digits, JSON, long numbers), so
 * text is read as the column's type. `typed` values (DynamoDB) have their types: their text is never read as a number,
 * boolean, bytes or JSON, and nothing else becomes text; but dates, times and uuids have no type there, and are read from
 * text.
 */
export function codecFor(column: Pick<Column, 'underlying' | 'collation'>, given: ValueKind): Codec {
  const codec = codecOf(column, given)
  return (column.underlying.checks ?? []).length === 0 ? codec : checkedCodec(codec)
}

/** Of a domain with checks, which only the server can try. */
const checkedCodec = (codec: Codec): Codec => ({
  ...codec,
  mayBeRefused: true,
  holds: `${codec.holds ?? JUST_THE_TYPE}, as far as the CHECK of its domain allows`,
  fix: `${codec.fix ?? ANOTHER_TYPE}, or alter the CHECK`,
})

function codecOf({ underlying, collation }: Pick<Column, 'underlying' | 'collation'>, given: ValueKind): Codec {
  const { name, modifier, kind, element, subtype } = underlying
  if (element !== undefined) return arrayCodec(underlying, partReader(element), given)
  if (subtype !== undefined) return rangeCodec(underlying, partReader(subtype), given)
  if (kind === 'e') return enumCodec(underlying, given)
  if (kind === 'c') return recordCodec(underlying, underlying.attributes!.map(partReader), given)
  const isDeterministic = collation?.deterministic !== false
  switch (name) {
    case 'bool':
      return boolCodec(given)
    case 'int2':
    case 'int4':
    case 'int8':
      return integerCodec(name, given)
    case 'float4':
    case 'float8':
      return floatCodec(name, given)
    case 'numeric':
      return numericCodec(modifier, given)
    case 'money':
      return moneyCodec(underlying)
    case 'text':
    case 'varchar':
    case 'bpchar':
      return textCodec(name, maxLengthOf(modifier), isDeterministic, given)
    case 'citext':
      return textCodec('text', Number.POSITIVE_INFINITY, false, given)
    case 'name':
      return nameCodec(given)
    case 'char':
      return charCodec(given)
    case 'bytea':
      return byteaCodec(given)
    case 'bit':
    case 'varbit':
      return bitCodec(name, modifier, given)
    case 'json':
    case 'jsonb':
      return jsonCodec(name, given)
    case 'date':
    case 'time':
    case 'timetz':
    case 'timestamp':
    case 'timestamptz':
      return timeCodec(name, modifier, given)
    case 'interval':
      return intervalCodec(modifier, given)
    case 'uuid':
      return uuidCodec()
    case 'inet':
    case 'cidr':
    case 'macaddr':
      return networkCodec(name, given)
    case 'oid':
      return oidCodec(given)
    case 'point':
    case 'lseg':
    case 'line':
    case 'box':
    case 'path':
    case 'polygon':
    case 'circle':
      return geometryCodec(underlying, given)
    default:
      return otherCodec(underlying, given)
  }
}

/** Parts of values are texts in the form in which PostgreSQL prints them, whatever the feed. */
const partReader = (type: UnderlyingType): TextReader =>
  textReader(type, codecFor({ underlying: type, collation: null }, 'textual'))

/** The modifier of varchar(n) and char(n) is n + 4. */
const maxLengthOf = (modifier: number): number => (modifier === -1 ? Number.POSITIVE_INFINITY : modifier - 4)
