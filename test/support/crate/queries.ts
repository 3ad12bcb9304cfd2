import { type Compiled, compile, type Env, holds, isAggregate, NO_ROW, type Row, type Scope } from './compile.ts'
import type { Context } from './context.ts'
import { candidates, checkTokens } from './key-lookup.ts'
import { columnName } from './names.ts'
import type { Parameters } from './parameters.ts'
import { type OutputColumn, openSource, type Relation, relationScope } from './relations.ts'
import type { Expression, Query, SelectItem } from './syntax.ts'
import { BIGINT } from './types.ts'
import { compareValues, type Value, writeJson } from './values.ts'

export interface QueryPlan {
  readonly columns: readonly OutputColumn[]
  rows(): readonly (readonly Value[])[]
}

/** @throws CrateError for what CrateDB finds before it runs a query */
export function planQuery(query: Query, context: Context, parameters: Parameters): QueryPlan {
  const relation = query.from === null ? null : openSource(query.from, context, parameters)
  const scope = relationScope(relation, context, parameters)
  const items = compileItems(query.items, relation, scope)
  const where = query.where === null ? null : compile(query.where, scope)
  const grouping = query.groupBy.map((expression) => compile(expression, scope))
  const order = query.orderBy.map((item) => ({ ...item, ...sortKey(item.expression, items, query, scope) }))
  const [limit, offset] = [query.limit, query.offset].map((count) =>
    count === null ? null : compile(count, scope, BIGINT),
  )
  if (relation?.table) checkTokens(query.where, relation.table, scope)
  const aggregated = grouping.length > 0 || query.items.some((item) => item !== '*' && isAggregate(item.expression))

  function envs(): readonly Env[] {
    const rows = sourceRows(query, relation, scope, context).filter((row) => holds(where, { row }))
    if (!aggregated) return rows.map((row) => ({ row }))
    return groupsOf(rows, grouping).map((group) => ({ row: group[0] ?? NO_ROW, group }))
  }

  return {
    columns: items.map(({ name, compiled }) => ({ name, type: compiled.type })),
    rows() {
      const found = envs().map((env) => ({ env, cells: items.map(({ compiled }) => compiled.value(env)) }))
      const sorted = order.length === 0 ? found : found.sort((a, b) => compareBy(order, a, b))
      const cells = sorted.map((line) => line.cells)
      const kept = query.distinct ? [...new Map(cells.map((line) => [writeJson(line), line])).values()] : cells
      const start = Number(offset?.value({ row: NO_ROW }) ?? 0)
      const count = limit?.value({ row: NO_ROW }) ?? null
      return kept.slice(start, count === null ? undefined : start + Number(count))
    },
  }
}

export interface OutputItem {
  readonly name: string
  readonly compiled: Compiled
}

/** A select list, also that of RETURNING. */
export function compileItems(
  items: readonly (SelectItem | '*')[],
  relation: Relation | null,
  scope: Scope,
): readonly OutputItem[] {
  return items.flatMap((item) => {
    if (item !== '*')
      return [{ name: item.alias ?? outputName(item.expression), compiled: compile(item.expression, scope) }]
    return (relation?.columns ?? []).map(({ name }) => ({ name, compiled: scope.column([name], []) }))
  })
}

function sourceRows(query: Query, relation: Relation | null, scope: Scope, context: Context): readonly Row[] {
  if (relation === null) return [NO_ROW]
  if (relation.table === null) return [...relation.rows()]
  return candidates(query.where, relation.table, scope, context).rows
}

function groupsOf(rows: readonly Row[], grouping: readonly Compiled[]): readonly (readonly Row[])[] {
  if (grouping.length === 0) return [rows]
  return [...Map.groupBy(rows, (row) => writeJson(grouping.map((key) => key.value({ row })))).values()]
}

interface Line {
  readonly env: Env
  readonly cells: readonly Value[]
}

interface SortKey {
  readonly descending: boolean
  readonly nullsFirst: boolean
  readonly key: (line: Line) => Value
}

/** ORDER BY names an output column by its name or number, or works something out. */
function sortKey(
  expression: Expression,
  items: readonly OutputItem[],
  query: Query,
  scope: Scope,
): Pick<SortKey, 'key'> {
  const at =
    expression.kind === 'literal' && typeof expression.value === 'bigint'
      ? Number(expression.value) - 1
      : query.items.findIndex(
          (item) => item !== '*' && expression.kind === 'column' && item.alias === expression.parts[0],
        )
  if (at >= 0 && at < items.length) return { key: ({ cells }) => cells[at]! }
  const compiled = compile(expression, scope)
  return { key: ({ env }) => compiled.value(env) }
}

function compareBy(order: readonly SortKey[], a: Line, b: Line): number {
  for (const { key, descending, nullsFirst } of order) {
    const [left, right] = [key(a), key(b)]
    if (left === null && right === null) continue
    if (left === null || right === null) return (left === null) === nullsFirst ? -1 : 1
    const by = compareValues(left, right)
    if (by !== 0) return descending ? -by : by
  }
  return 0
}

function outputName(expression: Expression): string {
  switch (expression.kind) {
    case 'column':
      return columnName([expression.parts.at(-1)!, ...expression.path])
    case 'cast':
      return outputName(expression.operand)
    case 'call':
      return expression.star
        ? `${expression.name}(*)`
        : `${expression.name}(${expression.operands.map(outputName).join(', ')})`
    case 'literal':
      return writeJson(expression.value)
    case 'parameter':
      return `$${expression.index + 1}`
    default:
      return expression.kind
  }
}
