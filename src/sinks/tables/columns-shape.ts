import { type Change, type JsonSpan, newRow, toJson, type Value } from '../../change.ts'
import type { ColumnsTable, TargetColumn } from './columns-table.ts'
import { Patched } from './fold.ts'
import { imagesOf } from './images.ts'
import { beginRow, deletedRow, endMovedRow, endRow } from './json-row.ts'
import { MergedImages, valueMembers } from './merged-images.ts'
import { type Key, newValue, type Placed, type RowShape } from './mirror.ts'
import type { RowRoom } from './row-room.ts'
import type { RowWriter } from './row-writer.ts'
import { type ValuesAside, whyNoRoom } from './set-aside.ts'

/**
 * Rows of the layout `columns`. Members of a whole row: c0, c1, … its values, e what their columns cannot hold, by name.
 * Those of a row with partial images: see `MergedImages`.
 */
export function columnsShape(table: ColumnsTable): RowShape<JsonSpan> {
  const { values, room } = table
  const { eachValue, whyAside, ...images } = imagesOf(table)

  const memberNames = values.map((_, index) => Buffer.from(`,"c${index}":`))
  const writeToken = ({ index }: TargetColumn, token: string): void => {
    const name = memberNames[index]!
    row.span(name, 0, name.length).text(token)
  }
  const writeAsIs = ({ index }: TargetColumn, bytes: Buffer, start: number, end: number): void => {
    const name = memberNames[index]!
    row.span(name, 0, name.length).span(bytes, start, end)
  }
  let row: RowWriter
  // Of the row in hand: closures of each would cost as much as its values.
  let written: Change
  let valuesAside: ValuesAside
  let extra: Record<string, Value> | null
  const setAside = (name: string, value: Value): void => {
    extra ??= newRow()
    extra[name] = value
    valuesAside.add(written, name, whyAside(name))
  }

  /** Writes the members of a whole row; false if the table lacks one. */
  function writeMembers(change: Change, key: Key, aside: ValuesAside): boolean {
    row = beginRow(key, change.version)
    written = change
    valuesAside = aside
    extra = null
    const isHeld = room === null ? eachValue(change, writeToken, setAside, writeAsIs) : writeFitting(change, key, room)
    if (!isHeld) return false
    if (extra !== null) row.text(`,"e":${toJson(extra)}`)
    return true
  }

  /** Values for which the page of the row has no room are set aside, too. */
  function writeFitting(change: Change, key: Key, room: RowRoom): boolean {
    const tokens: (string | undefined)[] = []
    const keep = ({ index }: TargetColumn, token: string): void => {
      tokens[index] = token
    }
    if (!eachValue(change, keep, setAside)) return false
    for (const index of room.withoutRoom(key.tokens, tokens)) {
      const { attribute } = values[index]!
      extra ??= newRow()
      extra[attribute] = newValue(change, attribute)!
      tokens[index] = undefined
      valuesAside.add(change, attribute, whyNoRoom(values[index]!))
    }
    row.text(valueMembers(tokens))
    return true
  }

  const merging = {
    table,
    eachValue,
    whyAside,
    byAttribute: new Map(values.map((column) => [column.attribute, column])),
  }

  /** Members of a row with partial images; null if the table lacks a column. */
  function patchMembers({ base, patches }: Patched<Placed>, key: Key, aside: ValuesAside): string | null {
    const merged = new MergedImages(merging, base !== null)
    for (const { kind, change } of base === null ? patches : [base, ...patches]) {
      if (!merged.add(change, kind === 'delete')) return null
    }
    return merged.members(key, aside)
  }

  return {
    ...images,
    writesPatchesSeparately: false,

    row: (change, key, aside) => (writeMembers(change, key, aside) ? endRow() : null),

    patch(folded, aside) {
      const { change, key } = folded.patches.at(-1)!
      const members = patchMembers(folded, key, aside)
      if (members === null) return null
      beginRow(key, change.version).text(members)
      return endRow()
    },

    move(moved, aside) {
      const { change, key, from } = moved
      const members = patchMembers(new Patched(null, [moved]), key, aside)
      if (members === null) return null
      beginRow(key, change.version).text(members)
      return endMovedRow(from)
    },

    tombstone: ({ version }, key) => deletedRow(key, version, !table.hasTombstones),
  }
}
