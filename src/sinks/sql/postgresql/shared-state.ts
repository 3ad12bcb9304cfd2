import { sql } from 'kysely'
import type { Facts, RelayIdentity, Unclaimed } from '../../../batch.ts'
import { requireSameIdentity } from '../../../state/identity.ts'
import { keeperOf, keptBy, requireSameKeeper } from '../../../state/keeper.ts'
import { nameReplaced } from '../../../state/removed.ts'
import type { Database } from '../../tables/database.ts'
import { inTransaction } from '../connection.ts'
import type { SchemaStep } from '../schema-steps.ts'
import { type Joined, type Marks, NOBODY, newsOf, requireJoined, type SharedState } from '../shared-state.ts'
import { ensureSchema } from './migration.ts'
import { lockForDdl } from './schema.ts'
import {
  factsJson,
  forgetStatement,
  gone,
  lifeColumn,
  readFacts,
  readRelay,
  removeRemnants,
  type StoredRelay,
  storedIdentity,
} from './state-rows.ts'

/**
 * In the schema `cdc_relay`, with the statements that PostgreSQL and every Greenplum have. Nothing here is locked but where
 * something is new: a name that is entered, and facts, whose writers take turns at the relay's row as the last thing of
 * their transactions.
 *
 * The claim of such a name is a number that goes up with each change of its facts.
 */
export function sqlSharedState(db: Database, steps: readonly SchemaStep[]): SharedState {
  let joined: Joined<string> | undefined

  /** @param row the relay's, as it is now */
  function requireSame(row: Pick<StoredRelay, 'settings' | 'life'> | undefined): void {
    const { opening, life } = requireJoined(joined)
    const { name } = opening.relay
    if (row === undefined) throw gone(name)
    // A relay that took it over is another matter: what its engine still gives is written, and facts are refused.
    if (keeperOf(row) === 'engine' && row.life !== life) throw nameReplaced(name, 'cdc_relay.relays')
  }

  async function requireName(to: Database): Promise<void> {
    requireSame(await readRelay(to, requireJoined(joined).opening.relay.name))
  }

  return {
    async join(opening) {
      const { name } = opening.relay
      await ensureSchema(db, steps)
      if (!(await isJoined(db, opening))) await inTransaction(db, (trx) => enter(trx, opening))
      const row = await readRelay(db, name)
      if (row === undefined) throw gone(name)
      joined = { opening, life: row.life }
      return await readFacts(db, name)
    },

    requireName,

    async readFacts() {
      await requireName(db)
      return await readFacts(db, requireJoined(joined).opening.relay.name)
    },

    async mergeFacts(trx, facts) {
      if (facts.size === 0) return
      const { opening } = requireJoined(joined)
      const { name } = opening.relay
      const row = await readRelay(trx, name, sql`FOR UPDATE`)
      requireSame(row)
      requireSameKeeper(storedIdentity(row!, opening.relay), 'engine', false)
      const stored = await readFacts(trx, name)
      const news = newsOf(stored, facts, opening)
      if (news.size === 0) return
      await write(trx, name, stored, news)
      await sql`UPDATE cdc_relay.relays SET claim = claim + 1 WHERE name = ${name}`.execute(trx)
    },

    async marks(trx, sources): Promise<Marks> {
      const { name } = requireJoined(joined).opening.relay
      const { rows } = await sql<MarkRow>`
        SELECT NULL::text AS source, claim::text AS mark, settings, ${lifeColumn} AS life
        FROM cdc_relay.relays WHERE name = ${name}
        UNION ALL
        SELECT source, md5(keys::text || columns::text), NULL, NULL FROM cdc_relay.tables
        WHERE name = ${name} AND source IN (SELECT jsonb_array_elements_text(${JSON.stringify(sources)}::jsonb))`.execute(
        trx,
      )
      const relay = rows.find(({ source }) => source === null)
      requireSame(relay)
      return {
        facts: relay!.mark,
        tables: new Map(rows.flatMap(({ source, mark }) => (source === null ? [] : [[source, mark] as const]))),
      }
    },
  }
}

/** A relay, or what is remembered of one of its source tables: then there are no settings. */
interface MarkRow extends Pick<StoredRelay, 'settings' | 'life'> {
  readonly source: string | null
  readonly mark: string
}

/** True if the name is known and an engine's: then there is nothing to write. @throws RelayError STATE_DIFFERS */
async function isJoined(db: Database, { relay }: Unclaimed): Promise<boolean> {
  const row = await readRelay(db, relay.name)
  if (row === undefined) return false
  const stored = storedIdentity(row, relay)
  requireSameIdentity(stored, relay, howToForget(relay.name))
  return keeperOf(stored) === 'engine'
}

/** Enters the name unless it is there, or takes it over; its row stays locked until the end of the transaction. */
async function enter(trx: Database, { relay, takeOver }: Unclaimed): Promise<void> {
  const { name, stream, start } = relay
  const settingsAfter = (stored: RelayIdentity): string => JSON.stringify(keptBy('engine', relay, stored).settings)
  let row = await readRelay(trx, name, sql`FOR UPDATE`)
  if (row === undefined) {
    // Two that enter it at once: the second waits, and finds it.
    await lockForDdl(trx)
    row = await readRelay(trx, name, sql`FOR UPDATE`)
  }
  if (row === undefined) {
    await removeRemnants(trx, name)
    await sql`
      INSERT INTO cdc_relay.relays (name, stream_id, stream_created, start, settings, claim, owner, host, pid)
      VALUES (${name}, ${stream.id}, ${stream.created}, ${start}, ${settingsAfter(relay)}::jsonb, 0, ${NOBODY.owner}::uuid,
        ${NOBODY.host}, ${NOBODY.pid})`.execute(trx)
    return
  }
  const stored = storedIdentity(row, relay)
  requireSameIdentity(stored, relay, howToForget(name))
  requireSameKeeper(stored, 'engine', takeOver)
  if (keeperOf(stored) === 'engine') return
  await sql`
    UPDATE cdc_relay.relays
    SET settings = ${settingsAfter(stored)}::jsonb, claim = claim + 1, owner = ${NOBODY.owner}::uuid, host = ${NOBODY.host},
      pid = ${NOBODY.pid}, claimed_at = now()
    WHERE name = ${name}`.execute(trx)
}

/** Under the lock on the relay's row nobody else writes facts: what is not there can be added without ON CONFLICT. */
async function write(trx: Database, name: string, stored: Facts, news: Facts): Promise<void> {
  const isThere = (subject: string): boolean => stored.has(subject)
  const given = (facts: Facts) => sql`jsonb_to_recordset(${factsJson(facts)}::jsonb) AS f(subject text, lesson text)`
  const changed = new Map([...news].filter(([subject]) => isThere(subject)))
  const added = new Map([...news].filter(([subject]) => !isThere(subject)))
  if (changed.size > 0) {
    await sql`
      UPDATE cdc_relay.lessons k SET lesson = f.lesson FROM ${given(changed)}
      WHERE k.name = ${name} AND k.subject = f.subject`.execute(trx)
  }
  if (added.size > 0) {
    await sql`
      INSERT INTO cdc_relay.lessons (name, subject, lesson) SELECT ${name}::text, f.subject, f.lesson FROM ${given(added)}`.execute(
      trx,
    )
  }
}

const howToForget = (name: string): string => `run in the target: ${forgetStatement(name)}`
