import { Binary, type Numeric, type Row, type Value } from '../../../../change.ts'
import { fitsIndex } from '../rows/index-limits.ts'
import { objectKey } from '../tables/names.ts'
import { readerOf } from '../tables/readers.ts'
import { isList } from './documents.ts'
import { doubleToken, exactToken, isNumber } from './exact-numbers.ts'
import { memberPath, type NumberType, type ObjectMembers, type ObjectPolicy, type SubColumn } from './sub-columns.ts'

/** The sub-columns of an OBJECT column, and those that the value in hand would add. */
export interface Types {
  readonly members: ObjectMembers
  readonly added: Map<string, SubColumn>
}

/** `mapping.depth.limit` is 100, and counts the column itself. */
const MAX_DEPTH = 90

/**
 * The JSON text of a member; undefined if its sub-column would not keep the value as it is. Without a sub-column it gets one in
 * an OBJECT(DYNAMIC), is refused by an OBJECT(STRICT), and kept as it came in an OBJECT(IGNORED).
 *
 * @param inside the policy of the object that it is a member of
 */
export function memberText(
  value: Value,
  path: string,
  depth: number,
  inside: ObjectPolicy,
  types: Types,
): string | undefined {
  const column = columnAt(path, types)
  if (column === undefined && inside === 'strict') return undefined
  if (column === undefined && inside === 'ignored') return plainText(value)
  if (value === null) {
    if (column === undefined) types.added.set(path, UNTYPED)
    return column?.isArray === true && column.isNew === true ? notYet(path, types) : 'null'
  }
  if (isList(value)) return listText(value, path, depth, types)
  const taking = columnFor(path, value, false, types)
  return taking === undefined ? undefined : valueText(value, taking, path, depth, types)
}

function listText(list: readonly Value[], path: string, depth: number, types: Types): string | undefined {
  const first = list[0]
  if (first === undefined) return emptyListText(path, types)
  if (first === null || isList(first)) return undefined
  const column = columnFor(path, first, true, types)
  if (column === undefined) return undefined
  let elements = ''
  for (const value of list) {
    if (value === null || isList(value) || !takes(column, value)) return undefined
    const text = valueText(value, column, path, depth, types)
    if (text === undefined) return undefined
    elements += `${elements && ','}${text}`
  }
  return `[${elements}]`
}

/**
 * Only into a list that the catalogue knows. CrateDB 6.4.3 drops an empty list, and the object around it, in silence, where
 * another shard makes the member a list at that moment (seen); and refuses a list where another one has seen a null there.
 */
function emptyListText(path: string, types: Types): string | undefined {
  const column = columnAt(path, types)
  if (column?.isArray !== true) return undefined
  return column.isNew === true ? notYet(path, types) : '[]'
}

/** What only the value in hand would add, goes aside with it: no look would find it. */
function notYet(path: string, { members }: Types): undefined {
  if (members.columns.has(path)) members.isOutdated = true
}

export function objectText(
  row: Row,
  path: string,
  depth: number,
  policy: ObjectPolicy,
  types: Types,
): string | undefined {
  if (depth >= MAX_DEPTH) return undefined
  let members = ''
  for (const name in row) {
    const key = objectKey(name)
    const text = memberText(row[name]!, memberPath(path, key), depth + 1, policy, types)
    if (text === undefined) return undefined
    members += `${members && ','}${JSON.stringify(key)}:${text}`
  }
  return `{${members}}`
}

type Single = Exclude<Value, null | readonly Value[]>

/** @param column takes values of this kind */
function valueText(value: Single, column: SubColumn, path: string, depth: number, types: Types): string | undefined {
  if (isNumber(value)) return NUMBERS[column.scalar as NumberType](value)
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'string' && !(value instanceof Binary)) {
    return objectText(value as Row, path, depth, column.policy, types)
  }
  const text = typeof value === 'string' ? value : value.toJSON()
  const fits = text.length <= (column.maxLength ?? Number.POSITIVE_INFINITY) && fitsIndex(text)
  return fits ? JSON.stringify(text) : undefined
}

const NUMBERS: Readonly<Record<NumberType, (value: number | Numeric) => string | undefined>> = {
  'double precision': doubleToken,
  real: readerOf('float4', -1, 'textual'),
  bigint: (value) => {
    const text = INT8(value)
    return text !== undefined && BIGINT_ENDS.has(text) ? undefined : text
  },
  integer: readerOf('int4', -1, 'textual'),
  smallint: readerOf('int2', -1, 'textual'),
}

const INT8 = readerOf('int8', -1, 'textual')
/** To CrateDB's index these mean that there is no value: a BIGINT refuses them. */
export const BIGINT_ENDS: ReadonlySet<string> = new Set(['-9223372036854775808', '9223372036854775807'])

/** What nobody types: of numbers those that are kept with all their digits. */
function plainText(value: Value): string | undefined {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (isNumber(value)) return exactToken(value)
  if (value instanceof Binary) return JSON.stringify(value.toJSON())
  const list = isList(value)
  const parts: string[] = []
  for (const [name, member] of Object.entries(value)) {
    const text = plainText(member as Value)
    if (text === undefined) return undefined
    parts.push(list ? text : `${JSON.stringify(objectKey(name))}:${text}`)
  }
  return list ? `[${parts.join()}]` : `{${parts.join()}}`
}

/** The column at a path, if it takes the value; a new one where there was none, or one without a type. */
function columnFor(path: string, value: Single, isArray: boolean, types: Types): SubColumn | undefined {
  const column = columnAt(path, types)
  // CrateDB 6.4 cannot make a list of what a null made.
  if (column !== undefined && column.isArray !== isArray) return undefined
  if (column !== undefined && column.scalar !== 'undefined') return takes(column, value) ? column : undefined
  const isNew = column === undefined || column.isNew === true
  const made: SubColumn = { scalar: newScalar(value), isArray, maxLength: null, policy: 'dynamic', isNew }
  types.added.set(path, made)
  return made
}

const UNTYPED: SubColumn = { scalar: 'undefined', isArray: false, maxLength: null, policy: 'dynamic', isNew: true }

const columnAt = (path: string, { members, added }: Types): SubColumn | undefined =>
  added.get(path) ?? members.columns.get(path)

/** Numbers are always doubles, so that the first whole one does not make a column of integers. */
function newScalar(value: Single): Exclude<SubColumn['scalar'], 'undefined' | 'other'> {
  if (isNumber(value)) return 'double precision'
  if (typeof value === 'boolean') return 'boolean'
  return typeof value === 'string' || value instanceof Binary ? 'text' : 'object'
}

function takes({ scalar }: SubColumn, value: Single): boolean {
  return isNumber(value) ? Object.hasOwn(NUMBERS, scalar) : scalar === newScalar(value)
}
