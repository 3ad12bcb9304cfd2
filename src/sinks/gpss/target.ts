import type { SetAsideColumns } from '../../batch.ts'
import type { Change, DeadLetter } from '../../change.ts'
import type { Group } from '../tables/planning.ts'
import type { Refuses } from '../tables/refused-values.ts'
import type { TargetRules } from '../tables/rules.ts'
import type { GpssCatalogue } from './catalogue.ts'
import type { Gpss } from './connection.ts'
import type { Load } from './session.ts'

/** The target tables of one relay, and how they are reached. */
export interface GpssTables {
  /** The relay's name. */
  readonly relay: string
  readonly gpss: Gpss
  readonly catalogue: GpssCatalogue
  /** Where tables go that name no schema. */
  readonly defaultSchema: string
  readonly rules: TargetRules
}

/** What is to be loaded of some changes of one table, and what cannot be, each with its reason. */
export interface LoadPlan {
  /** Null if nothing is left to load. */
  readonly load: Load | null
  /** How many changes that makes applied, once it is loaded. */
  readonly applied: number
  readonly refused: readonly DeadLetter[]
  /** Values of what is loaded that go to `cdc_extra`. */
  readonly setAside: SetAsideColumns
}

/** The same load into a table in which rows are tried, unseen, and which is emptied behind it. */
export type Probe = (load: Load) => Load

/** How changes become loads: one implementation for each mode. */
export interface LoadTarget {
  /** Groups with the same answer go into one table. */
  laneOf(group: Group): string
  /** Makes, completes or checks the target of a table, and takes away what a reload leaves behind. @throws RelayError SINK_TABLE, SCHEMA_CHANGE */
  prepare(group: Group): Promise<void>
  /**
   * The plan for some of the group's changes; null if its target has to be prepared (again).
   * @param isRepeat a load of these changes was tried before: what it may have left behind is not needed
   * @param refuses values that go to `cdc_extra`, beside those that their columns do not hold
   */
  plan(group: Group, changes: readonly Change[], isRepeat: boolean, refuses?: Refuses): Promise<LoadPlan | null>
  /** Of a change that was refused: which of its values may be why, the likeliest first. Absent where a value cannot be left out. */
  suspects?(group: Group, change: Change, isTooLarge: boolean): Iterable<Refuses>
  /** A load that runs the group's statements without rows: it fails if they do for another reason; null where there is none. */
  planNothing(group: Group): Promise<Load | null>
  /** Makes a table that refuses what the group's target refuses; null if it cannot. Absent where pieces of a load may be loaded again. */
  makeProbe?(group: Group): Promise<Probe | null>
  /** What is known of the targets may be wrong. */
  forget(): void
}
