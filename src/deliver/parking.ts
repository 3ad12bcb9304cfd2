import { type Change, type DeadLetter, recordToJson, type StreamChange, type TableName, tableLabel } from '../change.ts'
import { type FailureCode, PARKED, RelayError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import type { ReadyBatch } from './batch-builder.ts'

/** What is kept of one parked table before the relay stops. */
export interface ParkLimit {
  /** Dead letters, those of earlier runs included. */
  readonly count: number
  /** Of those that this process kept. */
  readonly bytes: number
}

export interface ParkingOptions {
  readonly limit: ParkLimit
  /** How many dead letters of parked tables are open, by table as `tableLabel` prints it. A table is parked as long as it has any. */
  readonly countLetters: () => Promise<ReadonlyMap<string, number>>
  /**
   * Tries to write the dead letters of a parked table again, as `dead-letters replay` would; absent: only an operator does. Resolves to
   * whether the table took all that were there. Failures that are to be expected are said, not thrown.
   */
  readonly writeAgain?: (table: string, signal: AbortSignal) => Promise<boolean>
  /** Called before a table goes on: who wrote its letters may have made it anew. */
  readonly onMended?: () => Promise<void>
  readonly observer: Pick<Observer, 'parked' | 'unparked'>
  /** A clock that only goes forward, ms. */
  readonly nowMs?: () => number
}

/** Of a parked table. */
export interface ParkedTable {
  /** What was wrong; null for one that was parked when this process began. */
  readonly trouble: RelayError | null
  /** Dead letters that are kept of it. */
  readonly count: number
}

interface Parked extends ParkedTable {
  count: number
  bytes: number
  /** True once letters of it are durable: until then there is nothing that could be gone. */
  hasLetters: boolean
  /** True once letters of it were written again. */
  takesRows: boolean
}

/** Failures that are one table's, where they name it. */
const OF_TABLE: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'SINK_TABLE',
  'SINK_DENIED',
  'TOO_MANY_REFUSED',
  'KEY_UNKNOWN',
  'TABLE_GAP',
])

/** Whether a failure with this code is that of the table that it names. */
export const isOfTable = (code: FailureCode): boolean => OF_TABLE.has(code)

/** The source table that is at fault for the error; null if none is. */
export function tableAtFault(error: unknown): string | null {
  if (!(error instanceof RelayError) || !isOfTable(error.code)) return null
  const { table } = error.place
  return typeof table === 'string' ? table : null
}

/** A parked table's changes of schema: what follows from them is a fact by then. */
const PARKED_SCHEMA = 'schema-of-parked-table'

/** A parked table is looked at again after so long, then twice as long, … */
const FIRST_LOOK_MS = 1000
const MOST_LOOK_MS = 10 * 60_000
/** So many letters may be written between two batches, while all other tables wait. */
const FEW_LETTERS = 1000
/** So many may be written before a relay begins to read: it takes seconds. */
const FEW_AT_START = 20_000

/**
 * The tables that cannot be written, for a reason of their own. Their changes are kept, in their order, as dead letters: with the positions
 * of their batch, so each is kept once. All other tables go on.
 *
 * A table stays parked until its last letter is gone, written again or discarded: what came later would else overtake them, and a partial
 * image that does so leaves a row without the values that the letters have.
 */
export class Parking {
  readonly #options: ParkingOptions
  readonly #tables = new Map<string, Parked>()
  readonly #now: () => number
  readonly #closing = new AbortController()
  #version = 0
  #lookEveryMs = FIRST_LOOK_MS
  #lookAtMs = 0
  #timer: NodeJS.Timeout | undefined
  #trying: Promise<void> = Promise.resolve()
  #isTrying = false

  constructor(options: ParkingOptions) {
    this.#options = options
    this.#now = options.nowMs ?? (() => performance.now())
  }

  /** Another number whenever other tables are parked than before. */
  get version(): number {
    return this.#version
  }

  get tables(): ReadonlyMap<string, ParkedTable> {
    return this.#tables
  }

  isParked(table: TableName): boolean {
    return this.#tables.size > 0 && this.#tables.has(tableLabel(table))
  }

  /** Whether the table that is at fault for the error is parked. */
  isParkedFor(error: RelayError): boolean {
    const table = tableAtFault(error)
    return table !== null && this.#tables.has(table)
  }

  /** Finds the tables that an earlier run parked, if they are not mended by now. Those with many letters are tried beside the batches. */
  async load(): Promise<void> {
    const { countLetters, writeAgain } = this.#options
    let counts = await countLetters()
    if (writeAgain !== undefined && counts.size > 0) {
      for (const [table, count] of counts) if (count <= FEW_AT_START) await writeAgain(table, this.#closing.signal)
      counts = await countLetters()
    }
    for (const [table, count] of counts) if (!this.#tables.has(table)) this.#add(table, null, count)
  }

  /** Parks the table that is at fault for the error; false if none is, or if that did not help. */
  park(error: unknown): boolean {
    const table = tableAtFault(error)
    if (table === null || this.#tables.has(table)) return false
    this.#add(table, error as RelayError, 0)
    return true
  }

  #add(table: string, trouble: RelayError | null, count: number): void {
    this.#tables.set(table, { trouble, count, bytes: 0, hasLetters: count > 0, takesRows: false })
    this.#version++
    this.#lookSoon()
    this.#options.observer.parked(table, trouble, count)
  }

  /** The batch with the changes of parked tables as dead letters; the same if it has none. */
  apart(batch: ReadyBatch): ReadyBatch {
    if (this.#tables.size === 0) return batch
    const changes: StreamChange[] = []
    const letters: DeadLetter[] = []
    let schemas = 0
    for (const item of batch.changes) {
      if (!this.isParked(item.table)) changes.push(item)
      else if (item.kind === 'schema') schemas++
      else letters.push(this.#letter(item))
    }
    if (changes.length === batch.changes.length) return batch
    const skips = new Map(batch.skips)
    if (schemas > 0) skips.set(PARKED_SCHEMA, schemas)
    return { ...batch, changes, skips, deadLetters: [...batch.deadLetters, ...letters] }
  }

  #letter(change: Change): DeadLetter {
    const table = tableLabel(change.table)
    const trouble = this.#tables.get(table)!.trouble
    const detail = `Table ${table} is parked${trouble === null ? '' : `, since ${trouble.code}`}`
    return { kind: 'dead-letter', code: PARKED, detail, change: withReadableImages(change), source: change.source }
  }

  /** The batch is durable. @throws RelayError PARK_LIMIT if too much is kept of a table by now */
  kept({ deadLetters }: Pick<ReadyBatch, 'deadLetters'>): void {
    if (this.#tables.size === 0) return
    const { limit } = this.#options
    for (const letter of deadLetters) {
      const table = letter.code === PARKED ? this.#tables.get(tableLabel(letter.change!.table)) : undefined
      if (table === undefined) continue
      table.count++
      table.hasLetters = true
      table.bytes += recordToJson(letter).length
    }
    for (const [table, { count, bytes, trouble }] of this.#tables) {
      if (count <= limit.count && bytes <= limit.bytes) continue
      const why = trouble === null ? '' : `. It was parked for ${trouble.code}: ${trouble.detail}`
      throw new RelayError('PARK_LIMIT', `${count} changes of table ${table} are kept by now${why}`, { table })
    }
  }

  get isLookDue(): boolean {
    return this.#tables.size > 0 && this.#now() >= this.#lookAtMs
  }

  /**
   * Lets the tables go on whose letters are gone. Of a busy table some always came since they were written again: those are written here.
   * Call it between two batches, so that none comes meanwhile.
   */
  async look(): Promise<void> {
    const { writeAgain } = this.#options
    this.#lookAtMs = this.#now() + this.#lookEveryMs
    let counts = await this.#options.countLetters()
    for (const [table, parked] of this.#tables) {
      const count = counts.get(table) ?? 0
      // An operator has them written again, too.
      if (count > 0 && count < parked.count) parked.takesRows = true
      parked.count = count
    }
    const left = [...this.#tables].filter(([, { count, takesRows }]) => takesRows && count > 0 && count <= FEW_LETTERS)
    if (writeAgain !== undefined && left.length > 0 && !this.#isTrying) {
      for (const [table, parked] of left) parked.takesRows = await writeAgain(table, this.#closing.signal)
      counts = await this.#options.countLetters()
    }
    const free = [...this.#tables].filter(([table, { hasLetters }]) => hasLetters && !counts.has(table))
    if (free.length > 0) await this.#options.onMended?.()
    for (const [table] of free) this.#free(table)
  }

  #free(table: string): void {
    this.#tables.delete(table)
    this.#version++
    this.#options.observer.unparked(table)
  }

  #lookSoon(): void {
    this.#lookEveryMs = FIRST_LOOK_MS
    this.#lookAtMs = this.#now() + FIRST_LOOK_MS
    if (this.#options.writeAgain !== undefined) this.#tryLater()
  }

  #tryLater(): void {
    clearTimeout(this.#timer)
    if (this.#tables.size === 0 || this.#closing.signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#isTrying = true
      this.#trying = this.#tryAgain().finally(() => {
        this.#isTrying = false
      })
      this.#trying.catch(() => {}) // seen by `close`
    }, this.#lookEveryMs).unref()
    this.#lookEveryMs = Math.min(2 * this.#lookEveryMs, MOST_LOOK_MS)
  }

  /** Beside the batches: what those keep meanwhile comes behind what is written again. */
  async #tryAgain(): Promise<void> {
    const { signal } = this.#closing
    for (const [table, parked] of [...this.#tables]) {
      if (signal.aborted || !(await this.#options.writeAgain!(table, signal))) continue
      parked.takesRows = true
      this.#lookAtMs = 0
    }
    this.#tryLater()
  }

  /** Resolves when nobody writes letters again. Twice is fine. @throws what a try met that was not to be expected */
  async close(): Promise<void> {
    this.#closing.abort()
    clearTimeout(this.#timer)
    await this.#trying
  }
}

/** An old image that cannot be read is left out: nothing but a log has a use for it. */
function withReadableImages(change: Change): Change {
  try {
    void change.before
    return change
  } catch (error) {
    if (!(error instanceof RelayError)) throw error
    const { op, table, key, after, complete, version, time, transaction, expired, source } = change
    return {
      ...{ kind: 'change', op, table, key, before: null, after, complete, version, time, source },
      ...(transaction !== undefined && { transaction }),
      ...(expired !== undefined && { expired }),
    }
  }
}
