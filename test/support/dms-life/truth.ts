import type { Cell, Row } from './columns.ts'
import { type PlannedRecord, versionOf } from './plan.ts'
import { keyText, type SourceDatabase } from './source.ts'
import { hasKey, type SourceTable } from './tables.ts'

/** `--missing-columns`: what a column that an image does not have is taken for. */
export type MissingColumns = 'null' | 'keep'

/** Column → value as text; undefined where nothing is promised. */
export type ExpectedRow = ReadonlyMap<string, Cell | undefined>

export interface Truth {
  /** Every table's rows, by table. Of a table without a key: each image once for each time that DMS sent it. */
  expectedRows(missing: MissingColumns): Map<SourceTable, readonly ExpectedRow[]>
  /**
   * Keys (as `keyText`) of rows that the source lost while DMS did not look. A mirror cannot know it, so they may be
   * there or not, in any of their images; with `--on-reload sweep` only those that no later `drop-table` came for.
   */
  leftovers(onReload: 'keep' | 'sweep'): Map<SourceTable, ReadonlySet<string>>
}

/** The newest thing that DMS said of a key: an image, or null if the row went away. */
interface Told {
  readonly version: number
  readonly image: Row | null
}

/** @param includeNullAndEmpty the endpoint's setting */
export function truthOf(
  source: SourceDatabase,
  tables: readonly SourceTable[],
  records: readonly PlannedRecord[],
  includeNullAndEmpty: boolean,
): Truth {
  const told = new Map(tables.map((table) => [table, toldOf(table, records)]))

  function expectedKeyed(table: SourceTable, missing: MissingColumns): ExpectedRow[] {
    const columns = source.columns(table)
    return Array.from(source.rows(table), (row) => {
      if (missing === 'null') {
        const image = told.get(table)!.get(keyText(table, row))!.image!
        return new Map(columns.map(({ name }) => [name, image.get(name) ?? null]))
      }
      const isTold = (cell: Cell): boolean => includeNullAndEmpty || (cell !== null && cell !== '')
      return new Map(Array.from(row, ([name, cell]) => [name, isTold(cell) ? cell : undefined]))
    })
  }

  return {
    expectedRows: (missing) =>
      new Map(tables.map((one) => [one, hasKey(one) ? expectedKeyed(one, missing) : insertedRows(one, records)])),
    leftovers(onReload) {
      const lost = (table: SourceTable): ReadonlySet<string> => {
        const alive = new Set(Array.from(source.rows(table), (row) => keyText(table, row)))
        const floor = onReload === 'sweep' ? floorOf(table, records) : Number.NEGATIVE_INFINITY
        const kept = [...told.get(table)!].filter(([, { image, version }]) => image !== null && version >= floor)
        return new Set(kept.map(([key]) => key).filter((key) => !alive.has(key)))
      }
      return new Map(tables.filter(hasKey).map((table) => [table, lost(table)]))
    },
  }
}

function toldOf(table: SourceTable, records: readonly PlannedRecord[]): Map<string, Told> {
  const told = new Map<string, Told>()
  const tell = (key: string, one: Told): void => {
    if (one.version >= (told.get(key)?.version ?? Number.NEGATIVE_INFINITY)) told.set(key, one)
  }
  for (const { says, micros } of records) {
    if (says?.table !== table || says.key === null) continue
    const version = versionOf(says.op, micros)
    if (says.newKey !== says.key) tell(says.key, { version, image: null })
    if (says.newKey !== null) tell(says.newKey, { version, image: says.image })
  }
  return told
}

function insertedRows(table: SourceTable, records: readonly PlannedRecord[]): ExpectedRow[] {
  const images = records.filter(({ says }) => says?.table === table && says.image !== null)
  const known = [...new Set(images.flatMap(({ says }) => [...says!.image!.keys()]))]
  return images.map(({ says }) => new Map(known.map((name) => [name, says!.image!.get(name) ?? null])))
}

function floorOf(table: SourceTable, records: readonly PlannedRecord[]): number {
  const drops = records.filter(({ says }) => says?.table === table && says.op === 'drop-table')
  return Math.max(...drops.map(({ micros }) => versionOf('drop-table', micros)))
}
