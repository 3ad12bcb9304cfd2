import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Facts, RelayIdentity, Stored } from '../../../../batch.ts'
import { RelayError } from '../../../../errors.ts'
import { parseJson } from '../../../../parse-json.ts'
import type { Positions } from '../../../../position.ts'
import { nameRemoved } from '../../../../state/removed.ts'
import { jsonOf, readStored } from '../../../../state/stored-json.ts'
import type { Database } from '../../../tables/database.ts'
import { theRow } from './written-rows.ts'

/** Who holds a relay's name. */
export interface Owner {
  /** Goes up with each process that takes the name. */
  readonly claim: number
  /** Random id of the process. */
  readonly owner: string
  readonly host: string
  readonly pid: number
  /** When it took the name, ISO 8601. */
  readonly claimed_at: string
  /** When it was last seen alive, epoch ms of the cluster's clock; 0 once it has given the name up. */
  readonly heartbeat: number
}

/** What moves. */
export interface ProgressColumns {
  /** Goes up with each move. */
  readonly revision: number
  readonly positions: string
  /** Where the facts are in `cdc_relay.lessons`; both 0 as long as there are none. */
  readonly lessons_claim: number
  readonly lessons_revision: number
}

/** A row of a shard of a table changed if these did; also, though nobody wrote it, when the shard's primary moves. */
export interface Tokens {
  readonly _seq_no: string
  readonly _primary_term: string
}

/** A relay's row in `cdc_relay.relays`. */
export interface RelayRow extends Owner, ProgressColumns, Tokens {
  readonly life: string
  readonly stream_id: string
  readonly stream_created: string
  readonly start: string | null
  readonly settings: string
}

/** Facts that count once a relay's row names them. */
export interface FactsPage {
  readonly life: string
  readonly claim: number
  readonly revision: number
}

/** By its full key, and so as it is now. */
export async function readRelay(db: Database, name: string): Promise<RelayRow | undefined> {
  const { rows } = await sql<RelayRow>`
    SELECT "life", "stream_id", "stream_created", "start", "settings", "claim", "owner", "host", "pid", "claimed_at",
      "heartbeat", "revision", "positions", "lessons_claim", "lessons_revision", "_seq_no", "_primary_term"
    FROM "cdc_relay"."relays" WHERE "name" = ${name}`.execute(db)
  const row = rows[0]
  if (row === undefined) return undefined
  // BIGINT comes as text.
  const { claim, heartbeat, revision, lessons_claim, lessons_revision } = row
  return {
    ...row,
    claim: Number(claim),
    heartbeat: Number(heartbeat),
    revision: Number(revision),
    lessons_claim: Number(lessons_claim),
    lessons_revision: Number(lessons_revision),
  }
}

/** Stores a new name, given up already: it is then claimed like any other. Does nothing if another process was faster. */
export async function beginRelay(db: Database, { name, stream, start, settings }: RelayIdentity, first: Positions) {
  await sql`
    INSERT INTO "cdc_relay"."relays" ("name", "life", "stream_id", "stream_created", "start", "settings", "claim", "owner",
      "host", "pid", "claimed_at", "heartbeat", "revision", "positions", "lessons_claim", "lessons_revision")
    VALUES (${name}, ${randomUUID()}, ${stream.id}, ${stream.created}, ${start}, ${JSON.stringify(settings)}, 0, 'nobody',
      'none', 0, 'never', 0, 0, ${positionsText(first)}, 0, 0)
    ON CONFLICT ("name") DO NOTHING`.execute(db)
}

/**
 * Writes some columns of a relay's row if it is as it was when the tokens were read. Resolves to its new tokens, null if it
 * is not, however CrateDB says so: by no row, or by an error.
 */
export async function changeRelay(
  db: Database,
  name: string,
  { _seq_no, _primary_term }: Tokens,
  columns: Partial<Owner & ProgressColumns & { readonly settings: string }>,
): Promise<Tokens | null> {
  const assignments = Object.entries(columns).map(([column, value]) => sql`${sql.id(column)} = ${value}`)
  const update = sql<Tokens>`
    UPDATE "cdc_relay"."relays" SET ${sql.join(assignments)}
    WHERE "name" = ${name} AND "_seq_no" = ${_seq_no} AND "_primary_term" = ${_primary_term}
    RETURNING "_seq_no", "_primary_term"`
  try {
    return (await update.execute(db)).rows[0] ?? null
  } catch (error) {
    if (error instanceof Error && /version conflict/i.test(error.message)) return null
    throw error
  }
}

export function storedIdentity(row: RelayRow, name: string): RelayIdentity {
  const { stream_id: id, stream_created: created, start, settings } = row
  return {
    name,
    stream: { id, created, retentionMs: null },
    start,
    settings: parseJson(settings) as RelayIdentity['settings'],
  }
}

/** @throws RelayError STATE_BROKEN */
export async function readProgress(db: Database, row: RelayRow): Promise<Stored> {
  const { positions } = readStored('The positions', row.positions)
  return { positions, facts: await readFacts(db, pageOf(row)) }
}

export const pageOf = ({ life, lessons_claim, lessons_revision }: RelayRow): FactsPage => ({
  life,
  claim: lessons_claim,
  revision: lessons_revision,
})

export const positionsText = (positions: Positions): string => jsonOf({ positions, facts: new Map() })

export async function readFacts(db: Database, { life, claim, revision }: FactsPage): Promise<Facts> {
  if (claim === 0) return new Map()
  const { rows } = await sql<{ lessons: string }>`
    SELECT "lessons" FROM "cdc_relay"."lessons"
    WHERE "life" = ${life} AND "claim" = ${claim} AND "revision" = ${revision}`.execute(db)
  if (rows[0] !== undefined) return readStored('The facts', rows[0].lessons).facts
  throw new RelayError('STATE_BROKEN', `Facts ${claim}.${revision} of the relay are gone from cdc_relay.lessons`)
}

/** All facts, under a page that no row names yet. The same again does no harm. */
export async function writeFacts(
  db: Database,
  name: string,
  { life, claim, revision }: FactsPage,
  facts: Facts,
): Promise<void> {
  const { rows } = await sql`
    INSERT INTO "cdc_relay"."lessons" ("life", "claim", "revision", "name", "lessons")
    VALUES (${life}, ${claim}, ${revision}, ${name}, ${jsonOf({ positions: new Map(), facts })})
    ON CONFLICT ("life", "claim", "revision") DO UPDATE SET "lessons" = excluded."lessons"
    RETURNING "claim"`.execute(db)
  theRow(rows, 'cdc_relay.lessons')
}

/**
 * Removes the pages from before one that counts. What a search does not see yet stays for the next claim; a request that
 * is late cannot remove one that came to count.
 */
export async function removeFactsBefore(db: Database, { life, claim, revision }: FactsPage): Promise<void> {
  await sql`
    DELETE FROM "cdc_relay"."lessons"
    WHERE "life" = ${life} AND ("claim" < ${claim} OR ("claim" = ${claim} AND "revision" < ${revision}))`.execute(db)
}

export async function removeFacts(db: Database, { life, claim, revision }: FactsPage): Promise<void> {
  await sql`
    DELETE FROM "cdc_relay"."lessons"
    WHERE "life" = ${life} AND "claim" = ${claim} AND "revision" = ${revision}`.execute(db)
}

export const gone = (name: string): RelayError => nameRemoved(name, 'cdc_relay.relays')

export const forgetStatement = (name: string): string =>
  `DELETE FROM cdc_relay.relays WHERE name = '${name.replaceAll("'", "''")}'`
