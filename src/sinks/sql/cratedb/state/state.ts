import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { sql } from 'kysely'
import type { Claim, ClaimedSettings, Progress, Stored } from '../../../../batch.ts'
import { RelayError } from '../../../../errors.ts'
import type { Log } from '../../../../observe/log.ts'
import { isOurs, verdict } from '../../../../state/fence.ts'
import { startHeartbeat } from '../../../../state/heartbeat.ts'
import {
  claimByHeartbeat,
  giveNameUp,
  HEARTBEAT_MS,
  type HeldName,
  type Holder,
  heldBy,
} from '../../../../state/heartbeat-claim.ts'
import { claimedSettings } from '../../../../state/identity.ts'
import { advance, withoutSettings } from '../../../../state/stored.ts'
import type { Database } from '../../../tables/database.ts'
import type { Connection } from '../../connection.ts'
import { sqlFailure } from '../../failures.ts'
import type { SqlState } from '../../state.ts'
import { byWordsOfCrate } from '../failures.ts'
import { ensureSchema } from './migration.ts'
import {
  beginRelay,
  changeRelay,
  forgetStatement,
  gone,
  type Owner,
  type ProgressColumns,
  pageOf,
  positionsText,
  type RelayRow,
  readProgress,
  readRelay,
  removeFacts,
  removeFactsBefore,
  storedIdentity,
  type Tokens,
  writeFacts,
} from './state-rows.ts'

/** What we last read or wrote. */
interface Known {
  readonly row: RelayRow
  readonly stored: Stored
}

/**
 * What a relay remembers in CrateDB, which has no transactions: one row holds who it is, who has claimed its name, and
 * where all its shards stand. A move is one compare-and-set of that row, by `_seq_no` and `_primary_term`, which is done
 * once or not at all. Facts are written before, where nobody reads them until the row names them.
 *
 * The fence (`state/fence.ts`): owner, claim and revision tell a row that we wrote, but had no answer for, from one that
 * an older one that was restored, and one whose tokens changed although nobody wrote it from one that somebody wrote.
 *
 * Nothing in CrateDB ends with its session, so a holder writes a heartbeat, and a name is free when it was given up, when
 * its heartbeat stands still until it is a minute old, or when it is taken over. That decides only who may try: what keeps
 * a holder that was merely slow from doing harm is the claim.
 *
 * @param heartbeatMs how often a holder says that it lives, and how often a process that waits for the name looks
 */
export function crateState({ db }: Connection, log: Log | null, heartbeatMs = HEARTBEAT_MS): SqlState {
  return new CrateState(db, log, heartbeatMs)
}

class CrateState implements SqlState {
  readonly #db: Database
  readonly #log: Log | null
  readonly #heartbeatMs: number
  readonly #owner = randomUUID()
  #request: Claim | undefined
  #known: Known | undefined
  #rewinds = 0
  #heartbeat: { stop(): Promise<void> } | undefined
  #closed: Promise<void> | undefined
  /** Epoch ms on the cluster's clock. */
  #now = Date.now

  constructor(db: Database, log: Log | null, heartbeatMs: number) {
    this.#db = db
    this.#log = log
    this.#heartbeatMs = heartbeatMs
  }

  name(): string {
    return this.#requireRequest().relay.name
  }

  stored(): Stored {
    return this.#requireKnown().stored
  }

  rewinds(): number {
    return this.#rewinds
  }

  async keepLock(): Promise<void> {}

  async requireName(to: Database): Promise<void> {
    const name = this.name()
    if ((await readRelay(to, name)) === undefined) throw gone(name)
  }

  moved(): void {}

  async claim(claim: Claim, signal: AbortSignal): Promise<Stored> {
    this.#request = claim
    const { relay, takeOver } = claim
    const { name } = relay
    await ensureSchema(this.#db)
    this.#now = await clusterClock(this.#db)
    const howToForget = `run in the target: ${forgetStatement(name)}`
    let claimed: ClaimedSettings
    const held: HeldName<RelayRow> = {
      name,
      read: async () => {
        const row = await readRelay(this.#db, name)
        if (row !== undefined) claimed = claimedSettings(storedIdentity(row, name), claim, howToForget)
        return row
      },
      begin: async () => beginRelay(this.#db, relay, await claim.firstPositions()),
      holder: holderOf,
      take: (row) => this.#take(name, row, claimed),
    }
    const heartbeat = { owner: this.#owner, takeOver, heartbeatMs: this.#heartbeatMs, now: this.#now, log: this.#log }
    const stored = await claimByHeartbeat(held, heartbeat, signal)
    this.#heartbeat ??= startHeartbeat(() => this.#setHeartbeat(this.#now()), this.#heartbeatMs)
    return stored
  }

  /** Null if another process was faster. What was read with the row is then the truth: nobody else changes it any more. */
  async #take(name: string, row: RelayRow, claimed: ClaimedSettings): Promise<Stored | null> {
    const us: Owner = {
      claim: Math.max(row.claim, this.#known?.row.claim ?? 0) + 1,
      owner: this.#owner,
      host: hostname(),
      pid: process.pid,
      claimed_at: new Date(this.#now()).toISOString(),
      heartbeat: this.#now(),
    }
    const settings = JSON.stringify(claimed.settings)
    const tokens = await changeRelay(this.#db, name, row, settings === row.settings ? us : { ...us, settings })
    if (tokens === null) return null
    const taken = { ...row, ...us, ...tokens }
    const stored = await readProgress(this.#db, taken)
    await removeFactsBefore(this.#db, pageOf(taken))
    // Last: a call after a failure in between must not find the claim done, and miss what it read.
    this.#known = { row: taken, stored }
    return { ...stored, claimed }
  }

  async moveWithin(_: Database, progress: Progress): Promise<boolean> {
    const { positions, forgotten, facts } = progress
    if (positions.size === 0 && forgotten.length === 0 && facts.size === 0) return true
    const name = this.name()
    const { row, stored } = this.#requireKnown()
    const next = advance(stored, progress)
    const revision = row.revision + 1
    const page = facts.size === 0 ? pageOf(row) : { life: row.life, claim: row.claim, revision }
    if (facts.size > 0) await writeFacts(this.#db, name, page, next.facts)
    const columns: ProgressColumns = {
      revision,
      positions: positionsText(next.positions),
      lessons_claim: page.claim,
      lessons_revision: page.revision,
    }
    if (!(await this.#write({ ...columns, heartbeat: this.#now() }, next))) return false
    if (facts.size > 0) await removeFacts(this.#db, pageOf(row))
    return true
  }

  /**
   * Writes columns of our row, unless another process did so since. New tokens of a row that is still ours are taken: a
   * heartbeat gave them, or a shard whose primary moved.
   *
   * @param next what is stored then; absent if that does not change
   */
  async #write(columns: Partial<Owner & ProgressColumns>, next?: Stored): Promise<boolean> {
    const name = this.name()
    const before = this.#requireKnown().row
    let tokens: Tokens = before
    for (;;) {
      const changed = await changeRelay(this.#db, name, tokens, columns)
      if (changed !== null) {
        const { row, stored } = this.#requireKnown()
        // A heartbeat may have written a restored row while a move was done: its tokens are not those of what we know.
        const isStill = isOurs(row, before) && row.revision === before.revision
        if (isStill) this.#known = { row: { ...row, ...columns, ...changed }, stored: next ?? stored }
        return true
      }
      const row = await readRelay(this.#db, name)
      if (row === undefined || !isOurs(row, before) || row.revision !== before.revision) return false
      if (row._seq_no === tokens._seq_no && row._primary_term === tokens._primary_term) throw unmoved(name)
      tokens = row
    }
  }

  async settle(progress: Progress, signal: AbortSignal): Promise<Stored | null> {
    const { row: before, stored } = this.#requireKnown()
    const row = await readRelay(this.#db, this.name())
    if (row === undefined) throw gone(this.name())
    const now = isOurs(row, before) ? await readProgress(this.#db, row) : null
    switch (verdict({ ...row, stored: now }, { ...before, stored }, progress)) {
      case 'held':
        throw heldBy(this.name(), holderOf(row))
      case 'moved':
        this.#known = { row, stored: now! }
        return null
      case 'further':
        this.#known = { row, stored: now! }
        return (await this.moveWithin(this.#db, progress)) ? null : await this.settle(progress, signal)
      case 'rewound': {
        // Another process that lives there keeps the name.
        const older = withoutSettings(await this.claim({ ...this.#requireRequest(), takeOver: false }, signal))
        this.#rewinds++
        return older
      }
    }
  }

  /** Does nothing once the row is not as we left it: the next move says so. */
  async #setHeartbeat(heartbeat: number): Promise<void> {
    try {
      await this.#write({ heartbeat })
    } catch (error) {
      throw sqlFailure(error, byWordsOfCrate)
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#heartbeat?.stop()
    if (this.#known !== undefined) await giveNameUp(this.name(), this.#log, () => this.#setHeartbeat(0))
  }

  #requireRequest(): Claim {
    if (this.#request === undefined) throw new Error('the name must be claimed first')
    return this.#request
  }

  #requireKnown(): Known {
    if (this.#known === undefined) throw new Error('the name must be claimed first')
    return this.#known
  }
}

const holderOf = ({ owner, host, pid, claimed_at, heartbeat }: Owner): Holder => ({
  owner,
  host,
  process: pid,
  since: claimed_at,
  heartbeat,
})

/** The nodes of a cluster share a clock well enough; the machines of two relays perhaps not. */
export async function clusterClock(db: Database): Promise<() => number> {
  const { rows } = await sql<{ ms: string }>`SELECT CURRENT_TIMESTAMP::BIGINT AS "ms"`.execute(db)
  const aheadMs = Number(rows[0]!.ms) - Date.now()
  return () => Date.now() + aheadMs
}

function unmoved(name: string): RelayError {
  const detail =
    'CrateDB did not change the row in cdc_relay.relays, and shows it unchanged: its shard may be moving to another node'
  return new RelayError('SINK_BUSY', detail, { name })
}
