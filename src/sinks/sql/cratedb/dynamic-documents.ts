import { Binary, type Numeric, newRow, type Row, type Value } from '../../../change.ts'
import { ignoredDocument, isList } from './documents.ts'
import { doubleToken, exactToken, isNumber } from './exact-numbers.ts'
import { documentKey, objectKey } from './names.ts'
import { fitsIndex } from './text-limit.ts'

/** A row in two columns: together they hold every attribute once. */
export interface DynamicDocument {
  /** JSON text for the `OBJECT(DYNAMIC)`. */
  readonly data: string
  /** JSON text for the `OBJECT(IGNORED)` beside it, as `ignoredDocument` writes it; null if nothing had to go there. */
  readonly aux: string | null
}

/** What a sub-column of the `OBJECT(DYNAMIC)` takes unchanged. `double` and `integer` are numbers, `other` takes nothing. */
export type SubColumn = Scalar | `${Scalar}[]` | 'other'
type Scalar = 'double' | 'integer' | 'text' | 'boolean' | 'object'

/** By path, as `subColumnPath` gives it. Grows with every new attribute that is written. */
export type SubColumns = Map<string, SubColumn>

/** A table has 1000 columns at most, sub-columns included; some are left for others. */
const MAX_SUB_COLUMNS = 900
/** `mapping.depth.limit` is 100, and counts the column itself. */
const MAX_DEPTH = 90

/**
 * A row → what an `OBJECT(DYNAMIC)` keeps as it is, and the rest.
 *
 * There every member becomes a typed column with the first value that comes for it; what comes later is cast to it, in
 * silence where CrateDB can (1.5 becomes 1, "42" becomes 42), or the row fails. So an attribute goes into `data` only if all
 * that is in it has the types that it had before, and otherwise, whole, into `aux`: also numbers that no double holds,
 * lists of differing types, lists with null or a list in them, texts over 32,766 bytes, and what is nested too deep.
 * Numbers are always written as doubles (`1.0`), so that the first whole one does not make a column of integers.
 *
 * @param columns of the table's catalogue when it was opened; what is new in the row is added
 */
export function dynamicDocument(row: Row, columns: SubColumns): DynamicDocument {
  let members = ''
  let rest: Record<string, Value> | null = null
  for (const name in row) {
    const key = documentKey(name)
    const added: SubColumns = new Map()
    const text = memberText(row[name]!, key, 1, { columns, added })
    if (text === undefined || columns.size + added.size > MAX_SUB_COLUMNS) {
      rest ??= newRow()
      rest[name] = row[name]!
      continue
    }
    for (const [path, column] of added) columns.set(path, column)
    members += `${members && ','}${JSON.stringify(key)}:${text}`
  }
  return { data: `{${members}}`, aux: rest === null ? null : ignoredDocument(rest) }
}

/** @param keys names of members as they are stored: `column_details['path']` of `information_schema.columns` */
export const subColumnPath = (keys: readonly string[]): string => keys.join(SEPARATOR)
/** Not in any stored name. */
const SEPARATOR = '\n'

/** @param dataType `data_type` of `information_schema.columns` */
export function subColumnOf(dataType: string): SubColumn {
  const [, name = dataType, isArray] = /^(.+?)(_array)?$/.exec(dataType) ?? []
  const scalar = SCALARS.get(name)
  if (scalar === undefined) return 'other'
  return isArray === undefined ? scalar : `${scalar}[]`
}

const SCALARS: ReadonlyMap<string, Scalar> = new Map([
  ['double precision', 'double'],
  ['bigint', 'integer'],
  ['text', 'text'],
  ['boolean', 'boolean'],
  ['object', 'object'],
])

/** The sub-columns of the table, and those that the attribute in hand would add. */
interface Types {
  readonly columns: SubColumns
  readonly added: SubColumns
}

/** The text of a member; undefined if its sub-column would not keep it. */
function memberText(value: Value, path: string, depth: number, types: Types): string | undefined {
  if (value === null) return 'null'
  if (isList(value)) return listText(value, path, depth, types)
  const column = columnFor(path, kindOf(value), types)
  return column === undefined ? undefined : scalarText(value, column, path, depth, types)
}

function listText(list: readonly Value[], path: string, depth: number, types: Types): string | undefined {
  const first = list[0]
  if (first === undefined) return columnAt(path, types)?.endsWith('[]') === false ? undefined : '[]'
  if (first === null || isList(first)) return undefined
  const column = columnFor(path, `${kindOf(first)}[]`, types)
  if (column === undefined) return undefined
  const element = column.slice(0, -2) as Scalar
  let elements = ''
  for (const value of list) {
    if (value === null || isList(value) || !isHeldBy(kindOf(value), element)) return undefined
    const text = scalarText(value, element, path, depth, types)
    if (text === undefined) return undefined
    elements += `${elements && ','}${text}`
  }
  return `[${elements}]`
}

function scalarText(
  value: Exclude<Value, null>,
  column: SubColumn,
  path: string,
  depth: number,
  types: Types,
): string | undefined {
  if (isNumber(value)) return column === 'integer' ? integerToken(value) : doubleToken(value)
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return fitsIndex(value) ? JSON.stringify(value) : undefined
  if (value instanceof Binary) return binaryText(value)
  return objectText(value as Row, path, depth, types)
}

function objectText(row: Row, path: string, depth: number, types: Types): string | undefined {
  if (depth >= MAX_DEPTH) return undefined
  let members = ''
  for (const name in row) {
    const key = objectKey(name)
    const text = memberText(row[name]!, path + SEPARATOR + key, depth + 1, types)
    if (text === undefined) return undefined
    members += `${members && ','}${JSON.stringify(key)}:${text}`
  }
  return `{${members}}`
}

function kindOf(value: Exclude<Value, null | readonly Value[]>): Scalar {
  if (isNumber(value)) return 'double'
  if (typeof value === 'boolean') return 'boolean'
  return typeof value === 'string' || value instanceof Binary ? 'text' : 'object'
}

/** The column at a path, if it is of the kind; a new one where there was none. */
function columnFor(path: string, kind: Scalar | `${Scalar}[]`, types: Types): SubColumn | undefined {
  const column = columnAt(path, types)
  if (column !== undefined) return isHeldBy(kind, column) ? column : undefined
  types.added.set(path, kind)
  return kind
}

const columnAt = (path: string, { columns, added }: Types): SubColumn | undefined =>
  columns.get(path) ?? added.get(path)

const isHeldBy = (kind: SubColumn, column: SubColumn): boolean =>
  kind === column || (kind === 'double' && column === 'integer') || (kind === 'double[]' && column === 'integer[]')

function integerToken(value: number | Numeric): string | undefined {
  const token = exactToken(value)
  return token === undefined || /[.e]/.test(token) ? undefined : token
}

function binaryText(value: Binary): string | undefined {
  const base64 = value.toJSON()
  return fitsIndex(base64) ? `"${base64}"` : undefined
}
