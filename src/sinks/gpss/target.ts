import type { Change, DeadLetter } from '../../change.ts'
import type { Group } from '../sql/planning.ts'
import type { Load } from './session.ts'

/** What is to be loaded of some changes of one table, and what cannot be, each with its reason. */
export interface LoadPlan {
  /** Null if nothing is left to load. */
  readonly load: Load | null
  /** How many changes that makes applied, once it is loaded. */
  readonly applied: number
  readonly refused: readonly DeadLetter[]
}

/** How changes become loads: one implementation for each mode. */
export interface LoadTarget {
  /** Makes, completes or checks the target of a table, and takes away what a reload leaves behind. @throws RelayError SINK_TABLE, SCHEMA_CHANGE */
  prepare(group: Group): Promise<void>
  /**
   * The plan for some of the group's changes; null if its target has to be prepared (again).
   * @param isRepeat a load of these changes was tried before: what it may have left behind is not needed
   */
  plan(group: Group, changes: readonly Change[], isRepeat: boolean): Promise<LoadPlan | null>
  /** What is known of the targets may be wrong. */
  forget(): void
}
