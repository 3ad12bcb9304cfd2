import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import type { Lessons } from '../../../change.ts'
import type { Positions } from '../../../position.ts'
import type { Claim, Stored } from '../../../state/store.ts'
import { type Connection, type Database, inTransaction } from '../connection.ts'
import { lockKey } from '../names.ts'
import type { SqlState } from '../state.ts'
import { ensureSchema } from './schema.ts'
import { beginName, gone, held, lessonsJson, movesJson, readRelay, readStored, takeName } from './state-rows.ts'

/** How long a new process waits for the session of a killed one to end. */
const LOCK_WAIT_MS = 5_000
const LOCK_POLL_MS = 200

/** What a relay remembers, in the schema `cdc_relay`, moved in the transaction of the batch. */
export function sqlState(connection: Connection): SqlState {
  const { db } = connection
  const owner = randomUUID()
  let request: Claim | undefined
  /** The claim that we hold, bigint as text. */
  let claimed = '0'
  let known: Stored = { positions: new Map(), lessons: new Map() }
  let setBacks = 0
  /** The session that took the lock on the name, if one did. */
  let lockedIn: number | null = null

  const theRequest = (): Claim => {
    if (request === undefined) throw new Error('the name must be claimed first')
    return request
  }

  async function claim(claim: Claim, signal: AbortSignal): Promise<Stored> {
    request = claim
    const { relay } = claim
    await ensureSchema(db)
    await lockName(relay.name, claim.takeOver, signal)
    let taken = await inTransaction(db, (trx) => takeName(trx, relay, owner))
    if (taken === undefined) {
      const first = await claim.firstPositions()
      taken = await inTransaction(db, (trx) => beginName(trx, relay, owner, first))
    }
    claimed = taken.claim
    known = taken.stored
    return known
  }

  async function lockName(name: string, takeOver: boolean, signal: AbortSignal): Promise<void> {
    for (let waitedMs = 0; ; waitedMs += LOCK_POLL_MS) {
      if (await tryLock(name)) return
      if (takeOver) return
      if (waitedMs >= LOCK_WAIT_MS) throw held(name, await readRelay(db, name))
      await sleep(LOCK_POLL_MS, undefined, { signal })
    }
  }

  /** Takes the lock on the name unless this session has it: a name taken over, or a lost session of ours, may hold it for a while. */
  async function tryLock(name: string): Promise<boolean> {
    if (lockedIn === connection.session()) return true
    const { rows } = await sql<{ taken: boolean }>`
      SELECT pg_try_advisory_lock(${lockKey('relay', name)}::bigint) AS taken`.execute(db)
    if (rows[0]?.taken) lockedIn = connection.session()
    return rows[0]?.taken === true
  }

  /** The relay's row, locked, if the name is ours. */
  const ours = (): RawBuilder<unknown> => sql`
    SELECT name FROM cdc_relay.relays
    WHERE name = ${theRequest().relay.name} AND claim = ${claimed}::bigint AND owner = ${owner}::uuid FOR SHARE`

  async function moveWithin(trx: Database, moves: Positions, lessons: Lessons): Promise<boolean> {
    return (await moveAll(trx, moves)) && (await keepLessons(trx, lessons))
  }

  async function moveAll(trx: Database, moves: Positions): Promise<boolean> {
    if (moves.size === 0) return true
    const { rows } = await sql<{ moved: number }>`
      WITH ours AS (${ours()}), moves AS (
        SELECT * FROM jsonb_to_recordset(${movesJson(moves, known.positions)}::jsonb)
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
  }

  async function keepLessons(trx: Database, lessons: Lessons): Promise<boolean> {
    if (lessons.size === 0) return true
    const kept = await sql`
      WITH ours AS (${ours()})
      INSERT INTO cdc_relay.lessons (name, subject, lesson)
      SELECT ours.name, l.subject, l.lesson FROM ours, jsonb_to_recordset(${lessonsJson(lessons)}::jsonb) AS l(subject text, lesson text)
      ON CONFLICT (name, subject) DO UPDATE SET lesson = excluded.lesson`.execute(trx)
    return Number(kept.numAffectedRows) === lessons.size
  }

  function moved(moves: Positions, lessons: Lessons): void {
    known = {
      positions: new Map([...known.positions, ...moves]),
      lessons: lessons.size === 0 ? known.lessons : new Map([...known.lessons, ...lessons]),
    }
  }

  async function settle(moves: Positions, lessons: Lessons, signal: AbortSignal): Promise<Stored | null> {
    const request = theRequest()
    const { name } = request.relay
    const stored = await readRelay(db, name)
    if (stored === undefined) throw gone(name)
    const ahead = BigInt(stored.claim) - BigInt(claimed)
    // A higher claim of our own: the answer to claiming again was lost.
    if (ahead >= 0n && stored.owner !== owner) throw held(name, stored)
    if (ahead === 0n) {
      const now = await readStored(db, name)
      const isMoved = [...moves].every(([shard, { sequence }]) => now.positions.get(shard)?.sequence === sequence)
      if (isMoved && [...lessons].every(([subject, lesson]) => now.lessons.get(subject) === lesson)) {
        known = now
        return null
      }
    }
    // Our claim or an older one, and other positions than ours: the target was set back. Whoever lives there keeps the name.
    const older = await claim({ ...request, takeOver: false }, signal)
    setBacks++
    return older
  }

  return {
    claim,
    name: () => theRequest().relay.name,
    stored: () => known,
    positions: () => known.positions,
    setBacks: () => setBacks,
    keepLock: () => tryLock(theRequest().relay.name),
    moveWithin,
    moved,
    settle,
  }
}
