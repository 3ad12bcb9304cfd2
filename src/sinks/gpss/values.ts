import { Binary, type Format, tableLabel, type Value } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { codecFor } from '../sql/codecs.ts'
import type { GpssColumn } from './columns.ts'
import type { Carried, Member } from './rows.ts'
import type { GpssTable } from './session.ts'

/** How the values of a column travel to GPSS. */
export interface ColumnCodec {
  readonly member: Member
  /** True if two values are one to the column exactly if what is carried is equal: then the column can be part of a key. */
  readonly isKeyable: boolean
  /** Undefined if the column cannot hold just this value: Greenplum would round it, cut it, or refuse the whole load. */
  carry(value: Value): Carried | undefined
}

/** Types beside those that are known value by value: a text is read by their own rules. */
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
 *
 * @param feed as for `codecFor`: the texts of DMS are read as the column's type, those of DynamoDB are texts
 * @throws RelayError SINK_TABLE if the type is not known
 */
export function columnCodec(column: GpssColumn, feed: Format, table: GpssTable): ColumnCodec {
  const { type } = column
  if (!KNOWN.has(type) && !READ_FROM_TEXT.has(type) && !(type.startsWith('_') && isElement(type.slice(1)))) {
    const detail = `Column "${column.name}" has the type "${column.declared}", which is not known. Types with a text form can be written through a column of type text`
    throw new RelayError('SINK_TABLE', detail, { table: tableLabel(table) })
  }
  const underlying = { name: type, sql: type, modifier: column.modifier, kind: 'b' }
  const codec = codecFor({ underlying, collation: null }, feed)
  const { member, ofToken } = CARRIERS.get(type) ?? TEXT
  const asIs = type === 'bytea' ? isBinary : type === 'text' ? isText : never
  return {
    member,
    isKeyable: codec.isKeyable,
    carry(value) {
      if (value === null || asIs(value)) return value
      const token = codec.encode(value)
      return token === undefined ? undefined : ofToken(token)
    },
  }
}

const isElement = (type: string): boolean => KNOWN.has(type) || READ_FROM_TEXT.has(type)

/** What needs no look: these are held by their columns whatever they are. */
const isBinary = (value: Value): value is Binary => value instanceof Binary
const isText = (value: Value): value is string => typeof value === 'string'
const never = (_: Value): _ is never => false

interface Carrier {
  readonly member: Member
  readonly ofToken: (token: string) => Exclude<Carried, null>
}

/** A JSON token → the text that stands in it; numbers and booleans are their own. */
function textOf(token: string): string {
  if (!token.startsWith('"')) return token
  return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1)
}

const TEXT: Carrier = { member: 'string', ofToken: textOf }

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
  ['float4', { member: 'float32', ofToken: (token) => Number(textOf(token)) }],
  ['float8', { member: 'float64', ofToken: (token) => Number(textOf(token)) }],
  // `"\\x00ff"`
  ['bytea', { member: 'bytes', ofToken: (token) => Buffer.from(token.slice(4, -1), 'hex') }],
])
