import { sql } from 'kysely'
import { tableId } from '../../tables/clauses.ts'
import type { Statement } from '../../tables/database.ts'
import type { Mismatch } from '../../tables/layout.ts'
import type { Relation } from '../../tables/relation.ts'
import type { Target } from '../../tables/target.ts'

/** What makes a row of a log the only one of its record: the place of the record in its stream, where no sub-sequence is -1. */
export const PLACE: Statement = sql`stream, shard, sequence, (coalesce(sub_sequence, -1))`

/** Only an index can be over an expression, and without it rows without sub-sequence would all be different. */
export const placeIndex = (target: Target): Statement => sql`CREATE UNIQUE INDEX ON ${tableId(target)} (${PLACE})`

/** True if the table has that index. */
export function hasPlaceKey({ uniques }: Relation): boolean {
  return (uniques ?? []).some(({ parts }) => {
    const rest = (parts ?? []).filter((part) => !SUB_SEQUENCE.test(part))
    return parts?.length === 4 && rest.length === 3 && COLUMNS.every((column) => rest.includes(column))
  })
}

const COLUMNS = ['stream', 'shard', 'sequence']
/** `COALESCE(sub_sequence, '-1'::integer)`; by older servers `(-1)`. */
const SUB_SEQUENCE = /^COALESCE\(sub_sequence, \(?'?-1\b/i

/** Where no process has the log for itself, nothing else keeps a record from being there twice. @param steps what must go before */
export function missingPlaceKey(target: Target, relation: Relation, steps: readonly Statement[] = []): Mismatch[] {
  if (hasPlaceKey(relation)) return []
  const what =
    'it has no unique index on the place of a record, and under an engine (Lambda, KCL) records are written more than once, by several processes'
  return [{ what, fix: sql.join([...steps, placeIndex(target)], sql`; `) }]
}
