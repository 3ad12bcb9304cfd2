import { FAILURES, isFailureCode } from '../../errors.ts'
import type { Fields, Log } from '../../observe/log.ts'

/** What the log said that an operator should look after. */
export interface Warning {
  /** When it was said last, epoch ms. */
  readonly at: number
  readonly level: 'warning' | 'error'
  readonly code: string
  readonly message: string
  /** What to do, where the message does not say it; null where that is not known. */
  readonly help: string | null
  /** How often it was said. */
  readonly count: number
}

const MOST_WARNINGS = 50

/** The last warnings and errors of a log. Of their fields the code alone is kept: others may hold what `--log-values` shows. */
export class LastWarnings {
  /** By level, code and message; what was said last stands last. */
  readonly #warnings = new Map<string, Warning>()

  /** The newest first. */
  get all(): readonly Warning[] {
    return [...this.#warnings.values()].reverse()
  }

  /** The same log, whose warnings are kept. */
  of(log: Log): Log {
    return {
      debug: (fields, message) => log.debug(fields, message),
      info: (fields, message) => log.info(fields, message),
      warn: (fields, message) => {
        this.#heard('warning', fields, message)
        log.warn(fields, message)
      },
      error: (fields, message) => {
        this.#heard('error', fields, message)
        log.error(fields, message)
      },
    }
  }

  #heard(level: Warning['level'], { code }: Fields, message: string): void {
    const name = JSON.stringify([level, code, message])
    const count = (this.#warnings.get(name)?.count ?? 0) + 1
    this.#warnings.delete(name)
    this.#warnings.set(name, { at: Date.now(), level, code, message, help: helpOf(code, message), count })
    if (this.#warnings.size > MOST_WARNINGS) this.#warnings.delete(this.#warnings.keys().next().value!)
  }
}

/** For what is tried again. All else says in its message what to do, or is about a dead letter. */
function helpOf(code: string, message: string): string | null {
  if (!isFailureCode(code)) return null
  const { retry, help } = FAILURES[code]
  return retry === 'never' || message.includes(help) ? null : help
}
