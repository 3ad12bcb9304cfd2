import { type ColumnType, compareDecimal, type SchemaChange } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { parseJson } from '../../parse-json.ts'

/** What the stream, and for its key the target, told of a table. Never altered: news make another. */
export interface Told {
  /** In key order. Empty: it has none. Null: nobody told. */
  readonly key: readonly string[] | null
  readonly columns: ReadonlyMap<string, ColumnType>
  /** The greatest version of a `drop-table`; null: none came. */
  readonly floor: string | null
  /** The version of the `create-table` that told key and columns; null: none did. */
  readonly version: string | null
}

export const NOTHING_TOLD: Told = { key: null, columns: new Map(), floor: null, version: null }

/** What is known of a table once this happened to it. The same object if that is no news. */
export function afterSchemaChange(told: Told, change: SchemaChange): Told {
  switch (change.op) {
    case 'create-table':
      return afterCreate(told, change)
    case 'drop-table':
      // Rows that are still to come may need the key: it stays known.
      return isOlder(change.version, told.floor) ? told : { ...told, floor: change.version }
    case 'add-column':
    case 'change-columns':
    case 'column-type-change':
      return afterAlteration(told, change)
    case 'rename-table':
    case 'drop-column':
    case 'rename-column':
      return told
  }
}

function afterCreate(told: Told, { columns, primaryKey, version }: SchemaChange): Told {
  const tellsNothing = columns === undefined && primaryKey === undefined
  if (tellsNothing || isOlder(version, told.version)) return told
  return {
    key: primaryKey ?? told.key,
    columns: columns === undefined ? told.columns : new Map(columns.map(({ name, type }) => [name, type])),
    floor: told.floor,
    version,
  }
}

/** What these operations send is not documented and may be some columns only: so they add, and take nothing away. */
function afterAlteration(told: Told, { columns = [] }: SchemaChange): Told {
  const added = columns.filter(({ name }) => !told.columns.has(name))
  if (added.length === 0) return told
  return { ...told, columns: new Map([...told.columns, ...added.map(({ name, type }) => [name, type] as const)]) }
}

const isOlder = (version: string, than: string | null): boolean => than !== null && compareDecimal(version, than) < 0

export function toLesson({ key, columns, floor, version }: Told): string {
  return JSON.stringify({ key, columns: Object.fromEntries(columns), floor, version })
}

/** @throws RelayError STATE_BROKEN for what `toLesson` did not write */
export function fromLesson(subject: string, json: string): Told {
  try {
    const { key, columns, floor, version } = parseJson(json) as {
      [K in keyof Told]: K extends 'columns' ? Record<string, ColumnType> : Told[K]
    }
    return { key, columns: new Map(Object.entries(columns)), floor, version }
  } catch (cause) {
    throw new RelayError('STATE_BROKEN', `What was learned of ${subject} cannot be read`, {}, cause)
  }
}
