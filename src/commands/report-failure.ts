import { FAILURES, RelayError } from '../errors.ts'
import type { Reporter } from '../observe/reporter.ts'

/**
 * Says what ended a command; returns its exit code.
 * @param showsValues whether words may be shown that can hold values of rows
 */
export function reportFailure(error: unknown, { log, isTerminal }: Reporter, showsValues = false): number {
  if (error instanceof RelayError) {
    const said = showsValues && error.said() !== undefined ? { said: error.said() } : {}
    log.error({ code: error.code, ...(isTerminal ? {} : error.place), ...said }, error.message)
    return FAILURES[error.code].exit
  }
  const { message } = internalFailure(error)
  const said = showsValues ? { said: String(error) } : {}
  log.error({ code: 'INTERNAL', stack: framesOf(error), ...said }, message)
  return FAILURES.INTERNAL.exit
}

/** What nobody expected. Its own words stay out, for they quote what they are about: `Cannot use 'in' operator to search for …`. */
function internalFailure(error: unknown): RelayError {
  const known: NodeJS.ErrnoException = error instanceof Error ? error : new Error()
  const { name, code, syscall, message } = known
  // What the operating system says is about files and connections.
  const words = syscall === undefined ? `${name}${code === undefined ? '' : ` ${code}`}` : message
  return new RelayError('INTERNAL', `The relay met an error that it does not know: ${words}`)
}

/** Where it happened, without the message in front of it. */
function framesOf(error: unknown): readonly string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return stack.split('\n').flatMap((line) => /^\s+at (.*)$/.exec(line)?.[1] ?? [])
}
