import type { Change, ImageTokens, Row, Value } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { LOWER_N } from '../../json-bytes.ts'
import { refuseRoundedIntegers } from '../../rounded-integers.ts'
import type { ColumnsTable, TargetColumn } from './columns-table.ts'
import { type Key, newValue, type RowShape } from './mirror.ts'
import type { WhyAside } from './set-aside.ts'
import type { KeyColumn } from './target.ts'

/** What the images of a table say, whatever their rows look like. */
export interface Images extends Pick<RowShape<unknown>, 'key' | 'check' | 'isWhole'> {
  /**
   * Passes every value of `after` that is not null on; false if the table lacks a column for one of them.
   * @param asIs takes tokens of a change that is not read, where they fit as they are; without it they come as texts
   */
  eachValue(
    change: Change,
    fits: (column: TargetColumn, token: string) => void,
    fitsNot: (name: string, value: Exclude<Value, null>) => void,
    asIs?: (column: TargetColumn, bytes: Buffer, start: number, end: number) => void,
  ): boolean
  /** Of a value that does not fit. */
  whyAside(name: string): WhyAside
}

/** What becomes of a column of an image; null: the table could have a column for it, and lacks it. */
type Place = TargetColumn | 'key' | 'left out' | null

export function imagesOf(table: ColumnsTable): Images {
  const { keys, values, attributes, leftOut } = table
  const byAttribute = new Map(values.map((column) => [column.attribute, column]))
  const isKey = new Set(keys.map(({ attribute }) => attribute))
  const required = values.filter(({ isNotNull }) => isNotNull)

  const eachValue: Images['eachValue'] = (change, fits, fitsNot, asIs) => {
    const { unread } = change
    if (unread?.row != null) return eachToken(unread.row, fits, fitsNot, asIs)
    const row = change.after
    for (const name in row) {
      const value = row[name]!
      if (value === null) continue
      const column = byAttribute.get(name)
      if (column !== undefined) {
        const token = column.encode(value)
        if (token === undefined) fitsNot(name, value)
        else fits(column, token)
      } else if (leftOut.has(name)) fitsNot(name, value)
      else if (!isKey.has(name)) return false
    }
    return true
  }

  /** By the names of images: where their columns are. */
  const places = new WeakMap<readonly string[], readonly Place[]>()
  const placesOf = (names: readonly string[]): readonly Place[] => {
    let found = places.get(names)
    if (found === undefined) {
      found = names.map(
        (name) => byAttribute.get(name) ?? (leftOut.has(name) ? 'left out' : isKey.has(name) ? 'key' : null),
      )
      places.set(names, found)
    }
    return found
  }

  function eachToken(
    row: ImageTokens,
    fits: (column: TargetColumn, token: string) => void,
    fitsNot: (name: string, value: Exclude<Value, null>) => void,
    asIs?: (column: TargetColumn, bytes: Buffer, start: number, end: number) => void,
  ): boolean {
    const { names, bytes } = row
    const columns = placesOf(names)
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i]!
      const start = row.start(i)
      if (column === 'key' || bytes[start] === LOWER_N) continue
      if (column === null) return false
      if (column !== 'left out' && column.takesAsIs?.(bytes, start, row.end(i)) === true) {
        if (asIs === undefined) fits(column, bytes.toString('utf8', start, row.end(i)))
        else asIs(column, bytes, start, row.end(i))
        continue
      }
      const value = row.value(i) as Exclude<Value, null>
      const token = column === 'left out' ? undefined : column.encode(value)
      if (token === undefined) fitsNot(names[i]!, value)
      else fits(column as TargetColumn, token)
    }
    return true
  }

  /** By the names of images: whether they have all columns. */
  const wholes = new WeakMap<readonly string[], boolean>()
  const areWhole = (names: readonly string[]): boolean => {
    let whole = wholes.get(names)
    if (whole === undefined) {
      whole = attributes.every((attribute) => names.includes(attribute))
      wholes.set(names, whole)
    }
    return whole
  }

  const refuseWithoutExtra = (name: string): void => {
    const detail = `Column ${JSON.stringify(name)} of table ${table.source} cannot hold the value, and there is no column cdc_extra to keep it in`
    throw new RelayError('SINK_REFUSED', detail)
  }

  return {
    eachValue,
    whyAside: (name) => byAttribute.get(name)?.whyAside ?? leftOut.get(name)!,
    key: (change, key) => keyOf(table, key, change),
    check(change) {
      if (change.inExponentForm !== undefined) refuseRounded(table, change)
      if (!table.hasExtra) eachValue(change, () => {}, refuseWithoutExtra)
      for (const column of required) refuseNull(table, column, change)
    },
    isWhole(change) {
      if (change.complete) return true
      const row = change.unread?.row
      if (row != null) return areWhole(row.names)
      const { after } = change
      return attributes.every((attribute) => after![attribute] !== undefined)
    },
  }
}

/** Its text is its token; the list of it is made when a row is written. */
class OneColumnKey implements Key {
  readonly text: string

  constructor(token: string) {
    this.text = token
  }

  get tokens(): readonly string[] {
    return [this.text]
  }
}

function keyOf(table: ColumnsTable, key: Row, change: Change): Key {
  const { keys } = table
  if (keys.length === 1) {
    const token = keyToken(table, keys[0]!, key, change)
    return new OneColumnKey(token)
  }
  const tokens = keys.map((column) => keyToken(table, column, key, change))
  return { text: tokens.join(','), tokens }
}

function keyToken({ source, keys }: ColumnsTable, column: KeyColumn & TargetColumn, key: Row, change: Change): string {
  const { attribute } = column
  // A change from before the table got another key: what its key lacks the row may have.
  const value = key[attribute] ?? change.before?.[attribute] ?? change.after?.[attribute]
  if (value === undefined) {
    const named = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ') || 'none'
    const detail = `The key of table ${source} is ${named(keys.map((one) => one.attribute))}, and a change has the key ${named(Object.keys(key))}, from before or after the key became another one`
    throw new RelayError('SINK_REFUSED', detail)
  }
  const token = value === null ? undefined : column.encode(value)
  if (token !== undefined) return token
  throw new RelayError(
    'SINK_REFUSED',
    `Key column "${column.column}" of table ${source}, ${column.declared}, cannot hold the key`,
  )
}

/** @throws RelayError SINK_REFUSED if the change would leave the column empty */
function refuseNull(
  { source }: ColumnsTable,
  { column, attribute, encode, whyAside }: TargetColumn,
  change: Change,
): void {
  const value = newValue(change, attribute)
  if (value === undefined && !change.complete) return
  const isEmpty = value === undefined || value === null
  if (!isEmpty && encode(value) !== undefined) return
  const why = isEmpty ? 'the change has no value for it' : `it does not hold the value: ${whyAside.reason}`
  throw new RelayError('SINK_REFUSED', `Column "${column}" of table ${source} is NOT NULL, and ${why}`)
}

function refuseRounded(table: ColumnsTable, change: Change): void {
  const integers = new Set(
    [...table.keys, ...table.values].filter(({ isInteger }) => isInteger).map(({ attribute }) => attribute),
  )
  refuseRoundedIntegers(change, (column) => integers.has(column))
}
