import type { CheckContext } from './context.ts'
import { type Finding, NotPermitted, StepFailed, type Verdict } from './finding.ts'
import type { Server } from './server.ts'

/** One thing that the relay needs to be so, or must know about, and how to find out. */
export interface Check {
  readonly id: string
  /** What is done. */
  readonly what: string
  /** What is found where all is well, word for word; a bracket behind it may tell more. */
  readonly expected: string | ((server: Server) => string)
  /** True: nobody knows, or either is fine; it is shown and never counts against a server. */
  readonly open?: true
  /** Where `expected` cannot be compared word for word. */
  readonly fits?: (found: string) => boolean
  /** What of the relay depends on it. */
  readonly decides: string
  /** What the relay will do about it, or the operator has to, if it is not as expected. */
  readonly otherwise: string
  find(context: CheckContext): Promise<string>
}

/** @throws whatever keeps the check from being made: an abort, a server that is away */
export async function runCheck(check: Check, context: CheckContext): Promise<Finding> {
  const { id, what, decides } = check
  const expected = typeof check.expected === 'string' ? check.expected : check.expected(context.server)
  const finding = (found: string, verdict: Verdict): Finding => {
    const consequence = verdict === 'differs' ? check.otherwise : null
    return { id, what, expected, found, decides, verdict, consequence }
  }
  try {
    const found = await check.find(context)
    if (check.open) return finding(found, 'open')
    const isExpected = check.fits?.(found) ?? (found === expected || found.startsWith(`${expected} (`))
    return finding(found, isExpected ? 'as expected' : 'differs')
  } catch (error) {
    if (error instanceof NotPermitted) return finding(error.message, 'not permitted')
    if (error instanceof StepFailed) return finding(error.message, check.open ? 'open' : 'differs')
    throw error
  } finally {
    await context.tidy()
  }
}
