import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Claim, Progress, Stored } from '../../../batch.ts'
import { isOurs, verdict } from '../../../state/fence.ts'
import { KnownState, withoutSettings } from '../../../state/stored.ts'
import type { Database } from '../../tables/database.ts'
import { type Connection, inTransaction } from '../connection.ts'
import type { SqlState } from '../state.ts'
import { forgetPositions } from './forget-positions.ts'
import { lockKey } from './lock-key.ts'
import { ensureSchema } from './migration.ts'
import { beginName, gone, held, readRelay, readStored, takeName } from './state-rows.ts'
import type { StateStatements } from './state-statements.ts'

/** How long a new process waits for the session of a killed one to end. */
const LOCK_WAIT_MS = 5_000
const LOCK_POLL_MS = 200

/** What a relay remembers, in the schema `cdc_relay`, moved in the transaction of the batch. */
export function sqlState(connection: Connection, statements: StateStatements): SqlState {
  return new SessionState(connection, statements)
}

class SessionState implements SqlState {
  readonly #connection: Connection
  readonly #db: Database
  readonly #statements: StateStatements
  readonly #owner = randomUUID()
  #request: Claim | undefined
  /** The claim that we hold, bigint as text. */
  #claimed = '0'
  #known = new KnownState({ positions: new Map(), facts: new Map() })
  #rewinds = 0
  /** The session that took the lock on the name, if one did. */
  #lockedIn: number | null = null

  constructor(connection: Connection, statements: StateStatements) {
    this.#connection = connection
    this.#db = connection.db
    this.#statements = statements
  }

  name(): string {
    return this.#requireRequest().relay.name
  }

  stored(): Stored {
    return this.#known.snapshot()
  }

  rewinds(): number {
    return this.#rewinds
  }

  keepLock(): Promise<unknown> {
    return this.#tryLock(this.name())
  }

  async claim(claim: Claim, signal: AbortSignal): Promise<Stored> {
    this.#request = claim
    const { relay } = claim
    await ensureSchema(this.#db, this.#statements.steps)
    await this.#lockName(relay.name, claim.takeOver, signal)
    let taken = await inTransaction(this.#db, (trx) => takeName(trx, claim, this.#owner))
    if (taken === undefined) {
      const first = await claim.firstPositions()
      taken = await inTransaction(this.#db, (trx) => beginName(trx, relay, this.#owner, first))
    }
    this.#claimed = taken.claim
    this.#known = new KnownState(taken.stored)
    return taken.stored
  }

  async requireName(to: Database): Promise<void> {
    const name = this.name()
    if ((await readRelay(to, name)) === undefined) throw gone(name)
  }

  async #lockName(name: string, takeOver: boolean, signal: AbortSignal): Promise<void> {
    for (let waitedMs = 0; ; waitedMs += LOCK_POLL_MS) {
      if (await this.#tryLock(name)) return
      if (takeOver) return
      if (waitedMs >= LOCK_WAIT_MS) throw held(name, await readRelay(this.#db, name))
      await sleep(LOCK_POLL_MS, undefined, { signal })
    }
  }

  /** Takes the lock on the name unless this session has it: a name taken over, or a lost session of ours, may hold it for a while. */
  async #tryLock(name: string): Promise<boolean> {
    if (this.#lockedIn === this.#connection.session()) return true
    const { rows } = await sql<{ taken: boolean }>`
      SELECT pg_try_advisory_lock(${lockKey('relay', name)}::bigint) AS taken`.execute(this.#db)
    if (rows[0]?.taken) this.#lockedIn = this.#connection.session()
    return rows[0]?.taken === true
  }

  async moveWithin(trx: Database, { positions, forgotten, facts }: Progress): Promise<boolean> {
    const held = { name: this.name(), claim: this.#claimed, owner: this.#owner }
    const before = this.#known.positions
    return (
      (positions.size === 0 || (await this.#statements.move(trx, held, positions, before))) &&
      (forgotten.length === 0 || (await forgetPositions(trx, held, forgotten, before))) &&
      (facts.size === 0 || (await this.#statements.keep(trx, held, facts)))
    )
  }

  moved(progress: Progress): void {
    this.#known.advance(progress)
  }

  async settle(progress: Progress, signal: AbortSignal): Promise<Stored | null> {
    const name = this.name()
    const row = await readRelay(this.#db, name)
    if (row === undefined) throw gone(name)
    const ours = { claim: BigInt(this.#claimed), owner: this.#owner, stored: this.#known }
    const found = { claim: BigInt(row.claim), owner: row.owner }
    const stored = isOurs(found, ours) ? await readStored(this.#db, name) : null
    const is = verdict({ ...found, stored }, ours, progress)
    if (is === 'held') throw held(name, row)
    if (is === 'moved' && stored !== null) {
      this.#known = new KnownState(stored)
      return null
    }
    // Another process that lives there keeps the name.
    const older = withoutSettings(await this.claim({ ...this.#requireRequest(), takeOver: false }, signal))
    this.#rewinds++
    return older
  }

  /** The lock goes with the session. */
  async close(): Promise<void> {}

  #requireRequest(): Claim {
    if (this.#request === undefined) throw new Error('the name must be claimed first')
    return this.#request
  }
}
