import { sql } from 'kysely'
import { requireSameSettings, unknownName } from '../../../state/identity.ts'
import { keeperOf } from '../../../state/keeper.ts'
import type { Database } from '../../tables/database.ts'
import type { BesideState } from '../replay-state.ts'
import type { SchemaStep } from '../schema-steps.ts'
import type { Marks } from '../shared-state.ts'
import { lookAtName } from './look.ts'
import { ensureSchema } from './migration.ts'
import { gone, readFacts, readRelay, storedIdentity } from './state-rows.ts'

/** In the schema `cdc_relay`, with the statements that PostgreSQL and every Greenplum have. Nothing is locked, and nothing written. */
export function sqlBesideState(db: Database, steps: readonly SchemaStep[]): BesideState {
  let name = ''

  async function requireName(to: Database): Promise<void> {
    if ((await readRelay(to, name)) === undefined) throw gone(name)
  }

  return {
    async join({ relay }) {
      // Nothing is made where there is no such relay.
      if ((await lookAtName(db, relay.name, steps)) === null) throw unknownName(relay.name, 'the target')
      await ensureSchema(db, steps)
      const row = await readRelay(db, relay.name)
      if (row === undefined) throw gone(relay.name)
      const stored = storedIdentity(row, relay)
      requireSameSettings(stored, relay)
      name = relay.name
      return { facts: await readFacts(db, name), settings: stored.settings, isShared: keeperOf(row) === 'engine' }
    },

    requireName,

    async readFacts() {
      await requireName(db)
      return await readFacts(db, name)
    },

    async marks(trx, sources): Promise<Marks> {
      await requireName(trx)
      const { rows } = await sql<{ source: string | null; mark: string }>`
        SELECT NULL::text AS source, md5(coalesce(string_agg(subject || '=' || lesson, ' ' ORDER BY subject), '')) AS mark
        FROM cdc_relay.lessons WHERE name = ${name}
        UNION ALL
        SELECT source, md5(keys::text || columns::text) FROM cdc_relay.tables
        WHERE name = ${name} AND source IN (SELECT jsonb_array_elements_text(${JSON.stringify(sources)}::jsonb))`.execute(
        trx,
      )
      return {
        facts: rows.find(({ source }) => source === null)!.mark,
        tables: new Map(rows.flatMap(({ source, mark }) => (source === null ? [] : [[source, mark] as const]))),
      }
    },
  }
}
