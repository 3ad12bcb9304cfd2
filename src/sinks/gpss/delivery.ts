import type { Batch, SetAsideColumns, Written } from '../../batch.ts'
import type { DeadLetter } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { placeOfBatch } from '../tables/place-of-batch.ts'
import { type Group, groupByTable } from '../tables/planning.ts'
import type { TargetRules } from '../tables/rules.ts'
import { schemaPolicy } from '../tables/schema-changes.ts'
import { asideOf } from '../tables/set-aside.ts'
import type { Gpss } from './connection.ts'
import { blameOf } from './failures.ts'
import { GroupLoad, isRefusal, type Loaded } from './group-load.ts'
import type { LoadPlan, LoadTarget } from './target.ts'

/** So many tables are loaded at a time, each in a session of its own. */
const TABLES_AT_A_TIME = 4

/** Where batches go. Its revision grows whenever something is learned or forgotten of it: an older plan may be out of date. */
export class Destination {
  readonly gpss: Gpss
  readonly target: LoadTarget
  revision = 0

  constructor(gpss: Gpss, target: LoadTarget) {
    this.gpss = gpss
    this.target = target
  }

  async prepare(group: Group): Promise<void> {
    this.revision++
    await this.target.prepare(group)
  }

  forget(): void {
    this.revision++
    this.target.forget()
  }
}

/** One batch on its way. When it has to be tried again, the tables that are done are not loaded a second time. */
export class Delivery {
  readonly #rules: TargetRules
  readonly #to: Destination
  readonly #batch: Batch
  readonly #groups: readonly Group[]
  readonly #plans = new Map<Group, Promise<LoadPlan | null>>()
  readonly #plannedAt: number
  readonly #done = new Map<Group, Loaded>()
  #isRepeat = false
  /** True once the tables were looked at again because of an error. */
  #hasLooked = false
  #attemptsBefore = 0

  constructor(rules: TargetRules, to: Destination, batch: Batch) {
    this.#rules = rules
    this.#to = to
    this.#batch = batch
    this.#groups = groupByTable(batch, rules.mode === 'mirror')
    this.#plannedAt = to.revision
    for (const group of this.#groups) this.#plans.set(group, this.#plan(group))
  }

  /**
   * Resolves to what Greenplum refused.
   * @throws RelayError SINK_…, SCHEMA_CHANGE; what was loaded until then stays, and is not loaded again
   */
  async load(): Promise<DeadLetter[]> {
    try {
      await this.#loadLeft().catch((error: unknown) => {
        this.#failed()
        if (!(error instanceof RelayError) || this.#hasLooked || blameOf(error) !== 'table') throw error
        // The tables are not what they were taken for: they are looked at once more, which says what is wrong with them. If
        // nothing is, it may be a row.
        this.#hasLooked = true
        return this.#loadLeft()
      })
    } catch (error) {
      this.#failed()
      this.#attemptsBefore++
      throw error instanceof RelayError ? error.at(placeOfBatch(this.#batch)) : error
    }
    return [...this.#done.values()].flatMap(({ refused }) => refused)
  }

  #failed(): void {
    this.#isRepeat = true
    this.#plans.clear()
    this.#to.forget()
  }

  written(): Written {
    const tables = new Map<string, { applied: number; superseded: number }>()
    const setAside: [string, SetAsideColumns][] = []
    const allRefused: DeadLetter[] = []
    for (const [{ source, changes }, loaded] of this.#done) {
      const { applied, refused } = loaded
      setAside.push([source, loaded.setAside])
      tables.set(source, { applied, superseded: changes.length - applied - refused.length })
      allRefused.push(...refused)
    }
    const { counted } = schemaPolicy(this.#rules, this.#groups)
    const deadLettered = { deadLettered: allRefused.length, ...(allRefused.length > 0 && { refused: allRefused }) }
    return { kind: 'written', ...counted(tables), ...deadLettered, ...asideOf(setAside) }
  }

  async #loadLeft(): Promise<void> {
    // Schema changes that are not to be followed stop the relay before anything is written.
    schemaPolicy(this.#rules, this.#groups)
    const left = this.#groups.filter((group) => !this.#done.has(group))
    // One after another: to make tables is to load into one that all share.
    for (const group of left) await this.#prepare(group)
    const lanes = this.#lanes(left)
    for (let i = 0; i < lanes.length; i += TABLES_AT_A_TIME) {
      const some = lanes.slice(i, i + TABLES_AT_A_TIME)
      const results = await Promise.allSettled(some.map((lane) => this.#loadLane(lane)))
      for (const result of results) if (result.status === 'rejected') throw result.reason
    }
  }

  /** Sees to it that there is a plan of the group that can be used: the one made ahead, if it is not out of date. */
  async #prepare(group: Group): Promise<void> {
    const ahead = this.#plannedAt === this.#to.revision ? this.#plans.get(group) : undefined
    const plan = ahead ?? this.#plan(group)
    this.#plans.set(group, plan)
    if (group.schemaChanges.length === 0 && !(await isLacking(plan))) return
    await this.#to.prepare(group)
    this.#plans.set(group, this.#plan(group))
  }

  #plan(group: Group): Promise<LoadPlan | null> {
    const plan = this.#to.target.plan(group, group.changes, this.#isRepeat)
    plan.catch(() => {}) // said by the load, since what comes before it is still being written
    return plan
  }

  /** @throws what the first failed load failed with */
  async #loadLane(groups: readonly Group[]): Promise<void> {
    const { onError } = this.#rules
    const { gpss, target } = this.#to
    for (const group of groups) {
      const course = { attemptsBefore: this.#attemptsBefore, hasLooked: this.#hasLooked }
      const load = new GroupLoad({ gpss, target, onError, ...course }, group)
      this.#done.set(group, await load.load(this.#plans.get(group)!, this.#isRepeat))
    }
  }

  /** Source tables that go into one target follow one another: two loads into one table at a time are reported to be unstable. */
  #lanes(groups: readonly Group[]): Group[][] {
    const lanes = new Map<string, Group[]>()
    for (const group of groups) {
      const name = this.#to.target.laneOf(group)
      const lane = lanes.get(name)
      if (lane === undefined) lanes.set(name, [group])
      else lane.push(group)
    }
    return [...lanes.values()]
  }
}

const isLacking = (plan: Promise<LoadPlan | null>): Promise<boolean> =>
  plan.then(
    (plan) => plan === null,
    (error: unknown) => {
      // The load finds out which row it is.
      if (isRefusal(error)) return false
      throw error
    },
  )
