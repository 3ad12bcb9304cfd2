import type { Delivery } from '../../support/dms-life/delivery.ts'
import type { DmsLife } from '../../support/dms-life/dms-life.ts'
import type { PlannedRecord } from '../../support/dms-life/plan.ts'
import type { SourceTable } from '../../support/dms-life/tables.ts'

/**
 * The tables whose key somebody must name: no `create-table` tells it, or one does that lies behind rows of the table
 * itself in its shard, or behind those of another table that wait in the same way. What a shard may read depends on no
 * speed: a key that was told stays told.
 */
export function untoldKeys({ endpoint }: DmsLife, { shards }: Delivery): Set<SourceTable> {
  const known = new Set<SourceTable>()
  const untold = new Set<SourceTable>()
  const next = shards.map(() => 0)
  const head = (shard: number): PlannedRecord | undefined => shards[shard]![next[shard]!]

  /** As far as it comes; true if it came on. */
  function read(shard: number): boolean {
    const from = next[shard]!
    for (let record = head(shard); record !== undefined; record = head(shard)) {
      const { says, kind } = record
      if (says !== null && kind !== 'control' && !known.has(says.table)) break
      if (says?.op === 'create-table' && endpoint.includeControlDetails) known.add(says.table)
      next[shard]!++
    }
    return next[shard]! > from
  }

  for (;;) {
    while (shards.map((_, shard) => read(shard)).includes(true));
    const waiting = shards.map((_, shard) => head(shard)).filter((record) => record !== undefined)
    if (waiting.length === 0) return untold
    for (const { says } of waiting) {
      known.add(says!.table)
      untold.add(says!.table)
    }
  }
}
