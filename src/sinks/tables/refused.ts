import type { DeadLetter } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Group } from './planning.ts'

/** Up to this many rows say nothing about the table, even if it refuses them all. */
const SMALL_BATCH = 100

/** What a target refused of the changes of a table. */
export interface RefusedRows {
  readonly refused: readonly DeadLetter[]
  /** Those of `refused` that would look no different if the table were wrong, and not the rows. */
  readonly doubtful: readonly DeadLetter[]
}

/**
 * A table that takes none of many rows, each for the same reason, looks wrong itself. Rows that are refused for what they
 * are (a value that does not fit, a key that is too long) never do.
 *
 * @throws RelayError TOO_MANY_REFUSED
 */
export function refuseTooMany(
  { source, changes }: Pick<Group, 'source' | 'changes'>,
  { refused, doubtful }: RefusedRows,
): void {
  const [first] = doubtful
  if (first === undefined || doubtful.length <= SMALL_BATCH || refused.length < changes.length) return
  if (refused.some(({ detail }) => detail !== first.detail)) return
  const { shard, sequence } = first.source
  const detail = `All ${changes.length} changes of one batch are refused, each because: ${first.detail}`
  throw new RelayError('TOO_MANY_REFUSED', detail, { table: source, shard, sequence })
}
