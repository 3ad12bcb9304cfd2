import { sql } from 'kysely'
import type { Positions } from '../../../position.ts'
import type { Database } from '../../tables/database.ts'
import { ours } from './moves.ts'
import type { HeldClaim } from './state-statements.ts'

/**
 * Removes the positions of these shards under our claim. False if it is not ours, or if one of them stands elsewhere than
 * we know: a target that was restored may have such a shard before its end.
 *
 * @param before what was last read or written; a shard without position is forgotten already
 */
export async function forgetPositions(
  trx: Database,
  held: HeldClaim,
  forgotten: readonly string[],
  before: Positions,
): Promise<boolean> {
  const known = forgotten.filter((shard) => before.has(shard))
  if (known.length === 0) return true
  if ((await ours(held).execute(trx)).rows.length === 0) return false
  const given = JSON.stringify(known.map((shard) => ({ shard, before: before.get(shard)!.sequence })))
  await sql`
    DELETE FROM cdc_relay.positions p USING jsonb_to_recordset(${given}::jsonb) AS f(shard text, before text)
    WHERE p.name = ${held.name} AND p.shard = f.shard AND p.sequence = f.before`.execute(trx)
  const { rows } = await sql`
    SELECT 1 FROM cdc_relay.positions p JOIN jsonb_to_recordset(${given}::jsonb) AS f(shard text, before text)
      ON p.shard = f.shard
    WHERE p.name = ${held.name} LIMIT 1`.execute(trx)
  return rows.length === 0
}
