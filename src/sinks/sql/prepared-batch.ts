import type { Batch, Facts, Rewound, Written } from '../../batch.ts'
import { RelayError } from '../../errors.ts'
import type { Write } from '../sink.ts'
import { placeOfBatch } from '../tables/place-of-batch.ts'
import { type Group, groupByTable, isUpToDate, learnAndPlan, planTables, type TablePlan } from '../tables/planning.ts'
import { schemaPolicy } from '../tables/schema-changes.ts'
import { askerOf } from './advice.ts'
import { sqlFailure } from './failures.ts'
import type { Opened } from './open-target.ts'
import { RowsFailure } from './refused-rows.ts'
import { type Course, remedyFor, type Where } from './remedies.ts'
import type { Settings } from './sink-options.ts'
import { Outdated } from './unclaimed-state.ts'
import { Fenced, writeBatch } from './write-batch.ts'

/** Plans at once, as far as the tables are known; what is returned writes, as often as it takes. */
export function prepareBatch(opened: Opened, options: Settings, batch: Batch): Write {
  const prepared = new PreparedBatch(opened, options, batch)
  return (signal) => prepared.write(signal)
}

class PreparedBatch {
  readonly #opened: Opened
  readonly #options: Settings
  readonly #batch: Batch
  readonly #rewinds: number
  #groups: readonly Group[] = []
  /** The facts that the groups were made with. */
  #facts: Facts | undefined
  #ahead: Promise<TablePlan[] | undefined> = Promise.resolve(undefined)
  #plans: TablePlan[] | undefined
  /** What the last attempt that sent COMMIT had done: perhaps nobody answered. An earlier one was not committed, or the fence would have said so. */
  #unanswered: Written | undefined
  /** The table that is being written. */
  #table: string | null = null
  /** Calls of the write that failed. */
  #attemptsBefore = 0

  constructor(opened: Opened, options: Settings, batch: Batch) {
    this.#opened = opened
    this.#options = options
    this.#batch = batch
    this.#rewinds = opened.state.rewinds()
    this.#plan()
  }

  async write(signal: AbortSignal): Promise<Written | Rewound> {
    let course: Course = { manner: 'together', hasLooked: false, attemptsBefore: this.#attemptsBefore }
    let outdated: Outdated | null = null
    for (;;) {
      try {
        if (outdated !== null) await this.#catchUp(outdated)
        outdated = null
        return await this.#attempt(signal, course)
      } catch (error) {
        if (error instanceof Outdated) outdated = error
        else course = this.#courseAfter(error, course)
      }
    }
  }

  /** With what is known of the tables and their floors now. */
  #plan(): void {
    const { state, unclaimed, tables } = this.#opened
    this.#facts = unclaimed === null ? undefined : state.stored().facts
    this.#groups = groupByTable(unclaimed?.withFloors(this.#batch) ?? this.#batch, this.#options.mode === 'mirror')
    this.#ahead = planTables(tables, this.#groups)
    this.#ahead.catch(() => {}) // a key of other columns: said by the write, since what comes before it is still being written
    this.#plans = undefined
  }

  /** Another process of the name learned something of the tables. What is known counts as known once all of it was read. */
  async #catchUp(outdated: Outdated): Promise<void> {
    const { state, unclaimed, tables } = this.#opened
    await tables.load(state.name())
    await unclaimed?.catchUp(outdated)
  }

  async #currentPlans(): Promise<TablePlan[]> {
    const { connection, state, tables } = this.#opened
    this.#plans ??= await this.#ahead
    if (this.#plans === undefined || !isUpToDate(this.#plans, tables)) {
      await state.requireName(connection.db)
      this.#plans = await learnAndPlan(tables, this.#groups)
    }
    return this.#plans
  }

  async #attempt(signal: AbortSignal, { manner }: Course): Promise<Written | Rewound> {
    const { connection, dialect, state, unclaimed, tables, pruner, doubted } = this.#opened
    this.#table = null
    // Prepared before the target was rewound: of records that are read again.
    if (this.#rewinds !== state.rewinds()) return { kind: 'rewound', ...state.stored() }
    await state.keepLock()
    // Other processes may have learned of floors since it was prepared.
    if (unclaimed !== null && state.stored().facts !== this.#facts) this.#plan()
    const schema = schemaPolicy(this.#options, this.#groups)
    const plans = await this.#currentPlans()
    await pruner.pruneDue(state.name(), plans)
    let committingMs: number | null = null
    try {
      const done = await writeBatch(connection.db, dialect, state, this.#batch, plans, schema, {
        takesTurns: this.#options.mode === 'mirror' || unclaimed !== null,
        manner,
        attemptsBefore: this.#attemptsBefore,
        doubted,
        onError: this.#options.onError,
        onTable: (source) => {
          this.#table = source
        },
        onCommit: (written) => {
          this.#unanswered = written
          committingMs = performance.now()
        },
      })
      const written = { ...done, commitMs: performance.now() - committingMs! }
      state.moved(this.#batch)
      if (plans.some((plan) => plan.isOutdated?.())) tables.forget()
      const facts = unclaimed?.newFacts() ?? null
      return facts === null ? written : { ...written, facts }
    } catch (error) {
      if (committingMs !== null) throw new CommitFailure(error)
      if (!(error instanceof Fenced)) throw error
      const older = await state.settle(this.#batch, signal)
      return older === null ? (this.#unanswered ?? error.written) : { kind: 'rewound', ...older }
    }
  }

  /** How to go on after a failure. @throws RelayError where only trying again later helps, or an operator */
  #courseAfter(thrown: unknown, course: Course): Course {
    const { dialect, tables } = this.#opened
    const { failures } = dialect
    const { where, error } = causeOf(thrown)
    const remedy = isOfTarget(error) ? remedyFor(failures.meaning(error), where, course) : null
    if (remedy === null) {
      this.#attemptsBefore++
      const place = { ...placeOfBatch(this.#batch), ...(this.#table !== null && { table: this.#table }) }
      throw sqlFailure(error, failures, place, {
        ...askerOf(this.#options.url, this.#options.env),
        tables: tablesOf(this.#plans),
      })
    }
    // Looked at once more, the tables say what is wrong with them.
    if (remedy.hasLooked && !course.hasLooked) tables.forget()
    return remedy
  }
}

const tablesOf = (plans: readonly TablePlan[] = []) => plans.map(({ table: { schema, name } }) => ({ schema, name }))

/** What the database or its driver threw. */
const isOfTarget = (error: unknown): error is Error =>
  error instanceof Error && !(error instanceof RelayError) && error.name !== 'AbortError'

/** COMMIT failed. */
class CommitFailure extends Error {
  readonly error: unknown

  constructor(error: unknown) {
    super('COMMIT failed')
    this.error = error
  }
}

function causeOf(thrown: unknown): { where: Where; error: unknown } {
  if (thrown instanceof RowsFailure) return { where: 'rows', error: thrown.error }
  if (thrown instanceof CommitFailure) return { where: 'commit', error: thrown.error }
  return { where: 'elsewhere', error: thrown }
}
