import type { Batch } from '../../batch.ts'
import { tableLabel } from '../../change.ts'
import type { ErrorContext } from '../../errors.ts'

/** What an operator needs to find a batch: its tables, how many changes, and from where to where in each shard. */
export function placeOfBatch({ changes, positions }: Batch): ErrorContext {
  const spans = new Map<string, { first: string; last: string }>()
  for (const { source } of changes) {
    const span = spans.get(source.shard)
    if (span === undefined) spans.set(source.shard, { first: source.sequence, last: source.sequence })
    else span.last = source.sequence
  }
  const shards = [...spans].map(([shard, { first, last }]) => `${shard} from ${first} to ${last}`)
  return {
    tables: [...new Set(changes.map(({ table }) => tableLabel(table)))].join(', '),
    changes: changes.length,
    shards: shards.join(', ') || [...positions.keys()].join(', '),
  }
}
