import { Binary, type Value, type ValueKind } from '../../change.ts'
import { textOfToken } from '../tables/codecs/codec.ts'
import { codecFor } from '../tables/codecs/codec-for.ts'
import type { GpssColumn } from './columns.ts'
import type { Carried, Member } from './rows.ts'

/** How the values of a column travel to GPSS. */
export interface ColumnCodec {
  readonly member: Member
  /** Undefined if the column cannot hold just this value: Greenplum would round it, cut it, or refuse the whole load. */
  carry(value: Value): Carried | undefined
}

/** Types beside those that are known value by value, in every database: a text is read by their own rules. */
const READ_FROM_TEXT: ReadonlySet<string> = new Set(
  'citext interval money bit varbit inet cidr macaddr xml point line lseg box path polygon circle tsvector tsquery'.split(
    ' ',
  ),
)
const KNOWN: ReadonlySet<string> = new Set(
  'bool int2 int4 int8 float4 float8 numeric text varchar bpchar bytea json jsonb date time timetz timestamp timestamptz uuid'.split(
    ' ',
  ),
)

/**
 * What fits is decided as for SQL (`codecFor`), whose tokens of JSON become what `DBValue` carries: numbers where its
 * members are exact, bytes for bytea, and for all else text in the form that PostgreSQL reads, booleans and smallint too.
 * Types that are not known, enums and those of extensions, are read from text by their own rules.
 *
 * @param given as for `codecFor`: texts of a textual feed are read as the column's type, those of a typed one are texts
 */
export function columnCodec(column: GpssColumn, given: ValueKind): ColumnCodec {
  const { type } = column
  const underlying = { name: type, sql: type, modifier: column.modifier, kind: 'b' }
  const { encode } = codecFor({ underlying, collation: null }, given)
  const { member, ofToken } = CARRIERS.get(type) ?? TEXT
  const asIs = type === 'bytea' ? isBinary : type === 'text' ? isText : never
  return {
    member,
    carry(value) {
      if (value === null || asIs(value)) return value
      const token = encode(value)
      return token === undefined ? undefined : ofToken(token)
    },
  }
}

/** True for a type of PostgreSQL's own, whose name means the same whatever schemas are searched. */
export const isKnownType = (type: string): boolean => {
  const element = type.startsWith('_') ? type.slice(1) : type
  return KNOWN.has(element) || (READ_FROM_TEXT.has(element) && element !== 'citext')
}

/** What needs no look: these are held by their columns whatever they are. */
const isBinary = (value: Value): value is Binary => value instanceof Binary
const isText = (value: Value): value is string => typeof value === 'string'
const never = (_: Value): _ is never => false

interface Carrier {
  readonly member: Member
  readonly ofToken: (token: string) => Exclude<Carried, null>
}

const TEXT: Carrier = { member: 'string', ofToken: textOfToken }

const CARRIERS: ReadonlyMap<string, Carrier> = new Map<string, Carrier>([
  ['int4', { member: 'int32', ofToken: Number }],
  [
    'int8',
    {
      member: 'int64',
      ofToken: (token) => (Number.isSafeInteger(Number(token)) ? Number(token) : BigInt(token)),
    },
  ],
  // NaN and the infinities are texts.
  ['float4', { member: 'float32', ofToken: (token) => Number(textOfToken(token)) }],
  ['float8', { member: 'float64', ofToken: (token) => Number(textOfToken(token)) }],
  // `"\\x00ff"`
  ['bytea', { member: 'bytes', ofToken: (token) => Buffer.from(token.slice(4, -1), 'hex') }],
])
