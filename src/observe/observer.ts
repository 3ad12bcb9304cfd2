import type { DeadLetter } from '../change.ts'
import type { Positions } from '../position.ts'
import type { RetryObserver } from '../retry.ts'
import type { SetAsideColumns } from '../sinks/sink.ts'
import { sayBeginning } from './beginning.ts'
import { sayDeadLetters } from './dead-letters.ts'
import type { Log } from './log.ts'
import { sayRetries } from './retries.ts'
import { warnOfSetAside } from './set-aside.ts'

/** Hears what happens to a relay beside what it counts. */
export interface Observer extends RetryObserver {
  /** The target is open: reading begins here. */
  begins(positions: Positions): void
  /** These dead letters are durable. */
  deadLettered(letters: readonly DeadLetter[]): void
  /** By source table, the columns of which values were set aside for the first time. */
  setAside(news: ReadonlyMap<string, SetAsideColumns>): void
  /** The relay ends. Twice is fine. */
  close(): void
}

/** What was held back for its rate is looked at this often. */
const DUE_EVERY_MS = 10_000

/**
 * Says all of it in the log, nothing of it more often than it helps.
 * @param showsValues whether words may be said that can hold values of rows
 */
export function observing(log: Log, showsValues: boolean): Observer {
  const deadLetters = sayDeadLetters(log, { showsValues })
  const due = setInterval(() => deadLetters.say(), DUE_EVERY_MS)
  return {
    ...sayRetries(log, { showsValues }),
    begins: (positions) => sayBeginning(log, positions),
    deadLettered: (letters) => deadLetters.written(letters),
    setAside: (news) => warnOfSetAside(log, news),
    close() {
      clearInterval(due)
      deadLetters.say(true)
    },
  }
}
