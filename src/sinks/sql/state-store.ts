import type { Lessons } from '../../change.ts'
import { type FailureCode, RelayError } from '../../errors.ts'
import type { Positions } from '../../position.ts'
import type { StateStore, Stored } from '../../state/store.ts'
import type { Asker } from './advice.ts'
import type { Connection, Database } from './connection.ts'
import type { Dialect } from './dialect.ts'
import { dialectOf } from './dialect-of.ts'
import { bySqlState, sqlFailure } from './failures.ts'

/**
 * What a relay remembers in the target: who it is, where its shards stand and what it learned.
 *
 * The fence: a claim is a number that goes up with each process that takes the name, and the random id of its owner.
 * Positions move only under our claim, and only from the value that we last read or wrote; lessons are written with
 * them or not at all. While a session of ours lives it holds an advisory lock on the name, so that nobody takes it by
 * mistake; what keeps a lost session from doing harm is the claim.
 */
export interface SqlState {
  claim: StateStore['claim']
  /** The relay's name. */
  name(): string
  /** What was last read or written. */
  stored(): Stored
  /** Those of `stored`. */
  positions(): Positions
  /** How often the target was found set back to older positions. */
  setBacks(): number
  /** Before a transaction: takes the lock on the name again if a new session began. Where it is not free, the claim alone guards. */
  keepLock(): Promise<unknown>
  /**
   * Moves positions and writes lessons, last in a batch's transaction. False if not all of that happened: then roll back
   * and `settle`. One statement where nothing was learned.
   * The claim stays locked until the end of the transaction, so that a takeover waits for it.
   */
  moveWithin(trx: Database, moves: Positions, lessons: Lessons): Promise<boolean>
  /** The transaction of these is durable. */
  moved(moves: Positions, lessons: Lessons): void
  /**
   * After moves that did not all happen: null if the target holds them after all (an answer was lost); else the name
   * was claimed again, and what the target holds is returned.
   * @throws RelayError STATE_HELD, STATE_BROKEN if the relay is not known there any more
   */
  settle(moves: Positions, lessons: Lessons, signal: AbortSignal): Promise<Stored | null>
  /** Gives the claim up, before the connection is closed. Twice is fine. */
  close(): Promise<void>
}

/** The same as a store of its own, for a sink that keeps no state. Takes the connection over. @throws RelayError STATE_… */
export function sqlStateStore(connection: Connection, asker?: Asker): StateStore {
  let opened: { readonly state: SqlState; readonly dialect: Dialect } | undefined
  const open = async () => {
    const dialect = await dialectOf(connection, null)
    return { state: dialect.state(connection, null), dialect }
  }
  const orFailure = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw asStateFailure(sqlFailure(error, opened?.dialect.failures ?? bySqlState, {}, asker))
    }
  }

  async function move(moves: Positions, lessons: Lessons, signal: AbortSignal): Promise<Stored | null> {
    if (opened === undefined) throw new Error('the name must be claimed first')
    const { state, dialect } = opened
    await state.keepLock()
    try {
      await dialect.writing.batch(connection.db, async (to) => {
        if (!(await state.moveWithin(to, moves, lessons))) throw new NotMoved()
      })
    } catch (error) {
      if (!(error instanceof NotMoved)) throw error
      return await state.settle(moves, lessons, signal)
    }
    state.moved(moves, lessons)
    return null
  }

  return {
    claim: (claim, signal) =>
      orFailure(async () => {
        opened ??= await open()
        return await opened.state.claim(claim, signal)
      }),
    move: (moves, lessons, signal) => orFailure(() => move(moves, lessons, signal)),
    async close() {
      await opened?.state.close()
      await connection.close()
    },
  }
}

/** Rolls the transaction back. */
class NotMoved extends Error {}

/** What a failure of a target means where it only keeps the state. */
const OF_STATE: Partial<Record<FailureCode, FailureCode>> = {
  SINK_UNREACHABLE: 'STATE_UNREACHABLE',
  SINK_BUSY: 'STATE_THROTTLED',
  SINK_LOGIN: 'STATE_LOGIN',
  SINK_DENIED: 'STATE_DENIED',
  SINK_TLS: 'STATE_LOGIN',
  SINK_TABLE: 'STATE_BROKEN',
  SINK_REFUSED: 'STATE_BROKEN',
  SINK_UNCLEAR: 'STATE_BROKEN',
  SINK_FAILED: 'STATE_BROKEN',
}

function asStateFailure(error: unknown): unknown {
  const code = error instanceof RelayError ? OF_STATE[error.code] : undefined
  if (!(error instanceof RelayError) || code === undefined) return error
  const { detail, place, cause } = error
  return new RelayError(code, detail.replace('The target', 'The state store'), place, cause, error.said())
}
