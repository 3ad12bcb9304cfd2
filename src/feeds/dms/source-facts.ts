import { type ColumnType, compareDecimal, type SchemaChange } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { parseJson } from '../../parse-json.ts'

/** What the stream, and for its key the target, say of a table. Immutable: news create a new object. */
export interface SourceFacts {
  /** In key order. Empty: it has none. Null: not known. */
  readonly key: readonly string[] | null
  readonly columns: ReadonlyMap<string, ColumnType>
  /** The greatest version of a `drop-table`; null: none came. */
  readonly floor: string | null
  /** The version of the `create-table` that named key and columns; null: none did. */
  readonly version: string | null
}

const TABLE_SUBJECT = 'table '

/** What the facts of a table are stored under. */
export const subjectOf = (label: string): string => `${TABLE_SUBJECT}${label}`

/** The label of the table that the facts under a subject are of; null if they are of something else. */
export const labelOf = (subject: string): string | null =>
  subject.startsWith(TABLE_SUBJECT) ? subject.slice(TABLE_SUBJECT.length) : null

export const NO_FACTS: SourceFacts = { key: null, columns: new Map(), floor: null, version: null }

/** What is known of a table once this happened to it. The same object if that is no news. */
export function afterSchemaChange(facts: SourceFacts, change: SchemaChange): SourceFacts {
  switch (change.op) {
    case 'create-table':
      return afterCreate(facts, change)
    case 'drop-table':
      // Rows that are still to come may need the key: it stays known.
      return isOlder(change.version, facts.floor) ? facts : { ...facts, floor: change.version }
    case 'add-column':
    case 'change-columns':
    case 'column-type-change':
      return afterAlteration(facts, change)
    case 'rename-table':
    case 'drop-column':
    case 'rename-column':
      return facts
  }
}

function afterCreate(facts: SourceFacts, { columns, primaryKey, version }: SchemaChange): SourceFacts {
  const saysNothing = columns === undefined && primaryKey === undefined
  if (saysNothing || isOlder(version, facts.version)) return facts
  return {
    key: primaryKey ?? facts.key,
    columns: columns === undefined ? facts.columns : new Map(columns.map(({ name, type }) => [name, type])),
    floor: facts.floor,
    version,
  }
}

/**
 * What these operations send is not documented and may be some columns only: so they add and widen, and take nothing away. Then
 * it does not matter in which order they come; one from before the last `create-table` says nothing new of a type.
 */
function afterAlteration(facts: SourceFacts, { columns = [], version }: SchemaChange): SourceFacts {
  const isLate = isOlder(version, facts.version)
  const news = columns.filter(({ name, type }) => {
    const known = facts.columns.get(name)
    return known === undefined || (!isLate && isWiderType(known, type))
  })
  if (news.length === 0) return facts
  return { ...facts, columns: new Map([...facts.columns, ...news.map(({ name, type }) => [name, type] as const)]) }
}

/** In the order of what they hold. */
const WIDER_TYPES: readonly (readonly ColumnType[])[] = [
  ['int8', 'int16', 'int32', 'int64', 'numeric'],
  ['uint8', 'int16', 'int32', 'int64', 'numeric'],
  ['uint16', 'int32', 'int64', 'numeric'],
  ['uint32', 'int64', 'numeric'],
  ['uint8', 'uint16', 'uint32', 'uint64', 'numeric'],
  ['float32', 'float64'],
]

/** Whether a column of the second type holds all that one of the first holds, and more. */
export const isWiderType = (from: ColumnType, to: ColumnType): boolean =>
  WIDER_TYPES.some((types) => types.includes(from) && types.indexOf(to) > types.indexOf(from))

const isOlder = (version: string, than: string | null): boolean => than !== null && compareDecimal(version, than) < 0

export function factsToJson({ key, columns, floor, version }: SourceFacts): string {
  return JSON.stringify({ key, columns: Object.fromEntries(columns), floor, version })
}

/** @throws RelayError STATE_BROKEN for what `factsToJson` did not write */
export function factsFromJson(subject: string, json: string): SourceFacts {
  try {
    const { key, columns, floor, version } = parseJson(json) as {
      [K in keyof SourceFacts]: K extends 'columns' ? Record<string, ColumnType> : SourceFacts[K]
    }
    return { key, columns: new Map(Object.entries(columns)), floor, version }
  } catch (cause) {
    throw new RelayError('STATE_BROKEN', `What was learned of ${subject} cannot be read`, {}, cause)
  }
}
