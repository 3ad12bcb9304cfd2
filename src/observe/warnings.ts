import { format } from 'node:util'
import type { Log } from './log.ts'

/**
 * Says in the log, once each, what Node.js and libraries would write to standard error beside it: `process.emitWarning` and the
 * console, which the AWS SDK and gRPC use. Returns how to undo that.
 */
export function warningsIntoLog(log: Log): () => void {
  const said = new Set<string>()
  const isNew = (text: string): boolean => !said.has(text) && said.add(text).size > 0
  const onWarning = ({ name, message, code }: NodeJS.ErrnoException): void => {
    if (!isNew(`${name} ${code} ${message}`)) return
    log.warn({ code: 'WARNING', warning: name, ...(code !== undefined && { of: code }) }, message)
  }
  const say =
    (level: 'warn' | 'error') =>
    (...words: unknown[]): void => {
      const text = format(...words)
      if (isNew(text)) log[level]({ code: 'WARNING', warning: 'console' }, text)
    }

  const listeners = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', onWarning)
  const { warn, error, info, log: plain, debug } = console
  Object.assign(console, { warn: say('warn'), error: say('error'), info: say('warn'), log: say('warn'), debug() {} })
  return () => {
    process.off('warning', onWarning)
    for (const listener of listeners) process.on('warning', listener)
    Object.assign(console, { warn, error, info, log: plain, debug })
  }
}
