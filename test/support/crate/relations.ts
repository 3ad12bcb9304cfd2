import type { Table } from './catalogue.ts'
import { relationNamed } from './catalogue.ts'
import { type Compiled, compile, type Env, NO_ROW, type Row, type Scope } from './compile.ts'
import { type Context, scopeSession } from './context.ts'
import { CrateError } from './failure.ts'
import { informationSchema } from './information-schema.ts'
import { columnName } from './names.ts'
import { newParameters, type Parameters } from './parameters.ts'
import { planQuery } from './queries.ts'
import type { Source } from './syntax.ts'
import { arrayOf, BIGINT, type DataType, TEXT, UNDEFINED } from './types.ts'
import { isList, isObject, type Value } from './values.ts'

export interface OutputColumn {
  readonly name: string
  readonly type: DataType
}

/** What stands behind FROM. */
export interface Relation {
  readonly schema: string | null
  readonly name: string | null
  readonly columns: readonly OutputColumn[]
  /** Set where rows have tokens, and can be looked up by their key. */
  readonly table: Table | null
  /** All rows that a search sees. */
  rows(): Iterable<Row>
}

export function openSource(source: Source, context: Context, parameters: Parameters): Relation {
  if (source.kind === 'unnest') return unnest(source, context, parameters)
  if (source.kind === 'query') {
    const plan = planQuery(source.query, context, parameters)
    return derived(null, source.alias, plan.columns, plan.rows)
  }
  const { name, alias } = source
  const schema = name.schema ?? context.schema
  const shown = informationSchema(schema, name.name, context)
  if (shown !== null) return derived(schema, alias ?? name.name, shown.columns, shown.rows)
  const relation = relationNamed(context.catalogue, name, context.schema)
  if (relation.kind === 'table') return tableRelation(relation, alias, context)
  const plan = planQuery(relation.query, { ...context, schema: relation.schema }, newParameters(0))
  return derived(schema, alias ?? name.name, plan.columns, plan.rows)
}

export function tableRelation(table: Table, alias: string | null, context: Context): Relation {
  return {
    schema: alias === null ? table.schema : null,
    name: alias ?? table.name,
    columns: [...table.columns].map(([name, { type }]) => ({ name, type })),
    table,
    rows: () => visibleRows(table, context).values(),
  }
}

/** What a search sees: nothing that was written since the last refresh. */
export function visibleRows(table: Table, context: Context): ReadonlyMap<string, Row & { readonly id: string }> {
  return context.settings.refresh === 'always' ? table.live : table.searchable
}

/** @throws CrateError (from `column`) 42703, 42P01 */
export function relationScope(relation: Relation | null, context: Context, parameters: Parameters): Scope {
  return {
    parameters,
    session: scopeSession(context),
    column(parts, path) {
      const name = parts.at(-1)!
      const qualifier = parts.slice(0, -1)
      if (relation === null) throw new CrateError(`Column ${name} unknown`, '42703')
      const own = [relation.schema, relation.name].slice(-qualifier.length)
      if (qualifier.length > 0 && qualifier.some((part, at) => part !== own[at]))
        throw new CrateError(`Relation '${qualifier.join('.')}' unknown`, '42P01')
      const system = relation.table === null ? null : systemColumn(name)
      if (system !== null) return system
      const column = relation.columns.find((candidate) => candidate.name === name)
      if (column === undefined) throw new CrateError(`Column ${columnName([name, ...path])} unknown`, '42703')
      return member(column, path, ({ row }) => row.values)
    },
  }
}

/** A column, or what lies in it under a path. */
export function member(
  column: OutputColumn,
  path: readonly string[],
  of: (env: Env) => ReadonlyMap<string, Value>,
): Compiled {
  const type = typeAt(column.type, path, [column.name])
  return { type, value: (env) => valueAt(of(env).get(column.name) ?? null, path) }
}

function typeAt(type: DataType, path: readonly string[], above: readonly string[]): DataType {
  const [name, ...rest] = path
  if (name === undefined) return type
  if (type.kind === 'array') return arrayOf(typeAt(type.element, path, above))
  const found = type.kind === 'object' ? type.fields.get(name) : undefined
  if (found !== undefined) return typeAt(found, rest, [...above, name])
  if (type.kind === 'object' && type.policy === 'ignored') return UNDEFINED
  if (type.kind === 'scalar' && type.name === 'undefined') return UNDEFINED
  throw new CrateError(`Column ${columnName([...above, name])} unknown`, '42703')
}

function valueAt(value: Value, path: readonly string[]): Value {
  const [name, ...rest] = path
  if (name === undefined || value === null) return value
  if (isList(value)) return value.map((element) => valueAt(element, path))
  return isObject(value) ? valueAt(value.get(name) ?? null, rest) : null
}

function systemColumn(name: string): Compiled | null {
  if (name === '_seq_no') return { type: BIGINT, value: ({ row }) => row.seqNo }
  if (name === '_primary_term') return { type: BIGINT, value: ({ row }) => row.primaryTerm }
  if (name === '_id') return { type: TEXT, value: ({ row }) => (row as Row & { id?: string }).id ?? null }
  return null
}

function unnest(source: Source & { kind: 'unnest' }, context: Context, parameters: Parameters): Relation {
  const scope = relationScope(null, context, parameters)
  const arrays = source.operands.map((operand) => {
    const compiled = compile(operand, scope)
    if (compiled.type.kind !== 'array')
      throw new CrateError('Unknown function: unnest: its operands must be arrays. Give parameters a cast', '42883')
    return { compiled, element: compiled.type.element }
  })
  const names = arrays.map(
    (_, at) => source.columns[at] ?? (arrays.length === 1 ? (source.alias ?? 'unnest') : `col${at + 1}`),
  )
  const columns = arrays.map(({ element }, at) => ({ name: names[at]!, type: element }))
  return derived(null, source.alias ?? 'unnest', columns, () => {
    const lists = arrays.map(({ compiled }) => (compiled.value({ row: NO_ROW }) ?? []) as readonly Value[])
    const longest = lists.reduce((length, list) => Math.max(length, list.length), 0)
    return Array.from({ length: longest }, (_, at) => lists.map((list) => list[at] ?? null))
  })
}

function derived(
  schema: string | null,
  name: string | null,
  columns: readonly OutputColumn[],
  rows: () => readonly (readonly Value[])[],
): Relation {
  return {
    schema,
    name,
    columns,
    table: null,
    *rows() {
      for (const cells of rows())
        yield { ...NO_ROW, values: new Map(columns.map((column, at) => [column.name, cells[at]!])) }
    },
  }
}
