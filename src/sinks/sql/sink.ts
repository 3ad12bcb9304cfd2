import type { Seen } from '../../state/seen.ts'
import type { Sink } from '../sink.ts'
import { DEFAULT_RULES, takesJson } from '../tables/rules.ts'
import { askerOf } from './advice.ts'
import { bySqlState, sqlFailure } from './failures.ts'
import { lettersIn } from './letter-store.ts'
import { type Opened, type OpenedForLetters, openForLetters, openName, openTarget, type Target } from './open-target.ts'
import { prepareBatch } from './prepared-batch.ts'
import type { Settings, SqlSinkOptions } from './sink-options.ts'

/**
 * Writes to a SQL database, in its dialect: rows, dead letters and positions of a batch in one transaction where there are
 * such, so that each record takes effect exactly once; else the positions last. The target is its own state store.
 */
export function sqlSink(given: SqlSinkOptions): Sink {
  const options: Settings = { ...DEFAULT_RULES, ...given }
  let target: Target | undefined
  let opened: Opened | undefined
  let openedForLetters: OpenedForLetters | undefined
  let writing: Promise<unknown> = Promise.resolve()
  let closed: Promise<void> | undefined
  const isMirror = options.mode === 'mirror'
  const asker = askerOf(options.url, options.env)

  async function look(): Promise<Seen | null> {
    try {
      const { connection, dialect, state } = requireOpen(opened)
      return await dialect.lookAt(connection, state.name())
    } catch (error) {
      throw sqlFailure(error, target?.dialect.failures ?? bySqlState, {}, asker)
    }
  }

  return {
    get refusesNul() {
      return opened?.dialect.keepsNul !== true
    },
    refusesHalves: true,
    readsBefore: !isMirror,
    needsKeys: isMirror,
    takesJson: (format) => takesJson(options, format, opened?.dialect.takesJson === true),

    async open(opening, signal) {
      try {
        target ??= await openTarget(options, opening.positions === 'engine')
        const { stored, ...name } = await openName(target, options, opening, signal)
        await target.tables.load(opening.relay.name)
        opened = { ...target, ...name }
        return stored
      } catch (error) {
        throw sqlFailure(error, target?.dialect.failures ?? bySqlState, {}, asker)
      }
    },

    async openForLetters(replaying) {
      try {
        openedForLetters ??= await openForLetters(options, replaying)
        opened = openedForLetters
        target = opened
        await opened.tables.load(replaying.relay.name)
        const { connection, dialect, unclaimed, settings } = openedForLetters
        const letters = lettersIn(connection, replaying.relay.name, async () => dialect, asker)
        return { facts: unclaimed.stored().facts, settings, letters }
      } catch (error) {
        throw sqlFailure(error, target?.dialect.failures ?? bySqlState, {}, asker)
      }
    },

    async readFacts() {
      try {
        const { unclaimed } = requireOpen(opened)
        if (unclaimed === null) throw new Error('the facts of a claimed name are known')
        return await unclaimed.readFacts()
      } catch (error) {
        throw sqlFailure(error, target?.dialect.failures ?? bySqlState, {}, asker)
      }
    },

    look,
    countLetters: async () => (await look())?.target?.deadLetters ?? [],

    async relearnTables() {
      try {
        const { tables, state } = requireOpen(opened)
        await tables.load(state.name())
      } catch (error) {
        throw sqlFailure(error, target?.dialect.failures ?? bySqlState, {}, asker)
      }
    },

    async keyColumns(table) {
      try {
        return await requireOpen(opened).tables.keyColumns(table)
      } catch (error) {
        throw sqlFailure(error, target?.dialect.failures ?? bySqlState, {}, asker)
      }
    },

    prepare(batch) {
      const write = prepareBatch(requireOpen(opened), options, batch)
      return (signal) => {
        const result = write(signal)
        writing = result.catch(() => {})
        return result
      }
    },

    close() {
      closed ??= writing.then(async () => {
        await target?.claimed.close()
        await target?.connection.close()
      })
      return closed
    },
  }
}

function requireOpen(opened: Opened | undefined): Opened {
  if (opened === undefined) throw new Error('the sink must be opened first')
  return opened
}
