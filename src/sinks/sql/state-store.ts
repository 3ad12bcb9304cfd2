import type { Progress, Stored } from '../../batch.ts'
import { type FailureCode, RelayError } from '../../errors.ts'
import type { StateStore } from '../../state/store.ts'
import type { Asker } from './advice.ts'
import type { Connection } from './connection.ts'
import type { Dialect } from './dialect.ts'
import { dialectOf } from './dialect-of.ts'
import { bySqlState, sqlFailure } from './failures.ts'
import type { SharedState } from './shared-state.ts'
import type { SqlState } from './state.ts'

/**
 * The same as a store of its own, for a sink that keeps no state. Takes the connection over.
 * @param role whether the database only keeps the state, or is the target that the state lies in: which of the two a failure is of
 * @throws RelayError STATE_…; of a target SINK_…, too
 */
export function sqlStateStore(
  connection: Connection,
  asker?: Asker,
  role: 'state store' | 'target' = 'state store',
): StateStore {
  let opened: { readonly state: SqlState; readonly dialect: Dialect } | undefined
  let joined: SharedState | undefined
  const open = async () => {
    const dialect = await dialectOf(connection, null)
    return { state: dialect.state(connection, null), dialect }
  }
  const orFailure = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      const failure = sqlFailure(error, opened?.dialect.failures ?? bySqlState, {}, asker)
      throw role === 'target' ? failure : asStateFailure(failure)
    }
  }

  async function move(progress: Progress, signal: AbortSignal): Promise<Stored | null> {
    if (opened === undefined) throw new Error('the name must be claimed first')
    const { state, dialect } = opened
    await state.keepLock()
    try {
      await dialect.writing.batch(connection.db, async (to) => {
        if (!(await state.moveWithin(to, progress))) throw new NotMoved()
      })
    } catch (error) {
      if (!(error instanceof NotMoved)) throw error
      return await state.settle(progress, signal)
    }
    state.moved(progress)
    return null
  }

  return {
    claim: (claim, signal) =>
      orFailure(async () => {
        opened ??= await open()
        return await opened.state.claim(claim, signal)
      }),
    move: (progress, signal) => orFailure(() => move(progress, signal)),
    look: (name) =>
      orFailure(async () => {
        opened ??= await open()
        return await opened.dialect.lookAt(connection, name)
      }),
    shared: {
      join: (opening) =>
        orFailure(async () => {
          opened ??= await open()
          joined = opened.dialect.sharedState(connection)
          return await joined.join(opening)
        }),
      read: () => orFailure(async () => requireJoined(joined).readFacts()),
      merge: (facts) =>
        orFailure(async () => {
          const shared = requireJoined(joined)
          await requireJoined(opened).dialect.writing.batch(connection.db, (to) => shared.mergeFacts(to, facts))
        }),
    },
    async close() {
      await opened?.state.close()
      await connection.close()
    },
  }
}

function requireJoined<T>(joined: T | undefined): T {
  if (joined === undefined) throw new Error('the name must be joined first')
  return joined
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
