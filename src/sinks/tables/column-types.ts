import { Binary, type ColumnType, Numeric, type Value, type ValueKind } from '../../change.ts'
import type { KeyStyle, TableStyle } from './style.ts'
import type { KeyFamily } from './target.ts'

/** `uint8` to `uint64` have no type of their own: the next larger one holds them. */
const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  boolean: 'boolean',
  int8: 'smallint',
  int16: 'smallint',
  int32: 'integer',
  int64: 'bigint',
  uint8: 'smallint',
  uint16: 'integer',
  uint32: 'bigint',
  uint64: 'numeric',
  float32: 'real',
  float64: 'double precision',
  numeric: 'numeric',
  text: 'text',
  bytes: 'bytea',
  json: 'jsonb',
  uuid: 'uuid',
  date: 'date',
  time: 'time',
  timestamp: 'timestamp with time zone',
  'local-timestamp': 'timestamp without time zone',
}

/** The PostgreSQL type that a new column gets, as SQL. Texts as keys compare by their bytes: exact, and the fastest. */
export function newColumnType(type: ColumnType, isKey: boolean): string {
  return type === 'text' && isKey ? 'text COLLATE "C"' : SQL_TYPES[type]
}

/** Byte order, as in DynamoDB, is also the fastest. */
const NEW_KEY_TYPES: Readonly<Record<KeyFamily, string>> = {
  text: 'text COLLATE "C"',
  number: 'numeric',
  bytes: 'bytea',
}

export const newKeyType = (family: KeyFamily): string => NEW_KEY_TYPES[family]

/**
 * Keys of text as the database compares texts: they are only ever compared for equality, which is that of their bytes in each
 * collation that Greenplum has. One of a collation of its own would keep every query over its table away from GPORCA
 * ("Non-default collation").
 */
export const TYPES_IN_DEFAULT_COLLATION: Pick<TableStyle & KeyStyle, 'newKeyType' | 'newColumnType'> = {
  newKeyType: (family) => (family === 'text' ? 'text' : newKeyType(family)),
  newColumnType: (type) => newColumnType(type, false),
}

/**
 * What a column without any declaration is taken for, from the values that came for it; null if all are null.
 * Where they differ: the first one's type for `typed` values (what does not fit is kept aside); text for `textual` ones, whose
 * columns have one type, and every value of it a text form.
 */
export function inferredType(values: Iterable<Value>, given: ValueKind): ColumnType | null {
  let first: ColumnType | null = null
  for (const value of values) {
    if (value === null) continue
    const type = typeOf(value)
    if (given === 'typed') return type
    if (first !== null && type !== first) return 'text'
    first = type
  }
  return first
}

function typeOf(value: Exclude<Value, null>): ColumnType {
  if (typeof value === 'string') return 'text'
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'number' || value instanceof Numeric) return 'numeric'
  return value instanceof Binary ? 'bytes' : 'json'
}

/** SQL's own names, so `timestamp` is the one without time zone. */
const DECLARED_NAMES: ReadonlyMap<string, ColumnType> = new Map([
  ['text', 'text'],
  ['varchar', 'text'],
  ['character varying', 'text'],
  ['string', 'text'],
  ['boolean', 'boolean'],
  ['bool', 'boolean'],
  ['smallint', 'int16'],
  ['int2', 'int16'],
  ['integer', 'int32'],
  ['int', 'int32'],
  ['int4', 'int32'],
  ['bigint', 'int64'],
  ['int8', 'int64'],
  ['numeric', 'numeric'],
  ['decimal', 'numeric'],
  ['real', 'float32'],
  ['float4', 'float32'],
  ['double', 'float64'],
  ['double precision', 'float64'],
  ['float', 'float64'],
  ['float8', 'float64'],
  ['bytes', 'bytes'],
  ['bytea', 'bytes'],
  ['json', 'json'],
  ['jsonb', 'json'],
  ['uuid', 'uuid'],
  ['date', 'date'],
  ['time', 'time'],
  ['time without time zone', 'time'],
  ['timestamp', 'local-timestamp'],
  ['timestamp without time zone', 'local-timestamp'],
  ['timestamptz', 'timestamp'],
  ['timestamp with time zone', 'timestamp'],
])

/** The names that `--type` knows. */
export const DECLARED_TYPES: readonly string[] = [...DECLARED_NAMES.keys()]

/** What `--type TABLE.COLUMN=NAME` means, in any case; undefined for a name that it does not know. */
export function declaredType(name: string): ColumnType | undefined {
  return DECLARED_NAMES.get(name.trim().toLowerCase().replaceAll(/\s+/g, ' '))
}
