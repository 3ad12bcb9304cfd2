import type { LetterStore } from '../letter-store.ts'
import type { Asker } from './advice.ts'
import type { Connection } from './connection.ts'
import type { Dialect } from './dialect.ts'
import { dialectOf } from './dialect-of.ts'
import { bySqlState, sqlFailure } from './failures.ts'
import type { LetterSearch } from './letter-table.ts'

/**
 * The dead letters of a relay in `cdc_relay.dead_letters`. Takes the connection over. Makes nothing that is missing.
 * @throws RelayError SINK_…
 */
export function sqlLetterStore(connection: Connection, relay: string, asker?: Asker): LetterStore {
  let opened: Promise<Dialect> | undefined
  const open = (): Promise<Dialect> => {
    opened ??= dialectOf(connection, null)
    // What could not be opened is opened again the next time.
    opened.catch(() => {
      opened = undefined
    })
    return opened
  }
  return { ...lettersIn(connection, relay, open, asker), close: () => connection.close() }
}

/** The same over a connection that somebody else closes. @param open asked each time */
export function lettersIn(
  connection: Connection,
  relay: string,
  open: () => Promise<Dialect>,
  asker?: Asker,
): LetterStore {
  async function ask<Answer>(work: (dialect: Dialect) => Promise<Answer>): Promise<Answer> {
    let failures = bySqlState
    try {
      const dialect = await open()
      failures = dialect.failures
      return await work(dialect)
    } catch (error) {
      throw sqlFailure(error, failures, {}, asker)
    }
  }

  const find = (search: Omit<LetterSearch, 'relay'>, withValues: boolean) =>
    ask((dialect) => dialect.letters(connection).find({ relay, ...search }, withValues))

  return {
    list: (filter, from, most) => find({ filter, from, most }, false),
    read: (filter, from, most) => find({ filter, from, most }, true),
    standings: (ids) =>
      ask(async (dialect) => (await dialect.letters(connection).standings?.(relay, ids)) ?? new Map()),
    remove: (ids) => ask((dialect) => dialect.letters(connection).remove(connection.db, relay, ids)),
    knowsRelay: () => ask((dialect) => dialect.letters(connection).knowsRelay(relay)),
    close: async () => {},
  }
}
