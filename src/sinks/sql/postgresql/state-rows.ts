import { hostname } from 'node:os'
import { sql } from 'kysely'
import type { Claim, Facts, RelayIdentity, Stored } from '../../../batch.ts'
import type { RelayError } from '../../../errors.ts'
import type { Position, Positions } from '../../../position.ts'
import { holderText, nameHeld } from '../../../state/held.ts'
import { claimedSettings } from '../../../state/identity.ts'
import { nameRemoved } from '../../../state/removed.ts'
import type { Database } from '../../tables/database.ts'
import { lockForDdl } from './schema.ts'

/** A relay's row in `cdc_relay.relays`. */
export interface StoredRelay {
  readonly stream_id: string
  readonly stream_created: string
  readonly start: string | null
  readonly settings: Readonly<Record<string, string>>
  /** bigint as text. */
  readonly claim: string
  readonly owner: string
  readonly host: string
  readonly pid: number
  readonly since: string
  /** The same moment to the microsecond: another one each time that the name is entered or taken. */
  readonly life: string
}

export interface Taken {
  readonly claim: string
  readonly stored: Stored
}

/** Raises the claim of a known name; undefined if there is no such name. @throws RelayError STATE_DIFFERS, CONFIGURATION */
export async function takeName(trx: Database, claim: Claim, owner: string): Promise<Taken | undefined> {
  const { relay } = claim
  const row = await readRelay(trx, relay.name, sql`FOR UPDATE`)
  if (row === undefined) return undefined
  const howToForget = `run in the target: ${forgetStatement(relay.name)}`
  const claimed = claimedSettings(storedIdentity(row, relay), claim, howToForget)
  const { rows } = await sql<{ claim: string }>`
    UPDATE cdc_relay.relays
    SET claim = claim + 1, owner = ${owner}::uuid, host = ${hostname()}, pid = ${process.pid}, claimed_at = now(),
      settings = ${JSON.stringify(claimed.settings)}::jsonb
    WHERE name = ${relay.name} RETURNING claim::text AS claim`.execute(trx)
  return { claim: rows[0]!.claim, stored: { ...(await readStored(trx, relay.name)), claimed } }
}

/** What a relay of that name left behind: PostgreSQL lets it go with the relay's row, Greenplum does not enforce foreign keys. */
export async function removeRemnants(trx: Database, name: string): Promise<void> {
  await sql`DELETE FROM cdc_relay.positions WHERE name = ${name}`.execute(trx)
  await sql`DELETE FROM cdc_relay.lessons WHERE name = ${name}`.execute(trx)
  await sql`DELETE FROM cdc_relay.tables WHERE name = ${name}`.execute(trx)
}

/**
 * Stores a new name with its first positions.
 * @throws RelayError STATE_HELD if another process did so meanwhile
 */
export async function beginName(trx: Database, relay: RelayIdentity, owner: string, first: Positions): Promise<Taken> {
  const { name, stream, start, settings } = relay
  await lockForDdl(trx)
  // Greenplum locks the whole table, in the order in which a batch does: `relays` first.
  const other = await readRelay(trx, name, sql`FOR UPDATE`)
  if (other !== undefined) throw held(name, other)
  await removeRemnants(trx, name)
  await sql`
    INSERT INTO cdc_relay.relays (name, stream_id, stream_created, start, settings, claim, owner, host, pid)
    VALUES (${name}, ${stream.id}, ${stream.created}, ${start}, ${JSON.stringify(settings)}::jsonb, 1, ${owner}::uuid,
      ${hostname()}, ${process.pid})`.execute(trx)
  await sql`
    INSERT INTO cdc_relay.positions (name, shard, sequence, arrived_at, caught_up_at)
    SELECT ${name}::text, m.shard, m.sequence, m.arrived_at, m.caught_up_at FROM jsonb_to_recordset(${movesJson(first, new Map())}::jsonb)
      AS m(shard text, sequence text, arrived_at timestamptz, caught_up_at timestamptz)`.execute(trx)
  return { claim: '1', stored: { positions: first, facts: new Map() } }
}

export function storedIdentity(stored: StoredRelay, { name }: Pick<RelayIdentity, 'name'>): RelayIdentity {
  const { stream_id, stream_created, start, settings } = stored
  return { name, stream: { id: stream_id, created: stream_created, retentionMs: null }, start, settings }
}

export const forgetStatement = (name: string): string =>
  `DELETE FROM cdc_relay.relays WHERE name = '${name.replaceAll("'", "''")}'`

export const lifeColumn = sql`to_char(claimed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

export async function readRelay(db: Database, name: string, lock = sql``): Promise<StoredRelay | undefined> {
  const { rows } = await sql<StoredRelay>`
    SELECT stream_id, stream_created, start, settings, claim::text AS claim, owner::text AS owner, host, pid,
      to_char(claimed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since, ${lifeColumn} AS life
    FROM cdc_relay.relays WHERE name = ${name} ${lock}`.execute(db)
  return rows[0]
}

export async function readStored(db: Database, name: string): Promise<Stored> {
  return { positions: await readPositions(db, name), facts: await readFacts(db, name) }
}

export async function readFacts(db: Database, name: string): Promise<Facts> {
  const { rows } = await sql<{ subject: string; lesson: string }>`
    SELECT subject, lesson FROM cdc_relay.lessons WHERE name = ${name} ORDER BY subject`.execute(db)
  return new Map(rows.map(({ subject, lesson }) => [subject, lesson]))
}

export async function readPositions(db: Database, name: string): Promise<Positions> {
  const { rows } = await sql<{ shard: string; sequence: string; arrived: string | null; caught_up: string | null }>`
    SELECT shard, sequence, round(extract(epoch FROM arrived_at) * 1000)::text AS arrived,
      round(extract(epoch FROM caught_up_at) * 1000)::text AS caught_up
    FROM cdc_relay.positions WHERE name = ${name} ORDER BY shard`.execute(db)
  const ms = (text: string | null): number | null => (text === null ? null : Number(text))
  return new Map(
    rows.map((row) => [
      row.shard,
      { sequence: row.sequence, arrivedAt: ms(row.arrived), caughtUpAt: ms(row.caught_up) },
    ]),
  )
}

/** One parameter for all shards: `before` is what we last read or wrote, null for a shard without position. */
export function movesJson(moves: Positions, before: Positions): string {
  const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
  const rows = [...moves].map(([shard, { sequence, arrivedAt, caughtUpAt }]: [string, Position]) => ({
    shard,
    before: before.get(shard)?.sequence ?? null,
    sequence,
    arrived_at: time(arrivedAt),
    caught_up_at: time(caughtUpAt),
  }))
  return JSON.stringify(rows)
}

export const factsJson = (facts: Facts): string =>
  JSON.stringify([...facts].map(([subject, lesson]) => ({ subject, lesson })))

export const gone = (name: string): RelayError => nameRemoved(name, 'cdc_relay.relays')

export function held(name: string, holder: StoredRelay | undefined): RelayError {
  const by =
    holder === undefined
      ? 'another process that is just starting'
      : holderText({ process: holder.pid, host: holder.host, since: holder.since })
  return nameHeld(name, by)
}
