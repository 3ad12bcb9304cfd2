import { type Change, type JsonSpan, newRow, toJson, type Value } from '../../change.ts'
import type { ColumnsTable, TargetColumn } from './columns-table.ts'
import type { FoldedKey } from './fold.ts'
import { imagesOf } from './images.ts'
import { beginRow, deletedRow, endMovedRow, endRow } from './json-row.ts'
import { MergedImages, valueMembers } from './merged-images.ts'
import { type Key, newValue, type Placed, type RowShape } from './mirror.ts'
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

  /** Writes the members of a whole row; false if the table lacks one. */
  function writeMembers(change: Change, key: Key, aside: ValuesAside): boolean {
    row = beginRow(key, change.version)
    const tokens: (string | undefined)[] = []
    let extra: Record<string, Value> | null = null
    const setAside = (name: string, value: Value): void => {
      extra ??= newRow()
      extra[name] = value
      aside.add(change, name, whyAside(name))
    }
    const isHeld =
      room === null
        ? eachValue(change, writeToken, setAside, writeAsIs)
        : eachValue(
            change,
            ({ index }, token) => {
              tokens[index] = token
            },
            setAside,
          )
    if (!isHeld) return false
    for (const index of room?.withoutRoom(key.tokens, tokens) ?? []) {
      const { attribute } = values[index]!
      extra ??= newRow()
      ;(extra as Record<string, Value>)[attribute] = newValue(change, attribute)!
      tokens[index] = undefined
      aside.add(change, attribute, whyNoRoom(values[index]!))
    }
    row.text(valueMembers(tokens))
    if (extra !== null) row.text(`,"e":${toJson(extra)}`)
    return true
  }

  const merging = {
    table,
    eachValue,
    whyAside,
    byAttribute: new Map(values.map((column) => [column.attribute, column])),
  }

  /** Members of a row with partial images; null if the table lacks a column. */
  function patchMembers({ base, patches }: FoldedKey<Placed>, key: Key, aside: ValuesAside): string | null {
    const merged = new MergedImages(merging, base !== null)
    for (const { kind, detail } of base === null ? patches : [base, ...patches]) {
      if (!merged.add(detail.change, kind === 'delete')) return null
    }
    return merged.members(key, aside)
  }

  return {
    ...images,
    writesPatchesSeparately: false,

    row: (change, key, aside) => (writeMembers(change, key, aside) ? endRow() : null),

    patch(folded, aside) {
      const { change, key } = folded.patches.at(-1)!.detail
      const members = patchMembers(folded, key, aside)
      if (members === null) return null
      beginRow(key, change.version).text(members)
      return endRow()
    },

    move({ change, key, from }, aside) {
      const keyChange = { version: change.version, kind: 'patch' as const, detail: { change, key, from } }
      const members = patchMembers({ base: null, patches: [keyChange] }, key, aside)
      if (members === null) return null
      beginRow(key, change.version).text(members)
      return endMovedRow(from)
    },

    tombstone: ({ version }, key) => deletedRow(key, version, !table.hasTombstones),
  }
}
