import { newRow, type Row, type Value } from '../change.ts'
import { RelayError } from '../errors.ts'
import { isJsonObject, NumberToken, tokenType, toValue } from './exact-json.ts'
import type { JsonObject } from './json.ts'

/**
 * Reads an image: column → JSON value. Values keep their JSON type, for text may look like anything.
 * @param place the name of the image, for messages
 * @throws RelayError DECODE_EVENT, DECODE_VALUE with the name of the column; never with the value
 */
export function readImage(json: unknown, place: string): Row {
  const columns = columnsOf(json)
  if (columns === null) throw new RelayError('DECODE_EVENT', `${place} is ${tokenType(json)}, not an object`)
  const row = newRow()
  for (const name in columns) {
    const value = columns[name]
    const isLeaf = typeof value !== 'object' || value === null
    row[name] = isLeaf ? (value as Value) : toValue(value, `${place}.${shown(name)}`)
  }
  return row
}

/** What stands in `before` where the task sent this image; null where it sent none, or none of its columns. */
export function readBefore(json: unknown, place: string): Row | null {
  if (json === undefined || json === null) return null
  const row = readImage(json, place)
  return hasColumns(row) ? row : null
}

/** Whether a column holds old values, by the rule `add-before-image-columns`. */
export function isOld(column: string, prefix: string | undefined): prefix is string {
  return prefix !== undefined && column.length > prefix.length && column.startsWith(prefix)
}

/** The row, and apart from it the old values that stand in it, under the names of the columns that they are of; null if there are none. */
export function withoutOldColumns(
  row: Row,
  prefix: string | undefined,
): { readonly data: Row; readonly old: Row | null } {
  if (prefix === undefined) return { data: row, old: null }
  const data = newRow()
  const old = newRow()
  for (const name in row) {
    if (isOld(name, prefix)) old[name.slice(prefix.length)] = row[name]!
    else data[name] = row[name]!
  }
  return { data, old: hasColumns(old) ? old : null }
}

/** The first member, if any, that is none of these and holds an object with a column of the row. */
export function unreadImage(json: JsonObject, row: Row, read: readonly string[]): string | undefined {
  for (const name in json) {
    const columns = read.includes(name) ? null : columnsOf(json[name])
    if (columns !== null && Object.keys(columns).some((column) => column in row)) return name
  }
  return undefined
}

/** What a delete tells of its row; null if nothing. Nulls may be padding, so they say nothing. */
export function oldValues(data: Row, before: Row | null): Row | null {
  const row = newRow()
  for (const name in data) if (data[name] !== null) row[name] = data[name]!
  for (const name in before) if (before[name] !== null) row[name] = before[name]!
  return hasColumns(row) ? row : null
}

/** The columns of an image whose whole number came with an exponent and without all of its digits. */
export function columnsInExponentForm(json: unknown): string[] {
  const columns = columnsOf(json)
  const names: string[] = []
  for (const name in columns) {
    const value = columns[name]
    if (value instanceof NumberToken && value.mayBeRounded) names.push(name)
  }
  return names
}

/** The object mapping `map-record-to-document` puts all columns into one member `_doc`. */
function columnsOf(json: unknown): JsonObject | null {
  if (!isJsonObject(json)) return null
  const { _doc } = json
  return isJsonObject(_doc) && Object.keys(json).length === 1 ? _doc : json
}

/** Whether any of its values is not null. */
export function holdsValues(row: Row): boolean {
  for (const name in row) if (row[name] !== null) return true
  return false
}

function hasColumns(row: Row): boolean {
  for (const _ in row) return true
  return false
}

const shown = (name: string): string => (/^\w{1,80}$/.test(name) ? name : JSON.stringify(name.slice(0, 80)))
