import { createHash } from 'node:crypto'
import type { Facts, Unclaimed } from '../../../../batch.ts'
import { RelayError } from '../../../../errors.ts'
import { requireSameIdentity } from '../../../../state/identity.ts'
import { keeperOf, keptBy, requireSameKeeper } from '../../../../state/keeper.ts'
import { nameReplaced } from '../../../../state/removed.ts'
import type { Database } from '../../../tables/database.ts'
import { type Joined, type Marks, NOBODY, newsOf, requireJoined, type SharedState } from '../../shared-state.ts'
import { ensureSchema } from './migration.ts'
import { readTables } from './remembered-tables.ts'
import {
  beginRelay,
  changeRelay,
  forgetStatement,
  gone,
  pageOf,
  type RelayRow,
  readFacts,
  readRelay,
  removeFactsBefore,
  storedIdentity,
  writeFacts,
} from './state-rows.ts'

/**
 * What is shared is read by full keys, and so as it is now. Facts are written to a page that no row names yet, whose number is
 * taken from the relay's row before, so that no two processes write the same; and the row names it if it is as it was when
 * the facts were merged. So of two that merge at once, one begins again with the facts of the other.
 */
export function crateSharedState(db: Database): SharedState {
  /** The same; enters the name if it is not there, or takes it over. */
  async function enter({ relay, takeOver }: Unclaimed): Promise<{ row: RelayRow; facts: Facts }> {
    const { name } = relay
    for (;;) {
      const found = await readWithFacts(db, name)
      if (found === null) {
        await beginRelay(db, keptBy('engine', relay), new Map())
        continue
      }
      const { row } = found
      const stored = storedIdentity(row, name)
      requireSameIdentity(stored, relay, `run in the target: ${forgetStatement(name)}`)
      requireSameKeeper(stored, 'engine', takeOver)
      if (keeperOf(stored) === 'engine') return found
      const settings = JSON.stringify(keptBy('engine', relay, stored).settings)
      const { owner, host, pid } = NOBODY
      const nobody = { owner, host, pid, heartbeat: 0, claimed_at: new Date().toISOString() }
      await changeRelay(db, name, row, { ...nobody, claim: row.claim + 1, settings })
    }
  }

  let joined: Joined<string> | undefined

  function requireSame<Row extends Pick<RelayRow, 'life'>>(row: Row | undefined): Row {
    const { opening, life } = requireJoined(joined)
    const { name } = opening.relay
    if (row === undefined) throw gone(name)
    if (row.life !== life) throw nameReplaced(name, 'cdc_relay.relays')
    return row
  }

  const readSame = async (): Promise<RelayRow> =>
    requireSame(await readRelay(db, requireJoined(joined).opening.relay.name))

  /** The relay's row and its facts. */
  async function readJoined(): Promise<{ row: RelayRow; facts: Facts }> {
    const found = await readWithFacts(db, requireJoined(joined).opening.relay.name)
    return { facts: found?.facts ?? new Map(), row: requireSame(found?.row) }
  }

  return {
    async join(opening) {
      await ensureSchema(db)
      const { row, facts } = await enter(opening)
      joined = { opening, life: row.life }
      return facts
    },

    async requireName() {
      await readSame()
    },

    readFacts: async () => (await readJoined()).facts,

    async mergeFacts(_, facts) {
      const { opening } = requireJoined(joined)
      const { name } = opening.relay
      for (;;) {
        const { row, facts: stored } = await readJoined()
        requireSameKeeper(storedIdentity(row, name), 'engine', false)
        const news = newsOf(stored, facts, opening)
        if (news.size === 0) return
        const revision = row.revision + 1
        const tokens = await changeRelay(db, name, row, { revision })
        if (tokens === null) continue
        // 0 is no page.
        const page = { life: row.life, claim: Math.max(1, row.claim), revision }
        await writeFacts(db, name, page, new Map([...stored, ...news]))
        const columns = { lessons_claim: page.claim, lessons_revision: page.revision }
        if ((await changeRelay(db, name, tokens, columns)) === null) continue
        await removeFactsBefore(db, page)
        return
      }
    },

    marks: async (_, sources) => await marksOf(db, await readSame(), sources),
  }
}

/** The relay's row and its facts, of one moment; null if there is no such name. */
export async function readWithFacts(db: Database, name: string): Promise<{ row: RelayRow; facts: Facts } | null> {
  let row = await readRelay(db, name)
  while (row !== undefined) {
    try {
      return { row, facts: await readFacts(db, pageOf(row)) }
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== 'STATE_BROKEN') throw error
      // A page goes when another takes its place.
      const again = await readRelay(db, name)
      if (again?.lessons_revision === row.lessons_revision && again.lessons_claim === row.lessons_claim) throw error
      row = again
    }
  }
  return null
}

/** @param row the relay's, as it is now */
export async function marksOf(db: Database, row: RelayRow, sources: readonly string[]): Promise<Marks> {
  const wanted = new Set(sources)
  const tables = (await readTables(db, row.life)).filter(({ source }) => wanted.has(source))
  return {
    facts: `${row.lessons_claim}.${row.lessons_revision}`,
    tables: new Map(tables.map(({ source, keys, columns }) => [source, hashOf(keys, columns)])),
  }
}

const hashOf = (...texts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(texts)).digest('base64')
