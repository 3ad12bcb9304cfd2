import { FAILURES, RelayError } from '../errors.ts'
import type { Reporter } from '../observe/reporter.ts'

/** Says what ended a command; returns its exit code. */
export function reportFailure(error: unknown, { log, isTerminal }: Reporter): number {
  if (error instanceof RelayError) {
    log.error(isTerminal ? {} : { code: error.code, ...error.place }, error.message)
    return FAILURES[error.code].exit
  }
  log.error({}, error instanceof Error ? (error.stack ?? error.message) : String(error))
  return 1
}
