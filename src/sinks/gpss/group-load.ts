import type { Change, DeadLetter } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { SetAsideColumns } from '../sink.ts'
import type { Group } from '../sql/planning.ts'
import { refuseTooMany } from '../sql/refused-rows.ts'
import { sumAside } from '../sql/set-aside.ts'
import type { Gpss } from './connection.ts'
import type { Load } from './session.ts'
import type { LoadPlan, LoadTarget, Probe } from './target.ts'

export interface GroupLoadOptions {
  readonly gpss: Gpss
  readonly target: LoadTarget
  /** What becomes of a row that Greenplum refuses. */
  readonly onError: 'dead-letter' | 'stop'
}

export interface Loaded {
  readonly applied: number
  readonly refused: readonly DeadLetter[]
  readonly setAside: SetAsideColumns
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
      if (onError === 'stop') throw refusal
      const left = await this.#withoutRefused()
      if (left.length < changes.length) refusal = await this.#try(this.#plan(left))
      if (refusal !== null) await this.#loadHalves(left, 0, left.length, refusal)
    }
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
        else this.#refuse(piece[0]!, refusal, to)
      }
    }
    await sift(0, changes.length)
    return left
  }

  async #isTaken(probe: Probe, changes: readonly Change[]): Promise<boolean> {
    try {
      const load = (await this.#plan(changes))?.load ?? null
      if (load !== null) await this.#send(probe(load))
      return true
    } catch (error) {
      if (!isRefusal(error)) throw error
      return false
    }
  }

  /** @param refusal of the whole range */
  async #loadHalves(changes: readonly Change[], from: number, to: number, refusal: RelayError): Promise<void> {
    if (to - from === 1) {
      this.#refuse(changes[from]!, refusal, to + this.#group.changes.length - changes.length)
      return
    }
    await halved(from, to, async (from, to) => {
      const refusal = await this.#try(this.#plan(changes.slice(from, to)))
      if (refusal !== null) await this.#loadHalves(changes, from, to, refusal)
    })
  }

  /** @param seen how many changes are settled by now; a table that is wrong for all rows is found out early */
  #refuse(change: Change, { code, detail }: RelayError, seen: number): void {
    this.#refused.push({ kind: 'dead-letter', code, detail, change, source: change.source })
    this.#refuseTooMany(this.#group.changes.slice(0, seen))
  }

  #refuseTooMany(changes: readonly Change[]): void {
    refuseTooMany({ ...this.#group, changes }, { refused: this.#refused, doubtful: this.#refused })
  }

  #plan(changes: readonly Change[]): Promise<LoadPlan | null> {
    return this.#options.target.plan(this.#group, changes, true)
  }

  /** Null once it is loaded; the refusal if nothing of it is. */
  async #try(planned: Promise<LoadPlan | null>): Promise<RelayError | null> {
    try {
      const plan = await planned
      if (plan === null) requireNoChanges(this.#group)
      else await this.#loadPlan(plan)
      return null
    } catch (error) {
      if (!isRefusal(error)) throw error
      return error
    }
  }

  async #loadPlan({ load, applied, refused, setAside }: LoadPlan): Promise<void> {
    const [first] = refused
    if (first !== undefined && this.#options.onError === 'stop') {
      const { shard, sequence } = first.source
      throw new RelayError('SINK_REFUSED', first.detail, { shard, sequence })
    }
    if (load !== null) await this.#send(load)
    this.#applied += applied
    this.#setAside = sumAside(this.#setAside, setAside)
    for (const letter of refused) this.#refused.push(letter)
  }

  async #send(load: Load): Promise<void> {
    const outcome = await this.#options.gpss.load(load)
    if (outcome.kind === 'unknown') throw outcome.failure
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

/** A table that was only heard of. */
function requireNoChanges({ source, changes }: Group): void {
  if (changes.length > 0) throw new Error(`Table ${source} was prepared and still cannot be planned`)
}
