import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../tables/database.ts'
import { ours } from '../postgresql/moves.ts'
import { factsJson, movesJson } from '../postgresql/state-rows.ts'
import type { HeldClaim, StateStatements } from '../postgresql/state-statements.ts'
import type { Kernel } from './kernel.ts'
import { greenplumSteps } from './schema.ts'

/**
 * One write in each statement, since Greenplum takes no WITH that writes. The claim is looked at first and stays locked;
 * under that lock nobody else moves what is ours, so that a row which is not there can be added without ON CONFLICT.
 *
 * Without the global deadlock detector the UPDATE locks all positions of all relays until the end of the transaction:
 * therefore it comes last.
 */
export const greenplumState = (kernel: Kernel): StateStatements => ({
  steps: greenplumSteps(kernel),

  async move(trx, held, moves, before) {
    if (!(await isOurs(trx, held))) return false
    const given = sql`jsonb_to_recordset(${movesJson(moves, before)}::jsonb)
      AS m(shard text, before text, sequence text, arrived_at timestamptz, caught_up_at timestamptz)`
    const moved = await count(
      trx,
      sql`
        UPDATE cdc_relay.positions p
        SET sequence = m.sequence, arrived_at = m.arrived_at, caught_up_at = m.caught_up_at, updated_at = now()
        FROM ${given} WHERE p.name = ${held.name} AND p.shard = m.shard AND p.sequence = m.before`,
    )
    if (moved === moves.size) return true
    const begun = await count(
      trx,
      sql`
        INSERT INTO cdc_relay.positions (name, shard, sequence, arrived_at, caught_up_at)
        SELECT ${held.name}::text, m.shard, m.sequence, m.arrived_at, m.caught_up_at FROM ${given}
        WHERE m.before IS NULL AND NOT EXISTS (
          SELECT 1 FROM cdc_relay.positions p WHERE p.name = ${held.name} AND p.shard = m.shard)`,
    )
    return moved + begun === moves.size
  },

  async keep(trx, held, facts) {
    if (!(await isOurs(trx, held))) return false
    const given = sql`jsonb_to_recordset(${factsJson(facts)}::jsonb) AS l(subject text, lesson text)`
    const known = await count(
      trx,
      sql`
        UPDATE cdc_relay.lessons k SET lesson = l.lesson FROM ${given} WHERE k.name = ${held.name} AND k.subject = l.subject`,
    )
    if (known === facts.size) return true
    const added = await count(
      trx,
      sql`
        INSERT INTO cdc_relay.lessons (name, subject, lesson) SELECT ${held.name}::text, l.subject, l.lesson FROM ${given}
        WHERE NOT EXISTS (SELECT 1 FROM cdc_relay.lessons k WHERE k.name = ${held.name} AND k.subject = l.subject)`,
    )
    return known + added === facts.size
  },
})

async function isOurs(trx: Database, held: HeldClaim): Promise<boolean> {
  const { rows } = await ours(held).execute(trx)
  return rows.length === 1
}

const count = async (trx: Database, statement: RawBuilder<unknown>): Promise<number> =>
  Number((await statement.execute(trx)).numAffectedRows)
