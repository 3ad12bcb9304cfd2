import type { Batch, Written } from '../batch.ts'
import { RelayError } from '../errors.ts'

/**
 * Requires that a sink says of each change of a batch how it ended, of none twice.
 * @throws RelayError INTERNAL otherwise: that is a bug of the sink, and never silent
 */
export function requireAccounted({ changes }: Pick<Batch, 'changes'>, written: Written): void {
  const { tables, skips, deadLettered = 0 } = written
  let accounted = deadLettered
  for (const count of skips?.values() ?? []) accounted += count
  for (const { applied, superseded } of tables.values()) accounted += applied + superseded
  if (accounted === changes.length) return
  const detail = `The counters do not match: the batch had ${changes.length} changes, and the target accounted for ${accounted}`
  throw new RelayError('INTERNAL', detail)
}
