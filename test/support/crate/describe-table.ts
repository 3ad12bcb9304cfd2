import type { Table } from './catalogue.ts'
import { type DataType, typeName } from './types.ts'

/** What SHOW CREATE TABLE answers. */
export function describeTable(table: Table): string {
  const columns = [...table.columns].map(([name, { type, nullable, indexed }]) => {
    const storage = indexed ? '' : ' INDEX OFF STORAGE WITH ( columnstore = false )'
    return `   ${quoted(name)} ${written(type)}${nullable ? '' : ' NOT NULL'}${storage}`
  })
  const keys = table.primaryKey.map(([name, ...members]) => quoted(name!) + members.map((one) => `['${one}']`).join(''))
  const lines = [...columns, ...(keys.length === 0 ? [] : [`   PRIMARY KEY (${keys.join(', ')})`])]
  const head = `CREATE TABLE IF NOT EXISTS ${quoted(table.schema)}.${quoted(table.name)}`
  return `${head} (\n${lines.join(',\n')}\n)\nCLUSTERED INTO ${table.shards.length} SHARDS`
}

function written(type: DataType): string {
  if (type.kind === 'array') return `ARRAY(${written(type.element)})`
  if (type.kind === 'object') {
    const fields = [...type.fields].map(([name, field]) => `${quoted(name)} ${written(field)}`)
    return `OBJECT(${type.policy.toUpperCase()})${fields.length === 0 ? '' : ` AS (${fields.join(', ')})`}`
  }
  const { length, precision, scale } = type
  const sizes = [length ?? precision, scale].filter((size) => size !== undefined)
  return typeName(type).toUpperCase() + (sizes.length === 0 ? '' : `(${sizes.join(',')})`)
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
