import type { Table } from './catalogue.ts'
import { type DataType, typeText } from './types.ts'

const INDENT = '   '

/** What SHOW CREATE TABLE answers, as version 6.4 prints it. */
export function describeTable(table: Table): string {
  const isKey = new Set(table.primaryKey.map((path) => JSON.stringify(path)))
  const column = (path: readonly string[], type: DataType, rest: string): string => {
    const required = isKey.has(JSON.stringify(path)) && !rest.startsWith(' NOT NULL') ? ' NOT NULL' : ''
    return `${INDENT.repeat(path.length)}${quoted(path.at(-1)!)} ${written(type, path, column)}${required}${rest}`
  }
  const columns = [...table.columns].map(([name, { type, nullable, indexed }]) => {
    const storage = indexed ? '' : ` INDEX OFF STORAGE WITH (\n${INDENT}${INDENT}columnstore = false\n${INDENT})`
    return column([name], type, `${nullable ? '' : ' NOT NULL'}${storage}`)
  })
  const keys = table.primaryKey.map(
    ([name, ...members]) => quoted(name!) + members.map((one) => `['${one.replaceAll("'", "''")}']`).join(''),
  )
  const lines = [...columns, ...(keys.length === 0 ? [] : [`${INDENT}PRIMARY KEY (${keys.join(', ')})`])]
  const head = `CREATE TABLE IF NOT EXISTS ${quoted(table.schema)}.${quoted(table.name)}`
  const clustered = keys.length === 1 ? `CLUSTERED BY (${keys[0]})` : 'CLUSTERED'
  const settings = `WITH (\n${INDENT}column_policy = 'strict',\n${INDENT}number_of_replicas = '0-1'\n)`
  return `${head} (\n${lines.join(',\n')}\n)\n${clustered} INTO ${table.shards.length} SHARDS\n${settings}`
}

/** @param member one of an object, on a line of its own */
function written(
  type: DataType,
  path: readonly string[],
  member: (path: readonly string[], type: DataType, rest: string) => string,
): string {
  if (type.kind === 'array') return `ARRAY(${written(type.element, path, member)})`
  if (type.kind === 'object') {
    const fields = [...type.fields].map(([name, field]) =>
      member([...path, name], field, type.required?.has(name) ? ' NOT NULL' : ''),
    )
    const object = `OBJECT(${type.policy.toUpperCase()})`
    return fields.length === 0 ? object : `${object} AS (\n${fields.join(',\n')}\n${INDENT.repeat(path.length)})`
  }
  return typeText(type)
    .replace(/^text\(/, 'varchar(')
    .toUpperCase()
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
