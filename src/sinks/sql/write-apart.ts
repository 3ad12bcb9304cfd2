import type { Change } from '../../change.ts'
import type { Database } from './connection.ts'
import type { Dialect } from './dialect.ts'
import type { Plan, TargetTable } from './layout.ts'
import {
  type Blaming,
  ofRows,
  RowsFailure,
  refusalOf,
  suspicionOf,
  type WrittenRows,
  writePlan,
} from './refused-rows.ts'
import { sumAside } from './set-aside.ts'

/** So many rows are refused for what looks like the table's fault while none is taken: then it is the table's. */
const ENOUGH_FOR_A_TABLE = 20

export interface ApartOptions extends Blaming {
  readonly writing: Dialect['writing']
  /** True to check with each part what would be checked at COMMIT. */
  readonly withConstraints: boolean
}

/**
 * Writes the changes of one table, and finds those that the target refuses: the database does not say which row of a
 * statement it was, so what fails is halved until one change is left. Order is kept: a half comes after the one before it.
 *
 * @throws RowsFailure if no row is at fault
 */
export function writeApart(
  to: Database,
  options: ApartOptions,
  table: TargetTable,
  changes: readonly Change[],
): Promise<WrittenRows> {
  return new Search(to, options, table).write(changes)
}

class Search {
  readonly #to: Database
  readonly #options: ApartOptions
  readonly #table: TargetTable
  /** True once the statements were seen to pass without rows. */
  #isSound = false
  #taken = 0
  /** Of rows that were refused for what looks like the table's fault. */
  readonly #byTable: RowsFailure[] = []

  constructor(to: Database, options: ApartOptions, table: TargetTable) {
    this.#to = to
    this.#options = options
    this.#table = table
  }

  async write(changes: readonly Change[]): Promise<WrittenRows> {
    const written = await this.#writeRange(changes, 0)
    this.#requireTaken(1)
    return written
  }

  async #writeRange(changes: readonly Change[], depth: number): Promise<WrittenRows> {
    const plan = await this.#plan(changes)
    try {
      return await this.#writePart(plan, changes.length, depth)
    } catch (error) {
      const suspicion = suspicionOf(error, this.#options)
      if (!(error instanceof RowsFailure) || suspicion === null) throw error
      const isSure = suspicion.blame === 'row' || suspicion.blame === 'rule'
      if (!isSure) await this.#requireSound(plan, depth, error)
      if (changes.length === 1) {
        const again = isSure ? error : await this.#failureAgain(plan, depth)
        return again instanceof RowsFailure ? this.#refused(changes[0]!, again) : again
      }
      const middle = changes.length >> 1
      const first = await this.#writeRange(changes.slice(0, middle), depth + 1)
      const second = await this.#writeRange(changes.slice(middle), depth + 1)
      return {
        applied: first.applied + second.applied,
        refused: [...first.refused, ...second.refused],
        doubtful: [...first.doubtful, ...second.doubtful],
        setAside: sumAside(first.setAside, second.setAside),
      }
    }
  }

  async #plan(changes: readonly Change[]): Promise<Plan> {
    const plan = await this.#table.plan(changes)
    if (plan === null) throw new Error(`Table ${this.#table.source} was planned before and cannot be now`)
    return plan
  }

  async #writePart(plan: Plan, count: number, depth: number): Promise<WrittenRows> {
    const { writing, withConstraints } = this.#options
    const written = await writing.part(this.#to, depth, async () => {
      const written = await writePlan(this.#to, plan, this.#options)
      if (withConstraints) await ofRows(async () => writing.checkConstraints?.(this.#to))
      return written
    })
    this.#taken += count - written.refused.length
    return written
  }

  /** The same statements without rows: if they fail, too, no row is at fault. @throws `failure` */
  async #requireSound({ writeNothing }: Plan, depth: number, failure: RowsFailure): Promise<void> {
    const { writing } = this.#options
    if (this.#isSound || writeNothing === undefined || !writing.undoesParts) return
    try {
      await writing.part(this.#to, depth, () => writeNothing(this.#to))
    } catch (error) {
      throw suspicionOf(error, this.#options) === null ? error : failure
    }
    this.#isSound = true
  }

  /** Whether a change that was refused alone is refused once more. */
  async #failureAgain(plan: Plan, depth: number): Promise<WrittenRows | RowsFailure> {
    try {
      return await this.#writePart(plan, 1, depth)
    } catch (error) {
      if (!(error instanceof RowsFailure) || suspicionOf(error, this.#options) === null) throw error
      return error
    }
  }

  #refused(change: Change, failure: RowsFailure): WrittenRows {
    const { failures } = this.#options
    if (failures.meaning(failure.error).blame === 'table') {
      this.#byTable.push(failure)
      this.#requireTaken(ENOUGH_FOR_A_TABLE)
    }
    const { letter, isDoubtful } = refusalOf(change, failure.error, failures)
    return { applied: 0, refused: [letter], doubtful: isDoubtful ? [letter] : [], setAside: new Map() }
  }

  /** What looks like the table's fault is that of rows only beside others that the table takes. */
  #requireTaken(most: number): void {
    if (this.#taken === 0 && this.#byTable.length >= most) throw this.#byTable[0]!
  }
}
