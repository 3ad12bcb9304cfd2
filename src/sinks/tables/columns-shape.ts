import { type Change, newRow, toJson, type Value } from '../../change.ts'
import type { ColumnsTable } from './columns-table.ts'
import type { FoldedKey } from './fold.ts'
import { imagesOf } from './images.ts'
import { deletedJsonRow, jsonRow, movedJsonRow } from './json-row.ts'
import { MergedImages, valueMembers } from './merged-images.ts'
import type { Key, Placed, RowShape } from './mirror.ts'
import { type ValuesAside, whyNoRoom } from './set-aside.ts'

/**
 * Rows of the layout `columns`. Members of a whole row: c0, c1, … its values, e what their columns cannot hold, by name.
 * Those of a row with partial images: see `MergedImages`.
 */
export function columnsShape(table: ColumnsTable): RowShape<string> {
  const { values, room } = table
  const { eachValue, whyAside, ...images } = imagesOf(table)

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
      if (!merged.add(detail.change, kind === 'delete' ? null : detail.change.after)) return null
    }
    return merged.members(key, aside)
  }

  return {
    ...images,
    writesPatchesSeparately: false,

    row(change, key, aside) {
      const members = wholeMembers(change, key, aside)
      return members === null ? null : jsonRow(key, change.version, members)
    },

    patch(folded, aside) {
      const { change, key } = folded.patches.at(-1)!.detail
      const members = patchMembers(folded, key, aside)
      return members === null ? null : jsonRow(key, change.version, members)
    },

    move({ change, key, from }, aside) {
      const keyChange = { version: change.version, kind: 'patch' as const, detail: { change, key, from } }
      const members = patchMembers({ base: null, patches: [keyChange] }, key, aside)
      return members === null ? null : movedJsonRow(key, from, change.version, members)
    },

    tombstone: ({ version }, key) => deletedJsonRow(key, version, !table.hasTombstones),
  }
}
