import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Facts, Claim, Stored } from '../../../batch.ts'
import type { Positions } from '../../../position.ts'
import type { Database } from '../../tables/database.ts'
import { lockKey } from '../../tables/names.ts'
import { type Connection, inTransaction } from '../connection.ts'
import type { SqlState } from '../state.ts'
import { ensureSchema, type Parts } from './schema.ts'
import { beginName, gone, held, readRelay, readStored, takeName } from './state-rows.ts'

/** How long a new process waits for the session of a killed one to end. */
const LOCK_WAIT_MS = 5_000
const LOCK_POLL_MS = 200

/** What differs between databases: both resolve to false if not all of it happened under the claim. */
export interface StateStatements {
  readonly parts: Parts
  /** Moves positions. @param before what was last read or written */
  move(trx: Database, held: HeldClaim, moves: Positions, before: Positions): Promise<boolean>
  keep(trx: Database, held: HeldClaim, lessons: Facts): Promise<boolean>
}

/** A claim on a name, which is ours as long as `claim` and `owner` stand in the relay's row. */
export interface HeldClaim {
  readonly name: string
  /** bigint as text. */
  readonly claim: string
  readonly owner: string
}

/** What a relay remembers, in the schema `cdc_relay`, moved in the transaction of the batch. */
export function sqlState(connection: Connection, statements: StateStatements): SqlState {
  const { db } = connection
  const owner = randomUUID()
  let request: Claim | undefined
  /** The claim that we hold, bigint as text. */
  let claimed = '0'
  let known: Stored = { positions: new Map(), facts: new Map() }
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
    await ensureSchema(db, statements.parts)
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

  async function moveWithin(trx: Database, moves: Positions, lessons: Facts): Promise<boolean> {
    const held = { name: theRequest().relay.name, claim: claimed, owner }
    return (
      (moves.size === 0 || (await statements.move(trx, held, moves, known.positions))) &&
      (lessons.size === 0 || (await statements.keep(trx, held, lessons)))
    )
  }

  function moved(moves: Positions, lessons: Facts): void {
    known = {
      positions: new Map([...known.positions, ...moves]),
      facts: lessons.size === 0 ? known.facts : new Map([...known.facts, ...lessons]),
    }
  }

  async function settle(moves: Positions, lessons: Facts, signal: AbortSignal): Promise<Stored | null> {
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
      if (isMoved && [...lessons].every(([subject, lesson]) => now.facts.get(subject) === lesson)) {
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
    // The lock goes with the session.
    close: async () => {},
  }
}
