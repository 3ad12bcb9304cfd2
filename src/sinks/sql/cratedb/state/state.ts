import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Facts, Claim, Stored } from '../../../../batch.ts'
import { RelayError } from '../../../../errors.ts'
import type { Log } from '../../../../observe/log.ts'
import type { Positions } from '../../../../position.ts'
import { startHeartbeat, watchHeartbeat } from '../../../../state/heartbeat.ts'
import { nameHeld } from '../../../../state/held.ts'
import { requireSameIdentity } from '../../../../state/identity.ts'
import { holds, merge } from '../../../../state/stored-json.ts'
import type { Database } from '../../../tables/database.ts'
import type { Connection } from '../../connection.ts'
import { sqlFailure } from '../../failures.ts'
import type { SqlState } from '../../state.ts'
import { byWordsOfCrate } from '../failures.ts'
import { ensureSchema } from './schema.ts'
import {
  beginRelay,
  changeRelay,
  type Holder,
  type Progress,
  pageOf,
  positionsText,
  type RelayRow,
  readProgress,
  readRelay,
  removeLessons,
  removeLessonsBefore,
  storedIdentity,
  type Tokens,
  writeLessons,
} from './state-rows.ts'

const HEARTBEAT_MS = 10_000

/** What we last read or wrote. */
interface Known {
  readonly row: RelayRow
  readonly stored: Stored
}

/**
 * What a relay remembers in CrateDB, which has no transactions: one row holds who it is, who has claimed its name, and
 * where all its shards stand. A move is one compare-and-set of that row, by `_seq_no` and `_primary_term`, which is done
 * once or not at all. Lessons are written before, where nobody reads them until the row names them.
 *
 * The fence: a claim is a number that goes up with each process that takes the name, and the random id of its owner; each
 * move raises the row's revision. Owner, claim and revision tell a row that we wrote, but had no answer for, from one that
 * was set back, and one whose tokens changed although nobody wrote it from one that somebody wrote.
 *
 * Nothing in CrateDB ends with its session, so a holder writes a heartbeat, and a name is free when it was given up, when
 * its heartbeat stands still until it is a minute old, or when it is taken over. That decides only who may try: what keeps
 * a holder that was merely slow from doing harm is the claim.
 *
 * @param heartbeatMs how often a holder says that it lives, and how often who waits for its name looks
 */
export function crateState({ db }: Connection, log: Log | null, heartbeatMs = HEARTBEAT_MS): SqlState {
  const owner = randomUUID()
  let request: Claim | undefined
  let known: Known | undefined
  let setBacks = 0
  let heartbeat: { stop(): Promise<void> } | undefined
  let closed: Promise<void> | undefined
  /** Epoch ms on the cluster's clock. */
  let now = Date.now

  const theRequest = (): Claim => {
    if (request === undefined) throw new Error('the name must be claimed first')
    return request
  }
  const theKnown = (): Known => {
    if (known === undefined) throw new Error('the name must be claimed first')
    return known
  }
  const isOurs = (row: RelayRow, { claim }: Holder): boolean => row.owner === owner && row.claim === claim

  async function claim(claim: Claim, signal: AbortSignal): Promise<Stored> {
    request = claim
    const { relay } = claim
    const { name } = relay
    await ensureSchema(db)
    now = await clusterClock(db)
    const look = watchHeartbeat(now)
    for (let isTold = false; ; ) {
      const row = await readRelay(db, name)
      if (row === undefined) {
        await beginRelay(db, relay, await claim.firstPositions())
        continue
      }
      requireSameIdentity(storedIdentity(row, name), relay, `run in the target: ${forgetStatement(name)}`)
      const sign = row.owner === owner || claim.takeOver ? 'dead' : look(row.heartbeat)
      if (sign === 'alive') throw held(name, row)
      if (sign === 'unknown') {
        if (!isTold) log?.info({ name }, `The relay's name is held by ${shown(row)}: waiting whether that lives`)
        isTold = true
        await sleep(heartbeatMs, undefined, { signal })
        continue
      }
      if (!(await take(name, row))) continue
      heartbeat ??= startHeartbeat(beat, heartbeatMs)
      return theKnown().stored
    }
  }

  /** False if someone was faster. What was read with the row is then the truth: nobody else changes it any more. */
  async function take(name: string, row: RelayRow): Promise<boolean> {
    const us: Holder = {
      claim: Math.max(row.claim, known?.row.claim ?? 0) + 1,
      owner,
      host: hostname(),
      pid: process.pid,
      claimed_at: new Date(now()).toISOString(),
      heartbeat: now(),
    }
    const tokens = await changeRelay(db, name, row, us)
    if (tokens === null) return false
    const taken = { ...row, ...us, ...tokens }
    const stored = await readProgress(db, taken)
    await removeLessonsBefore(db, pageOf(taken))
    // Last: whoever calls again after a failure in between must not find the claim done, and miss what it read.
    known = { row: taken, stored }
    return true
  }

  async function moveWithin(_: Database, moves: Positions, lessons: Facts): Promise<boolean> {
    if (moves.size === 0 && lessons.size === 0) return true
    const { name } = theRequest().relay
    const { row, stored } = theKnown()
    const next = merge(stored, { positions: moves, facts: lessons })
    const revision = row.revision + 1
    const page = lessons.size === 0 ? pageOf(row) : { life: row.life, claim: row.claim, revision }
    if (lessons.size > 0) await writeLessons(db, name, page, next.facts)
    const progress: Progress = {
      revision,
      positions: positionsText(next.positions),
      lessons_claim: page.claim,
      lessons_revision: page.revision,
    }
    if (!(await write({ ...progress, heartbeat: now() }))) return false
    known = { row: { ...theKnown().row, ...progress }, stored: next }
    if (lessons.size > 0) await removeLessons(db, pageOf(row))
    return true
  }

  /**
   * Writes columns of our row, unless somebody else did so since. New tokens of a row that is still ours are taken: a
   * heartbeat gave them, or a shard whose primary moved.
   */
  async function write(columns: Partial<Holder & Progress>): Promise<boolean> {
    const { name } = theRequest().relay
    const before = theKnown().row
    let tokens: Tokens = before
    for (;;) {
      const changed = await changeRelay(db, name, tokens, columns)
      if (changed !== null) {
        known = { ...theKnown(), row: { ...theKnown().row, ...changed } }
        return true
      }
      const row = await readRelay(db, name)
      if (row === undefined || !isOurs(row, before) || row.revision !== before.revision) return false
      if (row._seq_no === tokens._seq_no && row._primary_term === tokens._primary_term) throw unmoved(name)
      tokens = row
    }
  }

  /** Does nothing once the row is not as we left it: the next move says so. */
  async function beat(): Promise<void> {
    try {
      await write({ heartbeat: now() })
    } catch (error) {
      throw sqlFailure(error, byWordsOfCrate)
    }
  }

  async function settle(moves: Positions, lessons: Facts, signal: AbortSignal): Promise<Stored | null> {
    const request = theRequest()
    const { name } = request.relay
    const before = theKnown().row
    const row = await readRelay(db, name)
    if (row === undefined) throw gone(name)
    if (row.owner !== owner && row.claim >= before.claim) throw held(name, row)
    if (isOurs(row, before) && row.revision > before.revision) {
      // Ours, and further than we knew: the move was done, but its answer was lost.
      known = { row, stored: await readProgress(db, row) }
      if (holds(known.stored, { positions: moves, facts: lessons })) return null
    }
    // The target was set back. Whoever lives there keeps the name.
    const older = await claim({ ...request, takeOver: false }, signal)
    setBacks++
    return older
  }

  async function giveUp(): Promise<void> {
    await heartbeat?.stop()
    if (known === undefined) return
    try {
      await write({ heartbeat: 0 })
    } catch (error) {
      const failure = sqlFailure(error, byWordsOfCrate)
      // All that was to be kept is kept. Thrown, it would hide why the relay ends.
      if (!(failure instanceof RelayError)) throw failure
      const fields = { name: theRequest().relay.name, code: failure.code, detail: failure.detail }
      log?.warn(fields, "The relay's name could not be given up: who claims it next waits for a minute")
    }
  }

  return {
    claim,
    name: () => theRequest().relay.name,
    stored: () => theKnown().stored,
    positions: () => theKnown().stored.positions,
    setBacks: () => setBacks,
    keepLock: async () => {},
    moveWithin,
    moved: () => {},
    settle,
    close: () => (closed ??= giveUp()),
  }
}

/** The nodes of a cluster share a clock well enough; the machines of two relays perhaps not. */
async function clusterClock(db: Database): Promise<() => number> {
  const { rows } = await sql<{ ms: string }>`SELECT CURRENT_TIMESTAMP::BIGINT AS "ms"`.execute(db)
  const aheadMs = Number(rows[0]!.ms) - Date.now()
  return () => Date.now() + aheadMs
}

const forgetStatement = (name: string): string =>
  `DELETE FROM cdc_relay.relays WHERE name = '${name.replaceAll("'", "''")}'`

function gone(name: string): RelayError {
  const detail = 'The relay is gone from cdc_relay.relays, and its positions with it, while it was running'
  return new RelayError('STATE_BROKEN', detail, { name })
}

function unmoved(name: string): RelayError {
  const detail =
    'CrateDB did not change the row in cdc_relay.relays, and shows it unchanged: its shard may be moving to another node'
  return new RelayError('SINK_BUSY', detail, { name })
}

const shown = ({ pid, host, claimed_at, heartbeat }: Holder): string =>
  `process ${pid} on ${host} since ${claimed_at}, last heard of ${new Date(heartbeat).toISOString()}`

const held = (name: string, holder: Holder): RelayError => nameHeld(name, shown(holder))
