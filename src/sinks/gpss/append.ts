import { type Change, type DeadLetter, type Format, type Row, recordToJson, toJson, type Value } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { inSlices } from '../sql/slices.ts'
import type { GpssColumn } from './columns.ts'
import { type Carried, RowEncoder } from './rows.ts'
import type { GpssTable, Load } from './session.ts'
import { type ColumnCodec, columnCodec } from './values.ts'

/** What is to be loaded of some changes, and what cannot be, each with its reason. */
export interface LoadPlan {
  /** Null if nothing is left to load. */
  readonly load: Load | null
  readonly refused: readonly DeadLetter[]
}

/** What a column of a log is filled with. */
type Fill = (change: Change) => Value

/**
 * Lays changes out as rows of a log, one row for each.
 *
 * A table of one column (json, jsonb or text) gets the whole change record, as docs/change-record.md describes it. A wider
 * one gets columns by name: the fields of the record if it has the columns `op`, `key` and `after`; else the columns of the
 * source's row, and of the record what it has columns for under `cdc_op`, `cdc_version`, `cdc_time`, `cdc_table`, ….
 *
 * @throws RelayError SINK_TABLE for a type that is not known, or a column that the table lacks
 */
export function appendTo(
  target: GpssTable,
  columns: readonly GpssColumn[],
): (changes: readonly Change[]) => Promise<LoadPlan> {
  if (columns.length === 1) return wholeRecords(target, columns[0]!)
  const names = new Set(columns.map(({ name }) => name))
  const isRecord = ['op', 'key', 'after'].every((name) => names.has(name))
  return isRecord ? byName(target, columns, RECORD, null) : byName(target, columns, META, names)
}

function wholeRecords(target: GpssTable, column: GpssColumn): (changes: readonly Change[]) => Promise<LoadPlan> {
  if (!['json', 'jsonb', 'text', 'varchar'].includes(column.type)) {
    const detail = `The only column, "${column.name}", has the type ${column.declared}, which does not take the change record: it must be json`
    throw new RelayError('SINK_TABLE', detail, { table: labelOf(target) })
  }
  return planner(target, [column.name], ['string'], (change) => [recordToJson(change)])
}

function byName(
  target: GpssTable,
  columns: readonly GpssColumn[],
  fills: ReadonlyMap<string, Fill>,
  rowColumns: ReadonlySet<string> | null,
): (changes: readonly Change[]) => Promise<LoadPlan> {
  const codecs = new Map<Format | 'unknown', ColumnCodec[]>()
  // The fields of the record are text, numbers and documents in their own right; what the source calls a text may be more.
  const codecsFor = (feed: Format): ColumnCodec[] => {
    const known =
      codecs.get(feed) ?? columns.map((column) => columnCodec(column, fills.has(column.name) ? 'dms' : feed, target))
    codecs.set(feed, known)
    return known
  }
  const members = codecsFor('dms').map(({ member }) => member)

  return planner(
    target,
    columns.map(({ name }) => name),
    members,
    (change) => {
      const feed = change.source.format === 'dms' ? 'dms' : 'dynamodb'
      const row = change.after ?? change.before ?? change.key ?? {}
      if (rowColumns !== null) requireColumns(target, row, rowColumns)
      return codecsFor(feed).map((codec, i) => {
        const column = columns[i]!
        const fill = fills.get(column.name)
        const value = fill === undefined ? (row[column.name] ?? change.key?.[column.name] ?? null) : fill(change)
        const carried = codec.carry(value)
        if (carried !== undefined) return carried
        const detail = `Column "${column.name}" of table ${labelOf(target)}, ${column.declared}, cannot hold the value`
        throw new RelayError('SINK_REFUSED', detail)
      })
    },
  )
}

function planner(
  table: GpssTable,
  columns: readonly string[],
  members: ConstructorParameters<typeof RowEncoder>[0],
  valuesOf: (change: Change) => readonly Carried[],
): (changes: readonly Change[]) => Promise<LoadPlan> {
  return async (changes) => {
    const encoder = new RowEncoder(members)
    const refused: DeadLetter[] = []
    await inSlices(changes, (slice) => {
      for (const change of slice) {
        try {
          if (!encoder.add(valuesOf(change))) {
            throw new RelayError('SINK_REFUSED', `The row is larger than GPSS takes in one message`)
          }
        } catch (error) {
          if (!(error instanceof RelayError) || error.code !== 'SINK_REFUSED') throw error
          refused.push({ kind: 'dead-letter', code: error.code, detail: error.detail, change, source: change.source })
        }
      }
    })
    const rows = encoder.finish()
    return { load: rows.count === 0 ? null : { table, columns, rows }, refused }
  }
}

function requireColumns(target: GpssTable, row: Row, names: ReadonlySet<string>): void {
  for (const name in row) {
    if (names.has(name) || row[name] === null) continue
    const detail = `Table ${labelOf(target)} has no column "${name}", which the source has: ALTER TABLE … ADD COLUMN`
    throw new RelayError('SINK_TABLE', detail, { table: labelOf(target), column: name })
  }
}

const labelOf = ({ schema, name }: GpssTable): string => `${schema}.${name}`

const json = (value: Value | object | undefined): Value =>
  value === null || value === undefined ? null : toJson(value as Value)

/** The fields of the change record; documents as JSON text. */
const RECORD: ReadonlyMap<string, Fill> = new Map<string, Fill>([
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
const META: ReadonlyMap<string, Fill> = new Map(Array.from(RECORD, ([name, fill]) => [`cdc_${name}`, fill]))
