import { castTo } from './casts.ts'
import type { StoredRow, Table } from './catalogue.ts'
import { compile, NO_ROW, type Scope } from './compile.ts'
import type { Context } from './context.ts'
import { CrateError } from './failure.ts'
import { visibleRows } from './relations.ts'
import type { Expression } from './syntax.ts'
import type { DataType } from './types.ts'
import { type Value, writeJson } from './values.ts'

/**
 * Whether WHERE names rows by their full primary key. Then they are read by key and seen as they are; everything else is a
 * search and sees the last refresh. Only `=` between a key column and a constant counts (also in a list of literals, never
 * in a list or array with parameters); other columns make it a search, apart from `_seq_no` and `_primary_term`.
 */

/** As many combinations of `=` as this, and it is silently a search; `_seq_no` and `_primary_term` are columns, too. */
const TOO_MANY_COMBINATIONS = 10_000

/** The text by which rows with an equal key are the same row. */
export function idOf(values: readonly Value[]): string {
  return JSON.stringify(values.map(writeJson))
}

export interface FoundRows {
  readonly byKey: boolean
  readonly rows: readonly StoredRow[]
}

/** @throws CrateError `_seq_no` or `_primary_term` without the full key */
export function checkTokens(where: Expression | null, table: Table, scope: Scope): void {
  const named = where === null ? new Set() : tokensIn(where)
  if (named.size === 0 || (named.size === 2 && lookedUpIds(where!, table, scope) !== null)) return
  throw new CrateError(
    'The "_seq_no" and "_primary_term" columns can only be used together in the WHERE clause with equals comparisons and if there are also equals comparisons on primary key columns',
  )
}

/** The rows in which WHERE is to be tried. */
export function candidates(where: Expression | null, table: Table, scope: Scope, context: Context): FoundRows {
  const ids = where === null ? null : lookedUpIds(where, table, scope)
  if (ids === null) return { byKey: false, rows: [...visibleRows(table, context).values()] as StoredRow[] }
  return { byKey: true, rows: [...ids].flatMap((id) => table.live.get(id) ?? []) }
}

export function lookedUpIds(where: Expression, table: Table, scope: Scope): ReadonlySet<string> | null {
  if (table.primaryKey.length === 0) return null
  const keys = table.primaryKey.map((path) => ({ name: JSON.stringify(path), type: typeOfPath(table, path) }))
  const comparisons = new Map([...keys.map(({ name }) => name), ...tokensIn(where)].map((name) => [name, 1]))
  const found = alternatives(where, { keys: new Map(keys.map(({ name, type }) => [name, type])), scope, comparisons })
  const combinations = [...comparisons.values()].reduce((product, count) => product * count, 1)
  if (found === null || combinations >= TOO_MANY_COMBINATIONS) return null
  const ids = new Set<string>()
  for (const alternative of found) {
    if (alternative.size < keys.length) return null
    const values = keys.map(({ name }) => alternative.get(name)!)
    if (values.every((value) => value !== null)) ids.add(idOf(values))
  }
  return ids
}

export function typeOfPath(table: Table, path: readonly string[]): DataType {
  let type: DataType = table.columns.get(path[0]!)!.type
  for (const name of path.slice(1)) type = type.kind === 'object' ? type.fields.get(name)! : type
  return type
}

type Alternative = ReadonlyMap<string, Value>

interface Search {
  readonly keys: ReadonlyMap<string, DataType>
  readonly scope: Scope
  /** By key column or token, 1 + how many comparisons there are. */
  readonly comparisons: Map<string, number>
}

/** Each alternative says what key columns must be; null: something else matters, too. */
function alternatives(where: Expression, search: Search): readonly Alternative[] | null {
  switch (where.kind) {
    case 'or': {
      const [left, right] = [alternatives(where.left, search), alternatives(where.right, search)]
      return left === null || right === null ? null : [...left, ...right]
    }
    case 'and': {
      const [left, right] = [alternatives(where.left, search), alternatives(where.right, search)]
      if (left === null || right === null || left.length * right.length > TOO_MANY_COMBINATIONS) return null
      return left.flatMap((one) => right.map((other) => new Map([...one, ...other])))
    }
    case 'compare': {
      if (where.op !== '=') return null
      return isConstant(where.right)
        ? equal(where.left, [where.right], search)
        : equal(where.right, [where.left], search)
    }
    case 'in':
      return where.list.every((item) => item.kind === 'literal') ? equal(where.operand, where.list, search) : null
    case 'quantified': {
      const { right } = where
      if (where.op !== '=' || where.every || right.kind !== 'array') return null
      return right.items.every((item) => item.kind === 'literal') ? equal(where.left, right.items, search) : null
    }
    default:
      return null
  }
}

function equal(column: Expression, constants: readonly Expression[], search: Search): readonly Alternative[] | null {
  if (column.kind !== 'column' || !constants.every(isConstant)) return null
  const path = [column.parts.at(-1)!, ...column.path]
  const name = isToken(column) ? path[0]! : JSON.stringify(path)
  const count = () => search.comparisons.set(name, search.comparisons.get(name)! + constants.length)
  if (isToken(column)) {
    count()
    return [new Map()]
  }
  const type = search.keys.get(name)
  if (type === undefined) return null
  count()
  return constants.map((constant) => {
    const value = compile(constant, search.scope, type).value({ row: NO_ROW })
    return new Map([[name, castTo(type, value)]])
  })
}

function isConstant(expression: Expression): boolean {
  if (expression.kind === 'cast' || expression.kind === 'negate') return isConstant(expression.operand)
  return expression.kind === 'literal' || expression.kind === 'parameter'
}

function isToken(expression: Expression): boolean {
  if (expression.kind !== 'column') return false
  return expression.parts.at(-1) === '_seq_no' || expression.parts.at(-1) === '_primary_term'
}

function tokensIn(expression: Expression): ReadonlySet<string> {
  switch (expression.kind) {
    case 'and':
    case 'or':
    case 'compare':
      return new Set([...tokensIn(expression.left), ...tokensIn(expression.right)])
    case 'not':
    case 'is-null':
    case 'in':
      return tokensIn(expression.operand)
    case 'column':
      return new Set(isToken(expression) ? [expression.parts.at(-1)!] : [])
    default:
      return new Set()
  }
}
