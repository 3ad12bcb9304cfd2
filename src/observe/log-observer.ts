import type { SetAsideColumn, SetAsideColumns } from '../batch.ts'
import { PARKED } from '../errors.ts'
import { sayBeginning } from './beginning.ts'
import { sayDeadLetters } from './dead-letters.ts'
import type { Log } from './log.ts'
import type { Observer } from './observer.ts'
import { sayRetries } from './retries.ts'
import { warnOfSetAside } from './set-aside.ts'

const PARKED_ADVICE =
  'What comes for it is kept as dead letters. When it is mended, `cdc-relay dead-letters replay` with `--code TABLE_PARKED` writes them, and the table goes on'

/** The log says what it held back for its rate as soon as that is due, which it looks at this often. */
const DUE_EVERY_MS = 10_000

/**
 * Says in the log what an operator wants to know, nothing of it more often than it helps.
 * @param showsValues whether the log may say words that can hold values of rows
 */
export function logObserver(log: Log, showsValues: boolean): Partial<Observer> {
  const deadLetters = sayDeadLetters(log, { showsValues })
  const columnsWarnedOf = new Map<string, Set<string>>()
  let due: NodeJS.Timeout | undefined
  let hasBegun = false

  return {
    ...sayRetries(log, { showsValues }),
    begins(positions) {
      due ??= setInterval(() => deadLetters.say(), DUE_EVERY_MS)
      if (!hasBegun) sayBeginning(log, positions)
      hasBegun = true
    },
    changed(settings) {
      log.info(
        { code: 'SETTINGS_CHANGED', settings },
        'The settings of this relay changed: what was written before stays as and where it is',
      )
    },
    rewound(positions) {
      const message = 'The target stands at older positions than those last written: the relay reads again from there'
      log.warn({ code: 'REWOUND', shards: positions.size }, message)
    },
    awaitsKey(table, { shard, sequence }) {
      log.warn({ code: 'KEY_AWAITED', table, shard, sequence }, `Waiting for the primary key of ${table}`)
    },
    knowsKey(table, key) {
      log.info({ code: 'KEY_KNOWN', table, key }, `The primary key of ${table} is known: its rows wait no longer`)
    },
    parked(table, trouble, count) {
      if (trouble !== null) {
        const said = showsValues ? trouble.said() : undefined
        const why = { code: trouble.code, table, ...trouble.place, ...(said !== undefined && { said }) }
        log.error(why, `Table ${table} is parked, and the other tables go on: ${trouble.message}`)
      }
      const kept = trouble === null ? `, since an earlier run: ${count} of its changes are dead letters` : ''
      log.warn({ code: PARKED, table, count }, `Table ${table} is parked${kept}. ${PARKED_ADVICE}`)
    },
    unparked(table) {
      log.info(
        { code: 'TABLE_FREE', table },
        `Table ${table} is parked no longer: it has no dead letters left, and goes on`,
      )
    },
    wrote({ read, bytes, deadLetters: cut }, { refused = [], setAside, commitMs }, { waitMs, prepareMs, writeMs }) {
      const times = { waitMs, prepareMs, writeMs, ...(commitMs !== undefined && { commitMs }) }
      log.debug({ code: 'BATCH', read, bytes, ...rounded(times) }, 'wrote a batch')
      if (setAside !== undefined) warnOfSetAside(log, newColumns(setAside, columnsWarnedOf))
      deadLetters.written([...cut, ...refused])
    },
    close() {
      clearInterval(due)
      deadLetters.say(true)
    },
  }
}

/** Milliseconds to a tenth of one. */
const rounded = (times: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, Math.round(ms * 10) / 10]))

/** The columns that `known` does not have yet; then it has them. */
function newColumns(
  tables: ReadonlyMap<string, SetAsideColumns>,
  known: Map<string, Set<string>>,
): ReadonlyMap<string, SetAsideColumns> {
  const news = new Map<string, ReadonlyMap<string, SetAsideColumn>>()
  for (const [table, columns] of tables) {
    const before = known.get(table) ?? new Set()
    const added = new Map([...columns].filter(([column]) => !before.has(column)))
    if (added.size > 0) news.set(table, added)
    known.set(table, new Set([...before, ...columns.keys()]))
  }
  return news
}
