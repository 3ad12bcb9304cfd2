import { type Column, isoOf, type Row, typeOf, type ValueSettings } from './columns.ts'
import { hasKey, type PartitionType, type SourceTable } from './tables.ts'

/** The endpoint's settings that change what a record looks like, by the names of `KinesisSettings`. */
export interface Endpoint extends ValueSettings {
  /** `json` is pretty-printed, `json-unformatted` is one line. */
  readonly messageFormat: 'json' | 'json-unformatted'
  /** `id`: off, but the transaction's id comes nevertheless, as some captures show. */
  readonly includeTransactionDetails: 'on' | 'id' | 'off'
  readonly includePartitionValue: boolean
  readonly partitionIncludeSchemaTable: boolean
  readonly includeTableAlterOperations: boolean
  readonly includeControlDetails: boolean
  /** Off: columns that are NULL or empty are left out. */
  readonly includeNullAndEmpty: boolean
  /** `BeforeImageSettings.FieldName` of the task. */
  readonly beforeImageField: string
}

/** Where in the source's log a change was. The same again when DMS sends it again. */
export interface LogPlace {
  readonly transaction: number
  readonly record: number
  readonly committedMicros: number
  readonly position: string
}

/** What a data record says, apart from when it is written. */
export interface DataRecord {
  readonly table: SourceTable
  readonly columns: readonly Column[]
  readonly op: 'load' | 'insert' | 'update' | 'delete'
  readonly data: Row
  /** Of an update. */
  readonly before: Row | null
  readonly partitionType: PartitionType
  /** The row whose key is the partition key, if that is by primary key. */
  readonly partitionRow: Row
  /** Null for a load. */
  readonly place: LogPlace | null
}

export type ControlOp = 'drop-table' | 'create-table' | 'add-column' | 'column-type-change'

/** As it goes into the stream. */
export interface Envelope {
  readonly partitionKey: string
  readonly data: string
}

/** A JSON token, or the members of an object. */
type Json = string | readonly (readonly [name: string, value: Json])[]
type Members = (readonly [name: string, value: Json])[]

/** @param previous where the change was that DMS sent before; null after a start */
export function dataEnvelope(
  record: DataRecord,
  micros: number,
  previous: LogPlace | null,
  endpoint: Endpoint,
): Envelope {
  const { table, op, partitionType } = record
  const partitionKey = dataPartitionKey(record, endpoint)
  const members: Members = [['data', image(record.data, record.columns, endpoint)]]
  if (record.before !== null) {
    members.push([endpoint.beforeImageField, image(record.before, record.columns, endpoint)])
  }
  const partition: Members = [['partition-key-type', text(partitionType)]]
  if (endpoint.includePartitionValue && partitionType !== 'schema-table') {
    partition.push(['partition-key-value', text(partitionKey)])
  }
  const { schema, name } = table
  members.push([
    'metadata',
    [...metadata(micros, 'data', op, partition, schema, name), ...transaction(record.place, previous, endpoint)],
  ])
  return { partitionKey, data: print(members, endpoint) }
}

/** "Using object mapping": `schema-table` has no choice of key, `primary-key` has the values, with a prefix if asked for. */
function dataPartitionKey({ table, partitionType, partitionRow }: DataRecord, endpoint: Endpoint): string {
  if (partitionType === 'schema-table') return `${table.schema}.${table.name}`
  const key = table.key.map((name) => partitionRow.get(name)).join('.')
  return endpoint.partitionIncludeSchemaTable ? `${table.schema}.${table.name}.${key}` : key
}

/** @param details what `control` holds; null leaves it out */
export function controlEnvelope(
  schema: string,
  name: string,
  op: ControlOp,
  details: Json | null,
  micros: number,
  task: string,
  endpoint: Endpoint,
): Envelope {
  const members: Members = endpoint.includeControlDetails && details !== null ? [['control', details]] : []
  const partition: Members = [['partition-key-type', text('task-id')]]
  if (endpoint.includePartitionValue) partition.push(['partition-key-value', text(task)])
  members.push(['metadata', metadata(micros, 'control', op, partition, schema, name)])
  return { partitionKey: `${task}.${schema}.${name}`, data: print(members, endpoint) }
}

export function tableDefinition(table: SourceTable, columns: readonly Column[], endpoint: Endpoint): Json {
  const described = columns.map((column): [string, Json] => {
    const isBoolean = column.type === 'boolean' && endpoint.mapBooleanAsBoolean
    const definition: Readonly<Record<string, string | number>> = isBoolean
      ? { type: 'BOOL' }
      : typeOf(column).definition
    const facts = Object.entries(definition).map(([name, value]): [string, Json] => [name, JSON.stringify(value)])
    return [column.name, [...facts, ['nullable', String(column.nullable)]]]
  })
  const key: Members = hasKey(table) ? [['primary-key', JSON.stringify(table.key)]] : []
  return [['table-def', [['columns', described], ...key]]]
}

/** A row of a table of DMS itself, whose values are all text. */
export function bookkeepingEnvelope(
  name: string,
  op: 'insert' | 'update' | 'delete',
  data: Readonly<Record<string, string>>,
  before: Readonly<Record<string, string>> | null,
  micros: number,
  endpoint: Endpoint,
): Envelope {
  const row = (values: Readonly<Record<string, string>>): Json =>
    Object.entries(values).map(([column, value]) => [column, text(value)])
  const members: Members = [['data', row(data)]]
  if (before !== null) members.push(['before-image', row(before)])
  const partition: Members = [['partition-key-type', text('schema-table')]]
  members.push(['metadata', metadata(micros, 'data', op, partition, '', name)])
  return { partitionKey: `.${name}`, data: print(members, endpoint) }
}

function metadata(
  micros: number,
  recordType: string,
  op: string,
  partition: Members,
  schema: string,
  name: string,
): Members {
  return [
    ['timestamp', text(isoOf(micros))],
    ['record-type', text(recordType)],
    ['operation', text(op)],
    ...partition,
    ['schema-name', text(schema)],
    ['table-name', text(name)],
  ]
}

function transaction(place: LogPlace | null, previous: LogPlace | null, endpoint: Endpoint): Members {
  const { includeTransactionDetails } = endpoint
  if (place === null || includeTransactionDetails === 'off') return []
  const id: Members = [['transaction-id', String(place.transaction)]]
  if (includeTransactionDetails === 'id') return id
  id.push(['transaction-record-id', String(place.record)])
  if (previous !== null) {
    id.push(['prev-transaction-id', String(previous.transaction)])
    id.push(['prev-transaction-record-id', String(previous.record)])
  }
  id.push(['commit-timestamp', text(isoOf(place.committedMicros))], ['stream-position', text(place.position)])
  return id
}

/** Columns in the order of the table. */
function image(row: Row, columns: readonly Column[], settings: ValueSettings): Json {
  return columns
    .filter(({ name }) => row.has(name))
    .map((column) => {
      const cell = row.get(column.name) ?? null
      return [column.name, cell === null ? 'null' : typeOf(column).wire(cell, settings)]
    })
}

const text = (value: string): string => JSON.stringify(value)

const print = (members: Members, { messageFormat }: Endpoint): string =>
  messageFormat === 'json' ? pretty(members, '\n') : `${oneLine(members)}\n`

function oneLine(json: Json): string {
  if (typeof json === 'string') return json
  return `{${json.map(([name, value]) => `${JSON.stringify(name)}:${oneLine(value)}`).join(',')}}`
}

/** Indented with TAB, and a TAB behind the colon, as recorded from DMS. */
function pretty(json: Json, lineEnd: string): string {
  if (typeof json === 'string') return json
  if (json.length === 0) return '{}'
  const members = json.map(([name, value]) => `${lineEnd}\t${JSON.stringify(name)}:\t${pretty(value, `${lineEnd}\t`)}`)
  return `{${members.join(',')}${lineEnd}}`
}
