import type { Change, Row, Value } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { refuseRoundedIntegers } from '../../rounded-integers.ts'
import type { ColumnsTable, TargetColumn } from './columns-table.ts'
import type { Key, RowShape } from './mirror.ts'
import type { WhyAside } from './set-aside.ts'
import type { KeyColumn } from './target.ts'

/** What the images of a table say, whatever their rows look like. */
export interface Images extends Pick<RowShape<unknown>, 'key' | 'check' | 'isWhole'> {
  /** Passes every value that is not null on; false if the table lacks a column for one of them. */
  eachValue(
    row: Row,
    fits: (column: TargetColumn, token: string) => void,
    fitsNot: (name: string, value: Exclude<Value, null>) => void,
  ): boolean
  /** Of a value that does not fit. */
  whyAside(name: string): WhyAside
}

export function imagesOf(table: ColumnsTable): Images {
  const { keys, values, attributes, leftOut } = table
  const byAttribute = new Map(values.map((column) => [column.attribute, column]))
  const isKey = new Set(keys.map(({ attribute }) => attribute))
  const required = values.filter(({ isNotNull }) => isNotNull)

  function eachValue(
    row: Row,
    fits: (column: TargetColumn, token: string) => void,
    fitsNot: (name: string, value: Exclude<Value, null>) => void,
  ): boolean {
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
      if (!table.hasExtra) eachValue(change.after!, () => {}, refuseWithoutExtra)
      for (const column of required) refuseNull(table, column, change)
    },
    isWhole({ complete, after }) {
      return complete || attributes.every((attribute) => after![attribute] !== undefined)
    },
  }
}

function keyOf(table: ColumnsTable, key: Row, change: Change): Key {
  const { keys } = table
  if (keys.length === 1) {
    const token = keyToken(table, keys[0]!, key, change)
    return { text: token, tokens: [token] }
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
  const value = change.after![attribute]
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
