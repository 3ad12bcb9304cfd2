import {
  type Change,
  type DeadLetter,
  newRow,
  recordToJson,
  tableLabel,
  toJson,
  traitsOf,
  type Value,
  type ValueKind,
} from '../../change.ts'
import { type FailureCode, RelayError } from '../../errors.ts'
import { refuseRoundedIntegers } from '../../rounded-integers.ts'
import { targetName } from '../tables/names.ts'
import { DELETED } from '../tables/own-columns.ts'
import { inSlices } from '../tables/slices.ts'
import type { GpssColumn } from './columns.ts'
import { type Carried, MAX_ROW_BYTES, RowEncoder } from './rows.ts'
import type { GpssTable } from './session.ts'
import type { LoadPlan } from './target.ts'
import { type ColumnCodec, columnCodec } from './values.ts'

/** How changes become rows of one log, one row for each. */
export interface AppendRows {
  /** The columns of the source that the log has no place for, each with a value of it. */
  lacking(changes: readonly Change[]): ReadonlyMap<string, Lacking>
  /** Null if something is lacking. */
  plan(changes: readonly Change[]): Promise<LoadPlan | null>
}

export interface Lacking {
  readonly value: Value
  readonly given: ValueKind
}

/**
 * A table of one column (json, jsonb or text) gets the whole change record, as docs/change-record.md describes it. A wider
 * one gets columns by name: the fields of the record if it has the columns `op`, `key` and `after`; else the columns of the
 * source's row (of a delete the old values, as far as they were sent, and the key), and of the record what it has columns
 * for under `cdc_op`, `cdc_version`, `cdc_time`, `cdc_table_name`, ….
 *
 * @throws RelayError SINK_TABLE for a table that is a mirror
 */
export function appendRows(table: GpssTable, columns: readonly GpssColumn[]): AppendRows {
  if (columns.length === 1) return wholeRecords(table, columns[0]!)
  const names = new Set(columns.map(({ name }) => name))
  if (names.has(DELETED.name)) throw isMirror(table)
  const isRecord = ['op', 'key', 'after'].every((name) => names.has(name))
  if (!isRecord) return byName(table, columns, META, placeByName(table, columns))
  const fields = columns.filter(({ name }) => RECORD.has(name))
  return byName(table, fields, RECORD, null)
}

function wholeRecords(table: GpssTable, column: GpssColumn): AppendRows {
  if (!['json', 'jsonb', 'text', 'varchar'].includes(column.type)) {
    const detail = `The only column of table ${tableLabel(table)}, "${column.name}", has the type ${column.declared}, which does not take the change record: it must be json`
    throw new RelayError('SINK_TABLE', detail, { table: tableLabel(table) })
  }
  const rows = (change: Change): Carried[] => [recordToJson(change)]
  return { lacking: () => NOTHING_LACKING, plan: (changes) => planRows(table, [column], ['string'], changes, rows) }
}

/** Attribute → place of its column; undefined if there is none. */
type PlaceOf = (attribute: string) => number | undefined

/** @param placeOf null: the row of the source is left to the fields of the record */
function byName(
  table: GpssTable,
  columns: readonly GpssColumn[],
  fields: ReadonlyMap<string, Field>,
  placeOf: PlaceOf | null,
): AppendRows {
  // What the record says of itself is text, numbers and documents in their own right; what DynamoDB calls a text is no more.
  const codecsFor = (given: ValueKind): ColumnCodec[] =>
    columns.map((column) => columnCodec(column, fields.has(column.name) ? 'textual' : given))
  const codecs = { typed: codecsFor('typed'), textual: codecsFor('textual') }
  const filled = columns.flatMap(({ name }, place) => {
    const field = fields.get(name)
    return field === undefined ? [] : [{ place, field }]
  })

  function rowOf(change: Change): Carried[] {
    const carrying = codecs[traitsOf(change.source).values]
    const row = new Array<Carried>(columns.length).fill(null)
    const put = (place: number, value: Value): void => {
      const carried = carrying[place]!.carry(value)
      if (carried === undefined) throw cannotHold(table, columns[place]!)
      row[place] = carried
    }
    if (placeOf !== null) {
      refuseRoundedIntegers(change, (attribute) => isInteger(columns[placeOf(attribute)!]))
      // Every place is known: of what is lacking, no rows are made.
      eachValue(change, (attribute, value) => put(placeOf(attribute)!, value))
    }
    for (const { place, field } of filled) put(place, field(change))
    return row
  }

  function lacking(changes: readonly Change[]): Map<string, Lacking> {
    const found = new Map<string, Lacking>()
    if (placeOf === null) return found
    for (const change of changes) {
      eachValue(change, (attribute, value) => {
        if (placeOf(attribute) !== undefined || found.has(attribute)) return
        found.set(attribute, { value, given: traitsOf(change.source).values })
      })
    }
    return found
  }

  const members = codecs.textual.map(({ member }) => member)
  return {
    lacking,
    plan: async (changes) =>
      lacking(changes).size > 0 ? null : await planRows(table, columns, members, changes, rowOf),
  }
}

/** @throws RelayError SINK_TABLE for an attribute whose column is ours */
function placeByName(table: GpssTable, columns: readonly GpssColumn[]): PlaceOf {
  const places = new Map(columns.map(({ name }, place) => [name, place]))
  const known = new Map<string, number | undefined>()
  return (attribute) => {
    const place = known.get(attribute)
    if (place !== undefined || known.has(attribute)) return place
    if (META.has(attribute)) {
      const detail = `The source has a column "${attribute}", whose name in table ${tableLabel(table)} is taken by the relay. Append to a table with one column of type json`
      throw new RelayError('SINK_TABLE', detail, { table: tableLabel(table), column: attribute })
    }
    const found = places.get(targetName(attribute))
    known.set(attribute, found)
    return found
  }
}

/** The new row, or the old one of a delete, and the columns of the key that it leaves out. Nulls are what rows begin with. */
function eachValue({ after, before, key }: Change, visit: (attribute: string, value: Value) => void): void {
  const row = after ?? before ?? NO_ROW
  for (const attribute in row) if (row[attribute] !== null) visit(attribute, row[attribute]!)
  if (key === null) return
  for (const attribute in key) {
    if (row[attribute] === undefined && key[attribute] !== null) visit(attribute, key[attribute]!)
  }
}

/**
 * Columns that are NOT NULL are left out of a load that has no value for them: their default holds, if they have one.
 * Others get the NULL that is meant.
 */
async function planRows(
  table: GpssTable,
  columns: readonly GpssColumn[],
  members: ConstructorParameters<typeof RowEncoder>[0],
  changes: readonly Change[],
  rowOf: (change: Change) => Carried[],
): Promise<LoadPlan> {
  const rows: { readonly change: Change; readonly values: Carried[] }[] = []
  const refused: DeadLetter[] = []
  await inSlices(changes, (slice) => {
    for (const change of slice) orRefuse(change, refused, () => rows.push({ change, values: rowOf(change) }))
  })
  const isGiven = (place: number): boolean => rows.some(({ values }) => values[place] !== null)
  const given = [...columns.keys()].filter((place) => columns[place]!.nullable !== false || isGiven(place))
  // A load without columns is none.
  const places = given.length > 0 ? given : [...columns.keys()]

  const encoder = new RowEncoder(places.map((place) => members[place]!))
  const isWhole = places.length === columns.length
  await inSlices(rows, (slice) => {
    for (const { change, values } of slice) {
      orRefuse(change, refused, () => {
        if (!encoder.add(isWhole ? values : places.map((place) => values[place]!))) throw tooLarge(table)
      })
    }
  })
  const encoded = encoder.finish()
  const load = { table, columns: places.map((place) => columns[place]!.name), rows: encoded }
  return { load: encoded.count === 0 ? null : load, applied: encoded.count, refused, setAside: new Map() }
}

function orRefuse(change: Change, refused: DeadLetter[], work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof RelayError) || !OF_A_ROW.has(error.code)) throw error
    refused.push({ kind: 'dead-letter', code: error.code, detail: error.detail, change, source: change.source })
  }
}

/** What is wrong with one row, and not with its table. */
const OF_A_ROW: ReadonlySet<string> = new Set<FailureCode>(['SINK_REFUSED', 'DECODE_VALUE'])
const isInteger = (column: GpssColumn | undefined): boolean => /^int[248]$/.test(column?.type ?? '')

function cannotHold(table: GpssTable, { name, declared }: GpssColumn): RelayError {
  return new RelayError(
    'SINK_REFUSED',
    `Column "${name}" of table ${tableLabel(table)}, ${declared}, cannot hold the value`,
  )
}

function isMirror(table: GpssTable): RelayError {
  const detail = `Table ${tableLabel(table)} is a mirror, for it has the column "${DELETED.name}". Append to another one: --table SOURCE=TARGET`
  return new RelayError('SINK_TABLE', detail, { table: tableLabel(table) })
}

function tooLarge(table: GpssTable): RelayError {
  const detail = `A row of table ${tableLabel(table)} is larger than the ${MAX_ROW_BYTES} bytes that GPSS takes in one message`
  return new RelayError('SINK_REFUSED', detail)
}

const NO_ROW = newRow()
const NOTHING_LACKING: ReadonlyMap<string, Lacking> = new Map()

/** What a field of the change record puts into a column. */
type Field = (change: Change) => Value

/** Documents are JSON text. */
const json = (value: Value | object | undefined): Value => (value == null ? null : toJson(value as Value))

/** The fields of the change record, under the names that the SQL sinks give them. */
const RECORD: ReadonlyMap<string, Field> = new Map<string, Field>([
  ['op', ({ op }) => op],
  ['table_schema', ({ table }) => table.schema],
  ['table_name', ({ table }) => table.name],
  ['key', ({ key }) => json(key)],
  ['before', ({ before }) => json(before)],
  ['after', ({ after }) => json(after)],
  ['complete', ({ complete }) => complete],
  ['version', ({ version }) => version],
  ['time', ({ time }) => time],
  ['expired', ({ expired }) => expired ?? null],
  ['transaction', ({ transaction }) => json(transaction)],
  ['format', ({ source }) => source.format],
  ['stream', ({ source }) => source.stream],
  ['shard', ({ source }) => source.shard],
  ['sequence', ({ source }) => source.sequence],
  ['sub_sequence', ({ source }) => source.subSequence ?? null],
  ['event_id', ({ source }) => source.eventId ?? null],
])

/** The same beside the columns of a row. */
const META: ReadonlyMap<string, Field> = new Map(Array.from(RECORD, ([name, field]) => [`cdc_${name}`, field]))
