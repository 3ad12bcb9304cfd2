import { type Change, newRow, type Row, toJson, type Value } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { refuseRoundedIntegers } from '../../feeds/dms/rounded-integers.ts'
import type { ColumnsTable, TargetColumn } from './columns-table.ts'
import type { FoldedKey } from './fold.ts'
import { deletedJsonRow, jsonRow, movedJsonRow } from './json-row.ts'
import type { Key, Placed, RowShape } from './mirror.ts'
import { type ValuesAside, type WhyAside, whyNoRoom } from './set-aside.ts'
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
      if (column === undefined) {
        if (isKey.has(name)) continue
        if (!leftOut.has(name)) return false
        fitsNot(name, value)
        continue
      }
      const token = column.encode(value)
      if (token === undefined) fitsNot(name, value)
      else fits(column, token)
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

/**
 * Rows of the layout `columns`. Members of a whole row: c0, c1, … its values, e what their columns cannot hold, by name.
 *
 * What stands with partial images is made of pieces, oldest first, each with its version: `pv` holds the versions, `p` for
 * each column the number of the piece that gives its value (0 for none), `e` for each piece what its columns cannot hold,
 * `b` the number of the piece that leaves nothing of what was before, `n` names that leave the column `cdc_extra`.
 */
export function columnsShape(table: ColumnsTable): RowShape<string> {
  const { keys, values, room } = table
  const { eachValue, whyAside, ...images } = imagesOf(table)
  const byAttribute = new Map(values.map((column) => [column.attribute, column]))
  const isKey = new Set(keys.map(({ attribute }) => attribute))

  /** Members of a whole row; null if the table lacks one. */
  function wholeMembers(change: Change, key: Key, aside: ValuesAside): string | null {
    let members = ''
    const tokens: (string | undefined)[] = []
    let extra: Record<string, Value> | null = null
    const isHeld = eachValue(
      change.after!,
      room === null
        ? ({ index }, token) => {
            members += `,"c${index}":${token}`
          }
        : ({ index }, token) => {
            tokens[index] = token
          },
      (name, value) => {
        extra ??= newRow()
        extra[name] = value
        aside.add(change, name, whyAside(name))
      },
    )
    if (!isHeld) return null
    for (const index of room?.withoutRoom(key.tokens, tokens) ?? []) {
      const { attribute } = values[index]!
      extra ??= newRow()
      ;(extra as Record<string, Value>)[attribute] = change.after![attribute]!
      tokens[index] = undefined
      aside.add(change, attribute, whyNoRoom(values[index]!))
    }
    members += valueMembers(tokens)
    return extra === null ? members : `${members},"e":${toJson(extra)}`
  }

  function patchMembers({ base, patches }: FoldedKey<Placed>, key: Key, aside: ValuesAside): string | null {
    const tokens: (string | undefined)[] = []
    const pieceOf: number[] = new Array(values.length).fill(0)
    const versions: string[] = []
    const extras: (Record<string, Value> | null)[] = []
    const emptied: string[] = []

    const lay = (change: Change, after: Row | null): boolean => {
      const piece = versions.push(change.version)
      extras.push(null)
      if (piece === 1 && base !== null) pieceOf.fill(1)
      for (const name in after) {
        const column = byAttribute.get(name)
        for (const earlier of extras) if (earlier !== null) delete earlier[name]
        if (column !== undefined) {
          pieceOf[column.index] = piece
          tokens[column.index] = undefined
        } else if (!isKey.has(name)) emptied.push(name)
      }
      return eachValue(
        after ?? {},
        ({ index }, token) => {
          tokens[index] = token
        },
        (name, value) => {
          const extra = extras[piece - 1] ?? newRow()
          extras[piece - 1] = extra
          extra[name] = value
        },
      )
    }

    const touches = base === null ? patches : [base, ...patches]
    for (const { kind, detail } of touches) {
      if (!lay(detail.change, kind === 'delete' ? null : detail.change.after)) return null
    }
    touches.forEach(({ detail }, i) => {
      for (const name in extras[i]) aside.add(detail.change, name, whyAside(name))
    })
    // Of partial images alone it is not known what else the row has: the server refuses it where that is too much.
    for (const index of base === null ? [] : (room?.withoutRoom(key.tokens, tokens) ?? [])) {
      const { attribute } = values[index]!
      const piece = pieceOf[index]! - 1
      const { change } = touches[piece]!.detail
      const extra = extras[piece] ?? newRow()
      extras[piece] = extra
      extra[attribute] = change.after![attribute]!
      tokens[index] = undefined
      aside.add(change, attribute, whyNoRoom(values[index]!))
    }
    let members = valueMembers(tokens)
    if (extras.some((extra) => extra !== null)) members += `,"e":[${extras.map((extra) => toJson(extra ?? {}))}]`
    if (emptied.length > 0) members += `,"n":${JSON.stringify(emptied)}`
    if (base !== null) members += `,"b":1`
    return `${members},"p":[${pieceOf.join(',')}],"pv":[${versions.join(',')}]`
  }

  return {
    ...images,
    writesPatchesSeparately: false,

    row(change, key, aside) {
      const members = wholeMembers(change, key, aside)
      return members === null ? null : jsonRow(key, change.version, members)
    },

    patch(standing, aside) {
      const { change, key } = standing.patches.at(-1)!.detail
      const members = patchMembers(standing, key, aside)
      return members === null ? null : jsonRow(key, change.version, members)
    },

    move({ change, key, from }, aside) {
      const touch = { version: change.version, kind: 'patch' as const, detail: { change, key, from } }
      const members = patchMembers({ base: null, patches: [touch] }, key, aside)
      return members === null ? null : movedJsonRow(key, from, change.version, members)
    },

    tombstone: ({ version }, key) => deletedJsonRow(key, version, !table.hasTombstones),
  }
}

function valueMembers(tokens: readonly (string | undefined)[]): string {
  let members = ''
  for (let i = 0; i < tokens.length; i++) if (tokens[i] !== undefined) members += `,"c${i}":${tokens[i]}`
  return members
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
