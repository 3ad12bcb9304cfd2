import { type Cell, type Column, type Row, typeOf } from './columns.ts'
import type { Endpoint } from './envelope.ts'
import type { Happening } from './source.ts'

/** `BeforeImageSettings.ColumnFilter`; `all` needs REPLICA IDENTITY FULL at the source, which also fills deletes. */
export type BeforeImages = 'pk-only' | 'all'

export interface ImageSettings {
  readonly beforeImages: BeforeImages
  /** With `pk-only`, after a change of the key: all of the old key, or the parts that changed. */
  readonly oldKey: 'whole' | 'changed-parts'
}

/** What `IncludeNullAndEmpty` leaves of an image. */
export function withoutNothing(image: Row, { includeNullAndEmpty }: Endpoint): Row {
  return includeNullAndEmpty ? image : filtered(image, (_, cell) => cell !== null && cell !== '')
}

/** Every column that there is. */
export function wholeImage(row: Row, columns: readonly Column[], endpoint: Endpoint): Row {
  return withoutNothing(new Map(columns.map(({ name }) => [name, row.get(name) ?? null])), endpoint)
}

/** What an update sends of a table that does not send whole rows. */
export function partialImage({ table, before, after }: Happening, columns: readonly Column[], endpoint: Endpoint): Row {
  const byName = new Map(columns.map((column) => [column.name, column]))
  const isSent = (name: string, cell: Cell): boolean => {
    const isChanged = before!.get(name) !== cell
    if (table.key.includes(name) || isChanged) return true
    return table.images === 'unsent-lobs' && !typeOf(byName.get(name)!).isLob
  }
  return withoutNothing(filtered(after!, isSent), endpoint)
}

export function beforeImage(
  { table, before, after }: Happening,
  columns: readonly Column[],
  settings: ImageSettings,
  endpoint: Endpoint,
): Row {
  const byName = new Map(columns.map((column) => [column.name, column]))
  if (settings.beforeImages === 'all') {
    const withoutLobs = filtered(before!, (name) => !typeOf(byName.get(name)!).isLob)
    return withoutNothing(withoutLobs, endpoint)
  }
  const isMoved = table.key.some((name) => before!.get(name) !== after!.get(name))
  if (!isMoved) return new Map()
  const isSent = (name: string): boolean =>
    table.key.includes(name) && (settings.oldKey === 'whole' || before!.get(name) !== after!.get(name))
  return filtered(before!, isSent)
}

/** The key; with nulls included every other column is there too, as null; with REPLICA IDENTITY FULL the old row. */
export function deletedImage(
  { table, before }: Happening,
  columns: readonly Column[],
  settings: ImageSettings,
  endpoint: Endpoint,
): Row {
  if (settings.beforeImages === 'all') return wholeImage(before!, columns, endpoint)
  const padded = columns.map(({ name }): [string, Cell] => [name, table.key.includes(name) ? before!.get(name)! : null])
  return withoutNothing(new Map(padded), endpoint)
}

const filtered = (row: Row, isKept: (name: string, cell: Cell) => boolean): Row =>
  new Map([...row].filter(([name, cell]) => isKept(name, cell)))
