import {
  type Change,
  type ImageTokens,
  newRow,
  type Row,
  tableLabel,
  type UnreadImages,
  type Value,
} from '../../change.ts'
import type { Log } from '../../observe/log.ts'
import type { SourceFacts } from './source-facts.ts'

/** `--missing-columns`. */
export type MissingColumnsPolicy = 'auto' | 'null' | 'keep'

/**
 * What it means that an image of DMS lacks a column.
 *
 * With `IncludeNullAndEmpty=true` the endpoint sends nulls, and what is missing was not sent: it keeps its value. Without
 * it (the default) nulls and empty text are left out. Which of the two it is the stream shows with its first null.
 *
 * @see AWS DMS User Guide, "Using Amazon Kinesis Data Streams as a target", IncludeNullAndEmpty
 */
export class MissingColumns {
  /** Whether this stream has ever shown a null or an empty text. */
  sendsNulls = false
  readonly #policy: MissingColumnsPolicy
  readonly #log: Log
  #hasWarned = false
  /** The names of rows that lacked nothing of these columns. */
  readonly #complete = new WeakMap<readonly string[], SourceFacts['columns']>()

  constructor(policy: MissingColumnsPolicy, log: Log) {
    this.#policy = policy
    this.#log = log
  }

  /** True if a column that an update lacks is NULL now, false if it keeps its value. */
  get meanNull(): boolean {
    return this.#policy === 'null' || (this.#policy === 'auto' && !this.sendsNulls)
  }

  /** Looks at a row, as long as rows can tell something. True if it is the first of the stream to show a null. */
  isFirstNull(after: Row): boolean {
    if (this.sendsNulls || this.#policy === 'null' || !holdsNullOrEmpty(after)) return false
    this.sendsNulls = true
    return true
  }

  /** The same of a row that is not read. */
  isFirstNullIn({ hasNullOrEmpty }: UnreadImages): boolean {
    if (this.sendsNulls || this.#policy === 'null' || !hasNullOrEmpty) return false
    this.sendsNulls = true
    return true
  }

  /**
   * Of an update that makes what it lacks NULL: the row with the large values that only the before image has. Those the log of
   * PostgreSQL leaves out where they did not change (TOAST); that a row had one and has none now is rare beside it.
   */
  withLargeValues(after: Row, before: Row | null): Row {
    if (before === null || this.#policy !== 'auto') return after
    let whole: Record<string, Value> | undefined
    for (const column in before) {
      const value = before[column]
      if (column in after || typeof value !== 'string' || value.length < LARGE_LENGTH) continue
      whole ??= Object.assign(newRow(), after)
      whole[column] = value
    }
    return whole ?? after
  }

  /** Warns, once a run, of a row that lacks one of the columns of its table where that loses something. */
  look(change: Change, after: Row, columns: Iterable<string>): void {
    if (this.#hasWarned || this.sendsNulls) return
    for (const column of columns) {
      if (column in after) continue
      this.#warn(change, column)
      return
    }
  }

  /** The same of a row that is not read. */
  lookAt(change: Change, { names }: ImageTokens, columns: SourceFacts['columns']): void {
    if (this.#hasWarned || this.sendsNulls || this.#complete.get(names) === columns) return
    const lacked = [...columns.keys()].find((column) => !names.includes(column))
    if (lacked === undefined) this.#complete.set(names, columns)
    else this.#warn(change, lacked)
  }

  #warn({ table, op }: Change, column: string): void {
    this.#hasWarned = true
    this.#log.warn(
      { code: 'COLUMN_MISSING', table: tableLabel(table), column, op },
      this.#policy === 'keep' ? KEPT : MADE_NULL,
    )
  }
}

/** Rows above 2 kB are made smaller, their longest values first. */
const LARGE_LENGTH = 1000

const FIX = 'DMS seems to leave NULL and empty text out: set IncludeNullAndEmpty=true on its Kinesis endpoint.'
const MADE_NULL = `A row lacks a column of its table. ${FIX} Without it empty text becomes NULL, and so does a large value that neither an update nor its before image carries`
const KEPT = `A row lacks a column of its table. ${FIX} Without it a column that is set to NULL or to empty text keeps its old value`

function holdsNullOrEmpty(row: Row): boolean {
  for (const column in row) {
    const value = row[column]
    if (value === null || value === '') return true
  }
  return false
}
