import { type RawBuilder, sql } from 'kysely'
import { POSTGRES_STEPS } from './schema.ts'
import { factsJson, movesJson } from './state-rows.ts'
import type { HeldClaim, StateStatements } from './state-statements.ts'

/** One statement for all positions, one for all facts, each of them with the look at the claim. */
export const postgresState: StateStatements = {
  steps: POSTGRES_STEPS,

  async move(trx, held, moves, before) {
    const { rows } = await sql<{ moved: number }>`
      WITH ours AS (${ours(held)}), moves AS (
        SELECT * FROM jsonb_to_recordset(${movesJson(moves, before)}::jsonb)
          AS m(shard text, before text, sequence text, arrived_at timestamptz, caught_up_at timestamptz)
      ), begun AS (
        INSERT INTO cdc_relay.positions (name, shard, sequence, arrived_at, caught_up_at)
        SELECT ours.name, m.shard, m.sequence, m.arrived_at, m.caught_up_at FROM ours, moves m WHERE m.before IS NULL
        ON CONFLICT DO NOTHING RETURNING 1
      ), moved AS (
        UPDATE cdc_relay.positions p
        SET sequence = m.sequence, arrived_at = m.arrived_at, caught_up_at = m.caught_up_at, updated_at = now()
        FROM ours, moves m WHERE p.name = ours.name AND p.shard = m.shard AND p.sequence = m.before RETURNING 1
      )
      SELECT ((SELECT count(*) FROM begun) + (SELECT count(*) FROM moved))::int AS moved`.execute(trx)
    return rows[0]?.moved === moves.size
  },

  async keep(trx, held, facts) {
    const kept = await sql`
      WITH ours AS (${ours(held)})
      INSERT INTO cdc_relay.lessons (name, subject, lesson)
      SELECT ours.name, l.subject, l.lesson FROM ours, jsonb_to_recordset(${factsJson(facts)}::jsonb) AS l(subject text, lesson text)
      ON CONFLICT (name, subject) DO UPDATE SET lesson = excluded.lesson`.execute(trx)
    return Number(kept.numAffectedRows) === facts.size
  },
}

/** The relay's row, locked, if the name is ours. */
export const ours = ({ name, claim, owner }: HeldClaim): RawBuilder<unknown> => sql`
    SELECT name FROM cdc_relay.relays
    WHERE name = ${name} AND claim = ${claim}::bigint AND owner = ${owner}::uuid FOR SHARE`
