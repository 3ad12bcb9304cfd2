import { type Members, nameProblems, parsed, textOf } from './check-json.ts'
import { payloadProblems } from './check-payload.ts'
import { isoOf } from './columns.ts'
import type { DmsLife } from './dms-life.ts'
import type { PlannedRecord, Statement } from './plan.ts'

/**
 * What is wrong with a record, measured by the tables of the AWS DMS User Guide ("Using Amazon Kinesis Data Streams as
 * a target for AWS DMS", with the message format in the Kafka chapter) and by captured records; empty if nothing is.
 */
export function recordProblems(life: DmsLife, record: PlannedRecord): string[] {
  const { messageFormat } = life.endpoint
  const opening = messageFormat === 'json' ? /^\{\n\t"[\s\S]*\n\}$/ : /^\{"[^\n]*\}\n$/
  const envelope = parsed(record.data)
  const problems = [
    ...(opening.test(record.data) ? [] : [`not in the format ${messageFormat}`]),
    ...(record.says === null ? ownTableProblems(envelope) : metadataProblems(life, record, record.says, envelope)),
    ...(record.says === null ? [] : payloadProblems(life, record.says, envelope)),
  ]
  return problems.map((problem) => `${problem}: ${record.data}`)
}

const ALWAYS = ['timestamp', 'record-type', 'operation', 'partition-key-type', 'schema-name', 'table-name']
const CHAIN = ['prev-transaction-id', 'prev-transaction-record-id']
const TRANSACTION = {
  off: [],
  id: ['transaction-id'],
  on: ['transaction-id', 'transaction-record-id', 'commit-timestamp', 'stream-position'],
}

function metadataProblems(life: DmsLife, record: PlannedRecord, says: Statement, { metadata }: Members): string[] {
  const { includePartitionValue, includeTransactionDetails } = life.endpoint
  const members = metadata as Members
  const type = members['partition-key-type']
  const hasValue = includePartitionValue && type !== 'schema-table'
  const isChange = record.kind === 'change'
  const required = [
    ...ALWAYS,
    ...(hasValue ? ['partition-key-value'] : []),
    ...(isChange ? TRANSACTION[includeTransactionDetails] : []),
  ]
  const allowed = isChange && includeTransactionDetails === 'on' ? CHAIN : []
  const wanted: Members = {
    timestamp: isoOf(record.micros),
    'record-type': record.kind === 'control' ? 'control' : 'data',
    operation: says.op,
    'schema-name': says.table.schema,
    'table-name': says.table.name,
  }
  return [
    ...nameProblems('metadata', members, required, allowed),
    ...Object.keys(wanted)
      .filter((name) => members[name] !== wanted[name])
      .map((name) => `${name} is ${members[name]}`),
    ...(members['prev-transaction-id'] === undefined || members['prev-transaction-record-id'] !== undefined
      ? []
      : ['half of the chain']),
    ...formProblems(members),
    ...partitionProblems(life, record, says, members),
  ]
}

const FORMS: Readonly<Record<string, RegExp>> = {
  timestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/,
  'commit-timestamp': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/,
  'stream-position': /^[0-9A-F]{8}\/[0-9A-F]{8}\.\d+\.[0-9A-F]{8}\/[0-9A-F]{8}$/,
  'transaction-id': /^\d+$/,
  'transaction-record-id': /^[1-9]\d*$/,
  'prev-transaction-id': /^\d+$/,
  'prev-transaction-record-id': /^[1-9]\d*$/,
}

function formProblems(metadata: Members): string[] {
  return Object.entries(metadata)
    .filter(([name, value]) => FORMS[name] !== undefined && !FORMS[name].test(textOf(value)))
    .map(([name, value]) => `${name} is ${textOf(value)}`)
}

function partitionProblems(life: DmsLife, record: PlannedRecord, says: Statement, metadata: Members): string[] {
  const type = metadata['partition-key-type'] as string
  const value = metadata['partition-key-value']
  const { schema, name, mapped } = says.table
  const problems: string[] = []
  const wantedType =
    record.kind === 'control'
      ? 'task-id'
      : (mapped ?? (record.kind === 'load' || life.task.parallelApply ? 'primary-key' : 'schema-table'))
  if (type !== wantedType) problems.push(`the partition key type is ${type}`)

  const key = record.partitionKey
  if (type === 'schema-table' && key !== `${schema}.${name}`) problems.push(`the partition key is ${key}`)
  if (type === 'task-id' && !/^[0-9A-Z]{26}$/.test(key.slice(0, -`.${schema}.${name}`.length))) {
    problems.push(`the partition key is ${key}`)
  }
  if (type === 'primary-key') {
    const prefix = life.endpoint.partitionIncludeSchemaTable ? `${schema}.${name}.` : ''
    const rows = [says.key, says.newKey].filter((one) => one !== null)
    const wanted = rows.map((one) => prefix + (JSON.parse(one) as string[]).join('.'))
    if (!wanted.includes(key)) problems.push(`the partition key is ${key}`)
  }
  const wantedValue = type === 'task-id' ? key.slice(0, 26) : key
  if (value !== undefined && value !== wantedValue) problems.push(`the partition key value is ${value}`)
  return problems
}

function ownTableProblems({ metadata, data }: Members): string[] {
  const { 'schema-name': schema, 'table-name': name } = metadata as Members
  return [
    ...nameProblems('metadata', metadata as Members, ALWAYS),
    ...(schema === '' && String(name).startsWith('awsdms_') && data !== undefined ? [] : ['not a table of DMS']),
  ]
}
