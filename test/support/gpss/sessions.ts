import { randomUUID } from 'node:crypto'
import type { Database } from './database.ts'
import { GpssFailure, NoAnswer } from './failure.ts'
import type { Load } from './load.ts'
import type { GpssSettings } from './settings.ts'

/**
 * One client's connection to one database.
 *
 *   Connect → idle ─ Open → open ─ Close → idle
 *                            │ a Write fails
 *                            └→ failed ─ Close → idle
 *
 * Disconnect, or the idle timeout, ends it in every state, and rolls back.
 */
export interface Session {
  readonly id: string
  readonly db: Database
  readonly timeoutSeconds: number
  /** Null while idle. */
  load: Load | null
  /** The table of its load, from the start of Open on. */
  loadsInto: string | null
}

/** The sessions of one life of the server. */
export interface Sessions {
  readonly count: number
  /** @throws NoAnswer the server died meanwhile */
  connect(open: () => Promise<Database>, timeoutSeconds: number): Promise<Session>
  /**
   * Does `work` while no other call of the session runs.
   *
   * @param start comes before the work, and may end the session
   * @throws GpssFailure unknown, or busy
   */
  use<T>(id: string | undefined, start: () => Promise<void>, work: (session: Session) => Promise<T>): Promise<T>
  /** @returns whether it was there */
  end(id: string | undefined): Promise<boolean>
  /** Ends those whose time is over. */
  expire(): Promise<void>
  /** What a session has open. */
  loadOf(id: string | undefined): Load | null
  /** @returns whether some session has a load into that table */
  loading(into: string): boolean
  endAll(): Promise<void>
  /** Drops all connections without a word. */
  dropAll(): void
}

interface Held {
  readonly session: Session
  running: number
  lastUsedMs: number
  /** Settled once the calls so far are. */
  queue: Promise<unknown>
}

export function unknownSession({ unknownSession: said }: GpssSettings): GpssFailure {
  return new GpssFailure(said?.message ?? 'session not found', said?.code)
}

export function openSessions(settings: GpssSettings): Sessions {
  const { now = Date.now, openLoadsExpire = true, overlap = 'refuse' } = settings
  const held = new Map<string, Held>()
  let deaths = 0

  async function end(id: string | undefined): Promise<boolean> {
    const found = held.get(id ?? '')
    if (found === undefined) return false
    held.delete(found.session.id)
    // A statement that is still running would keep the goodbye waiting.
    if (found.running > 0) found.session.db.drop()
    else await found.session.db.close()
    return true
  }

  async function expire(): Promise<void> {
    for (const [id, { session, running, lastUsedMs }] of held) {
      if (session.timeoutSeconds <= 0 || running > 0 || (session.load !== null && !openLoadsExpire)) continue
      if (now() - lastUsedMs > session.timeoutSeconds * 1000) await end(id)
    }
  }

  function find(id: string | undefined): Held {
    const found = held.get(id ?? '')
    if (found !== undefined) return found
    throw unknownSession(settings)
  }

  const use: Sessions['use'] = async (id, start, work) => {
    const found = find(id)
    if (found.running > 0 && overlap === 'refuse') {
      throw new GpssFailure('another call of this session has not been answered yet')
    }
    found.running++
    const turn = found.queue.then(async () => {
      find(id) // It may have been ended while this call waited for its turn.
      await start()
      return await work(find(id).session)
    })
    found.queue = turn.catch(() => {})
    try {
      return await turn
    } finally {
      found.running--
      found.lastUsedMs = now()
    }
  }

  return {
    get count() {
      return held.size
    },
    async connect(open, timeoutSeconds) {
      const life = deaths
      const db = await open()
      if (deaths !== life) {
        db.drop()
        throw new NoAnswer()
      }
      const session: Session = { id: randomUUID(), db, timeoutSeconds, load: null, loadsInto: null }
      held.set(session.id, { session, running: 0, lastUsedMs: now(), queue: Promise.resolve() })
      return session
    },
    use,
    end,
    expire,
    loadOf: (id) => held.get(id ?? '')?.session.load ?? null,
    loading: (into) => [...held.values()].some(({ session }) => session.loadsInto === into),
    async endAll() {
      await Promise.all([...held.keys()].map(end))
    },
    dropAll() {
      deaths++
      for (const { session } of held.values()) session.db.drop()
      held.clear()
    },
  }
}
