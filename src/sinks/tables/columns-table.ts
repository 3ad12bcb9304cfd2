import type { Codec } from './codecs/codec.ts'
import type { RowRoom } from './row-room.ts'
import type { WhyAside } from './set-aside.ts'
import type { BoundTable, KeyColumn, Mapping } from './target.ts'

/** A column of the target that holds a column or attribute of the source. */
export interface TargetColumn extends Mapping, Codec {
  /** Its place among the key columns, or among the others. */
  readonly index: number
  readonly isInteger: boolean
  /** True if it cannot be empty, so that a value that it does not hold costs the row. */
  readonly isNotNull: boolean
  readonly whyAside: WhyAside
}

export interface ColumnsTable extends BoundTable {
  readonly keys: readonly (KeyColumn & TargetColumn)[]
  /** The columns beside the key. */
  readonly values: readonly TargetColumn[]
  /** True if there is a column for what the others cannot hold. */
  readonly hasExtra: boolean
  /** The columns of the source beside the key, also those that the target lacks: what they held may lie aside. */
  readonly attributes: readonly string[]
  /** Those that it lacks and is not to have: why. */
  readonly leftOut: ReadonlyMap<string, WhyAside>
  /** Null if any row has room. */
  readonly room: RowRoom | null
}
