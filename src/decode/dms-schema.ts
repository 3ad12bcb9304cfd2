import type { ColumnDefinition, ColumnType, SchemaChange } from '../change.ts'
import { RelayError } from '../errors.ts'
import { isJsonObject, tokenType, toValue } from './exact-json.ts'

type Definition = Pick<SchemaChange, 'columns' | 'primaryKey' | 'payload'>

/**
 * What a control record tells of its table.
 *
 * Only the `table-def` of `create-table` is documented, and `IncludeControlDetails=false` leaves even that out. What
 * the other operations send is not: a `table-def` in them is read if it is one, and the payload is kept as it came.
 *
 * @param control the member of that name; undefined where it is missing
 * @throws RelayError DECODE_EVENT for a `create-table` whose `table-def` cannot be read
 * @see AWS DMS User Guide, "Using Apache Kafka as a target", control records
 */
export function readDefinition(op: SchemaChange['op'], control: unknown): Definition {
  const payload = toValue(control ?? null, 'control')
  const tableDef = member(control, 'table-def')
  if (tableDef === undefined) return { payload }
  const columns = readColumns(tableDef)
  const primaryKey = readPrimaryKey(tableDef)
  if (op !== 'create-table') {
    return { ...(columns === null ? {} : { columns }), ...(primaryKey === null ? {} : { primaryKey }), payload }
  }
  if (columns === null) throw unreadable('columns', tableDef)
  // A table without primary key has no such member.
  if (primaryKey === null && member(tableDef, 'primary-key') !== undefined) throw unreadable('primary-key', tableDef)
  return { columns, primaryKey: primaryKey ?? [], payload }
}

function unreadable(name: string, tableDef: unknown): RelayError {
  const what = isJsonObject(tableDef) ? `.${name} has an unknown shape` : ` is ${tokenType(tableDef)}, not an object`
  return new RelayError('DECODE_EVENT', `control.table-def${what}`)
}

const member = (json: unknown, name: string): unknown => (isJsonObject(json) ? json[name] : undefined)

function readPrimaryKey(tableDef: unknown): readonly string[] | null {
  const names = member(tableDef, 'primary-key')
  return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : null
}

function readColumns(tableDef: unknown): readonly ColumnDefinition[] | null {
  const columns = member(tableDef, 'columns')
  if (!isJsonObject(columns)) return null
  const types = Object.values(columns).map((column) => member(column, 'type'))
  if (!types.every((type) => typeof type === 'string')) return null
  const names = vocabulary(types)
  return Object.entries(columns).map(([name, column], i) => ({
    name,
    type: names.get(types[i]!) ?? 'text',
    nullable: member(column, 'nullable') !== false,
  }))
}

/** The names that the S3 target has for the types of Parquet; captured control records of Kinesis have them too. */
const PARQUET: ReadonlyMap<string, ColumnType> = new Map([
  ['BOOL', 'boolean'],
  ['INT16', 'int16'],
  ['INT32', 'int32'],
  ['INT64', 'int64'],
  ['UINT16', 'uint16'],
  ['UINT32', 'uint32'],
  ['UINT64', 'uint64'],
  ['FLOAT', 'float32'],
  ['DOUBLE', 'float64'],
  ['DECIMAL', 'numeric'],
  ['BINARY', 'bytes'],
  ['DATE32', 'date'],
  ['TIME32', 'time'],
  ['TIMESTAMP', 'timestamp'],
])

/** DMS's own names, which the documented control record has. @see AWS DMS User Guide, "Data types for AWS DMS" */
const NATIVE: ReadonlyMap<string, ColumnType> = new Map([
  ['BOOLEAN', 'boolean'],
  ['INT1', 'int8'],
  ['INT2', 'int16'],
  ['INT4', 'int32'],
  ['UINT1', 'uint8'],
  ['UINT2', 'uint16'],
  ['UINT4', 'uint32'],
  ['REAL4', 'float32'],
  ['REAL8', 'float64'],
  ['NUMERIC', 'numeric'],
  ['WSTRING', 'text'],
  ['CLOB', 'text'],
  ['NCLOB', 'text'],
  ['BYTES', 'bytes'],
  ['BLOB', 'bytes'],
  ['DATE', 'date'],
  ['TIME', 'time'],
  ['DATETIME', 'timestamp'],
])

const BYTE_INTEGERS: ReadonlyMap<string, ColumnType> = new Map([...PARQUET, ['INT8', 'int8'], ['UINT8', 'uint8']])
const LONG_INTEGERS: ReadonlyMap<string, ColumnType> = new Map([
  ...PARQUET,
  ...NATIVE,
  ['INT8', 'int64'],
  ['UINT8', 'uint64'],
])

/**
 * `INT8` has one byte among the names of Parquet and eight among DMS's own. Which are spoken, the other columns
 * of the table tell; where they do not, eight bytes lose nothing.
 */
function vocabulary(types: readonly string[]): ReadonlyMap<string, ColumnType> {
  const isParquet = types.some((type) => PARQUET.has(type)) && !types.some((type) => NATIVE.has(type))
  return isParquet ? BYTE_INTEGERS : LONG_INTEGERS
}
