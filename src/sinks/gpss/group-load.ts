import type { SetAsideColumns } from '../../batch.ts'
import type { Change, DeadLetter } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Group } from '../tables/planning.ts'
import { refuseTooMany } from '../tables/refused.ts'
import type { Refuses } from '../tables/refused-values.ts'
import { sumAside } from '../tables/set-aside.ts'
import type { Mapping } from '../tables/target.ts'
import type { Gpss } from './connection.ts'
import { type Blame, blameOf, isTooLarge } from './failures.ts'
import type { Load } from './session.ts'
import type { LoadPlan, LoadTarget, Probe } from './target.ts'

export interface GroupLoadOptions {
  readonly gpss: Gpss
  readonly target: LoadTarget
  /** What becomes of a row that Greenplum refuses. */
  readonly onError: 'dead-letter' | 'stop'
  /** Attempts at the batch that failed before this one. */
  readonly attemptsBefore: number
  /** True once the tables were looked at again because of an error. */
  readonly hasLooked: boolean
}

export interface Loaded {
  readonly applied: number
  readonly refused: readonly DeadLetter[]
  readonly setAside: SetAsideColumns
}

/** So many attempts fail in words that are not known before rows are suspected: it may be the lock of another load, which ends. */
const SUSPECTS_ROWS_AFTER = 2
/** And so many before a row is blamed though nothing shows that the table takes any: the next time `retrying` gives up. */
const BLAMES_ROWS_AFTER = 5

/** A load that failed, perhaps because of a row. */
interface RowRejection {
  readonly failure: RelayError
  readonly blame: Blame
}

/**
 * The changes of one table on their way. All of them are one load; only if that is refused, it is found out which rows
 * that are, since Greenplum does not say.
 */
export class GroupLoad {
  readonly #options: GroupLoadOptions
  readonly #group: Group
  readonly #refused: DeadLetter[] = []
  #setAside: SetAsideColumns = new Map()
  #applied = 0
  /** Values that Greenplum does not take, by column, as tokens. */
  readonly #notTaken = new Map<string, Set<string>>()
  /** True once the table is seen to take rows. */
  #takesRows = false
  /** What a row failed with that is blamed only if the table turns out to be sound. */
  #suspicion: RowRejection | null = null

  constructor(options: GroupLoadOptions, group: Group) {
    this.#options = options
    this.#group = group
  }

  /**
   * @param planned of all changes
   * @param isRepeat a load of them was tried before
   * @throws RelayError SINK_…, TOO_MANY_REFUSED
   */
  async load(planned: Promise<LoadPlan | null>, isRepeat: boolean): Promise<Loaded> {
    const { changes } = this.#group
    const { target, onError } = this.#options
    let refusal = await this.#try(planned)
    // What an earlier load left behind may be what is refused.
    if (refusal !== null && !isRepeat && target.makeProbe === undefined) refusal = await this.#try(this.#plan(changes))
    if (refusal !== null) {
      if (onError === 'stop') throw refusal.failure
      const left = await this.#withoutRefused()
      if (left.length < changes.length) refusal = await this.#try(this.#plan(left))
      if (refusal !== null) await this.#loadHalves(left, 0, left.length, refusal)
    }
    await this.#requireSound()
    this.#refuseTooMany(changes)
    return { applied: this.#applied, refused: this.#refused, setAside: this.#setAside }
  }

  /**
   * The changes without those that are refused, found without the target: of a log a piece that stands there when the
   * relay is killed would come twice, and the rest of its batch once. What the probe refuses the target is asked, too,
   * for the probe has none of its triggers.
   */
  async #withoutRefused(): Promise<readonly Change[]> {
    const { changes } = this.#group
    const probe = (await this.#options.target.makeProbe?.(this.#group)) ?? null
    if (probe === null) return changes
    const left: Change[] = []
    let isAlike = true
    const sift = async (from: number, to: number): Promise<void> => {
      const piece = changes.slice(from, to)
      if (!isAlike || (await this.#isTaken(probe, piece))) {
        for (const change of piece) left.push(change)
      } else if (to - from > 1) {
        await halved(from, to, sift)
      } else {
        const refusal = await this.#try(this.#plan(piece))
        if (refusal === null) isAlike = false
        else await this.#refuse(piece[0]!, refusal, to)
      }
    }
    await sift(0, changes.length)
    return left
  }

  async #isTaken(probe: Probe, changes: readonly Change[]): Promise<boolean> {
    const load = (await this.#plan(changes))?.load ?? null
    return load === null || (await this.#rejectionOf(() => this.#send(probe(load)))) === null
  }

  /** @param refusal of the whole range */
  async #loadHalves(changes: readonly Change[], from: number, to: number, refusal: RowRejection): Promise<void> {
    if (to - from === 1) {
      await this.#refuse(changes[from]!, refusal, to + this.#group.changes.length - changes.length)
      return
    }
    await halved(from, to, async (from, to) => {
      const refusal = await this.#try(this.#plan(changes.slice(from, to)))
      if (refusal !== null) await this.#loadHalves(changes, from, to, refusal)
    })
  }

  /**
   * A change that was refused alone. Where that may have been for another reason, it is tried once more.
   * @param seen how many changes are settled by now; a table that is wrong for all rows is found out early
   */
  async #refuse(change: Change, refusal: RowRejection, seen: number): Promise<void> {
    const isSure = refusal.blame === 'row'
    const again = isSure ? refusal : await this.#try(this.#plan([change]))
    if (again === null || (await this.#isLoadedWithout(change, again))) return
    const { failure } = again
    const { code, detail } = failure
    const isOfRow = code === 'SINK_REFUSED'
    // What else is said can be what the author of a trigger makes of the row.
    const words = isOfRow ? detail : 'Greenplum refuses the row, in words that may hold values of it'
    const said = () => failure.said() ?? detail
    this.#refused.push({
      kind: 'dead-letter',
      code: 'SINK_REFUSED',
      detail: words,
      change,
      source: change.source,
      said,
    })
    if (!isOfRow && this.#suspicion?.blame !== 'table') this.#suspicion = again
    this.#refuseTooMany(this.#group.changes.slice(0, seen))
  }

  /** Tries the change without values that may be why it was refused: then they cost themselves, and not the row. */
  async #isLoadedWithout(change: Change, { failure, blame }: RowRejection): Promise<boolean> {
    const { target } = this.#options
    if (blame === 'table') return false
    for (const suspects of target.suspects?.(this.#group, change, isTooLarge(failure)) ?? []) {
      const leftOut: [column: string, token: string][] = []
      const refuses: Refuses = Object.assign(
        (mapping: Mapping, token: string) => suspects(mapping, token) && leftOut.push([mapping.column, token]) > 0,
        suspects.why === undefined ? {} : { why: suspects.why },
      )
      const again = await this.#rejectionOf(async () => {
        const plan = await target.plan(this.#group, [change], true, refuses)
        // In a column that must be filled the value costs the row all the same.
        if (plan === null || plan.refused.length > 0) throw new Suspected(failure, blame)
        await this.#loadPlan(plan)
      })
      if (again !== null) continue
      // Of several it is not known which it was; and what makes one row too large does not another.
      if (leftOut.length === 1 && !isTooLarge(failure)) this.#remember(...leftOut[0]!)
      return true
    }
    return false
  }

  /** What comes after it is planned without such values, or each of them would have to be found. */
  #remember(column: string, token: string): void {
    const tokens = this.#notTaken.get(column) ?? new Set()
    this.#notTaken.set(column, tokens.add(token))
  }

  /**
   * A row is to blame for what looks like the table's fault only if the table takes others, and for what is not known also
   * if a load without rows passes.
   * @throws RelayError what the row failed with
   */
  async #requireSound(): Promise<void> {
    if (this.#suspicion === null || this.#takesRows) return
    const { failure, blame } = this.#suspicion
    if (blame === 'table') throw failure
    const nothing = await this.#options.target.planNothing(this.#group)
    if (nothing !== null) {
      if ((await this.#rejectionOf(() => this.#send(nothing))) === null) return
    } else if (this.#options.attemptsBefore >= BLAMES_ROWS_AFTER) return
    throw failure
  }

  #refuseTooMany(changes: readonly Change[]): void {
    const doubtful = this.#refused.filter((letter) => !isTooLarge(letter))
    refuseTooMany({ ...this.#group, changes }, { refused: this.#refused, doubtful })
  }

  #plan(changes: readonly Change[]): Promise<LoadPlan | null> {
    const isNotTaken: Refuses = ({ column }, token) => this.#notTaken.get(column)?.has(token) === true
    return this.#options.target.plan(this.#group, changes, true, this.#notTaken.size === 0 ? undefined : isNotTaken)
  }

  /** Null once it is loaded; the refusal if nothing of it is. */
  #try(planned: Promise<LoadPlan | null>): Promise<RowRejection | null> {
    return this.#rejectionOf(async () => {
      const plan = await planned
      if (plan === null) requireNoChanges(this.#group)
      else await this.#loadPlan(plan)
    })
  }

  async #rejectionOf(work: () => Promise<void>): Promise<RowRejection | null> {
    try {
      await work()
      return null
    } catch (error) {
      if (error instanceof Suspected) return error
      if (isRefusal(error)) return { failure: error, blame: 'row' }
      throw error
    }
  }

  async #loadPlan({ load, applied, refused, setAside }: LoadPlan): Promise<void> {
    const [first] = refused
    if (first !== undefined && this.#options.onError === 'stop') {
      const { shard, sequence } = first.source
      throw new RelayError('SINK_REFUSED', first.detail, { shard, sequence }, undefined, first.said?.())
    }
    if (load !== null) {
      await this.#send(load)
      this.#takesRows = true
    }
    this.#applied += applied
    this.#setAside = sumAside(this.#setAside, setAside)
    for (const letter of refused) this.#refused.push(letter)
  }

  /** @throws Suspected if a row may be to blame */
  async #send(load: Load): Promise<void> {
    let isOpen = false
    const outcome = await this.#options.gpss
      .load(load, () => {
        isOpen = true
      })
      .catch((error: unknown) => {
        const blame = isOpen && error instanceof RelayError ? blameOf(error) : null
        throw blame !== null && this.#isSuspected(blame) ? new Suspected(error as RelayError, blame) : error
      })
    if (outcome.kind === 'unknown') throw outcome.failure
  }

  #isSuspected(blame: Blame): boolean {
    const { attemptsBefore, hasLooked } = this.#options
    if (blame === 'unknown') return attemptsBefore >= SUSPECTS_ROWS_AFTER
    return blame === 'row' || hasLooked
  }
}

class Suspected extends Error implements RowRejection {
  readonly failure: RelayError
  readonly blame: Blame

  constructor(failure: RelayError, blame: Blame) {
    super(failure.message)
    this.failure = failure
    this.blame = blame
  }
}

/** A half comes after the one before it. */
async function halved(from: number, to: number, work: (from: number, to: number) => Promise<void>): Promise<void> {
  const middle = (from + to) >> 1
  await work(from, middle)
  await work(middle, to)
}

export const isRefusal = (error: unknown): error is RelayError =>
  error instanceof RelayError && error.code === 'SINK_REFUSED'

/** A table that was announced, and has no changes yet. */
function requireNoChanges({ source, changes }: Group): void {
  if (changes.length > 0) throw new Error(`Table ${source} was prepared and still cannot be planned`)
}
