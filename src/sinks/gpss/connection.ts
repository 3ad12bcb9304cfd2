import { RelayError } from '../../errors.ts'
import type { GpssAddress } from './address.ts'
import type { GpssColumn } from './columns.ts'
import { connectSession, type GpssTable, type Load, type Outcome, type Session } from './session.ts'

/** Loads tables through GPSS, each load in a session of its own; as many sessions are kept as were needed at once. */
export interface Gpss {
  /**
   * The columns in table order; null if there is no such table.
   * @throws RelayError SINK_…
   */
  describe(table: GpssTable): Promise<readonly GpssColumn[] | null>
  /**
   * Loads the rows: all or none. After an error none is durable, with two exceptions: where GPSS runs `postSql` outside
   * of the transaction and that fails, and where it counts otherwise than we do, which the detail of the error then says.
   * Loads into one table at the same time are reported to be unstable: the caller avoids them.
   * @param onOpen called once the load is open: what fails from then on may be the fault of a row
   * @throws RelayError SINK_…; SINK_REFUSED if a row, or the size of a message, was refused
   */
  load(load: Load, onOpen?: () => void): Promise<Outcome>
  /** Ends all sessions; loads in progress must have ended before. Twice is fine. */
  close(): Promise<void>
}

export function openGpss(address: GpssAddress): Gpss {
  const idle: Session[] = []
  /** Sessions whose end the server did not hear of: they may hold locks that the next load waits for. */
  const lost = new Set<string>()
  let isClosed = false

  async function connect(): Promise<Session> {
    if (isClosed) throw new Error('the connection to GPSS is closed')
    const session = await connectSession(address)
    for (const id of lost) if (await session.endOther(id)) lost.delete(id)
    return session
  }

  async function end(session: Session): Promise<void> {
    if (!(await session.end())) lost.add(session.id)
  }

  /**
   * A session, and the result of the first call in it. One that was kept may be gone, its time over or the server
   * restarted: then nothing has happened yet, and a new session makes the call.
   */
  async function begin<T>(first: (session: Session) => Promise<T>): Promise<[Session, T]> {
    const kept = idle.pop()
    if (kept !== undefined) {
      try {
        return [kept, await first(kept)]
      } catch (error) {
        await end(kept)
        if (!(error instanceof RelayError && error.code === 'SINK_UNREACHABLE')) throw error
      }
    }
    const session = await connect()
    return [session, await orEnd(session, () => first(session))]
  }

  async function orEnd<T>(session: Session, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      await end(session)
      throw error
    }
  }

  async function keep(session: Session): Promise<void> {
    if (isClosed) await end(session)
    else idle.push(session)
  }

  return {
    async describe(table) {
      const [session, columns] = await begin((session) => session.describe(table))
      await keep(session)
      return columns
    },

    async load(load, onOpen) {
      const [session] = await begin((session) => session.open(load))
      onOpen?.()
      const outcome = await orEnd(session, async () => {
        await session.write(load)
        return await session.close(load)
      })
      if (outcome.kind === 'loaded') await keep(session)
      else await end(session)
      return outcome
    },

    async close() {
      isClosed = true
      await Promise.all(idle.splice(0).map(end))
    },
  }
}
