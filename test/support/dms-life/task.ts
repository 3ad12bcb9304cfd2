import type { Random } from '../life/random.ts'
import { type Caught, caughtChange, rowsOf, sentColumns, type TaskSettings } from './changes.ts'
import { newClock } from './clock.ts'
import type { Row } from './columns.ts'
import type { Endpoint, LogPlace } from './envelope.ts'
import type { PlannedRecord } from './plan.ts'
import { type Happening, keyText, type SourceDatabase } from './source.ts'
import { hasKey, type SourceTable } from './tables.ts'
import { newWriter, type WriterFigures } from './writer.ts'

export interface TaskFigures extends WriterFigures {
  /** Changes that came while their table was being loaded. */
  cached: number
  /** Cached changes that were known already to the load row of their key. */
  cachedAndLoaded: number
  /** Changes that happened while DMS did not look, be it before the first load or in a gap. */
  unseen: number
  /** Changes sent again after a resume, with a fresh timestamp. */
  repeats: number
}

/** The part of a DMS task that reads a source and writes records. */
export interface Task {
  readonly records: readonly PlannedRecord[]
  figures(): TaskFigures
  /**
   * Loads tables; what happens to them meanwhile is cached, and sent when they are loaded.
   * @param meanwhile called after each row; may change the source and `commit`
   */
  load(tables: readonly SourceTable[], withDropTable: boolean, meanwhile: () => void): void
  /** What one transaction of the source did. */
  commit(happenings: readonly Happening[]): void
  addedColumn(table: SourceTable): void
  widenedColumn(table: SourceTable): void
  /** Stops, and goes on at an older checkpoint. */
  resume(): void
  /** Stops looking at these tables until their next load, and lets some time pass. */
  lookAway(tables: readonly SourceTable[]): void
}

const SECOND = 1_000_000
/** Longer than the handicap of a load, so that nothing from before a load passes for newer than its rows. */
const QUIET_MICROS = 31 * SECOND

/** @param keys how many keys a table can have */
export function newTask(
  source: SourceDatabase,
  keys: number,
  settings: TaskSettings,
  endpoint: Endpoint,
  random: Random,
): Task {
  const clock = newClock(settings.parallelApply, random)
  const writer = newWriter(source, clock, endpoint, random)
  const figures = { cached: 0, cachedAndLoaded: 0, unseen: 0, repeats: 0 }
  const nextPlaces = sourceLog(random)
  /** Tables that are not live: what is cached for them, or null while DMS does not look. */
  const waiting = new Map<SourceTable, Caught[] | null>()
  /** The changes since DMS began to look, in order: a resume sends some of them again, from this one on or later. */
  let sent: Caught[] = []
  let oldestCheckpoint = 0

  function sendFirst(change: Caught): void {
    writer.change(change)
    sent.push({ ...change, micros: null })
    // Sent again, it could carry the columns of another row that has its old key by then.
    if (change.isPartialMove) oldestCheckpoint = sent.length
  }

  /** Reads each key at a moment of its own, as ranges that are read side by side; a table without a key at once. */
  function* rowsToLoad(tables: readonly SourceTable[]): Generator<readonly [SourceTable, Row]> {
    const atKey = (table: SourceTable) =>
      Array.from({ length: keys }, (_, index) => [table, () => source.rowAt(table, index)] as const)
    const atOnce = (table: SourceTable) => Array.from(source.rows(table), (row) => [table, () => row] as const)
    const reads = tables.flatMap((table) => (hasKey(table) ? atKey(table) : atOnce(table)))
    while (reads.length > 0) {
      const [table, read] = reads.splice(random.below(reads.length), 1)[0]!
      const row = read()
      if (row !== undefined) yield [table, row]
    }
  }

  return {
    records: writer.records,
    figures: () => ({ ...writer.figures, ...figures }),
    load(tables, withDropTable, meanwhile) {
      writer.own('awsdms_status', 'update', { task_status: 'FULL LOAD' })
      writer.own('awsdms_suspended_tables', 'delete', {})
      // A partial image that is not older than `drop-table`, where the row's whole image is, would be all that is left.
      if (tables.some(({ images }) => images !== 'whole')) clock.beQuiet(QUIET_MICROS)
      for (const table of tables) {
        waiting.set(table, [])
        if (withDropTable) writer.control(table, 'drop-table')
        if (withDropTable) writer.control(table, 'create-table')
      }
      for (const [table, row] of rowsToLoad(tables)) {
        const key = keyText(table, row)
        figures.cachedAndLoaded += waiting.get(table)!.filter(({ newKey }) => newKey === key).length
        writer.load(table, row)
        clock.pass(SECOND / 5)
        meanwhile()
      }
      clock.beQuiet(0)
      for (const table of tables) {
        for (const change of waiting.get(table)!) sendFirst(change)
        waiting.delete(table)
      }
      writer.own('awsdms_status', 'update', { task_status: 'CHANGE PROCESSING' })
    },

    commit(happenings) {
      clock.pass(SECOND)
      for (const [index, place] of nextPlaces(happenings.length, clock.now()).entries()) {
        const happening = happenings[index]!
        const cache = waiting.get(happening.table)
        const isLive = cache === undefined
        const columns = sentColumns(happening.table, source.columns(happening.table))
        const change = caughtChange(happening, columns, place, isLive, settings, endpoint)
        if (isLive) sendFirst(change)
        else if (cache === null) figures.unseen++
        else {
          figures.cached++
          cache.push(settings.cachedTime === 'caught' ? { ...change, micros: clock.ofChange(rowsOf(change)) } : change)
        }
      }
    },

    addedColumn(table) {
      clock.pass(SECOND)
      if (endpoint.includeTableAlterOperations) writer.control(table, 'add-column')
      // Sent again, a change of key from before has no value for the new column, like a partial one.
      const isMove = ({ record, key, newKey }: Caught) =>
        record.table === table && record.op === 'update' && key !== newKey
      oldestCheckpoint = Math.max(oldestCheckpoint, sent.findLastIndex(isMove) + 1)
    },

    widenedColumn(table) {
      clock.pass(SECOND)
      if (endpoint.includeTableAlterOperations) writer.control(table, 'column-type-change')
    },

    resume() {
      clock.beQuiet(random.below(120 * SECOND))
      writer.start()
      const from = Math.max(oldestCheckpoint, sent.length - random.below(200))
      for (const change of sent.slice(from)) writer.change(change)
      figures.repeats += sent.length - from
      writer.own('awsdms_status', 'update', { task_status: 'CHANGE PROCESSING' })
    },

    lookAway(tables) {
      for (const table of tables) waiting.set(table, null)
      sent = []
      oldestCheckpoint = 0
      writer.start()
      clock.beQuiet(QUIET_MICROS + (random.chance(0.5) ? 0 : random.below(3 * 3_600) * SECOND))
    },
  }
}

/** Gives the places of the changes of one transaction. */
function sourceLog(random: Random): (changes: number, committedMicros: number) => LogPlace[] {
  let transaction = 88_000 + random.below(1_000)
  let offset = 0x1c0040e8
  return (changes, committedMicros) => {
    transaction += 1 + random.below(9)
    return Array.from({ length: changes }, (_, index) => {
      offset += 8 * (1 + random.below(200))
      const lsn = `0000000A/${offset.toString(16).toUpperCase().padStart(8, '0')}`
      return { transaction, record: index + 1, committedMicros, position: `${lsn}.${index + 2}.${lsn}` }
    })
  }
}
