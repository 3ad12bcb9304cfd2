import { type DeadLetter, tableLabel } from '../change.ts'
import type { FailureCode } from '../errors.ts'
import type { Log } from './log.ts'
import type { SayOptions } from './retries.ts'

/** More of a kind is said after a second, then two, four … up to an hour. */
const FIRST_MS = 1000
const MOST_MS = 3_600_000

/** Those of one code and table. */
interface Kind {
  total: number
  /** Not said yet. */
  unsaid: number
  last: DeadLetter
  everyMs: number
  dueMs: number
}

export interface DeadLetterNews {
  /** These are durable. */
  written(letters: readonly DeadLetter[]): void
  /** Says what is due, or at the end (`isLast`) all that is left. */
  say(isLast?: boolean): void
}

/**
 * Says which dead letters are written: the first of each code and table at once, with its place, the others by their number
 * at a falling rate. Never what is in them.
 */
export function sayDeadLetters(log: Log, options: SayOptions = {}): DeadLetterNews {
  const { showsValues = false, nowMs = () => performance.now() } = options
  const kinds = new Map<string, Kind>()

  const say = (kind: Kind, now: number): void => {
    const { code, detail, change, source, said } = kind.last
    const { stream, shard, sequence } = source
    const table = change === undefined ? {} : { table: tableLabel(change.table) }
    const where = {
      code: code as FailureCode,
      ...table,
      stream,
      shard,
      sequence,
      detail,
      ...(showsValues && said && { said: said() }),
    }
    if (kind.total === 1) log.warn(where, 'A record became a dead letter')
    else
      log.warn(
        { ...where, count: kind.unsaid, total: kind.total },
        'More records became dead letters; this is the last',
      )
    kind.unsaid = 0
    kind.everyMs = Math.min(kind.everyMs * 2, MOST_MS)
    kind.dueMs = now + kind.everyMs
  }

  return {
    written(letters) {
      const now = nowMs()
      for (const letter of letters) {
        const name = JSON.stringify([letter.code, letter.change?.table])
        const kind = kinds.get(name) ?? { total: 0, unsaid: 0, last: letter, everyMs: FIRST_MS / 2, dueMs: now }
        kinds.set(name, kind)
        kind.last = letter
        kind.total++
        kind.unsaid++
        if (kind.total === 1) say(kind, now)
      }
      this.say()
    },

    say(isLast = false) {
      const now = nowMs()
      for (const kind of kinds.values()) if (kind.unsaid > 0 && (isLast || now >= kind.dueMs)) say(kind, now)
    },
  }
}
