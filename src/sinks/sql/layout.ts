import type { RawBuilder } from 'kysely'
import type { Change } from '../../change.ts'
import type { Relation } from './catalogue.ts'
import type { Database } from './connection.ts'
import type { KeyColumn, WantedKey } from './keys.ts'

/** A statement without parameters. */
export type Statement = RawBuilder<unknown>

/** Where the changes of one source table go. */
export interface Target {
  /** The source table, as `tableLabel` prints it. */
  readonly source: string
  readonly schema: string
  readonly name: string
}

/** A target that exists and fits. */
export interface TargetTable extends Target {
  readonly keys: readonly KeyColumn[]
}

/** Something about an existing table that does not fit what the relay writes, and the statement that helps. */
export interface Misfit {
  readonly what: string
  readonly cure: Statement | null
}

/** Tombstones, or a view. */
export interface Beside {
  readonly schema: string
  readonly name: string
  /** False if the relay can do without it. */
  readonly needed: boolean
  readonly create: Statement
  /** What does not fit about one that is there. */
  misfits(relation: Relation): readonly Misfit[]
}

/** How changes lie in a table: one implementation for each mode and layout. Pure up to the `write` of a plan. */
export interface Layout {
  /** True if the writers of a table must take turns: what one transaction buries, another sees only once that is committed. */
  readonly takesTurns: boolean
  /** True if deleted rows are remembered in a table beside. */
  readonly hasTombstones: boolean

  /** The key columns that a table needs for changes such as this one. @throws RelayError SINK_TABLE if it has no usable key */
  keys(sample: Change): readonly WantedKey[]

  /** Makes a new table. */
  create(target: Target, keys: readonly WantedKey[]): readonly Statement[]

  misfits(target: Target, keys: readonly WantedKey[], relation: Relation): readonly Misfit[]

  /** What stands beside a table that fits: null if nothing does. */
  beside(table: TargetTable): Beside | null

  /**
   * Folds and encodes, in slices, so that a write that is going on is not held up. @throws RelayError SINK_TABLE, SINK_REFUSED for a key that does not fit the table
   */
  plan(table: TargetTable, changes: readonly Change[]): Promise<Plan>
}

export interface Plan {
  /** Writes within a transaction, in one statement for each kind. Resolves to how many changes were applied. */
  write(trx: Database): Promise<number>
}
