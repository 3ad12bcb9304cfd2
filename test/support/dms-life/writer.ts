import type { Random } from '../life/random.ts'
import type { Caught } from './changes.ts'
import { rowsOf, sentColumns } from './changes.ts'
import type { Clock } from './clock.ts'
import type { Row } from './columns.ts'
import {
  bookkeepingEnvelope,
  type ControlOp,
  controlEnvelope,
  type DataRecord,
  dataEnvelope,
  type Endpoint,
  type LogPlace,
  tableDefinition,
} from './envelope.ts'
import { wholeImage } from './images.ts'
import type { PlannedRecord } from './plan.ts'
import { keyText, type SourceDatabase } from './source.ts'
import { hasKey, type SourceTable } from './tables.ts'

/** Counted in records, repeats included. */
export interface WriterFigures {
  loadRows: number
  /** Updates that carry some columns only. */
  partialImages: number
  /** Changes of key that carry some columns only. */
  partialMoves: number
  /** Values that loads and whole images leave out, since they are NULL or empty. */
  leftOut: number
  /** Records of DMS's own tables. */
  bookkeeping: number
}

/** The end of a DMS task that writes into the stream. */
export interface Writer {
  readonly records: readonly PlannedRecord[]
  readonly figures: WriterFigures
  control(table: SourceTable, op: ControlOp): void
  load(table: SourceTable, row: Row): void
  change(change: Caught): void
  /** A row of a table of DMS itself. */
  own(table: string, op: 'update' | 'delete', more: Readonly<Record<string, string>>): void
  /** The next change is the first after a start, which names no change before it. */
  start(): void
}

/** Several threads read and write: a row is written this long after it was read, and not in order. Less than a load's handicap. */
const LOAD_DELAY_MICROS = 20_000_000

export function newWriter(source: SourceDatabase, clock: Clock, endpoint: Endpoint, random: Random): Writer {
  const records: PlannedRecord[] = []
  const figures: WriterFigures = { loadRows: 0, partialImages: 0, partialMoves: 0, leftOut: 0, bookkeeping: 0 }
  const task = `${random.hex(24)}ZX`
  let previous: LogPlace | null = null

  function count({ record, isPartial, isPartialMove }: Caught): void {
    if (isPartial) figures.partialImages++
    else if (record.op !== 'delete') figures.leftOut += record.columns.length - record.data.size
    if (isPartialMove) figures.partialMoves++
  }

  return {
    records,
    figures,
    control(table, op) {
      const micros = clock.ofLoad(0)
      const definition = tableDefinition(table, sentColumns(table, source.columns(table)), endpoint)
      // What an ALTER has for details is documented nowhere.
      const details =
        op === 'create-table' ? definition : op === 'drop-table' ? [] : random.pick([definition, [], null])
      const envelope = controlEnvelope(table.schema, table.name, op, details, micros, task, endpoint)
      records.push({ ...envelope, kind: 'control', micros, says: { table, op, key: null, newKey: null, image: null } })
    },
    load(table, row) {
      const columns = sentColumns(table, source.columns(table))
      const record: DataRecord = {
        table,
        columns,
        op: 'load',
        data: wholeImage(row, columns, endpoint),
        before: null,
        partitionType: table.mapped ?? 'primary-key',
        partitionRow: row,
        place: null,
      }
      const micros = clock.ofLoad(random.below(LOAD_DELAY_MICROS))
      const key = hasKey(table) ? keyText(table, row) : null
      const says = { table, op: 'load', key, newKey: key, image: record.data } as const
      records.push({ ...dataEnvelope(record, micros, null, endpoint), kind: 'load', micros, says })
      figures.loadRows++
      figures.leftOut += columns.length - record.data.size
    },
    change(change) {
      const { record, key, newKey } = change
      const { table, op, data } = record
      const micros = change.micros ?? clock.ofChange(rowsOf(change))
      const says = { table, op, key, newKey, image: op === 'delete' ? null : data }
      records.push({ ...dataEnvelope(record, micros, previous, endpoint), kind: 'change', micros, says })
      previous = record.place
      count(change)
    },
    own(table, op, more) {
      const key = { server_name: 'ip-10-0-0-17', task_name: task }
      const micros = clock.ofChange([])
      const before = op === 'update' ? key : null
      const envelope = bookkeepingEnvelope(table, op, { ...key, ...more }, before, micros, endpoint)
      records.push({ ...envelope, kind: 'change', micros, says: null })
      figures.bookkeeping++
    },
    start() {
      previous = null
    },
  }
}
