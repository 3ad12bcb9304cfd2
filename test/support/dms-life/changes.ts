import { type Column, type Row, typeOf } from './columns.ts'
import type { DataRecord, Endpoint, LogPlace } from './envelope.ts'
import { beforeImage, deletedImage, type ImageSettings, partialImage, wholeImage } from './images.ts'
import { type Happening, keyText } from './source.ts'
import { hasKey, labelOf, type SourceTable } from './tables.ts'

export interface TaskSettings extends ImageSettings {
  /** Changes by primary key, written by several threads whose timestamps agree only about each row. Else by table. */
  readonly parallelApply: boolean
  /** The partition key of a change of key is that of the new key or of the old one. DMS does not say which. */
  readonly movedBy: 'new-key' | 'old-key'
  /** A cached change tells when it was caught, or when it was sent after the load. */
  readonly cachedTime: 'caught' | 'sent'
}

/** A change as it will be sent, perhaps later, perhaps twice. */
export interface Caught {
  readonly record: DataRecord
  readonly key: string | null
  readonly newKey: string | null
  readonly isPartial: boolean
  readonly isPartialMove: boolean
  /** When it was made into a record, if that was before it is sent. */
  readonly micros: number | null
}

/** The columns that DMS knows of: large objects of a table without a key are not among them. */
export const sentColumns = (table: SourceTable, columns: readonly Column[]): readonly Column[] =>
  hasKey(table) ? columns : columns.filter((column) => !typeOf(column).isLob)

/**
 * @param columns those that DMS knows of
 * @param isLive DMS sends it at once: its table is not being loaded
 */
export function caughtChange(
  happening: Happening,
  columns: readonly Column[],
  place: LogPlace,
  isLive: boolean,
  settings: TaskSettings,
  endpoint: Endpoint,
): Caught {
  const { table, op, before, after } = happening
  const key = hasKey(table) ? keyText(table, before ?? after!) : null
  const newKey = hasKey(table) && after !== null ? keyText(table, after) : null
  const partitionType = table.mapped ?? (settings.parallelApply ? 'primary-key' : 'schema-table')
  const isMove = op === 'update' && key !== newKey
  // A move sends the whole row where the change of the row before it may still be on its way, or may come after it.
  const mayBePartial = !isMove || (isLive && partitionType === 'schema-table')
  const isPartial = op === 'update' && table.images !== 'whole' && mayBePartial

  const record: DataRecord = {
    table,
    columns,
    op,
    data: after === null ? deletedImage(happening, columns, settings, endpoint) : afterImage(after),
    before: op === 'update' ? beforeImage(happening, columns, settings, endpoint) : null,
    partitionType,
    partitionRow: partitionRow(happening, settings),
    place,
  }
  return { record, key, newKey, isPartial, isPartialMove: isPartial && isMove, micros: null }

  function afterImage(row: Row): Row {
    return isPartial ? partialImage(happening, columns, endpoint) : wholeImage(row, columns, endpoint)
  }
}

/** Partial images of a row must not be told apart from what moved it there, so those tables take the new key. */
function partitionRow({ table, before, after }: Happening, { movedBy }: TaskSettings): Row {
  const byOldKey = movedBy === 'old-key' && table.images === 'whole'
  return byOldKey ? (before ?? after)! : (after ?? before)!
}

/** The rows that a change touches, by table and key. */
export function rowsOf({ record, key, newKey }: Caught): string[] {
  const keys = [key, newKey].filter((one) => one !== null)
  return keys.map((one) => `${labelOf(record.table)} ${one}`)
}
