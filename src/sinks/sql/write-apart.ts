import type { Change } from '../../change.ts'
import type { Database } from '../tables/database.ts'
import type { Plan, TargetTable } from '../tables/layout.ts'
import { planAgain } from '../tables/planning.ts'
import { type Refuses, tokensOf } from '../tables/refused-values.ts'
import { sumAside } from '../tables/set-aside.ts'
import type { Mapping } from '../tables/target.ts'
import { longestSets } from '../tables/too-large.ts'
import { type AskOptions, askForRefused } from './ask-values.ts'
import { ofRows, RowsFailure, rejectionOf, suspicionOf, type WrittenRows, writePlan } from './refused-rows.ts'

/** So many rows are refused for what looks like the table's fault while none is taken: then it is the table's. */
const ENOUGH_FOR_A_TABLE = 20

export interface ApartOptions extends AskOptions {
  /** True to check with each part what would be checked at COMMIT. */
  readonly withConstraints: boolean
}

/**
 * Writes the changes of one table, and finds those that the target refuses: the database does not say which row of a
 * statement it was, so what fails is halved until one change is left. Order is kept: a half comes after the one before it.
 *
 * A value that its column does not take costs the value, not the row: before the first cut the server tries those of columns
 * of which only it knows; and a row that is left is tried once without them.
 *
 * @param refuses what the server was asked about before
 * @throws RowsFailure if no row is at fault
 */
export function writeApart(
  to: Database,
  options: ApartOptions,
  table: TargetTable,
  changes: readonly Change[],
  refuses: Refuses | null,
): Promise<WrittenRows> {
  return new Search(to, options, table, refuses).write(changes)
}

class Search {
  readonly #to: Database
  readonly #options: ApartOptions
  readonly #table: TargetTable
  #refuses: Refuses | null
  #hasAsked = false
  /** True once the statements were seen to pass without rows. */
  #isSound = false
  #taken = 0
  /** Of rows that were refused for what looks like the table's fault. */
  readonly #byTable: RowsFailure[] = []

  constructor(to: Database, options: ApartOptions, table: TargetTable, refuses: Refuses | null) {
    this.#to = to
    this.#options = options
    this.#table = table
    this.#refuses = refuses
  }

  async write(changes: readonly Change[]): Promise<WrittenRows> {
    const written = await this.#writeRange(changes, 0)
    this.#requireTaken(1)
    return written
  }

  async #writeRange(changes: readonly Change[], depth: number): Promise<WrittenRows> {
    const plan = await planAgain(this.#table, changes, this.#refuses ?? undefined)
    try {
      return await this.#writePart(plan, changes.length, depth)
    } catch (error) {
      const suspicion = suspicionOf(error, this.#options)
      if (!(error instanceof RowsFailure) || suspicion === null) throw error
      const isSure = suspicion.blame === 'row' || suspicion.blame === 'rule'
      if (!isSure) await this.#requireSound(plan, depth, error)
      if (await this.#learnsOfRefused(changes)) return await this.#writeRange(changes, depth)
      if (changes.length === 1) return await this.#writeAlone(changes[0]!, plan, depth, isSure ? error : null)
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

  /** Asks once, about all that is to be written. */
  async #learnsOfRefused(changes: readonly Change[]): Promise<boolean> {
    const { unsure = [] } = this.#table
    if (this.#hasAsked || unsure.length === 0) return false
    this.#hasAsked = true
    const refuses = await askForRefused(this.#to, this.#options, this.#table, unsure, changes)
    this.#refuses = refuses ?? this.#refuses
    return refuses !== null
  }

  /** @param failure if that was a row's for sure; else the change is written again */
  async #writeAlone(change: Change, plan: Plan, depth: number, failure: RowsFailure | null): Promise<WrittenRows> {
    const again = failure ?? (await this.#failureOf(plan, depth))
    if (!(again instanceof RowsFailure)) return again
    const without = await this.#planWithoutUnsure(change)
    if (without !== null) {
      const written = await this.#failureOf(without, depth)
      if (!(written instanceof RowsFailure)) return written
    }
    return (await this.#writeShortened(change, again, depth)) ?? this.#refused(change, again)
  }

  /** A row that is too large: its longest values cost themselves, and not the row. Null if it is refused all the same. */
  async #writeShortened(change: Change, { error }: RowsFailure, depth: number): Promise<WrittenRows | null> {
    if (this.#options.failures.isTooLarge?.(error) !== true) return null
    for (const tooLarge of longestSets(this.#table.longestFirst?.(change) ?? [])) {
      const refuses: Refuses = Object.assign(
        (mapping: Mapping, token: string) => tooLarge(mapping, token) || this.#refuses?.(mapping, token) === true,
        { why: tooLarge.why },
      )
      const written = await this.#failureOf(await planAgain(this.#table, [change], refuses), depth)
      if (!(written instanceof RowsFailure)) return written
    }
    return null
  }

  /** Null if the change has no values that only the server can try, or the row cannot do without them. */
  async #planWithoutUnsure(change: Change): Promise<Plan | null> {
    const columns = (this.#table.unsure ?? []).filter(
      (column) => !column.isKey && tokensOf(column, [change]).length > 0,
    )
    if (columns.length === 0) return null
    const names = new Set(columns.map(({ column }) => column))
    const plan = await planAgain(this.#table, [change], ({ column }) => names.has(column))
    return plan.refused.length === 0 ? plan : null
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

  /** Of one change: a failure that may be its own. */
  async #failureOf(plan: Plan, depth: number): Promise<WrittenRows | RowsFailure> {
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
    const { letter, isDoubtful } = rejectionOf(change, failure.error, failures)
    return { applied: 0, refused: [letter], doubtful: isDoubtful ? [letter] : [], setAside: new Map() }
  }

  /** What looks like the table's fault is that of rows only beside others that the table takes. */
  #requireTaken(most: number): void {
    if (this.#taken === 0 && this.#byTable.length >= most) throw this.#byTable[0]!
  }
}
