import { type Members, NumberText, nameProblems, textOf } from './check-json.ts'
import { type Column, typeOf } from './columns.ts'
import type { DmsLife } from './dms-life.ts'
import type { Statement } from './plan.ts'
import { hasKey } from './tables.ts'

/** What is wrong with everything but the metadata. */
export function payloadProblems(life: DmsLife, says: Statement, envelope: Members): string[] {
  const { includeControlDetails, beforeImageField } = life.endpoint
  switch (says.op) {
    case 'drop-table':
    case 'create-table':
      if (!includeControlDetails) return nameProblems('the record', envelope, ['metadata'])
      return [...nameProblems('the record', envelope, ['metadata', 'control']), ...controlProblems(says, envelope)]
    case 'add-column':
    case 'column-type-change':
      return nameProblems('the record', envelope, ['metadata'], includeControlDetails ? ['control'] : [])
    case 'update':
      return [
        ...nameProblems('the record', envelope, ['metadata', 'data', beforeImageField]),
        ...imageProblems(life, says, envelope.data as Members),
        ...beforeProblems(life, says, envelope[beforeImageField] as Members),
      ]
    default:
      return [
        ...nameProblems('the record', envelope, ['metadata', 'data']),
        ...imageProblems(life, says, envelope.data as Members),
      ]
  }
}

function controlProblems(says: Statement, { control }: Members): string[] {
  if (says.op === 'drop-table') return nameProblems('control', control as Members, [])
  const definition = (control as Members)['table-def'] as Members
  const required = ['columns', ...(hasKey(says.table) ? ['primary-key'] : [])]
  const columns = definition.columns as Readonly<Record<string, Members>>
  const known = says.table.columns.filter((column) => hasKey(says.table) || !typeOf(column).isLob)
  return [
    ...nameProblems('table-def', definition, required),
    ...(String(definition['primary-key'] ?? '') === String(says.table.key) ? [] : ['another primary key']),
    ...nameProblems(
      'columns',
      columns,
      known.map(({ name }) => name),
      [says.table.added.name],
    ),
    ...Object.entries(columns)
      .filter(([, column]) => !TYPE_NAMES.includes(column.type as string) || typeof column.nullable !== 'boolean')
      .map(([name]) => `${name} is not defined well`),
    ...Object.values(columns).flatMap((column) => nameProblems('a column', column, ['type', 'nullable'], ['length'])),
  ]
}

const TYPE_NAMES = ['BOOL', 'DATE32', 'DOUBLE', 'INT32', 'INT64', 'STRING', 'TIMESTAMP', 'DECIMAL', 'BINARY']

function imageProblems(life: DmsLife, { table, op, image }: Statement, data: Members): string[] {
  const columns = new Map(life.columns(table).map((column) => [column.name, column]))
  const names = Object.keys(data)
  const problems = names.flatMap((name) => cellProblems(life, columns.get(name), data[name]))
  problems.push(...table.key.filter((name) => data[name] == null).map((name) => `the key column ${name} is missing`))
  if (!hasKey(table)) {
    if (op !== 'load' && op !== 'insert') problems.push(`there is no ${op} without a key`)
    problems.push(
      ...names.filter((name) => typeOf(columns.get(name)!).isLob).map((name) => `${name} is a large object`),
    )
  }
  if (op === 'delete') return [...problems, ...deleteProblems(life, table.key, data)]
  const told = [...image!].filter(([name, cell]) => !isSaid(columns.get(name)!, cell, data[name]))
  problems.push(...told.map(([name]) => `${name} does not say what it should`))
  return [...problems, ...nameProblems('data', data, [...image!.keys()])]
}

/** The key, and the others as null or not at all; the old row where the source logs it. */
function deleteProblems(life: DmsLife, key: readonly string[], data: Members): string[] {
  if (life.task.beforeImages === 'all') return []
  const others = Object.entries(data).filter(([name]) => !key.includes(name))
  return others.filter(([, value]) => value !== null).map(([name]) => `a delete tells ${name}`)
}

function beforeProblems(life: DmsLife, { table, key, newKey }: Statement, before: Members): string[] {
  const columns = new Map(life.columns(table).map((column) => [column.name, column]))
  const names = Object.keys(before)
  const lobs = names.filter((name) => typeOf(columns.get(name)!).isLob).map((name) => `${name} is a large object`)
  if (life.task.beforeImages === 'all') return [...lobs, ...nameProblems('before', before, table.key, names)]
  const changed = table.key.filter((_, part) => JSON.parse(key!)[part] !== JSON.parse(newKey!)[part])
  const isMove = changed.length > 0
  return nameProblems('before', before, changed, isMove && life.task.oldKey === 'whole' ? table.key : [])
}

/** How a value of a column looks, by the type at the source. */
const VALUES: Readonly<Record<Column['type'], RegExp>> = {
  integer: /^-?\d{1,10}$/,
  bigint: /^-?\d{1,18}$/,
  numeric: /^-?\d{1,28}(\.\d{0,9}[1-9])?$/,
  double: /^-?\d+(\.\d+)?$/,
  boolean: /^(true|false)$/,
  varchar: /^[\s\S]{0,40}$/,
  text: /^[\s\S]*$/,
  jsonb: /^[\s\S]+$/,
  bytea: /^(0x)?([0-9a-f]{2})+$/,
  date: /^\d{4}-\d\d-\d\d$/,
  timestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$/,
}

function cellProblems({ endpoint }: DmsLife, column: Column | undefined, value: unknown): string[] {
  if (column === undefined) return ['there is a column that the table does not have']
  const isNothing = value === null || value === ''
  if (isNothing && !endpoint.includeNullAndEmpty) return [`${column.name} should have been left out`]
  if (value === null) return []
  const isNumber = ['integer', 'bigint', 'numeric', 'double'].includes(column.type)
  const isBoolean = column.type === 'boolean' && endpoint.mapBooleanAsBoolean
  const wanted = isNumber ? value instanceof NumberText : typeof value === (isBoolean ? 'boolean' : 'string')
  const isPrefixed = column.type !== 'bytea' || textOf(value).startsWith('0x') !== endpoint.noHexPrefix
  const isRight = wanted && isPrefixed && VALUES[column.type].test(textOf(value))
  return isRight ? [] : [`${column.name} is ${textOf(value)}`]
}

/** Whether a value of `data` is the one that the truth knows. */
function isSaid({ type }: Column, cell: string | null, value: unknown): boolean {
  if (cell === null) return value === null
  const text = textOf(value)
  if (type === 'bytea') return cell.slice(2) === text.replace(/^0x/, '')
  if (type === 'timestamp') return cell === text.replace(/(?<!\.\d{6})Z$/, '.000000Z')
  return cell === text
}
